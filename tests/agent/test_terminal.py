"""The terminal chat, with its keyboard scripted and its assistant too; test_terminal_pty.py has a real keyboard."""

import json
from types import SimpleNamespace

import pytest

from mynah.agent import terminal
from mynah.agent.assistant import Assistant
from mynah.agent.talk import Talk
from mynah.errors import UserError
from mynah.nouns import SamplingParams
from tests import toys


class Echo:
    """Says what it was asked, word by word, and remembers every conversation it saw."""

    name = "echo"
    engine = SimpleNamespace(context=64)

    def __init__(self) -> None:
        self.seen: list[tuple[tuple[str, str], ...]] = []
        self.sequences: list[int] = []
        self.params: list[SamplingParams] = []

    def fits(self, messages, answer_tokens) -> bool:
        return len(messages) + answer_tokens <= 13  # with answers of 8: five messages

    def stream(self, messages, params, sequence=0):
        self.seen.append(tuple((m.role, m.content) for m in messages))
        self.sequences.append(sequence)
        self.params.append(params)
        if messages[-1].content == "too long":
            raise UserError("prompt 1 has 99 tokens: no room.")
        for word in messages[-1].content.split():
            if word == "STOP":
                raise KeyboardInterrupt
            yield word + " "


@pytest.fixture
def talk(monkeypatch, tmp_path):
    def talk(*lines: str | type[BaseException], system: str = "", assistant=None) -> Echo:
        script = iter(lines)

        def scripted(prompt: str = "") -> str:
            line = next(script, EOFError)
            if isinstance(line, str):
                return line
            raise line

        monkeypatch.setattr("builtins.input", scripted)
        monkeypatch.chdir(tmp_path)
        echo = assistant or Echo()
        others = {"first": echo, "second": Echo()}
        models = terminal.Models(lambda stage: (others[stage], {"stage": stage}), list(others), "first")
        terminal.Chat(models, SamplingParams(8), tmp_path / "evidence.jsonl", Talk(system)).run()
        echo.other = others["second"]
        return echo

    return talk


@pytest.fixture
def evidence(tmp_path):
    return lambda: [json.loads(line) for line in (tmp_path / "evidence.jsonl").read_text().splitlines()]


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


def test_undo_takes_a_turn_back(talk):
    assert talk("one", "two", "/undo", "three").seen[2] == (("user", "one"), ("assistant", "one"), ("user", "three"))


def test_a_closing_backslash_goes_on_in_the_next_line(talk):
    assert talk("one\\", "two").seen == [(("user", "one\ntwo"),)]


def test_ctrl_c_stops_the_answer_and_not_the_chat(talk, capsys):
    echo = talk("I say STOP now", "and then", "/save talk.json")
    assert echo.seen[1] == (("user", "I say STOP now"), ("assistant", "I say"), ("user", "and then"))
    assert "I say  … [stopped]" in capsys.readouterr().out


def test_ctrl_c_before_the_first_word_leaves_the_question_to_be_retried(talk):
    echo = talk("one", "STOP", "/retry", "two")
    assert echo.seen[2] == echo.seen[1] == (("user", "one"), ("assistant", "one"), ("user", "STOP"))
    assert echo.seen[3] == (("user", "one"), ("assistant", "one"), ("user", "two"))


def test_a_prompt_that_does_not_fit_is_said_and_dropped(talk, capsys):
    echo = talk("one", "too long", "two")
    assert echo.seen[2] == (("user", "one"), ("assistant", "one"), ("user", "two"))
    assert "no room" in capsys.readouterr().out


def test_old_turns_fall_out_of_a_full_context_and_that_is_said_once(talk, capsys):
    echo = talk("one", "two", "three", "four", "five")
    assert [content for _, content in echo.seen[2]] == ["one", "one", "two", "two", "three"]
    assert [content for _, content in echo.seen[3]] == ["two", "two", "three", "three", "four"]
    assert [content for _, content in echo.seen[4]] == ["three", "three", "four", "four", "five"]
    assert capsys.readouterr().out.count("longer than the model's context") == 1


@pytest.mark.parametrize("end", ["/quit", "/exit", EOFError, KeyboardInterrupt])
def test_it_ends(talk, end):
    assert talk(end, "never said").seen == []


def test_help_names_every_command_and_a_slip_the_nearest(talk, capsys):
    assert talk("/help", "/rety", "/xyzzy").seen == []
    out = capsys.readouterr().out
    assert all(command in out for command in terminal.COMMANDS)
    assert "/rety: no such command; did you mean /retry?" in out
    assert "/xyzzy: no such command; /help lists them." in out


@pytest.mark.parametrize("line", ["/retry", "/undo", "/edit", "/rate up", "/save x.json"])
def test_what_needs_a_turn_says_so(talk, capsys, line):
    assert talk(line).seen == []
    assert "ask something first" in capsys.readouterr().out


def test_params_change_how_the_next_answer_is_drawn(talk, capsys):
    echo = talk("one", "/params temperature=0.5 max_new_tokens=3", "two", "/params heat=1", "/params top_p=2")
    assert (echo.params[0].temperature, echo.params[1].temperature, echo.params[1].max_new_tokens) == (1.0, 0.5, 3)
    out = capsys.readouterr().out
    assert "heat=1: give name=value" in out
    assert "top_p=2: must lie between" in out


def test_an_edit_is_kept_and_the_conversation_goes_on_from_it(talk, evidence):
    echo = talk("one two", "/edit", "uno dos", "three", "/edit question", "drei")
    assert echo.seen[1] == (("user", "one two"), ("assistant", "uno dos"), ("user", "three"))
    assert echo.seen[2] == (("user", "one two"), ("assistant", "uno dos"), ("user", "drei"))
    [kept] = evidence()
    assert (kept["kind"], kept["answer"], kept["edited"]) == ("edit", "one two", "uno dos")
    assert kept["conversation"] == [{"role": "user", "content": "one two"}]
    assert kept["made_by"]["stage"] == "first"
    assert kept["made_by"]["sampling"]["sequence"] == 1


def test_a_rating_is_kept_with_its_words(talk, evidence, capsys):
    talk("one", "/rate", "/rate up so kind", "/edit", "uno", "/rate down")
    first, edit, second = evidence()
    assert (first["rating"], first["words"]) == ("up", "so kind")
    assert (second["rating"], second["answer"]) == ("down", "one")  # the model's words, not the user's
    assert edit["time"]
    assert edit["id"] != first["id"]
    assert "/rate up or /rate down" in capsys.readouterr().out


def test_a_conversation_is_saved_loaded_and_continued(talk, tmp_path, capsys):
    talk("one", "I STOP", "/save talk.json", system="be kind")
    saved = json.loads((tmp_path / "talk.json").read_text())
    assert [m["role"] for m in saved["messages"]] == ["system", "user", "assistant", "user", "assistant"]
    assert saved["messages"][-1] == {"role": "assistant", "content": "I", "stopped": True}
    echo = talk("/load talk.json", "/undo", "go on")
    assert [c for _, c in echo.seen[0]] == ["be kind", "one", "one", "go on"]
    (tmp_path / "other.json").write_text("[1]")
    talk("/load other.json", "/load nothing.json", "one", "/save other.json", "/save talk.json")
    out = capsys.readouterr().out
    assert "other.json: not a conversation" in out
    assert "nothing.json: no such file" in out
    assert "other.json: exists, and is no conversation" in out
    assert "1 turns saved to talk.json" in out


def test_model_switches_the_checkpoint_and_keeps_the_conversation(talk, capsys):
    echo = talk("one", "/model", "/model second", "two")
    assert len(echo.seen) == 1
    assert echo.other.seen == [(("user", "one"), ("assistant", "one"), ("user", "two"))]
    assert "there are first, second" in capsys.readouterr().out


def test_control_codes_of_an_answer_never_reach_the_terminal(talk, capsys):
    talk("\x1b[31mred\x07 \u202egnirts \x9b2J")
    out = capsys.readouterr().out
    assert not set("\x1b\x07\u202e\x9b") & set(out)
    assert "\ufffd[31mred\ufffd" in out


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
