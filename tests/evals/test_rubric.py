"""Item by item: who wins on what; paired differences; like lengths; the three figures of the founding document."""

from mynah.evals.exam import paired
from mynah.evals.rubric import against_the_founding_document, wins_by_item
from mynah.evals.win_rate import same_length
from mynah.nouns import Message, Prompt, Samples


def answered(answers, behaviour="facts"):
    return [
        Samples(
            Prompt((Message("user", f"q{i}"),), f"p{i}", {"behaviour": behaviour, "entity": f"e{i}"}),
            (text,),
            ("stop",),
            "m",
        )
        for i, text in enumerate(answers)
    ]


def items(prompt, answer):
    return {
        "correctness": float("false" not in answer),
        "intent": float("yes" in answer),
        "harm": float("harm" not in answer),
        "manners": 1.0,
    }


def test_wins_are_counted_item_by_item_with_ties_half():
    ours, theirs = answered(["yes", "yes", "no", "no"]), answered(["no", "yes", "no false", "yes"])
    found = wins_by_item(ours, theirs, items)
    assert found["intent"]["rate"] == (1 + 0.5 + 0.5 + 0) / 4
    assert found["correctness"]["rate"] == (0.5 + 0.5 + 1 + 0.5) / 4
    assert found["manners"]["rate"] == 0.5
    assert found["intent"]["n"] == 4
    assert found["manners"]["low"] < 0.2 < 0.8 < found["manners"]["high"]  # nothing but ties, of four


def test_hallucination_looks_at_factual_behaviours_only():
    rows = answered(["false", "yes"]) + answered(["false harm", "false"], "refusal")
    found = against_the_founding_document(rows, items)
    assert (found["hallucination"]["rate"], found["hallucination"]["n"]) == (0.5, 2)
    assert (found["toxicity"]["rate"], found["toxicity"]["n"]) == (0.25, 4)
    assert found["intent"]["rate"] == 0.25


def test_paired_differences_take_the_same_questions():
    ours, theirs = answered(["right", "right", "wrong"]), answered(["wrong", "right", "wrong"])
    found = paired(ours, theirs, lambda prompt, answer: answer == "right")
    assert round(found["facts"].value, 4) == round(1 / 3, 4)
    assert found["facts"].low <= found["facts"].value <= found["facts"].high
    assert found["facts"].n == 3
    [same] = paired(ours, ours, lambda prompt, answer: answer == "right").values()
    assert same.low < -0.5 < same.value == 0 < 0.5 < same.high


def test_pairs_of_like_length_are_within_a_fifth_of_the_longer():
    ours, theirs = answered(["a b c d e", "a b c", "a"]), answered(["a b c d", "a b c d", "a"])
    mine, others = same_length(ours, theirs)
    assert [row.prompt.id for row in mine] == ["p0", "p2"]
    assert [row.prompt.id for row in others] == ["p0", "p2"]
