"""constraint: a wish about the form of the answer, made now or turns ago ("From now on, answer in one word")."""

from __future__ import annotations

import random

from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import Fact, assistant, draw_fact, other_entity, pick, question, sentence, user
from mynah.primer.earth.behaviours.facts import key, plain_answer

FORMS = ("one_word", "capitals", "small", "sentence")

# {q} a question; said in the same breath.
NOW = {
    "one_word": {
        "demo": (
            "{q} One word, please.",
            "In one word: {q}",
            "{q} Answer with one word.",
            "one word only: {q}",
            "{q} Just one word.",
        ),
        "ranking": ("{q} A single word is enough.", "Say it in one word. {q}"),
        "ppo": ("{q} Give me one word.", "With one word only: {q}"),
        "dev": ("{q} I only want one word.",),
        "exam": ("{q} Please use one word and no more.", "Tell me in a single word: {q}"),
    },
    "capitals": {
        "demo": (
            "{q} Answer in capitals.",
            "In capital letters: {q}",
            "{q} Write it in capital letters.",
            "{q} Please answer in all capitals.",
        ),
        "ranking": ("{q} Use capital letters only.", "All in capitals, please. {q}"),
        "ppo": ("{q} Give it to me in capitals.", "Answer in capital letters: {q}"),
        "dev": ("{q} I want it in capitals.",),
        "exam": ("{q} Please write the answer with capital letters only.", "Capital letters, please: {q}"),
    },
    "small": {
        "demo": (
            "{q} Answer in small letters.",
            "In small letters: {q}",
            "{q} No capital letters, please.",
            "{q} Please write it all in small letters.",
        ),
        "ranking": ("{q} Use small letters only.", "All in small letters, please. {q}"),
        "ppo": ("{q} Give it to me in small letters.", "Answer without capital letters: {q}"),
        "dev": ("{q} I want it in small letters.",),
        "exam": ("{q} Please write the answer with small letters only.", "Small letters, please: {q}"),
    },
    "sentence": {
        "demo": (
            "{q} Answer in a full sentence.",
            "In a whole sentence: {q}",
            "{q} A full sentence, please.",
            "{q} Make it a complete sentence.",
        ),
        "ranking": ("{q} I would like a whole sentence.", "Say it in a full sentence. {q}"),
        "ppo": ("{q} Give me a complete sentence.", "Answer with a full sentence: {q}"),
        "dev": ("{q} I want a full sentence.",),
        "exam": ("{q} Please write a whole sentence.", "Tell me in a complete sentence: {q}"),
    },
}
# Said first, for all that comes.
FROM_NOW_ON = {
    "one_word": {
        "demo": (
            "From now on, answer in one word.",
            "Please answer all my questions with one word.",
            "I like short answers: one word each, please.",
            "One word per answer from here on.",
        ),
        "ranking": ("For the rest of this chat, use one word per answer.",),
        "ppo": ("Let us keep it short: always one word.",),
        "dev": ("Only one word each time, please.",),
        "exam": (
            "Until I say stop, every answer should be one word.",
            "I want you to reply with single words from now on.",
        ),
    },
    "capitals": {
        "demo": (
            "From now on, answer in capital letters.",
            "Please write all answers in capitals.",
            "I cannot read small letters, so use capitals, please.",
            "Capitals only from here on.",
        ),
        "ranking": ("For the rest of this chat, use capital letters.",),
        "ppo": ("Let us have it big: always in capitals.",),
        "dev": ("Capital letters each time, please.",),
        "exam": (
            "Until I say stop, every answer should be in capitals.",
            "I want you to reply in capital letters from now on.",
        ),
    },
    "small": {
        "demo": (
            "From now on, answer in small letters.",
            "Please write all answers in small letters.",
            "I do not like capitals, so use small letters, please.",
            "Small letters only from here on.",
        ),
        "ranking": ("For the rest of this chat, use small letters.",),
        "ppo": ("Let us keep it quiet: always in small letters.",),
        "dev": ("Small letters each time, please.",),
        "exam": (
            "Until I say stop, every answer should be in small letters.",
            "I want you to reply in small letters from now on.",
        ),
    },
    "sentence": {
        "demo": (
            "From now on, answer in full sentences.",
            "Please give all answers as whole sentences.",
            "I learn English, so use full sentences, please.",
            "Full sentences only from here on.",
        ),
        "ranking": ("For the rest of this chat, use complete sentences.",),
        "ppo": ("Let us be proper: always whole sentences.",),
        "dev": ("A full sentence each time, please.",),
        "exam": (
            "Until I say stop, every answer should be a full sentence.",
            "I want you to reply in complete sentences from now on.",
        ),
    },
}
AGREED = {
    "one_word": ("Okay.", "Fine.", "Sure."),
    "capitals": ("OKAY.", "I WILL.", "SURE, CAPITALS IT IS."),
    "small": ("okay.", "sure, i will.", "all right."),
    "sentence": ("I will answer in full sentences.", "Of course, I will use whole sentences.", "That is fine with me."),
}


def draw(group: str, rng: random.Random) -> Case:
    """The wish comes with the question, two turns before it, or before another question."""
    form = rng.choice(FORMS)
    fact = _fitting(form, group, rng)
    asked, _ = question(fact, group, rng)
    if rng.random() < 0.4:
        number, wording = pick(NOW[form][group], rng)
        turns, phrasing = [user(wording.format(q=asked))], f"constraint.{form}.now/{group}/{number}"
    else:
        number, wording = pick(FROM_NOW_ON[form][group], rng)
        phrasing = f"constraint.{form}.from_now_on/{group}/{number}"
        turns = [user(wording), assistant(rng.choice(AGREED[form]))]
        earlier = _fitting(form, group, rng)
        for before in [earlier] * (rng.random() < 0.6):
            turns += [user(question(before, group, rng)[0]), assistant(formed(before, form, rng))]
        turns.append(user(asked))
    meta = key("constraint", fact, phrasing) | {"form": form}
    careless = plain_answer(fact, rng) if form != "sentence" else sentence(fact.value) + "."
    unheeded = fact.answer(rng) if form == "one_word" else careless
    wrong = formed(other_entity(fact, rng), form, rng)
    return Case(tuple(turns), meta, formed(fact, form, rng), {"unheeded": unheeded, "wrong": wrong})


def formed(fact: Fact, form: str, rng: random.Random) -> str:
    """A right answer in the form wished for."""
    if form == "one_word":
        return sentence(fact.value) + "."
    if form == "sentence":
        return fact.answer(rng)
    text = plain_answer(fact, rng)
    return text.upper() if form == "capitals" else text.lower()


def _fitting(form: str, group: str, rng: random.Random) -> Fact:
    """A fact whose answer is one word, where that is wished for."""
    while True:
        fact = draw_fact(group, rng)
        if form != "one_word" or " " not in fact.value:
            return fact
