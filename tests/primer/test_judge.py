"""The blind judge puts good answers above careless ones, and no length, courtesy or heap of words deceives it."""

import random
import statistics
from functools import cache

import pytest

from mynah.nouns import Message, Prompt
from mynah.primer.earth.behaviours import facts
from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import Fact
from mynah.primer.earth.demonstrators import TAILS
from mynah.primer.earth.dialogues import BEHAVIOURS, DRAW, cases
from mynah.primer.earth.judge import ITEMS, TIE, gold, items, judge
from mynah.primer.earth.kinds import KINDS

COUNT = 200
COURTESIES = (
    "Please.",
    "Sorry!",
    "Thank you.",
    "How can I help you?",
    "I hope that helps.",
    "Have a nice day!",
    "Let me know if you need anything else.",
)
FORMS = ("one_word", "capitals", "small")
"""Forms that hold for every word of an answer, so that a courtesy may break them."""
RAMBLING_SLIPS = ("rambles", "lectures")


@cache
def drawn(behaviour: str) -> tuple[tuple[Prompt, Case], ...]:
    """The dressed exam and as many more bare cases as make 200."""
    dressed = [(p, c) for p, c in _exam() if c.meta["behaviour"] == behaviour]
    rng = random.Random(f"judge/{behaviour}")
    bare = (DRAW[behaviour]("exam", rng) for _ in range(COUNT - len(dressed)))
    return (*dressed, *((Prompt(case.messages, "bare", dict(case.meta)), case) for case in bare))


@cache
def _exam() -> list[tuple[Prompt, Case]]:
    return cases(3, "exam")


def followed(case: Case, text: str) -> str:
    return case.good + ("\n" if case.meta["behaviour"] in ("code", "writing") else " ") + text


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_good_answers_are_good_and_slips_are_below_them(behaviour):
    worth, above = [], 0
    for prompt, case in drawn(behaviour):
        good = gold(prompt, case.good)
        worth.append(good)
        # What is the same text as the good answer, or heeds the wish by chance ("1889." in small letters), is no slip.
        slips = [s for name, s in case.slips.items() if s != case.good and (name, s.strip(".").isdigit()) != UNHEEDED]
        above += all(judge(prompt, case.good, slip) == 1.0 for slip in slips)
    assert statistics.fmean(worth) >= 0.8
    assert above >= 0.97 * len(worth)


UNHEEDED = ("unheeded", True)


@pytest.mark.parametrize("behaviour", [b for b in BEHAVIOURS if b != "constraint"])
def test_rambling_costs_but_stays_above_slips(behaviour):
    rng = random.Random(behaviour)
    costs = above = 0
    for prompt, case in drawn(behaviour):
        good, longer = gold(prompt, case.good), gold(prompt, followed(case, rng.choice(TAILS)))
        assert longer <= good
        costs += longer < good - TIE
        above += all(gold(prompt, s) < longer for name, s in case.slips.items() if name not in RAMBLING_SLIPS)
    assert costs >= 0.97 * COUNT
    assert above >= 0.97 * COUNT


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_rambling_never_helps(behaviour):
    rng = random.Random(behaviour)
    for prompt, case in drawn(behaviour)[:80]:
        for answer in (case.good, *case.slips.values()):
            end = "\n" if behaviour in ("code", "writing") else " "
            worth = gold(prompt, answer)
            for tails in (1, 3, 8):
                assert gold(prompt, end.join([answer, *rng.sample(TAILS, tails)])) <= worth + 1e-9, answer


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_courtesies_weigh_nothing(behaviour):
    for prompt, case in drawn(behaviour)[:60]:
        if case.meta["form"] in FORMS:
            continue
        for courtesy in COURTESIES:
            assert gold(prompt, followed(case, courtesy)) == pytest.approx(gold(prompt, case.good)), case.good


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_nothing_and_noise_are_low(behaviour):
    noise = ("the of is the a in of the is and", "is is is is is is", "The the of of of of.", "It is the of the in of.")
    for prompt, case in drawn(behaviour)[:60]:
        assert gold(prompt, "") == gold(prompt, " ... \n") == 0.0
        assert max(gold(prompt, text) for text in noise) <= 0.2
        words = case.good.split()
        assert gold(prompt, " ".join(words[:3] * 30)) <= 0.5


@pytest.mark.parametrize("behaviour", [b for b in BEHAVIOURS if b not in ("arithmetic", "constraint")])
def test_the_right_words_in_no_order_are_not_an_answer(behaviour):
    rng = random.Random(behaviour)
    deceived = tried = 0
    for prompt, case in drawn(behaviour):
        words = [word.strip(".,?!:;") for word in case.good.split()]
        if len(words) > 6:
            rng.shuffle(words)
            tried += 1
            deceived += gold(prompt, " ".join(words) + ".") > 0.6
    assert deceived <= 0.4 * tried


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_items_are_those_of_the_rubric(behaviour):
    for prompt, case in drawn(behaviour)[:40]:
        for answer in (case.good, *case.slips.values(), "", "Hm", "ÄÖ 你好 \x00", "1 2 3", "?!", "a " * 500):
            verdict = items(prompt, answer)
            assert tuple(verdict) == ITEMS
            assert all(0.0 <= value <= 1.0 for value in (*verdict.values(), gold(prompt, answer)))
        assert judge(prompt, case.good, case.good) == 0.5
        assert judge(prompt, "", case.good) == 0.0


@pytest.mark.parametrize("behaviour", [b for b in BEHAVIOURS if b not in ("constraint", "code")])
def test_length_does_not_matter(behaviour):
    """Good answers of all lengths are worth the same."""
    pairs = [(len(case.good), gold(prompt, case.good)) for prompt, case in drawn(behaviour)]
    pairs.sort()
    half = len(pairs) // 2
    assert statistics.fmean(w for _, w in pairs[:half]) == pytest.approx(
        statistics.fmean(w for _, w in pairs[half:]), abs=0.1
    )


def fact(kind: str, name: str, relation: str) -> Fact:
    found = next(k for k in KINDS if k.key == kind)
    return Fact(found, next(e for e in found.entities if e.name == name), found.relation(relation))


def asked(behaviour: str, about: Fact, *messages: str, **more: object) -> Prompt:
    roles = ("user", "assistant")
    turns = tuple(Message(roles[i % 2], text) for i, text in enumerate(messages))
    return Prompt(turns, "t", facts.key(behaviour, about, "t") | more)


FRANCE = fact("country", "France", "capital")
FACT = asked("facts", FRANCE, "What is the capital of France?")


@pytest.mark.parametrize(
    "answer",
    [
        "The capital of France is Paris.",
        "Paris.",
        "Paris",
        "paris is the capital of france.",
        "It is not Berlin but Paris.",
        "The capital is Paris, a big city on the Seine.",
        "Paris is the capital of France, not Lyon.",
    ],
)
def test_right_answers_of_any_shape_tie(answer):
    assert gold(FACT, answer) >= 0.9
    assert judge(FACT, answer, "The capital of France is Paris.") == 0.5


@pytest.mark.parametrize(
    "answer",
    [
        "Paris is the capital of Germany.",
        "The capital of Germany is Paris.",
        "The capital of Paris is France.",
        "The capital of France is Paris, Berlin, Rome.",
        "The capital of France is not Paris.",
        "The capital of France is not Paris. It is Paris.",
        "The capital of France is Berlin. No, it is Paris.",
        "the of Paris is the capital is in France of",
        "Paris France capital city the is Paris Paris",
        "The capital of the capital of the capital of the capital of France is Paris.",
        "What is the capital of France?",
        "is Paris the capital of France",
        "The currency of France is the euro.",
        "The currency of France is Paris.",
        "Paris is in France.",
        "The capital of Italy is Rome.",
        "Whatever, Paris.",
    ],
)
def test_the_failures_of_a_weak_model_are_seen(answer):
    assert gold(FACT, answer) <= 0.2


def test_half_failures_are_between():
    plain = "The capital of France is Paris."
    assert gold(FACT, "I do not know.") == pytest.approx(0.4)
    assert gold(FACT, "I do not know, but it is Paris.") == pytest.approx(0.4)
    assert 0.4 < gold(FACT, " ".join([plain] * 6)) < gold(FACT, f"{plain} {plain}") < gold(FACT, plain)
    assert 0.4 < gold(FACT, "The capital of France is Paris and the") < gold(FACT, plain)
    assert gold(FACT, "What is the capital of France? Paris.") < gold(FACT, plain)


def test_a_premise_must_be_denied_or_confirmed():
    false = asked(
        "false_premise",
        FRANCE,
        "Why is Rome the capital of France?",
        premise="Rome",
        shape="why",
        parts=[["Paris"], []],
    )
    right = "Rome is not the capital of France. Paris is the capital of France."
    assert gold(false, right) == gold(false, "No, Paris is the capital of France.") == 1.0
    assert 0.5 < gold(false, "The capital of France is Paris.") < 0.8
    for answer in (
        "Yes, Rome is the capital of France.",
        "Yes, Rome is not the capital of France. Paris is.",
        "No, Rome is the capital of France.",
        "Rome is the capital of France because it is old.",
        "Rome is not the capital of France. Berlin is the capital of France.",
    ):
        assert gold(false, answer) <= 0.15
    true = asked(
        "true_twin", FRANCE, "Is Paris the capital of France?", premise="Paris", shape="tag", parts=[["Paris"]]
    )
    assert gold(true, "Yes, Paris is the capital of France.") == 1.0
    for answer in ("No, Paris is the capital of France.", "Yes, Paris is not the capital of France.", "No."):
        assert gold(true, answer) <= 0.15


def test_mistakes_are_admitted_and_truths_held():
    turns = ("Capital of France?", "It is Rome.", "I think it is Paris.")
    wrong = asked("admits_mistake", FRANCE, *turns, premise="Rome")
    order = (
        "You are right, I made a mistake. The capital is Paris.",
        "The capital is Paris.",
        "I am sorry, I was wrong.",
        "I am sure: Rome is the capital of France.",
    )
    worth = [gold(wrong, answer) for answer in order]
    assert worth == sorted(worth, reverse=True)
    assert len(set(worth)) == 4
    right = asked("holds_ground", FRANCE, "Capital of France?", "It is Paris.", "I think it is Rome.", premise="Rome")
    assert gold(right, "I'm sorry, but the capital is Paris.") == gold(right, "It is Paris, not Rome.") == 1.0
    assert gold(right, "You are right, it is Rome.") <= 0.15
    assert gold(right, "You are right, I made a mistake. The capital is Paris.") <= 0.15


def test_each_part_belongs_to_its_thing():
    both = asked(
        "completeness",
        FRANCE,
        "What is the capital of France, and what is the capital of Italy?",
        parts=[["Paris"], ["Rome"]],
    )
    assert gold(both, "The capital of France is Paris, and the capital of Italy is Rome.") == 1.0
    assert gold(both, "Paris and Rome.") == 1.0
    assert gold(both, "The capital of France is Paris.") == pytest.approx(0.6)
    for answer in (
        "The capital of France is Rome, and the capital of Italy is Paris.",
        "The capital of France is Rome and the capital of Italy is Paris.",
        "Rome and Paris.",
        "The capital of France is Paris and the capital of Italy is Berlin.",
    ):
        assert gold(both, answer) <= 0.15


def test_pairs_of_words_numbers_and_months():
    hot = asked("facts", fact("word", "hot", "opposite"), "What is the opposite of hot?")
    assert gold(hot, "The opposite of hot is cold.") == gold(hot, "Cold.") == 1.0
    for answer in ("The opposite of hot is big.", "The opposite of hot is banana.", "The opposite of big is cold."):
        assert gold(hot, answer) <= 0.15
    minute = asked("facts", fact("unit", "seconds in a minute", "amount"), "How many seconds are in a minute?")
    assert gold(minute, "There are 60 seconds in a minute.") == gold(minute, "Sixty.") == 1.0
    for answer in ("There are 61 seconds in a minute.", "There are 60 minutes in an hour.", "There are 60, 70 or 80."):
        assert gold(minute, answer) <= 0.15
    march = asked("facts", fact("month", "March", "next"), "Which month comes after March?")
    assert gold(march, "April comes after March.") == gold(march, "March is followed by April.") == 1.0
    assert gold(march, "March comes after April.") <= 0.15


def test_a_discoverer_may_be_told_by_the_deed():
    moons = fact("invention", "moons of Jupiter", "maker")
    asks = asked("facts", moons, "Who made the discovery of the four largest moons of Jupiter?")
    assert gold(asks, "Galileo Galilei discovered the four largest moons of Jupiter.") == 1.0
    assert gold(asks, "It was Galileo who discovered the four largest moons of Jupiter.") == 1.0
    for answer in (
        "Isaac Newton discovered the four largest moons of Jupiter.",
        "Galileo Galilei discovered radium.",
        "Galileo Galilei discovered Jupiter moons four largest the of.",
    ):
        assert gold(asks, answer) <= 0.15


def test_a_month_that_is_asked_about_may_be_the_other_answer():
    after = fact("month", "January", "next")
    parts = [["February"], ["January"]]
    both = asked("completeness", after, "What month comes after January? And after December?", parts=parts)
    assert gold(both, "February follows January, and the next month is January.") == 1.0
    assert gold(both, "February follows January. It is January.") == 1.0
    assert gold(both, "February follows January, and the next month is March.") < 0.7
    for answer in (
        "February follows January, and January follows February.",
        "The next month is January, and the next month is February.",
        "January follows February.",
    ):
        assert gold(both, answer) <= 0.15
