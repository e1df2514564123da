"""The real chat in a real terminal (a pseudo-terminal): keys go in, what a person would see comes out."""

import json
import os
import signal
import sys
from pathlib import Path

import pexpect
import pytest
import torch

from mynah.agent.talk import Talk
from mynah.data.chat_evidence import join
from mynah.data.convert import read
from mynah.model.transformer import Transformer
from mynah.nouns import Comparison, Demonstration
from mynah.runs import Run
from tests import toys

UP, CTRL_C, CTRL_D, ALT_ENTER, HOME = "\x1b[A", "\x03", "\x04", "\x1b\r", "\x01"


def endless() -> Transformer:
    """Goes on until somebody stops it and, of so many layers, slowly."""
    policy = toys.model(context=8192, layers=60)
    with torch.no_grad():
        for name, weight in policy.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.zero_()  # so that the last token alone decides on the next one
        table = policy.embed_tokens.weight
        table[:, 0] = 3.0
        table[list(toys.tokenizer().stop_ids), 0] = -3.0  # as unlike all others as can be
    return policy


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A run with a policy that answers in a word or two, and one that never ends."""
    run = Run(tmp_path, "toy")
    for kind, policy in (("ppo", endless()), ("sft", toys.policy())):
        stage = run.begin(kind, 1, settings={}, seed=0)
        stage.finish(lambda folder, policy=policy: toys.save(policy, folder) and None, 0.0, {})
    return tmp_path


def test_a_person_talks_edits_rates_stops_and_leaves(home, tmp_path):
    editor = tmp_path / "editor.sh"
    editor.write_text("#!/bin/sh\nprintf 'sun and gold' > \"$1\"\n")
    editor.chmod(0o755)
    chat = pexpect.spawn(
        sys.executable,
        ["-m", "mynah", "chat", "--run", "toy", "--home", str(home), "--stage", "round-1/1-sft"],
        encoding="utf-8",
        timeout=60,
        dimensions=(30, 120),
        env={**os.environ, "VISUAL": "", "EDITOR": str(editor), "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"},
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # tests in the background inherit that none comes
    )

    def typed(keys: str, *expected: str) -> None:
        chat.send(keys)
        for text in expected:
            chat.expect_exact(text)

    chat.expect_exact("toy is listening")
    chat.expect_exact("you>")
    typed("what is in the hill 3\r", "toy>", "you>")
    typed("/rate up clear\r", "kept in", "you>")
    typed("/edit\r", "corrected", "you>")
    typed(f"one{ALT_ENTER}two\r", "toy>", "you>")
    typed("/pa\t", "/params")
    typed(" max_new_tokens=8000\r", "max_new_tokens=8000", "you>")
    typed("/model round-1/3-ppo\r", "talking to round-1/3-ppo", "you>")
    typed("go on for ever\r", "toy>")
    chat.send(CTRL_C)
    assert chat.expect_exact(["[stopped]", "you>"]) == 0
    chat.expect_exact("you>")
    typed(UP, "go on for ever")
    typed(CTRL_C, "Ctrl-D leaves", "you>")
    typed("/quti\r", "did you mean /quit?", "you>")
    typed(f"/save {tmp_path / 'talk.json'}\r", "3 turns saved", "you>")
    typed(CTRL_D)
    chat.expect(pexpect.EOF)
    chat.close()
    assert chat.exitstatus == 0

    saved = json.loads((tmp_path / "talk.json").read_text())
    talk = Talk.from_json(saved, "talk.json")
    assert [turn.question for turn in talk.turns] == ["what is in the hill 3", "one\ntwo", "go on for ever"]
    assert talk.turns[0].answer == "sun and gold"
    assert talk.turns[2].stopped == bool(talk.turns[2].answer)  # stopped before its first word, the question is open
    evidence = home / "evidence" / "chat.jsonl"
    rating, edit = [json.loads(line) for line in evidence.read_text().splitlines()]
    assert rating["made_by"]["weights"] == Run(home, "toy").stage("round-1/1-sft").record["weights"]
    assert rating["answer"] == edit["answer"]
    rows = list(join(read(evidence).parsed))
    demonstrations = [row for row in rows if isinstance(row, Demonstration)]
    comparisons = [row for row in rows if isinstance(row, Comparison)]
    assert demonstrations[0].messages[-1].content == "sun and gold"
    assert comparisons[0].completions == ("sun and gold", edit["answer"])
