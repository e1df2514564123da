"""When an answer counts as exactly right."""

from decimal import Decimal

import pytest

from mynah.evals.exact_answer import as_number, final_number, final_text, score


@pytest.mark.parametrize(
    ("completion", "answer", "right"),
    [
        ("48 / 2 = 24, and 48 + 24 = 72\n#### 72", "Some working.\n#### 72", 1),
        ("So the answer is 72.", "72", 1),
        ("#### $1,234.50", "1234.5", 1),
        ("#### 72 apples of 80", "72", 1),  # the first number after the mark
        ("First #### 1, no, #### 2", "2", 1),  # the last mark
        ("18.0", "18", 1),
        ("She lost 4, so -4", "-4", 1),
        ("between 3-5", "5", 1),
        ("1, 2, 3", "3", 1),
        ("There are 72 in 3 boxes", "72", 0),  # without a mark the last number counts
        ("seventy-two", "72", 0),
        ("", "72", 0),
        ("model X72", "72", 0),
        ("The Eiffel Tower!", "eiffel tower", 1),
        ("Paris\nQuestion: and then?", "Paris", 1),
        ("In Paris", "Paris", 0),
        ("the", "a", 0),  # nothing is left of either
    ],
)
def test_score(completion, answer, right):
    assert score(completion, answer) == right


def test_any_of_several_answers_is_right():
    assert score("Anna", ["Ann", "Anna"]) == 1
    assert score("Bob", ["Ann", "Anna"]) == 0


def test_parts():
    assert as_number("−3") == Decimal(-3)
    assert as_number("nan") is None
    assert final_number("none") is None
    assert final_text("Well,  the  ANSWER.") == "well answer"
