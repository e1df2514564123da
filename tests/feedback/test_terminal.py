"""Ranking by hand: what is typed becomes ranks, each on disk at once, and a labeller goes on where they left."""

from pathlib import Path

import pytest

from mynah import jsonl
from mynah.errors import UserError
from mynah.feedback.terminal import label, parse_ranks
from mynah.nouns import Message, Prompt, Samples
from tests import toys

ROWS = [Samples(prompt, ("red", "blue", "gold"), ("stop",) * 3) for prompt in toys.prompts(4, seed=1)]


class Keyboard:
    """Types its lines one after the other; `BY_LENGTH` ranks the answers shown, shorter first."""

    def __init__(self, capsys: pytest.CaptureFixture, *lines: str | type[BaseException]) -> None:
        self.capsys, self.lines = capsys, list(lines)
        self.shown: list[str] = []

    def __call__(self, prompt: str) -> str:
        text = self.capsys.readouterr().err
        answers = [line[6:] for line in text.splitlines() if line.startswith("  (")]
        self.shown = answers or self.shown
        line = self.lines.pop(0)
        if not isinstance(line, str):
            raise line
        if line == "BY_LENGTH":
            return " ".join(str(sorted(map(len, self.shown)).index(len(a)) + 1) for a in self.shown)
        return line


def read(path: Path):
    return jsonl.read_comparisons(path)


@pytest.mark.parametrize(("line", "ranks"), [("2 1 1", (2, 1, 1)), ("211", (2, 1, 1)), (" 3, 2,1 ", (3, 2, 1))])
def test_ranks_are_read(line, ranks):
    assert parse_ranks(line, 3) == ranks


@pytest.mark.parametrize("line", ["", "1 2", "1 2 3 4", "0 1 2", "1 2 4", "a b c", "1 2 x", "-1 1 2", "²12", "1.5 1 2"])
def test_what_is_no_ranking_is_one_sentence(line):
    with pytest.raises(UserError, match="3 ranks from 1 to 3 are needed, as in `1 2 3`"):
        parse_ranks(line, 3)


def test_ranks_belong_to_answers_not_to_places(tmp_path, capsys):
    out = tmp_path / "mine.jsonl"
    assert label(ROWS, out, "ann", Keyboard(capsys, *["BY_LENGTH"] * 4)) == 4
    for row, ranked in zip(ROWS, read(out), strict=True):
        assert ranked.prompt == row.prompt
        assert ranked.completions == row.completions
        assert ranked.ranks == (1, 2, 2)  # red before blue and gold, however they were shuffled
        assert (ranked.labeller, ranked.source) == ("ann", "human")


def test_answers_are_shown_in_random_order(tmp_path, capsys):
    many = [Samples(prompt, ("red", "blue", "gold"), ("stop",) * 3) for prompt in toys.prompts(30, seed=3)]
    keyboard, orders = Keyboard(capsys, *["1 2 3"] * 30), set()

    def ask(prompt: str) -> str:
        line = keyboard(prompt)
        orders.add(tuple(keyboard.shown))
        return line

    label(many, tmp_path / "out.jsonl", "ann", ask)
    assert len(orders) > 3


def test_a_mistyped_line_is_asked_again_and_skip_skips(tmp_path, capsys):
    out = tmp_path / "mine.jsonl"
    assert label(ROWS, out, "ann", Keyboard(capsys, "9 9 9", "what?", "1 2 3", "s", "123", "S")) == 2
    assert [row.prompt for row in read(out)] == [ROWS[0].prompt, ROWS[2].prompt]


@pytest.mark.parametrize("leave", ["q", EOFError, KeyboardInterrupt])
def test_leaving_keeps_what_was_ranked_and_the_next_time_goes_on(tmp_path, capsys, leave):
    out = tmp_path / "mine.jsonl"
    assert label(ROWS, out, "ann", Keyboard(capsys, "1 2 3", leave)) == 1
    assert len(read(out)) == 1
    assert label(ROWS, out, "ann", Keyboard(capsys, *["3 2 1"] * 3)) == 3
    assert [row.prompt for row in read(out)] == [row.prompt for row in ROWS]
    assert label(ROWS, out, "ann", Keyboard(capsys)) == 0


def test_every_ranking_is_on_disk_before_the_next_is_asked(tmp_path, capsys):
    out, keyboard = tmp_path / "mine.jsonl", Keyboard(capsys, *["1 2 3"] * 4)
    counts = []

    def ask(prompt: str) -> str:
        counts.append(len(out.read_text().splitlines()) if out.exists() else 0)
        return keyboard(prompt)

    label(ROWS, out, "ann", ask)
    assert counts == [0, 1, 2, 3]


@pytest.mark.parametrize(("left", "before"), [("", 0), ("ranked", 1), ("cut", 1)])
def test_a_file_that_a_full_disk_or_a_kill_left_is_gone_on_with(tmp_path, capsys, left, before):
    out = tmp_path / "mine.jsonl"
    label(ROWS, out, "ann", Keyboard(capsys, "1 2 3", "q"))
    whole = out.read_text()
    out.write_text({"": "", "ranked": whole, "cut": whole + whole[: len(whole) // 2]}[left])
    assert label(ROWS, out, "ann", Keyboard(capsys, *["1 2 3"] * (4 - before))) == 4 - before
    assert [row.prompt for row in read(out)] == [row.prompt for row in ROWS]


def test_a_single_answer_is_not_ranked(tmp_path, capsys):
    alone = Samples(toys.prompts(1, seed=2)[0], ("red",), ("stop",))
    assert label([alone, *ROWS], tmp_path / "mine.jsonl", "ann", Keyboard(capsys, *["1 2 3"] * 4)) == 4


def test_another_labeller_ranks_the_same_answers_again(tmp_path, capsys):
    out = tmp_path / "ours.jsonl"
    label(ROWS, out, "ann", Keyboard(capsys, *["1 2 3"] * 4))
    assert label(ROWS, out, "bob", Keyboard(capsys, *["BY_LENGTH"] * 4)) == 4
    assert [row.labeller for row in read(out)] == ["ann"] * 4 + ["bob"] * 4


def test_nothing_but_ties_so_far_is_no_reason_to_stop(tmp_path, capsys):
    out = tmp_path / "mine.jsonl"
    label(ROWS, out, "ann", Keyboard(capsys, "1 1 1", "q"))
    assert label(ROWS, out, "ann", Keyboard(capsys, *["BY_LENGTH"] * 3)) == 3


def test_prompts_with_tool_calls_can_be_ranked_twice(tmp_path, capsys):
    call = {"type": "function", "function": {"name": "look", "arguments": "{}"}}
    talk = (Message("user", "look"), Message("assistant", "", (call,)), Message("tool", "a lake"))
    row, out = Samples(Prompt(talk), ("a", "bb"), ("stop",) * 2), tmp_path / "mine.jsonl"
    assert label([row], out, "ann", Keyboard(capsys, "BY_LENGTH")) == 1
    assert label([row], out, "ann", Keyboard(capsys)) == 0
