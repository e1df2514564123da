"""The chat in a terminal: a loop of lines, commands and answers that stream. Ctrl-C stops the answer, not the chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mynah.agent import evidence
from mynah.agent.assistant import Assistant
from mynah.agent.commands import COMMANDS, KEYS, changed, described, parse, rating
from mynah.agent.keyboard import Keyboard
from mynah.agent.screen import Screen
from mynah.agent.talk import Talk
from mynah.errors import UserError
from mynah.files import read_json, write_json
from mynah.nouns import SamplingParams


@dataclass(frozen=True)
class Models:
    """The checkpoints that the chat may talk to."""

    load: Callable[[str], tuple[Assistant, Mapping[str, Any]]]
    """A stage's assistant, and what evidence says of it (run, stage, weights)."""
    stages: Sequence[str]
    first: str


@dataclass
class Chat:
    """One sitting."""

    models: Models
    params: SamplingParams
    kept_in: Path
    """The file of ratings and edits."""
    talk: Talk = field(default_factory=Talk)
    keyboard: Keyboard = field(default_factory=Keyboard)
    screen: Screen = field(default_factory=Screen)

    def __post_init__(self) -> None:
        self.assistant, self.model = self.models.load(self.models.first)
        self.drawn = 0  # answers so far; each is drawn with a number of its own
        self.told = False  # that old turns have fallen out

    def run(self, starters: Sequence[str] = ()) -> None:
        """Talk until the user leaves."""
        self.screen.say(f"{self.assistant.name} is listening. /help lists the commands, Ctrl-D leaves.")
        if starters:
            self.screen.say("Try: " + " · ".join(starters))
        while True:
            try:
                line = self.keyboard.read()
            except KeyboardInterrupt:
                if not self.keyboard.interactive:
                    return
                self.screen.say("Ctrl-D leaves.")
                continue
            except EOFError:
                return
            try:
                if line and not self._do(*parse(line)):
                    return
            except UserError as error:
                self.screen.say(str(error), "red")
            except (EOFError, KeyboardInterrupt):
                self.screen.say("left as it was.")

    def _do(self, command: str, rest: str) -> bool:
        """Obey a line; False to leave."""
        match command:
            case "":
                self.talk = self.talk.asking(rest)
                self._answer()
            case "/quit":
                return False
            case "/help":
                self._help()
            case "/new":
                self._start_over(Talk(self.talk.system))
            case "/system":
                self._start_over(Talk(rest))
            case "/retry":
                self._last("retry")
                self.talk = self.talk.again()
                self._answer()
            case "/undo":
                self._last("undo")
                self.talk = self.talk.undone()
                self.screen.say(f"taken back; {len(self.talk.turns)} turns are left.")
            case "/edit":
                self._edit(rest)
            case "/rate":
                self._rate(rest)
            case "/save":
                self._save(rest)
            case "/load":
                path = _path(rest)
                self._start_over(Talk.from_json(read_json(path), str(path)))
                self.screen.say(f"{len(self.talk.turns)} turns loaded.")
            case "/model":
                self._switch(rest)
            case "/params":
                self.params = changed(self.params, rest)
                self.screen.say(described(self.params))
        return True

    def _answer(self) -> None:
        """Let the assistant answer the open question; without a word it stays open."""
        room = min(self.params.max_new_tokens, self.assistant.engine.context // 2)
        messages, dropped = self.talk.fitted(lambda found: self.assistant.fits(found, room))
        if dropped and not self.told:
            self.told = True
            self.screen.say("The conversation is longer than the model's context: it no longer sees the oldest turns.")
        self.drawn += 1
        answer, stopped = self.screen.answer(
            self.assistant.name, self.assistant.stream(messages, self.params, sequence=self.drawn)
        )
        names = ("temperature", "top_p", "min_p", "top_k", "max_new_tokens")
        sampling = {name: getattr(self.params, name) for name in names}
        sampling |= {"seed": self.params.seed, "sequence": self.drawn}
        self.talk = self.talk.with_last(
            answer=answer, stopped=stopped, seen=messages, made_by={**self.model, "sampling": sampling}
        )

    def _last(self, purpose: str, answered: bool = False) -> Any:
        if not self.talk.last or (answered and not self.talk.last.answer):
            raise UserError(f"nothing to {purpose} yet: ask something first.")
        return self.talk.last

    def _edit(self, which: str) -> None:
        if which not in {"", "answer", "question"}:
            raise UserError("/edit corrects the last answer, /edit question the last question.")
        if which == "question":
            question = self.keyboard.edit(self._last("edit").question)
            if question:
                self.talk = self.talk.undone().asking(question)
                self._answer()
            return
        turn = self._last("edit", answered=True)
        edited = self.keyboard.edit(turn.answer)
        if not edited or edited == turn.answer:
            self.screen.say("left as it was.")
            return
        evidence.keep(self.kept_in, "edit", turn, {"edited": edited})
        self.talk = self.talk.with_last(answer=edited, original=turn.said)
        self.screen.say(f"corrected, and kept in {self.kept_in}; the conversation goes on from your words.")

    def _rate(self, rest: str) -> None:
        turn = self._last("rate", answered=True)
        vote, words = rating(rest)
        evidence.keep(self.kept_in, "rating", turn, {"rating": vote, "words": words})
        self.screen.say(f"kept in {self.kept_in}.")

    def _save(self, rest: str) -> None:
        path = _path(rest)
        self._last("save")
        if path.exists() and "messages" not in _mapping(path):
            raise UserError(f"{path}: exists, and is no conversation; name another file.")
        write_json(path, self.talk.to_json())
        self.screen.say(f"{len(self.talk.turns)} turns saved to {path}.")

    def _switch(self, stage: str) -> None:
        if stage:
            self.assistant, self.model = self.models.load(stage)
        others = "" if stage else f"; there are {', '.join(self.models.stages)}"
        self.screen.say(f"talking to {self.model.get('stage', '')}{others}.")

    def _start_over(self, talk: Talk) -> None:
        self.talk, self.told = talk, False

    def _help(self) -> None:
        for name, meaning in COMMANDS.items():
            self.screen.say(meaning if meaning.startswith(name) else f"{name}  {meaning}")
        self.screen.say(KEYS)


def _path(text: str) -> Path:
    if not text:
        raise UserError("name a file.")
    return Path(text).expanduser()


def _mapping(path: Path) -> Mapping[str, Any]:
    try:
        value = read_json(path)
    except UserError:
        return {}
    return value if isinstance(value, dict) else {}
