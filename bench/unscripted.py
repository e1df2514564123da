"""python -m bench.unscripted HOME: docs/unscripted.jsonl asked of a demo's SFT and PPO model, for a page of docs.

The questions were written by somebody who had not seen the primer's wordings, before any model answered them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.places import ROOT
from mynah.agent.assistant import Assistant
from mynah.agent.talk import Talk
from mynah.files import write_text
from mynah.model.precision import resolve
from mynah.nouns import SamplingParams
from mynah.recipe import Recipe
from mynah.runs import Run

QUESTIONS = ROOT / "docs" / "unscripted.jsonl"
TARGET = ROOT / "docs" / "unscripted.md"
TEMPERATURE = 0.0
"""As `make demo` ends with, in the terminal."""
HEAD = f"""# Fifty unscripted questions

[{QUESTIONS.name}]({QUESTIONS.name}) holds what somebody typed who had been told in two sentences what the primer's
assistant is about, and had seen none of its wordings. Below are the answers of one `make demo` (seed 0) at temperature
{TEMPERATURE:g}, at which the demo chats in the terminal, unedited; made by `python -m bench.unscripted HOME`.
"""


def main() -> None:
    run = Run.existing(Path(sys.argv[1]), "demo")
    talks = [json.loads(line)["turns"] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    answered = {name: answers(run.root / run.newest(name), talks) for name in ("sft", "ppo")}
    parts = [HEAD]
    for number, turns in enumerate(talks):
        parts.append(f"**{number + 1}.**\n")
        for i, said in enumerate(turns):
            parts.append(f"- {said}")
            parts += [f"  - {name.upper()}: {' '.join(answered[name][number][i].split())}" for name in answered]
        parts.append("")
    write_text(TARGET, "\n".join(parts))


def answers(folder: Path, talks: list[list[str]]) -> list[list[str]]:
    """What the policy in `folder` says to each turn of each talk, hearing its own answers in between."""
    assistant = Assistant.load(folder, resolve(Recipe().hardware), rows=1)
    told = []
    for turns in talks:
        talk = Talk()
        for said in turns:
            talk = talk.asking(said)
            messages, _ = talk.fitted(lambda found: assistant.fits(found, 64))
            answer = "".join(assistant.stream(messages, SamplingParams(96, TEMPERATURE))).strip()
            talk = talk.with_last(answer=answer or "(nothing)")
        told.append([turn.answer for turn in talk.turns])
    return told


if __name__ == "__main__":
    main()
