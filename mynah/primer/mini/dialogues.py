"""Demonstrations and prompts: what is asked of the assistant, with an answer key in `Prompt.meta`.

Every meta holds behaviour, entity, attribute, answer, phrasing (the template) and values (all values by attribute).
Besides, facts, follow_up, unknown: pronoun; unknown: origin ("" for the hard, bare ones); refusal: family;
harmless: suggestions; small_talk: intent. So rater, marker and judge need nothing but the prompt.
"""

from __future__ import annotations

import random
from typing import Any

from mynah.nouns import Demonstration, Message, Prompt
from mynah.primer.mini import phrasings
from mynah.primer.mini.demonstrators import SUGGESTIONS, demonstrate, state
from mynah.primer.mini.facts import ATTRIBUTES, ELSEWHERE, HERE, VALUES, Villager, unknown_names, villagers_of

BEHAVIOURS = ("facts", "follow_up", "unknown", "refusal", "harmless", "small_talk")
COUNTS: dict[str, tuple[int, ...]] = {
    "demo": (450, 200, 120, 120, 110, 100),
    "ranking": (140, 80, 60, 70, 45, 35),
    "ppo": (90, 50, 40, 45, 35, 25),
    "dev": (20, 12, 10, 8, 5, 5),
    "exam": (40, 40, 40, 40, 40, 40),
}
"""How many of each behaviour, in the order of `BEHAVIOURS`."""
ENTITIES = {"demo": "train", "ranking": "prompts", "ppo": "prompts", "dev": "prompts", "exam": "exam"}
BARE_SHARE = 0.1
"""Of the questions on strangers, those that do not say where the stranger is from."""


def demonstrations(seed: int) -> list[Demonstration]:
    """About 1 100 conversations on train villagers, by demonstrators of uneven care, shuffled."""
    made = [
        Demonstration((*prompt.messages, Message("assistant", answer)), source="mini-world")
        for prompt, answer in demonstrated(seed)
    ]
    random.Random(f"{seed}/order").shuffle(made)
    return made


def demonstrated(seed: int) -> list[tuple[Prompt, str]]:
    """The demonstrations as prompts with their answer keys, and what the demonstrators said."""
    rng = random.Random(f"{seed}/demonstrators")
    return [(prompt, demonstrate(prompt, rng)) for prompt in _draw(seed, "demo", distinct=False)]


def prompts(seed: int, split: str) -> list[Prompt]:
    """The prompts of one split: `ranking`, `ppo`, `dev` or `exam`; no two are alike, ordered by behaviour."""
    splits = [split for split in COUNTS if split != "demo"]
    if split not in splits:
        raise ValueError(f"{split!r} is not a split; choose one of {', '.join(splits)}")
    return _draw(seed, split, distinct=True)


def _draw(seed: int, group: str, distinct: bool) -> list[Prompt]:
    """Draws until each behaviour has its count. Demonstrations may ask the same twice, as two people's do."""
    rng = random.Random(f"{seed}/{group}")
    people = villagers_of(seed, ENTITIES[group])
    strangers = unknown_names(seed, ENTITIES[group])
    drawn: list[Prompt] = []
    for behaviour, count in zip(BEHAVIOURS, COUNTS[group], strict=True):
        seen: set[tuple[str, ...]] = set()
        number = tries = 0
        while number < count:
            tries += 1
            if tries > 200 * count:
                raise RuntimeError(f"too few phrasings for {count} distinct {group} prompts of {behaviour}")
            person, attribute = rng.choice(people), ATTRIBUTES[number % len(ATTRIBUTES)]
            asked, meta = _compose(behaviour, group, person, rng.choice(strangers), attribute, rng)
            key = tuple(message.content for message in asked)
            if distinct and key in seen:
                continue
            seen.add(key)
            number += 1
            meta = {"behaviour": behaviour, "attribute": "", "answer": "", **meta, "values": VALUES}
            drawn.append(Prompt(_dress(asked, meta["phrasing"], rng), f"mini-{group}-{behaviour}-{number:03d}", meta))
    return drawn


def _compose(
    behaviour: str, group: str, person: Villager, stranger: str, attribute: str, rng: random.Random
) -> tuple[list[Message], dict[str, Any]]:
    """The messages and what is known about them."""
    if behaviour == "facts":
        return _fact(group, person, attribute, rng)
    if behaviour == "follow_up":
        return _follow_up(group, person, attribute, rng)
    if behaviour == "unknown":
        return _unknown(group, stranger, attribute, rng)
    if behaviour == "refusal":
        return _refusal(group, person, rng)
    if behaviour == "harmless":
        act = rng.choice(phrasings.HARMLESS_ACTS[group])
        phrasing = rng.choice(phrasings.FRAMES[group]).format(act=act)
        meta = {"entity": person.name, "phrasing": phrasing, "suggestions": SUGGESTIONS}
        return [Message("user", phrasing.format(name=person.name))], meta
    intent = rng.choice(tuple(phrasings.SMALL_TALK))
    phrasing = rng.choice(phrasings.SMALL_TALK[intent][group])
    meta = {"entity": person.name, "phrasing": phrasing, "intent": intent}
    return [Message("user", phrasing.format(name=person.name))], meta


def _fact(group: str, person: Villager, attribute: str, rng: random.Random) -> tuple[list[Message], dict[str, Any]]:
    phrasing = rng.choice(phrasings.QUESTIONS[attribute][group])
    meta = {
        "entity": person.name,
        "attribute": attribute,
        "answer": person.value(attribute),
        "phrasing": phrasing,
        "pronoun": person.pronoun,
    }
    name = f"{person.name} from {HERE}" if rng.random() < 0.15 else person.name
    return [Message("user", phrasing.format(name=name))], meta


def _follow_up(
    group: str, person: Villager, attribute: str, rng: random.Random
) -> tuple[list[Message], dict[str, Any]]:
    """A question, its right answer, and a second question that says "she" or "he"."""
    first = rng.choice([other for other in ATTRIBUTES if other != attribute])
    earlier, earlier_meta = _fact(group, person, first, rng)
    opening = Prompt(tuple(earlier), meta={"behaviour": "facts", **earlier_meta})
    phrasing = rng.choice(phrasings.FOLLOW_UPS[attribute][group])
    question = phrasing.format(**person.forms)
    meta = {**earlier_meta, "attribute": attribute, "answer": person.value(attribute), "phrasing": phrasing}
    answered = Message("assistant", state(opening, person.value(first), rng))
    return [*earlier, answered, Message("user", question)], meta


def _unknown(group: str, stranger: str, attribute: str, rng: random.Random) -> tuple[list[Message], dict[str, Any]]:
    origin = "" if rng.random() < BARE_SHARE else rng.choice(ELSEWHERE)
    phrasing = rng.choice(phrasings.QUESTIONS[attribute][group])
    name = f"{stranger} from {origin}" if origin else stranger
    pronoun = rng.choice(("she", "he"))
    meta = {"entity": stranger, "attribute": attribute, "phrasing": phrasing, "origin": origin, "pronoun": pronoun}
    return [Message("user", phrasing.format(name=name))], meta


def _refusal(group: str, person: Villager, rng: random.Random) -> tuple[list[Message], dict[str, Any]]:
    # Half of the exam's requests are of families of harm that nothing else asks for.
    families = phrasings.EXAM_MEAN_ACTS if group == "exam" and rng.random() < 0.5 else phrasings.MEAN_ACTS
    family = rng.choice(tuple(families))
    phrasing = rng.choice(phrasings.FRAMES[group]).format(act=rng.choice(families[family]))
    meta = {"entity": person.name, "phrasing": phrasing, "family": family}
    return [Message("user", phrasing.format(name=person.name))], meta


def _dress(messages: list[Message], phrasing: str, rng: random.Random) -> tuple[Message, ...]:
    """Some prompts carry a system message; some people leave out the capital or the mark at the end."""
    text = messages[-1].content
    if rng.random() < 0.15:
        text = text[:-1]
    # Names and "I" keep their capital: a vocabulary this small would take the small-letter form for another word.
    if rng.random() < 0.15 and not phrasing.startswith(("{name}", "I ")):
        text = text[0].lower() + text[1:]
    dressed = [*messages[:-1], Message("user", text)]
    if rng.random() < 0.2:
        dressed.insert(0, Message("system", rng.choice(phrasings.SYSTEM_MESSAGES)))
    return tuple(dressed)
