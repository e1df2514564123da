"""`mynah data` itself: what it prints, writes and refuses; nothing half-written replaces a good folder."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mynah import jsonl
from mynah.__main__ import main
from mynah.data import folder
from tests.data import samples

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls `mynah data` in this process: (exit status, standard output, standard error)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mynah", "data", *map(str, arguments)])
        try:
            main()
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def lines(path: Path, rows: list[samples.Record]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def many(count: int = 40) -> list[samples.Record]:
    """Pairs as hh-rlhf has them, about things that differ."""
    things = "abcdefghijklmnopqrstuvwxyz"
    return [
        {
            "chosen": samples.transcript(f"{things[i % 26] * 9} or {things[i // 2] * 7}?", f"It is {i}."),
            "rejected": samples.transcript(f"{things[i % 26] * 9} or {things[i // 2] * 7}?", "No."),
        }
        for i in range(count)
    ]


def test_a_file_is_summarised_and_what_it_would_become_is_said(data: Call, tmp_path: Path) -> None:
    status, out, err = data(lines(tmp_path / "hh.jsonl", [*samples.HH, samples.HH[0]]))
    assert status == 0, err
    assert "rankings" in out
    assert "strict pairs" in out
    assert "hh-rlhf, 3 records" in err
    assert "1 answers are empty" in err
    assert "--out FOLDER writes it as mynah's own rows" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hh.jsonl"]


def test_own_rows_and_text_are_checked_as_they_are(data: Call, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("One.\n\nTwo.\n")
    status, out, err = data(lines(tmp_path / "m.jsonl", samples.MESSAGES), tmp_path / "t.txt")
    assert status == 0, err
    assert "demonstrations" in out
    assert "text" in out
    assert "--out" not in err


def test_a_conversion_writes_rows_that_the_steps_read(data: Call, tmp_path: Path) -> None:
    status, out, err = data(lines(tmp_path / "tree.jsonl", samples.TREE), "--out", tmp_path / "out")
    assert status == 0, err
    assert out.splitlines()[-2:] == [str(tmp_path / "out" / f"{kind}.jsonl") for kind in ("rankings", "demonstrations")]
    [ranking] = jsonl.read_comparisons(tmp_path / "out" / "rankings.jsonl")
    assert sorted(ranking.ranks) == [1, 2, 3]
    [demonstration] = jsonl.read_demonstrations(tmp_path / "out" / "demonstrations.jsonl")
    assert demonstration.source == "human"
    record = json.loads((tmp_path / "out" / "data.json").read_text())
    assert record["rows"] == {"all": {"rankings": 1, "demonstrations": 1}}
    assert record["sources"][0]["file"] == "tree.jsonl"
    assert record["sources"][0]["sha256"].startswith("sha256:")


@pytest.mark.parametrize(
    ("kind", "sample", "count"),
    [
        ("demonstrations", samples.HH, 2),
        ("demonstrations", samples.FIVE_LEVELS, 2),  # the tie shows nothing; both others show another answer
        ("demonstrations", samples.TREE, 1),
        ("prompts", samples.TREE, 2),  # of the ranking, and of the best path
        ("prompts", samples.FIVE_LEVELS, 1),
        ("prompts", samples.CHATGPT, 1),
        ("rankings", samples.OPEN_WEBUI, 1),
        ("text", samples.SHAREGPT, 1),
    ],
)
def test_as_a_kind_that_is_there_or_can_be_made(
    data: Call, tmp_path: Path, kind: str, sample: list[samples.Record], count: int
) -> None:
    status, _, err = data(lines(tmp_path / "f.jsonl", sample), "--out", tmp_path / "out", "--as", kind)
    assert status == 0, err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(["data.json", f"{kind}.jsonl"])
    assert len(list(jsonl.rows(tmp_path / "out" / f"{kind}.jsonl"))) == count


def test_people_alone_make_rankings(data: Call, tmp_path: Path) -> None:
    arguments = ("--out", tmp_path / "out", "--as", "rankings")
    status, _, err = data(lines(tmp_path / "f.jsonl", samples.SHAREGPT), *arguments)
    assert status == 1
    assert "f.jsonl: holds demonstrations, of which no rankings can be made." in " ".join(err.split())
    assert not (tmp_path / "out").exists()


def test_contradictions_and_copies_are_left_out_and_counted_but_votes_are_kept(data: Call, tmp_path: Path) -> None:
    same = {"prompt": "Tea?", "chosen": "Yes.", "rejected": "Yes."}
    pairs = lines(tmp_path / "pairs.jsonl", [*samples.STRING_PAIRS, same, *samples.STRING_PAIRS])
    talk = lines(tmp_path / "talk.jsonl", samples.SHAREGPT * 3)
    status, _, err = data(pairs, talk, "--out", tmp_path / "out")
    assert status == 0
    assert "left out: 1 rankings that prefer a text to itself" in err
    assert "left out: 2 exact copies of earlier demonstrations" in err
    assert len(jsonl.read_comparisons(tmp_path / "out" / "rankings.jsonl")) == 2
    assert len(jsonl.read_demonstrations(tmp_path / "out" / "demonstrations.jsonl")) == 1


def test_verdicts_on_one_prompt_meet_across_files(data: Call, tmp_path: Path) -> None:
    one, other = (lines(tmp_path / f"{i}.jsonl", [record]) for i, record in enumerate(samples.LABELS))
    status, _, err = data(one, other, "--out", tmp_path / "out", "--as", "rankings")
    assert status == 0, err
    assert len(jsonl.read_comparisons(tmp_path / "out" / "rankings.jsonl")) == 1


def test_a_split_has_three_sides_that_share_no_prompt(data: Call, tmp_path: Path) -> None:
    source, out = lines(tmp_path / "hh.jsonl", many()), tmp_path / "out"
    status, _, err = data(source, "--out", out, "--heldout", 0.2, "--test", 0.1)
    assert status == 0, err
    sides = {side: jsonl.read_comparisons(out / side / "rankings.jsonl") for side in folder.SIDES}
    assert {side: len(rows) for side, rows in sides.items()} == {"train": 28, "heldout": 8, "test": 4}
    asked = [{row.prompt.messages for row in rows} for rows in sides.values()]
    assert not asked[0] & asked[1] | asked[0] & asked[2] | asked[1] & asked[2]
    status, _, err = data(*(out / side / "rankings.jsonl" for side in folder.SIDES))
    assert "a leak" not in err
    before = (out / "heldout" / "rankings.jsonl").read_bytes()
    data(source, "--out", out, "--heldout", 0.2, "--test", 0.1)
    assert (out / "heldout" / "rankings.jsonl").read_bytes() == before
    data(source, "--out", out, "--heldout", 0.2, "--test", 0.1, "--seed", 1)
    assert (out / "heldout" / "rankings.jsonl").read_bytes() != before


def test_a_split_that_cannot_be_even_says_so(data: Call, tmp_path: Path) -> None:
    alike = [{"prompt": f"The very same question, asked again and again {i}?"} for i in range(30)]
    other = [{"prompt": f"{letter * 20}?"} for letter in "abc"]
    source = lines(tmp_path / "p.jsonl", alike + other)
    status, _, err = data(source, "--out", tmp_path / "out", "--heldout", 0.2)
    assert status == 0, err
    assert "30 of 33 rows hang together by near-duplicate prompts" in err
    assert "heldout: 3 rows instead of 7" in err


def test_prompts_in_two_files_are_a_warning(data: Call, tmp_path: Path) -> None:
    one, other = lines(tmp_path / "train.jsonl", many()), lines(tmp_path / "heldout.jsonl", many()[:3])
    _, _, err = data(one, other)
    assert f"3 of 3 prompts in {other} are, nearly or wholly, in {one} too: a leak" in err


def test_a_broken_record_stops_everything_unless_it_may_be_skipped(data: Call, tmp_path: Path) -> None:
    source = lines(tmp_path / "hh.jsonl", [samples.HH[0], {"chosen": 7, "rejected": "x"}, samples.HH[1]])
    status, _, err = data(source, "--out", tmp_path / "out")
    assert status == 1
    assert err.strip() == (
        f'{source}:2: field "chosen": a string is needed. Mend it, or leave such records out with --skip-broken.'
    )
    assert not (tmp_path / "out").exists()
    status, _, err = data(source, "--out", tmp_path / "out", "--skip-broken")
    assert status == 0
    assert "skipped 1 malformed records" in err
    assert len(jsonl.read_comparisons(tmp_path / "out" / "rankings.jsonl")) == 2
    assert json.loads((tmp_path / "out" / "data.json").read_text())["sources"][0]["malformed"] == 1


def test_a_conversion_that_fails_half_way_leaves_the_folder_as_it_was(
    data: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    data(lines(tmp_path / "hh.jsonl", many()), "--out", out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def full(path: Path, rows: object) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(folder.WRITE, "demonstrations", full)
    status, _, err = data(lines(tmp_path / "tree.jsonl", samples.TREE), "--out", out)
    assert status == 1
    assert "could not be written (No space left on device)" in err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hh.jsonl", "out", "tree.jsonl"]


def test_folders_that_are_not_ours_are_never_replaced(data: Call, tmp_path: Path) -> None:
    source = lines(tmp_path / "hh.jsonl", samples.HH)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.tex").touch()
    for target, sentence in {
        tmp_path / "precious": "exists and holds other files than `mynah data` writes",
        tmp_path: "exists and holds other files",
        tmp_path / "x.jsonl": "--out is a folder",
        tmp_path / "X.JSONL": "--out is a folder",
    }.items():
        status, _, err = data(source, "--out", target)
        assert status == 1
        assert sentence in err
    assert (tmp_path / "precious" / "thesis.tex").exists()
    data(source, "--out", tmp_path / "out")
    status, _, err = data(tmp_path / "out" / "rankings.jsonl", "--out", tmp_path / "out", "--as", "prompts")
    assert status == 1
    assert "would be replaced while" in err


def test_the_folder_one_stands_in_is_not_replaced(data: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = lines(tmp_path / "hh.jsonl", samples.HH)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    status, _, err = data(source, "--out", ".")
    assert status == 1
    assert "is the folder that you stand in" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--heldout", "0.1"), "name the folder with --out"),
        (("--form", "hh"), "--form hh: unknown; known are chat-evidence, chatgpt"),
        (("--form", "preferences"), 'hh.jsonl:1: field "preference": unknown value None'),
        (("--out", "{tmp}/out", "--heldout", "1"), "together they must stay below 1"),
    ],
)
def test_mistakes_are_one_sentence(data: Call, tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    source = lines(tmp_path / "hh.jsonl", samples.HH)
    status, _, err = data(source, *(argument.format(tmp=tmp_path) for argument in arguments))
    assert status == 1
    assert sentence in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()
