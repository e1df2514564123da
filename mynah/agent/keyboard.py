"""Where the chat's lines come from: in a terminal with history and completion, elsewhere line by line."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.shortcuts import CompleteStyle

from mynah.agent.commands import COMMANDS
from mynah.errors import UserError

PROMPT = "you> "


class Keyboard:
    """Reads lines. In a terminal Enter sends, Alt-Enter or a closing backslash starts a new line.

    Args:
        history: File of earlier lines, for the up-arrow; None keeps them in memory only.
        stages: What `/model` completes to.
    """

    def __init__(self, history: Path | None = None, stages: Sequence[str] = ()) -> None:
        self.interactive = sys.stdin.isatty() and sys.stdout.isatty()
        self._session: PromptSession[str] | None = None
        if self.interactive:
            self._session = PromptSession(
                history=_history(history),
                completer=Commands(stages),
                complete_style=CompleteStyle.READLINE_LIKE,
                complete_while_typing=False,
                key_bindings=_keys(),
                multiline=True,
                prompt_continuation=" " * len(PROMPT),
            )

    def read(self) -> str:
        """The next line, or lines. Raises EOFError at the end (Ctrl-D), KeyboardInterrupt at Ctrl-C."""
        if self._session:
            return self._session.prompt(PROMPT).strip()
        lines = [input(f"\n{PROMPT}")]
        while lines[-1].endswith("\\"):
            lines[-1] = lines[-1][:-1]
            lines.append(input())
        return "\n".join(lines).strip()

    def edit(self, text: str) -> str:
        """The text as the user corrects it: in $VISUAL or $EDITOR, else in place; elsewhere the next line replaces it.

        Raises UserError when the editor fails.
        """
        if not self._session:
            return input().strip()
        command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        if not command:
            prompt: PromptSession[str] = PromptSession(key_bindings=_keys(), multiline=True)
            return prompt.prompt("edit> ", default=text).strip()
        with tempfile.TemporaryDirectory() as folder:  # for nobody else to read
            path = Path(folder) / "answer.md"
            path.write_text(text, encoding="utf-8")
            try:
                subprocess.run([*shlex.split(command), str(path)], check=True)
            except (OSError, ValueError, subprocess.CalledProcessError) as error:
                raise UserError(f"$EDITOR ({command}) failed: {error}.") from None
            return path.read_text(encoding="utf-8", errors="replace").strip()


class Commands(Completer):
    """Commands at the start of a line, and checkpoints after `/model`."""

    def __init__(self, stages: Sequence[str]) -> None:
        self.stages = stages

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        text = document.text_before_cursor
        command, space, rest = text.partition(" ")
        if not space and text.startswith("/"):
            yield from (Completion(name, -len(text)) for name in COMMANDS if name.startswith(text))
        elif command == "/model":
            yield from (Completion(stage, -len(rest)) for stage in self.stages if stage.startswith(rest))


def _history(path: Path | None) -> History:
    if path is None:
        return InMemoryHistory()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    return FileHistory(str(path))


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    @keys.add("c-j")
    def send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.is_cursor_at_the_end and buffer.text.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys
