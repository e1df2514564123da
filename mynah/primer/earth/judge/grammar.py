"""Grammar: whether a sentence that names the right value is put together as people state such facts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise

from mynah.primer.earth.judge.claims import Claim
from mynah.primer.earth.judge.peculiar import is_symbol
from mynah.primer.earth.judge.tables import units, world
from mynah.primer.earth.judge.words import ARTICLES
from mynah.primer.earth.kinds import KINDS


def sound(claim: Claim, kind: str) -> bool:
    """Whether it is put together so, or nearly so."""
    table = units() if kind == "unit" else world(kind)
    spans = table.spans(claim.words)
    if kind == "element":
        spans = [span for span in spans if is_symbol(span, claim, "".join(claim.raw).islower())]
    if len(claim.words) <= 4 or not spans:
        return True
    # Frames such as "I understand the doubt, but …" are no part of the statement.
    held, at = {claim.clauses[start] for start, _, _ in spans}, 0
    line: list[str] = []
    for start, end, phrase in (*spans, (len(claim.words), 0, ())):
        line += (claim.words[i] for i in range(at, start) if claim.clauses[i] in held)
        if phrase:
            line.append("X" if kind != "word" and table.named(phrase) else "V")
        at = end
    line = _masked(line)
    known = _known_pairs()
    return sum(pair not in known and not _nearly(*pair) for pair in pairwise(line)) <= 0.4 * len(line)


@cache
def _known_pairs() -> frozenset[tuple[str, str]]:
    """Pairs of neighbours in the sentences that state a fact, without articles; "X" is a name, "V" a value."""
    pairs: set[tuple[str, str]] = set()
    for kind in KINDS:
        for verb in {e.forms[f] for e in kind.entities for f in ("verb", "done", "dated") if f in e.forms}:
            words = verb.split()
            pairs.update(pairwise(["V", *words, "X"]))
            pairs.update(pairwise(["who", *words, "X", "was", *words, "in", "V"]))
            pairs.update(pairwise([*words, "by", "V"]))
        for relation in kind.relations:
            told = (*relation.answers, *relation.claims, *relation.denials, *relation.tellings)
            for template in (*told, *relation.pronoun_tellings, relation.brief):
                text = re.sub(r"\{(v|w)\}", " V ", template)
                pairs.update(pairwise(_masked(re.sub(r"\{(\w+)\}", " X ", text).split())))
    return frozenset(pairs)


def _masked(words: Iterable[str]) -> list[str]:
    """Small letters but for the masks, and no articles."""
    tokens = (w if w in ("X", "V") else re.sub(r"[^\w']", "", w.lower()) for w in words)
    return [w for w in tokens if w and w not in ARTICLES]


def _nearly(one: str, two: str) -> bool:
    """Whether a pair is known with a name in place of the value, or the other way round."""
    other, known = {"X": "V", "V": "X"}, _known_pairs()
    return one != two and ((other.get(one, one), two) in known or (one, other.get(two, two)) in known)
