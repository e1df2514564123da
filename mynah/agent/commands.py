"""What a user may type that is no question: the commands of the chat, read and checked."""

from __future__ import annotations

import difflib
from dataclasses import replace

from mynah.errors import UserError
from mynah.nouns import SamplingParams

COMMANDS = {
    "/help": "this list",
    "/new": "start over",
    "/system": "/system TEXT  set the system message and start over; without TEXT none",
    "/retry": "answer the last question again",
    "/undo": "take the last question and its answer back",
    "/edit": "correct the last answer; /edit question corrects the question and asks again",
    "/rate": "/rate up or /rate down, with words if you like: rate the last answer",
    "/save": "/save FILE  keep the conversation as JSON",
    "/load": "/load FILE  go on with a kept one",
    "/model": "/model STAGE  talk to another checkpoint; without STAGE say which there are",
    "/params": "/params temperature=0.5 max_new_tokens=200  how answers are drawn; without any say how",
    "/quit": "leave; so does Ctrl-D",
}
KEYS = "Alt-Enter (or \\ at the end of a line) starts a new line, Ctrl-C stops an answer, Tab completes a command."
KINDS = {"temperature": float, "top_p": float, "min_p": float, "top_k": int, "max_new_tokens": int, "seed": int}
LEAST = {"temperature": 0.0, "top_p": 1e-6, "min_p": 0.0, "top_k": 0, "max_new_tokens": 1, "seed": 0}
MOST = {"temperature": 100.0, "top_p": 1.0, "min_p": 1.0}


def parse(line: str) -> tuple[str, str]:
    """(command, its text); the command is empty for a question. Raises UserError with the nearest one it may be."""
    if not line.startswith("/"):
        return "", line
    command, _, rest = line.partition(" ")
    command = "/quit" if command == "/exit" else command
    if command not in COMMANDS:
        near = difflib.get_close_matches(command, COMMANDS, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else "/help lists them."
        raise UserError(f"{command}: no such command; {hint}")
    return command, rest.strip()


def changed(params: SamplingParams, text: str) -> SamplingParams:
    """`params` with `name=value …` put in. Raises UserError for an unknown name or a value out of range."""
    for item in text.split():
        name, given, value = item.partition("=")
        if name not in KINDS or not given:
            raise UserError(f"{item}: give name=value; names are {', '.join(KINDS)}.")
        try:
            number = KINDS[name](value)
        except ValueError:
            raise UserError(f"{item}: a number is needed.") from None
        if not LEAST[name] <= number <= MOST.get(name, 1e9):
            raise UserError(f"{item}: must lie between {LEAST[name]:g} and {MOST.get(name, 1e9):g}.")
        params = replace(params, **{name: number})
    return params


def described(params: SamplingParams) -> str:
    return " ".join(f"{name}={getattr(params, name)}" for name in KINDS)


def rating(text: str) -> tuple[str, str]:
    """(`up` or `down`, words). Raises UserError for anything else."""
    vote, _, words = text.partition(" ")
    if vote not in {"up", "down"}:
        raise UserError("/rate up or /rate down, with words if you like.")
    return vote, words.strip()
