"""Opposites: what a sentence says of pairs of words, where any word may be a value."""

from __future__ import annotations

import re
from dataclasses import replace

from mynah.primer.earth.judge.claims import Claim
from mynah.primer.earth.judge.manners import ignorant
from mynah.primer.earth.judge.question import Question
from mynah.primer.earth.judge.statements import Said
from mynah.primer.earth.judge.tables import world
from mynah.primer.earth.judge.words import Phrase, content

_OPPOSITE = re.compile(r" (?:opposites?|antonyms?|reverse|contrary|word you want) ")
_DENIAL = re.compile(r" (?:not|isn't|aren't|never) ")
_FRAME = frozenset(
    """
    the opposite opposites of is are and word words you want an antonym reverse means a it its that that's contrary to
    not isn't aren't no yes actually sorry mistake my i am sure understand doubt but looked at again as far know right
    true rest story behind beyond me cannot say can't tell how came about only so reason
    """.split()
)


def on_opposites(words: Phrase) -> bool:
    return _OPPOSITE.search(f" {' '.join(words)} ") is not None


def weigh_opposites(claim: Claim, question: Question, said: Said) -> bool:
    """The same as `weigh`; only what stands in a sentence on opposites, or alone, is read as a value."""
    facts, premise = question.facts, question.premise
    if len(facts) > 1 and (halves := _halves(claim)):
        return max([weigh_opposites(half, question, said) for half in halves])  # both are read
    honest, cued = ignorant(claim.line), on_opposites(claim.words)
    alone = len(claim.words) == 1 or (len(claim.words) <= 3 and claim.words[0] in ("it", "that's", "take", "no"))
    if not cued and (honest or not alone):
        return honest
    words = claim.words[_start(claim, alone) :]
    denied = _DENIAL.search(f" {' '.join(words)} ") is not None
    meant = {p for fact in facts for p in (*fact.accepted, fact.name)} | {premise}
    spoken = [p for _, _, p in world("word").spans(words) if p[0] not in _FRAME or p in meant]
    for index, fact in enumerate(facts):
        rest = [f for f in facts if f is not fact]
        if fact.name not in spoken and any(f.name in spoken for f in rest):
            continue
        others = [p for p in spoken if p != fact.name]
        foreign = {p for f in rest for p in (*f.accepted, f.name)}
        right = any(p in fact.accepted for p in others)
        wrong = any(p not in fact.accepted and p not in foreign for p in others)
        if right and not denied and not wrong:
            said.given.append(index)
            said.right = True
        elif right and denied:
            said.denied_truth = True
        elif premise and premise in others:
            said.denies |= denied
            said.agrees |= not denied
            said.relevant = True
        elif wrong and denied:
            said.relevant = True
        elif wrong or (cued and not right and len(content(words) - content(fact.name)) > 1):
            said.false = True
    return honest and not said.right


def _halves(claim: Claim) -> list[Claim]:
    """Both halves of a sentence that joins two such statements."""
    for i, word in enumerate(claim.words):
        if word == "and" and on_opposites(claim.words[:i]) and on_opposites(claim.words[i + 1 :]):
            cuts = (slice(0, i), slice(i + 1, None))
            return [replace(claim, raw=claim.raw[cut], clauses=claim.clauses[cut]) for cut in cuts]
    return []


def _start(claim: Claim, alone: bool) -> int:
    """Where the statement starts: frames such as "Yes, …", "You are right: …" stand in clauses of their own."""
    if "and" in claim.words and "opposites" in claim.words:
        return claim.clauses.index(claim.clauses[max(claim.words.index("and") - 1, 0)])
    told = (n for n, part in claim.parts.items() if alone or _OPPOSITE.search(part) or " and " in part)
    return claim.clauses.index(next(told, claim.clauses[0]))
