"""What ratings and edits of the chat become for training."""

from collections import Counter
from pathlib import Path

import pytest

from mynah.agent.evidence import keep
from mynah.agent.talk import Turn
from mynah.data.convert import read as read_file
from mynah.data.convert import rows_of
from mynah.data.forms import FORMS
from mynah.errors import UserError
from mynah.nouns import Comparison, Demonstration, Message

ASK = (Message("system", "be brief"), Message("user", "Is red nice?"))


def read(path: Path) -> tuple[list[Demonstration], list[Comparison]]:
    """What `mynah data` makes of the file, recognised by itself."""
    source = read_file(path)
    assert source.form == "chat-evidence"
    rows = list(FORMS[source.form].join(source.parsed))
    return [r for r in rows if isinstance(r, Demonstration)], [r for r in rows if isinstance(r, Comparison)]


def turn(answer: str, stopped: bool = False) -> Turn:
    return Turn(ASK[-1].content, answer, stopped, seen=ASK, made_by={"stage": "round-1/1-sft"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evidence" / "chat.jsonl"


def test_an_edit_is_a_demonstration_and_better_than_the_original(path):
    keep(path, "edit", turn("No."), {"edited": "Perhaps."})
    keep(path, "edit", turn("No."), {"edited": "Yes, it is."})  # corrected once more
    demonstrations, comparisons = read(path)
    assert [d.messages for d in demonstrations] == [(*ASK, Message("assistant", "Yes, it is."))]
    [comparison] = comparisons
    assert comparison.prompt.messages == ASK
    assert comparison.completions == ("Yes, it is.", "No.")
    assert comparison.pairs() == [(0, 1)]
    assert comparison.source == "human"


def test_what_teaches_nothing_is_told_with_its_reason(path):
    """A person's first ratings, mostly, so silence would be a riddle."""
    keep(path, "edit", turn("No."), {"edited": " No.\n"})
    keep(path, "rating", turn("No."), {"rating": "up", "words": ""})
    keep(path, "rating", turn("Yes."), {"rating": "up", "words": ""})
    keep(path, "rating", turn("Y", stopped=True), {"rating": "down", "words": ""})
    assert read(path) == ([], [])
    why: Counter[str] = Counter()
    with pytest.raises(UserError, match=r"holds nothing to learn from\. Left out: 1 edits of blanks only\."):
        rows_of([read_file(path)], why)
    assert sorted(why.values()) == [1, 1, 2]


def test_what_was_stopped_is_compared_with_nothing(path):
    keep(path, "edit", turn("Ye", stopped=True), {"edited": "Yes."})
    keep(path, "rating", turn("N", stopped=True), {"rating": "down", "words": ""})
    keep(path, "rating", turn("Yes!"), {"rating": "up", "words": ""})
    demonstrations, comparisons = read(path)
    assert len(demonstrations) == 1
    assert comparisons == []


def test_ratings_compare_only_opposite_siblings_and_the_last_one_counts(path):
    for answer, vote in (("a", "down"), ("b", "up"), ("c", "up"), ("c", "down")):
        keep(path, "rating", turn(answer), {"rating": vote, "words": ""})
    _, comparisons = read(path)
    assert [c.completions for c in comparisons] == [("b", "a"), ("b", "c")]


@pytest.mark.parametrize(
    "line",
    [
        '{"kind": "edit"}',
        '{"kind": "wave", "conversation": [{"role": "user", "content": "a"}]}',
        '{"kind": "edit", "conversation": [{"role": "user", "content": "a"}], "answer": "b", "edited": "c",'
        ' "person": null}',
    ],
)
def test_a_mistake_is_named_by_its_line(path, line):
    keep(path, "rating", turn("a"), {"rating": "up", "words": ""})
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(UserError, match=r"chat\.jsonl:2: not a line of chat evidence"):
        read(path)
