"""Tokens become text: whole characters, stop strings over token borders, tool calls only between real markers."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mynah.engine import Token
from mynah.server.writer import Piece, Writer
from mynah.tokens import Tokenizer
from tests import toys
from tests.tokens import folders

WORDS = "the gold cat 你好,世界 🙂👩‍👩‍👧 é\u0301 sun"


def tokens(tokenizer: Tokenizer, text: str, reason: str = "stop") -> list[Token]:
    ids = [*tokenizer.encode(text), tokenizer.end_of_turn][: None if reason == "stop" else -1]
    return [Token(0, 0, id, -0.5, reason if i == len(ids) - 1 else None) for i, id in enumerate(ids)]


def write(writer: Writer, some: list[Token]) -> list[Piece]:
    pieces = []
    for token in some:
        pieces.append(writer.add(token))
        if writer.finished:
            break
    return pieces


def first_stop(text: str, stops: list[str]) -> int:
    """Where a reader who sees one character more each time first sees a stop string whole, and where that begins."""
    for end in range(len(text) + 1):
        if found := [at for stop in stops if (at := text[:end].find(stop)) >= 0]:
            return min(found)
    return len(text)


def test_no_piece_holds_half_a_character() -> None:
    pieces = write(Writer(toys.tokenizer(), 0), tokens(toys.tokenizer(), WORDS))
    assert "".join(piece.text for piece in pieces) == WORDS
    assert not any("\ufffd" in piece.text for piece in pieces)
    assert len([piece for piece in pieces if piece.text]) > 20
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["stop"]


def test_bytes_that_never_become_a_character_show_at_the_end() -> None:
    ids = toys.tokenizer().encode("a🙂")[:-1]
    some = [Token(0, 0, id, 0.0, "length" if id is ids[-1] else None) for id in ids]
    assert "".join(piece.text for piece in write(Writer(toys.tokenizer(), 0), some)) == "a\ufffd"


@pytest.mark.parametrize("stop", ["cat", "t 你", "好", "🙂", "sun", "d cat 你好,世", "the"])
def test_a_stop_string_is_never_shown_wherever_tokens_break(stop: str) -> None:
    writer = Writer(toys.tokenizer(), 0, [stop, "never"])
    pieces = write(writer, tokens(toys.tokenizer(), WORDS))
    assert writer.text == "".join(piece.text for piece in pieces) == WORDS[: WORDS.index(stop)]
    assert writer.finish_reason == "stop"
    assert [token for piece in pieces for token in piece.tokens] == writer.shown
    assert writer.tokens == tokens(toys.tokenizer(), WORDS)[: len(writer.tokens)]


def test_half_a_stop_string_at_the_end_is_shown() -> None:
    writer = Writer(toys.tokenizer(), 0, ["sunset"])
    write(writer, tokens(toys.tokenizer(), WORDS))
    assert writer.text == WORDS


@settings(max_examples=200, deadline=None)
@given(st.text("abc你🙂 ", max_size=30), st.lists(st.text("abc你🙂 ", min_size=1, max_size=4), max_size=3))
def test_any_text_and_stops(text: str, stops: list[str]) -> None:
    """With tokens of one byte each, the cut is where the first whole stop string begins."""
    single = [Token(0, 0, toys.tokenizer().encode(bytes_)[0], 0.0, None) for bytes_ in text if bytes_ in "abc "]
    if text and len(single) == len(text):
        single[-1] = Token(0, 0, single[-1].id, 0.0, "length")
        writer = Writer(toys.tokenizer(), 0, stops)
        write(writer, single)
        assert writer.text == text[: first_stop(text, stops)]
    writer = Writer(toys.tokenizer(), 0, stops)
    pieces = write(writer, tokens(toys.tokenizer(), text))
    shown = "".join(piece.text for piece in pieces)
    assert text.startswith(shown)
    assert not any(stop in shown for stop in stops)
    assert (shown == text) == (not any(stop in text for stop in stops))
    assert sum((piece.tokens for piece in pieces), ()) == tuple(writer.shown)
    if shown == text:
        assert writer.shown == writer.tokens


@pytest.fixture(params=["ours", "qwen"])
def caller(request, tmp_path) -> Tokenizer:
    """Ours has <tool_call> as a special token; Qwen's is an added token that is not special."""
    return toys.tokenizer() if request.param == "ours" else Tokenizer.load(folders.chatml(tmp_path))


def called(tokenizer: Tokenizer, *parts: str) -> list[Token]:
    """Text and calls in turn."""
    ids: list[int] = []
    for i, part in enumerate(parts):
        inside = tokenizer.encode(part)
        ids += [tokenizer.marker("<tool_call>"), *inside, tokenizer.marker("</tool_call>")] if i % 2 else inside
    ids.append(tokenizer.end_of_turn)
    return [Token(0, 0, id, 0.0, "stop" if i == len(ids) - 1 else None) for i, id in enumerate(ids)]


def test_calls_stand_apart_from_the_text(caller: Tokenizer) -> None:
    if caller.marker("<tool_call>") is None:
        pytest.skip("this template writes no calls")
    call = '{"name": "add", "arguments": {"a": 1, "b": "你"}}'
    writer = Writer(caller, 0, tools=True)
    pieces = write(writer, called(caller, "Let me see.", call, "\n", call))
    assert writer.text == "Let me see.\n"
    assert [(call.name, json.loads(call.arguments)) for call in writer.calls] == [("add", {"a": 1, "b": "你"})] * 2
    assert len({call.id for call in writer.calls}) == 2
    assert [call for piece in pieces for call in piece.calls] == writer.calls
    assert writer.finish_reason == "tool_calls"


@pytest.mark.parametrize("call", ["{not json", "[" * 5000, "[1]", '"text"', '{"arguments": {}}', '{"name": 3}'])
def test_what_is_no_call_stays_text(call: str) -> None:
    writer = Writer(toys.tokenizer(), 0, tools=True)
    write(writer, called(toys.tokenizer(), "a", call))
    assert (writer.text, writer.calls) == (f"a<tool_call>{call}</tool_call>", [])
    assert writer.finish_reason == "stop"


def test_text_that_looks_like_a_call_calls_nothing() -> None:
    text = '<tool_call>{"name": "add", "arguments": {}}</tool_call>'
    writer = Writer(toys.tokenizer(), 0, tools=True)
    write(writer, tokens(toys.tokenizer(), text))
    assert (writer.text, writer.calls) == (text, [])


def test_a_call_that_is_cut_off_is_text() -> None:
    some = called(toys.tokenizer(), "a", '{"name": "add"}')[:-3]
    some[-1] = Token(0, 0, some[-1].id, 0.0, "length")
    writer = Writer(toys.tokenizer(), 0, tools=True)
    write(writer, some)
    assert writer.text.startswith('a<tool_call>{"name": "add')
    assert writer.finish_reason == "length"
