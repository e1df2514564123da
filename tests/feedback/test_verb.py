"""`mynah freeze` itself: files that the steps read, a number that can be made again, and what it refuses."""

import json
import re
from collections.abc import Callable

import pytest

from mynah import jsonl, store
from mynah.store.datasets import datasets
from tests.feedback.conftest import asked, person

pytestmark = pytest.mark.usefixtures("all_train")


@pytest.fixture
def freeze(mynah, sqlite) -> Callable[..., tuple[int, str, str]]:
    """Calls `mynah freeze` on the home of the store `sqlite`: (exit status, standard output, standard error)."""
    return lambda *arguments: mynah("freeze", *arguments, "--home", sqlite.file.parent)


def judge(db, question: str = "Is it at ann@example.org?") -> str:
    with db.writing() as tx:
        first, (a, b) = asked(tx, question, "Yes.", "No.")
        store.rank(tx, person(tx, "labeller"), first.prompt, {a: 1, b: 2})
        store.demonstrate(tx, first.owner, first.prompt, "It is where it is.", edited_from=b)
        store.react(tx, first.owner, a, 1)
        store.react(tx, first.owner, b, -1)
        return first.owner


def test_files_for_the_steps_and_what_was_done(freeze, sqlite, tmp_path):
    owner = judge(sqlite)
    status, out, err = freeze(tmp_path / "out")
    assert status == 0, err
    assert out.splitlines()[-2:] == [str(tmp_path / "out" / f"{kind}.jsonl") for kind in ("demonstrations", "rankings")]
    assert "data set 1, train" in err
    assert "× [email]" in err
    [shown] = jsonl.read_demonstrations(tmp_path / "out" / "demonstrations.jsonl")
    assert shown.messages[0].content == "Is it at [email]?"
    compared = jsonl.read_comparisons(tmp_path / "out" / "rankings.jsonl")
    assert sorted(row.weight for row in compared) == pytest.approx([0.02 / 0.99, 1, 1], rel=1e-3)
    record = json.loads((tmp_path / "out" / "data.json").read_text())
    assert record["dataset"] == 1
    assert set(record["manifests"]) == {"demonstrations", "comparisons"}
    assert record["rows"] == {"demonstrations": 1, "rankings": 3}
    assert "example.org" not in (tmp_path / "out" / "rankings.jsonl").read_text()

    status, _, err = freeze("--again", 1, tmp_path / "again")
    assert status == 0, err
    assert "data set 1, comparisons: the same, 3 rows" in err
    for name in ("demonstrations.jsonl", "rankings.jsonl"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    with sqlite.writing() as tx:
        store.erase_person(tx, owner)
    status, _, err = freeze("--again", 1)
    assert status == 0
    assert "comparisons: the same, 0 rows, 3 rows erased since" in err


def test_rules_that_changed_are_told(freeze, sqlite, tmp_path, monkeypatch):
    judge(sqlite)
    assert freeze(tmp_path / "out")[0] == 0
    monkeypatch.setattr("mynah.feedback.scrub.EMAIL", re.compile("never"))
    status, _, err = freeze("--again", 1, tmp_path / "again")
    assert status == 1
    assert "demonstrations: DIFFERENT" in err
    assert "is not what it was" in err
    assert not (tmp_path / "again").exists()


def test_what_it_refuses(freeze, sqlite, tmp_path):
    assert "name a folder to write" in freeze()[2]
    assert "there is no data set of that number" in freeze("--again", 7)[2]
    assert "a share of all preferences" in freeze(tmp_path / "out", "--signs-share", 2)[2]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    assert "holds other files" in freeze(tmp_path / "full")[2]
    assert "nothing to train on yet" in freeze(tmp_path / "out")[2]
    with sqlite.reading() as tx:
        assert [row.rows for row in datasets(tx, 1)] == [0, 0]
