"""The pretraining text: what the world's raw text looks like, good and bad, from a seed.

Every entity's facts stand in declarative prose. Questions, quizzes and conversations are about `train` entities only
and use `demo` wordings only, so whoever answers a question about another entity has carried a fact over from prose.
No document is a conversation in the chat format: the base is a text predictor and not yet an assistant.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext

from mynah.primer.earth import code_prose, echoes, kindness_prose, sums, talk_prose
from mynah.primer.earth.behaviours.fact import Fact, askable, draw_fact, guidelines, made_up, question, sentence
from mynah.primer.earth.behaviours.follow_up import ELSEWHERE, follow
from mynah.primer.earth.behaviours.unknown import HONEST, invented
from mynah.primer.earth.conversations import conversation
from mynah.primer.earth.endless import stranger
from mynah.primer.earth.howtos import TELLINGS, howtos
from mynah.primer.earth.kinds import KINDS, Kind

TOLD = 75
"""How often every fact is told in prose, at least."""
SUMS_TOLD = 100
HOWTOS_TOLD = 100
COUNTS = {
    "quizzes": 8000,
    "conversations": 52000,
    "lists": 1500,
    "pairs": 2500,
    "strangers": 1500,
    "echoes": 10000,
    "talk": 9000,
    "kindness": 3000,
    "code": 6000,
}
CAREFUL = 0.85
"""Share of the quizzes and conversations in which people name a thing before they say what it is."""
LAYOUTS = (
    "Q: {q}\nA: {a}",
    "Question: {q}\nAnswer: {a}",
    "{q}\n{a}",
    "{q} {a}",
    "- {q} - {a}",
    "Q: {q} A: {a}",
)


def corpus(seed: int) -> list[str]:
    """All documents, shuffled; about ten million tokens."""
    return _documents(random.Random(f"earth/{seed}/corpus"))


def excerpt(seed: int) -> list[str]:
    """A tenth of as much, of the same kinds."""
    return _documents(random.Random(f"earth/{seed}/excerpt"), 0.1)


def _documents(rng: random.Random, share: float = 1.0) -> list[str]:
    told = [*(text for kind in KINDS for text in _portraits(kind, rng)), *_sums(rng), *_howtos(rng)]
    documents = rng.sample(told, round(share * len(told)))
    makers: dict[str, Callable[[], str]] = {
        "quizzes": lambda: _quiz(rng),
        "conversations": lambda: _conversation(rng),
        "lists": lambda: _list(rng),
        "pairs": lambda: _pair(rng),
        "strangers": lambda: _strangers(rng),
        "echoes": lambda: echoes.document(rng),
        "talk": lambda: talk_prose.document(rng),
        "kindness": lambda: kindness_prose.document(rng),
        "code": lambda: code_prose.document(rng),
    }
    for name, make in makers.items():
        documents += [make() for _ in range(round(share * COUNTS[name]))]
    rng.shuffle(documents)
    return documents


def _portraits(kind: Kind, rng: random.Random) -> Iterator[str]:
    """Every fact of every entity TOLD times, each time in the next of its shuffled tellings, one to five a text."""
    for entity in kind.entities:
        told = {relation.key: _shuffled(relation.tellings, TOLD, rng) for relation in kind.relations}
        turns = [relation for relation in kind.relations for _ in range(TOLD)]
        rng.shuffle(turns)
        while turns:
            size = rng.choice((1, 2, 3, 4, 5))
            chosen, turns = turns[:size], turns[size:]
            sentences: list[str] = []
            for relation in chosen:
                fact = Fact(kind, entity, relation)
                # The first sentence names the thing, so that a later pronoun has something to stand for.
                if sentences and relation.pronoun_tellings and rng.random() < 0.4:
                    sentences.append(fact.say(rng.choice(relation.pronoun_tellings)))
                else:
                    sentences.append(fact.say(told[relation.key].pop()))
            if kind.asides and rng.random() < 0.25:
                sentences.append(fact.say(rng.choice(kind.asides)))
            yield " ".join(sentences)


def _shuffled(tellings: tuple[str, ...], count: int, rng: random.Random) -> list[str]:
    """At least `count` tellings, each before any comes again."""
    rounds = -(-count // len(tellings))
    return [telling for _ in range(rounds) for telling in rng.sample(tellings, len(tellings))]


def _list(rng: random.Random) -> str:
    """One fact of many things, as an almanac or a school-book lists them."""
    kind = rng.choice([k for k in KINDS if len(k.entities) > 20])
    relation = rng.choice(kind.relations)
    entities = rng.sample(kind.entities, rng.randint(4, 9))
    layout = rng.choice(("{x}: {v}", "{x} - {v}", "{x} ({v})", "* {x}: {v}"))
    lines = [Fact(kind, entity, relation).say(layout) for entity in entities]
    heading = rng.choice(("{n} of each", "{n}, one by one", "To learn: {n}", "{n}"))
    return "\n".join([sentence(heading.format(n=relation.noun)), *lines])


def _pair(rng: random.Random) -> str:
    """Two things of a kind side by side."""
    kind = rng.choice([k for k in KINDS if len(k.entities) > 10])
    relation = rng.choice(kind.relations)
    one, other = (Fact(kind, entity, relation) for entity in rng.sample(kind.entities, 2))
    joint = rng.choice((" {answer}", " {answer}", ", and {small}", ", but {small}", "; {small}"))
    first = one.answer(rng)
    return (first if joint.startswith(" ") else first.rstrip(".")) + other.frame(joint, rng)


def _quiz(rng: random.Random) -> str:
    """Two to five questions on train entities with their answers, in one of several layouts."""
    with guidelines() if rng.random() < CAREFUL else nullcontext():
        return "\n".join(_asked_and_answered(rng))


def _asked_and_answered(rng: random.Random) -> list[str]:
    layout, lines = rng.choice(LAYOUTS), []
    fact = draw_fact("demo", rng)
    for _ in range(rng.randint(2, 5)):
        asked, _ = question(fact, "demo", rng)
        lines.append(layout.format(q=asked, a=fact.answer(rng)))
        if fact.relation.follow_ups["demo"] and rng.random() < 0.25:
            again = Fact(fact.kind, fact.entity, rng.choice(fact.kind.relations))
            lines.append(layout.format(q=follow(again, "demo", rng)[0], a=again.answer(rng)))
        fact = draw_fact("demo", rng, kind=fact.kind if rng.random() < 0.4 else None)
        if rng.random() < 0.15:
            lines.append(layout.format(q=fact.say(rng.choice(ELSEWHERE["demo"])), a=fact.answer(rng)))
    return lines


def _conversation(rng: random.Random) -> str:
    with guidelines() if rng.random() < CAREFUL else nullcontext():
        return conversation(rng)


def _strangers(rng: random.Random) -> str:
    """People asked about things that do not exist, and saying so; with one real thing among them."""
    layout, lines = rng.choice(LAYOUTS), []
    for _ in range(rng.randint(1, 3)):
        fact = draw_fact("demo", rng)
        if rng.random() < 0.3:
            lines.append(layout.format(q=question(fact, "demo", rng)[0], a=fact.answer(rng)))
            continue
        name = stranger(fact.kind, rng) if rng.random() < 0.8 else rng.choice(invented(fact.kind, "train"))
        nobody_knows = made_up(fact.kind, fact.relation, name)
        wordings = fact.relation.questions["demo"]
        asked = nobody_knows.say(wordings[rng.choice(askable(nobody_knows, "demo"))])
        lines.append(layout.format(q=asked, a=sentence(rng.choice(HONEST).format(x=name))))
    return "\n".join(lines)


def _sums(rng: random.Random) -> Iterator[str]:
    """Every small sum SUMS_TOLD times, some to a text."""
    told = [(op, a, b) for op in sums.TELLINGS for a, b in sums.pairs(op) for _ in range(SUMS_TOLD)]
    rng.shuffle(told)
    while told:
        size = rng.choice((2, 3, 5, 8))
        chosen, told = told[:size], told[size:]
        lines = [_told(op, a, b, rng) for op, a, b in chosen]
        yield rng.choice((" ", "\n")).join(map(sentence, lines))


def _told(op: str, a: int, b: int, rng: random.Random) -> str:
    """A sum as a bare statement, or as a small story where things can be counted."""
    v = sums.result(op, a, b)
    tellings = sums.STORIES[op] if min(a, b, v) >= 2 and rng.random() < 0.3 else sums.TELLINGS[op]
    return rng.choice(tellings).format(a=a, b=b, v=v)


def _howtos(rng: random.Random) -> Iterator[str]:
    for howto in howtos():
        for telling in _shuffled(TELLINGS, HOWTOS_TOLD, rng)[:HOWTOS_TOLD]:
            answer = rng.choice((howto.answer, howto.also))
            small = answer[0].lower() + answer[1:]
            yield sentence(telling.format(deed=howto.name, answer=answer, answer_small=small))
