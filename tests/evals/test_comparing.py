"""Win rates, the exam and reward accuracy on answers whose worth is known."""

import pytest

from mynah.agent.scorer import Scorer
from mynah.evals.exam import exam_rates, gold_score
from mynah.evals.reward_accuracy import accuracy, accuracy_gold
from mynah.evals.win_rate import win_rate
from mynah.nouns import Comparison, Prompt, Samples
from tests import toys


def answered(*answers: str, behaviour: str = "facts", entities: tuple[str, ...] = ()) -> list[Samples]:
    rows = []
    for i, text in enumerate(answers):
        meta = {"behaviour": behaviour} | ({"entity": entities[i]} if entities else {})
        rows.append(Samples(Prompt(toys.user(f"q{i}"), meta=meta), (text, "never looked at"), ("stop", "stop")))
    return rows


def longer(prompt: Prompt, one: str, other: str) -> float:
    return 0.5 if len(one) == len(other) else float(len(one) > len(other))


def test_a_win_rate_and_its_mirror_sum_to_1():
    ours, theirs = answered("aaa", "b", "cc", "dd", "e"), answered("a", "bb", "c", "xx", "e")
    one, other = win_rate(ours, theirs, longer), win_rate(theirs, ours, longer)
    assert one["rate"] == pytest.approx((1 + 0 + 1 + 0.5 + 0.5) / 5)
    assert one["rate"] + other["rate"] == pytest.approx(1)
    assert one["identical"] == other["identical"] == 0.2  # only the same text, not every tie
    assert one["n"] == 5
    assert 0 <= one["low"] < one["rate"] < one["high"] <= 1


def test_a_judge_who_likes_the_first_place_gains_nothing_by_it():
    rows = answered("a", "b"), answered("c", "d")
    assert win_rate(*rows, lambda prompt, first, second: 1.0)["rate"] == 0.5


def test_the_same_text_is_a_tie_and_is_not_judged():
    def judge(prompt: Prompt, one: str, other: str) -> float:
        raise AssertionError("judged")

    found = win_rate(answered("a", "b"), answered("a", "b"), judge)
    assert (found["rate"], found["identical"]) == (0.5, 1.0)
    assert found["low"] < 0.2 < 0.8 < found["high"]
    nothing = win_rate([], [], judge)
    assert (nothing["low"], nothing["high"], nothing["n"]) == (0.0, 1.0, 0)


def test_answers_to_different_prompts_are_not_compared():
    theirs = [Samples(Prompt(toys.user("x"), "other"), ("a",), ("stop",))]
    with pytest.raises(AssertionError):
        win_rate(answered("a"), theirs, longer)


def test_questions_about_one_entity_hang_together():
    same, apart = ("e",) * 4 + ("f",) * 4, tuple("abcdefgh")
    rows = [answered(*["aa"] * 4, *["a"] * 4, entities=names) for names in (same, apart)]
    theirs = [answered(*["a"] * 4, *["aa"] * 4, entities=names) for names in (same, apart)]
    together, alone = (win_rate(ours, their, longer) for ours, their in zip(rows, theirs, strict=True))
    assert together["high"] - together["low"] == 1.0
    assert alone["high"] - alone["low"] < 1.0


def test_prompts_without_names_are_each_by_themselves():
    """Else they would be one cluster, and the interval a point."""
    found = win_rate(answered("aa", "a", "aa", "a"), answered("a", "aa", "a", "aa"), longer)
    assert found["low"] < 0.5 < found["high"]
    score = gold_score(answered("aa", "a", "aaa", "a"), lambda prompt, text: float(len(text)))
    assert score.low < score.value == 1.75 < score.high


def test_the_exam_marks_first_answers_by_behaviour():
    rows = answered("right", "wrong", "right") + answered("wrong", behaviour="refusal")
    rates = exam_rates(rows, lambda prompt, text: text == "right")
    assert {name: (rate.value, rate.n) for name, rate in rates.items()} == {"facts": (2 / 3, 3), "refusal": (0.0, 1)}
    assert list(rates) == sorted(rates)


def test_what_an_entity_is_asked_hangs_together_in_the_exam():
    """Ten questions about each of two things: two observations, not twenty."""
    same, apart = (
        answered(*["right"] * 10, *["wrong"] * 10, entities=names) for names in (["a"] * 10 + ["b"] * 10, None)
    )
    together, alone = (exam_rates(rows, lambda prompt, text: text == "right")["facts"] for rows in (same, apart))
    assert (together.value, together.n) == (alone.value, alone.n) == (0.5, 20)
    assert together.high - together.low == 1.0
    assert alone.high - alone.low < 0.5


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.load(toys.reward_folder(), toys.CPU)


def ranked(text: str, answers: tuple[str, ...], ranks: tuple[int, ...]) -> Comparison:
    return Comparison(Prompt(toys.user(text)), answers, ranks)


def test_accuracy_is_over_strict_pairs(scorer):
    right = ranked("what is in the hill 3", ("gold", "red", "blue"), (1, 2, 2))
    assert (accuracy(scorer, [right]).value, accuracy(scorer, [right]).n) == (1.0, 2)
    wrong = ranked("what is in the hill 4", ("gold", "red"), (2, 1))
    assert accuracy(scorer, [right, wrong]).value == pytest.approx(2 / 3)
    same = ranked("what is in the hill 5", ("red", "red"), (1, 2))
    assert accuracy(scorer, [same]).value == 0.5  # to the last bit, wherever the two lie in a batch


def test_rankings_of_one_prompt_hang_together(scorer):
    right, wrong = ("gold", "red"), ("red", "gold")
    one = [ranked("what is in the hill 3", answers, (1, 2)) for answers in (right, wrong, right)]
    found = accuracy(scorer, one)
    assert found.value == pytest.approx(2 / 3)
    assert found.high - found.low > 0.8  # one cluster tells next to nothing of others
    many = [ranked(f"what is in the hill {i}", right if i % 2 else wrong, (1, 2)) for i in range(10)]
    assert accuracy(scorer, many).low < 0.5 < accuracy(scorer, many).high


def test_gold_accuracy_asks_gold_and_not_the_ranks(scorer):
    lying = ranked("what is in the hill 3", ("red", "gold", "blue"), (1, 3, 2))
    found = accuracy_gold(scorer, [lying], lambda prompt, text: toys.likes_gold(text))
    assert (found.value, found.n) == (1.0, 2)
    assert accuracy_gold(scorer, [lying], lambda prompt, text: -toys.likes_gold(text)).value == 0.0
