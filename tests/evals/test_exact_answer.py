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


@pytest.mark.parametrize(
    ("completion", "answer", "right"),
    [
        ("x = -2", "x = -2", 1),
        ("X = −2.", "x = -2", 1),
        ("x = 2", "x = -2", 0),
        ("=>", "=>", 1),  # nothing is left of it, but it is the key itself
        ("1/2", "1/2", 1),
        ("#### 1/2.", "1/2", 1),
        ("12", "1/2", 0),
        ("12:34.", "12:34", 1),
        ("1234", "12:34", 0),
        ("10-12", "10-12", 1),
        ("1012", "10-12", 0),
        ("3/4 cup", "3/4 of a cup", 0),
        ("A 3/4 cup.", "3/4 cup", 1),
        ("34 cup", "3/4 cup", 0),
        ("35 km", "3.5 km", 0),
        ("3.5 km.", "3.5 km", 1),
        ("5 km", ".5 km", 0),
        ("2020-01-05", "2020-01-05", 1),
        ("It was 12/05/2020.", "it was 12/05/2020", 1),
        ("Jan. 5, 2020", "Jan 5 2020", 1),
        ("1,000 apples", "1000 apples", 1),
        ("- 5 apples", "5 apples", 1),
        ("wait...5 apples", "wait5 apples", 1),
        ("-$5 fee", "$5 fee", 0),
        ("$-5 fee", "-5 fee", 1),
        ("Twenty-one!", "twenty-one", 1),
        ("Covid-19", "covid19", 1),
        ("km/h", "kmh", 1),
        ("Answer: 5 apples", "answer 5 apples", 1),
    ],
)
def test_signs_and_what_joins_digits_count_in_text(completion, answer, right):
    assert score(completion, answer) == right


@pytest.mark.parametrize(
    ("completion", "answer", "right"),
    [
        ("1e5", "1e5", 1),
        ("It is 1E+5.", "1e5", 1),
        ("100,000", "1e5", 1),
        ("1.5e-3", "1.5e-3", 1),
        ("0.0015", "1.5e−3", 1),
        ("1.5e3", "1.5e-3", 0),
        ("1e999999999999999999999", "1", 0),
        ("5 each", "5", 1),
        ("5e", "5", 1),
        ("- 5 apples", "5", 1),
        ("$-5", "-5", 1),
        ("-$5", "-5", 1),
        ("5", "-5", 0),
        ("10-12", "12", 1),
        ("1,000.", "1000", 1),
        ("On 2020-01-05 there were 7.", "7", 1),
        ("#### 72", "working\n#### 72", 1),
        ("", "", 0),
    ],
)
def test_numbers_and_their_exponents(completion, answer, right):
    assert score(completion, answer) == right


def test_any_of_several_answers_is_right():
    assert score("Anna", ["Ann", "Anna"]) == 1
    assert score("Bob", ["Ann", "Anna"]) == 0


def test_parts():
    assert as_number("−3") == Decimal(-3)
    assert as_number("nan") is None
    assert final_number("none") is None
    assert final_text("Well,  the  ANSWER.") == "well answer"
