"""The terminal chat, with its keyboard scripted and its assistant too."""

import pytest

from mynah.agent import terminal
from mynah.agent.assistant import Assistant
from mynah.errors import UserError
from mynah.nouns import SamplingParams
from tests import toys


class Echo:
    """Says what it was asked, word by word, and remembers every conversation it saw."""

    name = "echo"

    def __init__(self) -> None:
        self.seen: list[tuple[tuple[str, str], ...]] = []
        self.sequences: list[int] = []

    def stream(self, messages, params, sequence=0):
        self.seen.append(tuple((m.role, m.content) for m in messages))
        self.sequences.append(sequence)
        if messages[-1].content == "too long":
            raise UserError("prompt 1 has 99 tokens: no room.")
        for word in messages[-1].content.split():
            if word == "STOP":
                raise KeyboardInterrupt
            yield word + " "


@pytest.fixture
def talk(monkeypatch):
    def talk(*lines: str | type[BaseException], system: str = "", assistant=None) -> Echo:
        script = iter(lines)

        def scripted(prompt: str = "") -> str:
            line = next(script, EOFError)
            if isinstance(line, str):
                return line
            raise line

        monkeypatch.setattr("builtins.input", scripted)
        echo = assistant or Echo()
        terminal.chat(echo, SamplingParams(8), system)
        return echo

    return talk


def test_a_conversation_grows_turn_by_turn(talk, capsys):
    echo = talk("one", "two")
    assert echo.seen[1] == (("user", "one"), ("assistant", "one"), ("user", "two"))
    assert "echo> two" in capsys.readouterr().out
    assert len(set(echo.sequences)) == 2  # each answer is drawn anew


def test_new_forgets_and_blank_lines_are_nothing(talk):
    assert talk("one", "/new", "", "   ", "two").seen == [(("user", "one"),), (("user", "two"),)]


def test_system_sets_the_system_message_and_starts_over(talk):
    echo = talk("one", "/system be brief", "two", "/new", "three", "/system", "four", system="at first")
    assert echo.seen == [
        (("system", "at first"), ("user", "one")),
        (("system", "be brief"), ("user", "two")),
        (("system", "be brief"), ("user", "three")),
        (("user", "four"),),
    ]


def test_retry_asks_the_last_question_again(talk):
    echo = talk("one", "two", "/retry", "three")
    assert echo.seen[2] == echo.seen[1]
    assert echo.sequences[2] != echo.sequences[1]
    assert [role for role, _ in echo.seen[3]] == ["user", "assistant"] * 2 + ["user"]


def test_ctrl_c_stops_the_answer_and_not_the_chat(talk, capsys):
    echo = talk("I say STOP now", "and then")
    assert echo.seen[1] == (("user", "I say STOP now"), ("assistant", "I say"), ("user", "and then"))
    assert "I say  …" in capsys.readouterr().out


def test_ctrl_c_before_the_first_word_leaves_the_question_to_be_retried(talk):
    echo = talk("one", "STOP", "/retry", "two")
    assert echo.seen[2] == echo.seen[1] == (("user", "one"), ("assistant", "one"), ("user", "STOP"))
    assert echo.seen[3] == (("user", "one"), ("assistant", "one"), ("user", "two"))


def test_a_prompt_that_does_not_fit_is_said_and_dropped(talk, capsys):
    echo = talk("one", "too long", "two")
    assert echo.seen[2] == (("user", "one"), ("assistant", "one"), ("user", "two"))
    assert "no room" in capsys.readouterr().err


@pytest.mark.parametrize("end", ["/quit", "/exit", EOFError, KeyboardInterrupt])
def test_it_ends(talk, end):
    assert talk(end, "never said").seen == []


@pytest.mark.parametrize("line", ["/help", "/retry", "/nonsense"])
def test_an_unknown_command_shows_the_known_ones(talk, capsys, line):
    assert talk(line).seen == []
    assert capsys.readouterr().err.count("/retry asks again") == 2


def test_a_real_assistant_talks_and_is_stopped(talk, capsys, monkeypatch):
    assistant = Assistant(toys.policy(), toys.tokenizer(), "toy", rows=1)
    talk("what is in the hill 3", "/retry", assistant=assistant)
    first, second = (line for line in capsys.readouterr().out.splitlines() if line.startswith("toy>"))
    assert first.removeprefix("toy> ").split()[0] in toys.WORDS
    assert first != second

    step, calls = assistant.engine.step, 0

    def interrupted():
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return step()

    monkeypatch.setattr(assistant.engine, "step", interrupted)
    talk("what is in the hill 3", "what is in the town 4", assistant=assistant)
    assert calls > 3
    assistant.engine.refresh()  # asserts that no row was left behind
