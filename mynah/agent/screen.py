"""What the chat shows: answers as they come, Markdown in a terminal and plain text elsewhere, never a control code.

Paragraphs that are done are printed once and for all; only the one being written is drawn anew, so that nothing
flickers and long answers scroll as any text does.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown
from rich.text import Text

FRAMES = 12
"""Redraws a second."""
# C0 but newline and tab, DEL, C1, and the marks that reverse or hide what one reads (Trojan Source).
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
STOPPED = "[stopped]"


def harmless(text: str) -> str:
    """Text that a terminal only shows: each control character becomes U+FFFD. A model's words are not to be trusted."""
    return _CONTROL.sub("\ufffd", text)


class Screen:
    """Standard output."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)

    def say(self, text: str, style: str = "dim") -> None:
        """A word of the program itself."""
        self.console.print(Text(harmless(text), style=style), soft_wrap=True)

    def answer(self, name: str, pieces: Iterator[str]) -> tuple[str, bool]:
        """Show an answer as it comes: (its text, whether Ctrl-C stopped it). What `pieces` raises else goes on."""
        said: list[str] = []
        kept = self._kept(pieces, said)
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            stopped = self._markdown(name, kept)
        else:
            stopped = self._plain(name, kept)
        return "".join(said).strip(), stopped

    @staticmethod
    def _kept(pieces: Iterator[str], said: list[str]) -> Iterator[str]:
        for piece in pieces:
            said.append(piece)
            yield harmless(piece)

    def _plain(self, name: str, pieces: Iterator[str]) -> bool:
        sys.stdout.write(f"{name}> ")
        try:
            for piece in pieces:
                sys.stdout.write(piece)
                sys.stdout.flush()
        except KeyboardInterrupt:
            sys.stdout.write(f" … {STOPPED}\n")
            return True
        sys.stdout.write("\n")
        return False

    def _markdown(self, name: str, pieces: Iterator[str]) -> bool:
        open_text, stopped = "", False
        live = Live(console=self.console, refresh_per_second=FRAMES, transient=True, vertical_overflow="ellipsis")
        try:  # from the name on: who sees it may press Ctrl-C before the first word
            self.console.print(Text(f"{harmless(name)}>", style="bold"))
            live.start()
            for piece in pieces:
                done, open_text = split_done(open_text + piece)
                if done:
                    live.update(Text(""))
                    live.console.print(rendered(done))
                    live.console.print()
                live.update(rendered(window(open_text, self.console.height - 4)))
        except KeyboardInterrupt:
            stopped = True
        finally:
            live.update(Text(""))
            live.stop()
        if open_text.strip():
            self.console.print(rendered(open_text))
        if stopped:
            self.console.print(Text(STOPPED, style="yellow"))
        return stopped


def rendered(text: str) -> Markdown:
    return Markdown(text, hyperlinks=False)  # an address is shown, not hidden behind a word


def window(text: str, rows: int) -> str:
    """The last lines of a paragraph that is too long for the screen while it grows; code stays code."""
    lines = text.split("\n")
    if len(lines) <= rows:
        return text
    return "\n".join(([lines[0]] if _FENCE.match(lines[0]) else []) + lines[-max(rows, 1) :])


def split_done(text: str) -> tuple[str, str]:
    """(paragraphs that nothing can change any more, the one still being written); a fenced block is one paragraph."""
    fence, cut, position = "", 0, 0
    for line in text.splitlines(keepends=True):
        position += len(line)
        found = _FENCE.match(line)
        if found and not fence:
            fence = found[1]
        elif found and found[1] == fence:
            fence = ""
        elif not fence and not line.strip() and line.endswith("\n"):
            cut = position
    return text[:cut], text[cut:]
