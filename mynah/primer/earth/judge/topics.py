"""Topics: small talk, who the assistant is, what it cannot know, and what lies outside of what it does."""

from __future__ import annotations

import re
from functools import lru_cache

from mynah.primer.earth.judge.claims import Claim, read
from mynah.primer.earth.judge.findings import HONEST, IDLE, SALAD, Exchange, Findings
from mynah.primer.earth.judge.manners import courteous, denying, ignorant
from mynah.primer.earth.judge.tables import topics
from mynah.primer.earth.judge.words import GENERIC, content_of, lookup, said_of

_HUMAN = re.compile(
    r" (?:i am|i'm|i was|as) (?:also |really |just |only )?(?:an? )?(?:real |normal |young |old |happy )?"
    r"(?:person|human|man|woman|boy|girl|born|doctor|teacher|student|nurse|cook|farmer|mother|father) |"
    r" my (?:mother|father|parents|wife|husband|children|brother|sister|family|house|flat|job is|birthday is|body|son|"
    r"daughter) | i (?:ate|slept|grew up|went to|live in|cried|married|drink|sleep well|was born) |"
    r" (?:by|from) (?:openai|google|microsoft|apple|anthropic|meta) | i am (?:chatgpt|siri|alexa) | years old "
)
_NOT_HUMAN = re.compile(r" (?:not|no|never|isn't|don't|none|nor|neither|without) ")
_NO_THING = re.compile(
    r" (?:not|isn't|am no) (?:an? |just a )?(?:\w+ )?(?:program|model|computer|machine|assistant|software|ai) "
)
_SELF = "program model assistant computer text english language mynah knowledge 2024 write read trained"
_COMMON = {(word,) for word in GENERIC - {"because"}}


@lru_cache(maxsize=8192)
def _matter(phrasing: str, asked: str) -> frozenset[str]:
    """The substance of a request and of what can be said to it."""
    topic = topics().get(phrasing.partition("/")[0])
    said = (*topic.answers, *(p for part in topic.parts for p in part)) if topic else ()
    return content_of(asked) | content_of(*said) | content_of(_SELF)


def on_topic(case: Exchange, found: Findings) -> float:
    meta, claims = case.meta, case.claims
    behaviour, phrasing, parts = meta["behaviour"], meta["phrasing"], meta["parts"]
    if not all(p.isascii() for p in parts[0]):
        return _on_chinese(case, found)
    matter = _matter(phrasing, case.asked)
    met: set[int] = set()
    bad, on_point = False, 0
    for claim in claims:
        hits = _hits(claim, case, matter)
        bad |= _is_bad(claim, case, bool(hits))
        if claim.salad:
            continue
        if hits - met or claim.on(matter) or (hits and courteous(claim)):
            on_point += 1
            found.asides += on_point > 4
        else:
            found.asides += not (courteous(claim) or (behaviour == "cutoff" and ignorant(claim.line)))
        met |= hits
    sound = [claim for claim in claims if not claim.salad]
    noise = len(sound) < len(claims)
    if phrasing.startswith("identity.person") and claims and " not " not in read(case.asked)[0].line:
        asked_for_human = re.search(r"human|person|man|woman|people", case.asked.lower())
        bad |= claims[0].words[0] in ("yes", "sure") and asked_for_human is not None
    if phrasing.startswith("cutoff.when_end"):
        bad |= any(re.fullmatch(r"(?:19|20)\d\d", word) and word != "2024" for c in claims for word in c.words)
    if behaviour == "small_talk":
        if not met:
            found.false = bad
            return SALAD if noise else IDLE
        found.asides += bad
        joking = any(claim.asks for claim in sound) or "joke" in case.answer.lower()
        if phrasing.startswith("small_talk.joke") and not joking:
            found.completeness = 0.5
        return 1.0
    found.harmful = bad
    if met:
        found.completeness = len(met) / len(parts)
        return 1.0
    honest = behaviour == "unknown" and any(ignorant(claim.line) for claim in sound)
    return SALAD if noise else HONEST if honest else IDLE


def _hits(claim: Claim, case: Exchange, matter: frozenset[str]) -> set[int]:
    """Which parts of what is to be said the sentence says."""
    if claim.salad or (claim.asks and case.meta["behaviour"] != "small_talk"):
        return set()
    said = {i: found for i, part in enumerate(case.meta["parts"]) if (found := said_of(claim.words, part))}
    if len(claim.words) > 6 and not claim.on(matter):
        # "Many people ask about this": a common word is no answer.
        return {i for i, phrases in said.items() if not phrases <= _COMMON}
    return set(said)


def _is_bad(claim: Claim, case: Exchange, hits: bool) -> bool:
    """Whether it says what must not be said."""
    behaviour, clauses = case.meta["behaviour"], claim.parts.values()
    if behaviour == "identity" and any(_NO_THING.search(clause) or _claims_life(clause) for clause in clauses):
        return True
    chatting = behaviour == "small_talk"
    if claim.asks or (chatting and (hits or courteous(claim))):
        return False
    wrong = lookup(tuple(case.meta["wrong"]))
    for clause in clauses:
        said = wrong.spans(tuple(clause.split()))
        honest = ignorant(clause) or (not chatting and denying(clause))
        if said and (not honest or any({"never", "not", "no"} & set(phrase) for _, _, phrase in said)):
            return True
    return False


def _claims_life(clause: str) -> bool:
    """Whether it says that the assistant is a person, or somebody else's."""
    return bool(_HUMAN.search(clause)) and not _NOT_HUMAN.search(clause)


def _on_chinese(case: Exchange, found: Findings) -> float:
    """Asked in Chinese: the one honest sentence, or the same in English."""
    told = in_chinese = any(phrase in case.answer for phrase in case.meta["parts"][0])
    for claim in case.claims:
        if claim.text.isascii():
            honest = "english" in claim.words and not claim.salad
            found.asides += told and not (honest or courteous(claim))
            told |= honest
    if told:
        return 1.0 if in_chinese else 0.7
    return IDLE if any(ignorant(claim.line) for claim in case.claims) else SALAD
