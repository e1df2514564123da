"""A plain terminal chat that streams; Ctrl-C stops the answer, not the chat."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mynah.agent.assistant import Assistant
from mynah.errors import UserError
from mynah.nouns import Message, SamplingParams
from mynah.progress import console

HELP = "/new starts over · /system TEXT sets the system message · /retry asks again · /quit or Ctrl-D leaves"


def chat(assistant: Assistant, params: SamplingParams, system: str = "", starters: Sequence[str] = ()) -> None:
    """Talk until the user leaves. Each answer is drawn with a seed of its own."""
    console.print(f"[bold]{assistant.name}[/bold] is listening. [dim]{HELP}[/dim]")
    if starters:
        console.print("[dim]Try: " + " · ".join(starters) + "[/dim]", highlight=False)
    history: list[Message] = []
    asked: list[Message] = []  # up to the last question
    turn = 0
    while True:
        try:
            line = input("\nyou> ").strip()
        except (EOFError, KeyboardInterrupt):
            print()
            return
        command, _, rest = line.partition(" ")
        if not line:
            continue
        if command in {"/quit", "/exit"}:
            return
        if command == "/new":
            history, asked = [], []
            continue
        if command == "/system":
            system, history, asked = rest.strip(), [], []
            continue
        if line.startswith("/") and not (command == "/retry" and asked):
            console.print(f"[dim]{HELP}[/dim]")
            continue
        if command != "/retry":
            asked = [*history, Message("user", line)]
        turn += 1
        answer = _answer(assistant, asked, params, system, turn)
        history = [*asked, Message("assistant", answer)] if answer else asked[:-1]


def _answer(assistant: Assistant, history: list[Message], params: SamplingParams, system: str, turn: int) -> str:
    """Stream one answer to the screen; what was said so far, if it is stopped."""
    messages = tuple(([Message("system", system)] if system else []) + history)
    said: list[str] = []
    sys.stdout.write(f"{assistant.name}> ")
    try:
        for piece in assistant.stream(messages, params, sequence=turn):
            sys.stdout.write(piece)
            sys.stdout.flush()
            said.append(piece)
    except KeyboardInterrupt:
        sys.stdout.write(" …")
    except UserError as error:
        console.print(f"[red]{error}[/red] /new starts over.", highlight=False)
        return ""
    sys.stdout.write("\n")
    return "".join(said).strip()
