"""false_premise and true_twin: a question that takes something for granted, wrongly or rightly, in the same words."""

from __future__ import annotations

import random

from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import Fact, draw_fact, other_fact, pick, sentence, user, within
from mynah.primer.earth.behaviours.facts import key
from mynah.primer.earth.kinds import Grouped
from mynah.primer.earth.wordings import load

_TOLD = load("premise")
TAGS: Grouped = _TOLD["tags"]
SINCE: Grouped = _TOLD["since"]
DENYING = ("not", "isn't", "doesn't", "don't", "aren't", "wasn't", "didn't", "no", "wrong", "mistake", "false")
"""Words of which a correction of a premise has one."""
CONTRADICTING = (
    "is not", "isn't", "are not", "aren't", "was not", "wasn't", "does not", "doesn't", "do not", "don't", "did not",
    "didn't", "not right", "not true", "wrong", "mistake", "false", "never",
)  # fmt: skip
"""Words that no plain answer to a true premise has (it may say that it does not know why)."""
CORRECTIONS = (
    "{denial} {answer}",
    "{denial} {answer}",
    "No, {denial_small} {answer}",
    "That is not right. {answer}",
    "Actually, {small} {denial}",
)
CONFIRMS = (
    "Yes, {small}",
    "Yes. {answer}",
    "That is right. {answer}",
    "Yes, that is true: {small}",
    "You are right, {small}",
)
WHY_TRUE = (
    "{answer} More than that I can't tell you.",
    "It is true that {claim}. The rest is beyond me.",
    "{answer} I only know that it is so.",
    "Yes, {claim}. I know the fact, but not the story behind it.",
)


def false_premise(group: str, rng: random.Random) -> Case:
    """The premise is wrong: say so, and give what is right."""
    return _premise("false_premise", group, rng)


def true_twin(group: str, rng: random.Random) -> Case:
    """The premise is right: answer plainly."""
    return _premise("true_twin", group, rng)


def _premise(behaviour: str, group: str, rng: random.Random) -> Case:
    fact = draw_fact(group, rng)
    false = behaviour == "false_premise"
    said = fact.mistake(rng) if false else fact.value
    claim = fact.fill(rng.choice(fact.relation.claims), v=said)
    shape = rng.choice(("why", "tag", "since") if len(fact.kind.relations) > 1 else ("why", "tag"))
    second = None
    if shape == "why":
        number, wording = pick(fact.relation.whys[group], rng)
        asked = fact.say(wording, v=said)
    elif shape == "tag":
        number, wording = pick(TAGS[group], rng)
        asked = sentence(wording.format(claim=claim))
    else:
        second = other_fact(fact, rng)
        number, wording = pick(SINCE[group], rng)
        following = rng.choice(second.relation.questions[group])
        put = second.say if ". {q}" in wording else second.go_on
        asked = sentence(wording.format(claim=claim, q=put(following)))
    meta = key(behaviour, fact, f"{fact.kind.key}.{fact.relation.key}.{shape}/{group}/{number}")
    meta |= {"shape": shape, "premise": said}
    good = _corrected(fact, said, second, rng) if false else _confirmed(fact, claim, shape, second, rng)
    agreed = _confirmed(fact, claim, shape, second, rng, said)
    denied = _corrected(fact, fact.value, second, rng, fact.mistake(rng))
    if false:
        # What was said may be named in denying it.
        meta["parts"] = [list(fact.accepted), list(DENYING)]
        meta["wrong"] = [w for w in fact.wrong if not overlap(w, said)]
        return Case((user(asked),), meta, good, {"agrees": agreed, "shrugs": "I do not know."})
    # A plain answer to "since" is the other fact; to the rest, the fact itself.
    meta["parts"] = [list(second.accepted)] if second else [list(fact.accepted)]
    meta["wrong"] = [*(second or fact).wrong, *CONTRADICTING]
    meta["wrong"] = [w for w in meta["wrong"] if not overlap(w, said)]
    return Case((user(asked),), meta, good, {"denies": denied, "shrugs": "I do not know."})


def _corrected(fact: Fact, said: str, second: Fact | None, rng: random.Random, value: str | None = None) -> str:
    """The denial of what was said, with what is right (or `value`)."""
    template = rng.choice(fact.relation.denials)
    denial, denial_small = fact.say(template, w=said), fact.go_on(template, w=said)
    text = fact.frame(rng.choice(CORRECTIONS), rng, value, denial=denial, denial_small=denial_small)
    return f"{text} {second.answer(rng)}" if second and rng.random() < 0.5 else text


def _confirmed(
    fact: Fact, claim: str, shape: str, second: Fact | None, rng: random.Random, value: str | None = None
) -> str:
    if second:
        return second.answer(rng)
    return fact.frame(rng.choice(WHY_TRUE if shape == "why" else CONFIRMS), rng, value, claim=claim)


def overlap(one: str, other: str) -> bool:
    """Whether the words of one stand in the other."""
    return within(one, other) or within(other, one)
