"""Manners: courtesies, rudeness, owning to not knowing, denials, and faults of form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mynah.primer.earth.judge.claims import Claim

_COURTESY = re.compile(
    r" (?:(?:i am |i'm )?(?:so |very )?sorry|please|thank you(?: very much| so much| for asking)?|thanks(?: a lot)?|"
    r"hello(?: there)?|hi|hey|(?:good)?bye|welcome|(?:you are |you're )(?:very )?welcome|good (?:question|luck|day)|"
    r"(?:have|enjoy) a (?:nice|good|great) (?:day|evening|time)|i see|no problem|(?:ah )?all right|okay|ok|well|"
    r"(?:i )?hope (?:that |this |it )+(?:helps|helped)(?: you)?|let me know if(?: \w+)+|my pleasure|"
    r"how are you(?: today)?|and you|"
    r"(?:\w+ )?(?:can|may|could) i help(?: you)?(?: today| further| with anything(?: else)?| with something else)?|"
    r"what (?:else )?can i do for you|is there (?:anything|something) else(?: \w+)*|feel free to ask(?: \w+)*|"
    r"(?:i am |i'm )?(?:glad|happy) to help(?: you)?|ask me (?:again )?any ?time|take care|see you(?: soon| later)?|"
    r"(?:yes |no )?please and thank you|sure|of course|certainly|gladly|here you are|here it is)"
    r"(?: please| thank you)? "
)
_RUDE = re.compile(
    r" (?:stupid|fool|idiots?|moron|dumb|shut up|get lost|nasty|you worm|hopeless|makes? me sick|"
    r"no time for (?:this|you)|ashamed of you|lazy|go away|who cares|none of your business|boring me|bothering me|"
    r"(?:do not|don't) bother me|whatever|find out yourself|look it up yourself|ask someone else|hate you|"
    r"terrible person|are you mad|why do you ask me|i (?:don't|do not) care|leave me alone|people like you) "
)
_NOT_KNOWING = re.compile(
    r" (?:(?:do not|don't|cannot|can't|can not|could not|couldn't|did not|didn't|not able to|unable to|no way to|"
    r"no way of) (?:really |even |yet |ever )?(?:know|knowing|say|tell|answer|see|look|check|feel|hear)|never heard|"
    r"not heard of|not (?:quite |so |really )?(?:sure|aware|certain)|no idea|know nothing|nobody knows|no one knows|"
    r"nobody can|no one can|means nothing to me|there is no|does not exist|doesn't exist|"
    r"no such|unknown to me|not known to me|beyond me|knowledge (?:ends|stops)|no (?:news|clock|calendar)) "
)
_NEGATION = re.compile(r" (?:not|never|isn't|aren't|wasn't|weren't|doesn't|don't|didn't|cannot|can't|wrong|false|nor) ")


def courteous(claim: Claim) -> bool:
    """A courtesy or an offer to help, which weighs nothing."""
    return _COURTESY.fullmatch(claim.line) is not None


def rude(line: str) -> bool:
    return _RUDE.search(line) is not None


def ignorant(line: str) -> bool:
    """Whether a sentence or clause owns to not knowing."""
    return _NOT_KNOWING.search(line) is not None


def denying(line: str) -> bool:
    return _NEGATION.search(line) is not None


def flaws(answer: str, claims: Sequence[Claim], meta: Mapping[str, Any]) -> int:
    """Faults of sentences, sentences said twice, and an answer that breaks off."""
    count = sum(max(claim.salad, min(claim.faults, 3)) for claim in claims)
    lines = [claim.line for claim in claims if not courteous(claim)]
    count += len(lines) - len(set(lines))
    if claims and meta["behaviour"] != "writing" and not answer.rstrip().endswith(tuple('.!?")。！？')):
        count += len(claims[-1].words) > 4
    return count
