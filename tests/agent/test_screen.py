"""What reaches the terminal: Markdown drawn paragraph by paragraph, harmless characters only."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from rich.console import Console

from mynah.agent.keyboard import Commands
from mynah.agent.screen import Screen, harmless, split_done, window


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40))
def test_only_harmless_characters_are_left(text):
    shown = harmless(text)
    assert len(shown) == len(text)
    assert all(c in "\n\t" or not (ord(c) < 32 or 127 <= ord(c) < 160) for c in shown)


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("one", ""),
        ("one\n\ntwo", "one\n\n"),
        ("one\n \ntwo\n\n", "one\n \ntwo\n\n"),
        ("```\na\n\nb", ""),  # a blank line inside code ends nothing
        ("```\na\n\nb\n```\n\nthen", "```\na\n\nb\n```\n\n"),
        ("~~~\n```\n\nb\n", ""),
    ],
)
def test_paragraphs_are_done_at_a_blank_line_outside_code(text, done):
    assert split_done(text) == (done, text[len(done) :])


def test_of_a_paragraph_longer_than_the_screen_the_end_is_seen():
    lines = [f"line {i}" for i in range(50)]
    assert window("\n".join(lines), 3) == "line 47\nline 48\nline 49"
    assert window("\n".join(["```python", *lines]), 2) == "```python\nline 48\nline 49"
    assert window("short", 3) == "short"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["a", "\n", "\n\n", "```\n", "- b\n", " "])))
def test_no_text_is_lost_however_it_comes(pieces):
    shown, rest = "", ""
    for piece in pieces:
        done, rest = split_done(rest + piece)
        shown += done
    assert shown + rest == "".join(pieces)


def test_markdown_is_drawn_in_a_terminal_and_each_paragraph_once_in_the_end():
    out = io.StringIO()
    screen = Screen(Console(file=out, force_terminal=True, width=60, highlight=False))
    text = "Some **bold** words.\n\n- one\n- two\n\n[site](http://x.example)\x1b]0;title\x07"
    answer, stopped = screen.answer("toy", iter(text))
    assert (answer, stopped) == (text, False)  # the conversation keeps what was said
    shown = out.getvalue()
    assert "\x1b[1mbold\x1b[0m" in shown
    assert "**" not in shown.split("toy>")[1].split("words")[1]
    assert "http://x.example" in shown  # an address is not hidden behind its name
    assert "\x1b]" not in shown
    assert "\x07" not in shown


def test_a_stopped_answer_is_kept_and_marked():
    def pieces():
        yield "half a "
        raise KeyboardInterrupt

    out = io.StringIO()
    screen = Screen(Console(file=out, force_terminal=True, width=60))
    assert screen.answer("toy", pieces()) == ("half a", True)
    assert "[stopped]" in out.getvalue()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("/re", ["/retry"]),
        ("/s", ["/system", "/save"]),
        ("hello /re", []),
        ("/model round-1/3", ["round-1/3-ppo"]),
        ("/rate round", []),
    ],
)
def test_commands_and_checkpoints_are_completed(typed, offered):
    found = Commands(["round-1/1-sft", "round-1/3-ppo"]).get_completions(Document(typed), CompleteEvent())
    assert [completion.text for completion in found] == offered
