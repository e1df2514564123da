"""What people said and judged, as rows that train: consent, sides, secrets, and what has no words any more.

    with db.reading() as tx:
        gathered = gather(tx, Recipe(until=now()))

docs/feedback.md states every rule. Nothing is written here; `freeze.py` keeps the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from mynah.feedback.preferences import Preference, latest_edits, preferences
from mynah.feedback.scrub import scrub, scrub_all
from mynah.nouns import Comparison, Conversation, Demonstration, Message, Prompt
from mynah.store import content
from mynah.store.evidence import Answer, Asked, Evidence, Shown, evidence, said_before
from mynah.store.search_index import words_of

Split = Literal["train", "validation", "test"]
RAW = "text"
"""The source of prompts that are raw text to continue: nobody is answered there."""


@dataclass(frozen=True)
class Recipe:
    """What decides which evidence is taken, and how; the same recipe gives the same rows again."""

    until: datetime
    """Later evidence, corrections and consent do not count."""
    split: Split = "train"
    """The groups of prompts that are taken; for training no others."""
    simulated: bool = False
    """Also take what simulated labellers judged."""
    substantial: float = 0.2
    """Edits that change this share of the words are demonstrations too."""
    signs_share: float = 0.01
    """What thumbs can weigh together, as a share of all preferences."""
    signs_scale: float | None = None
    """What they were multiplied by for it; None: find out."""
    only: tuple[str, ...] | None = None
    """Ids of the judgements that are taken; None takes all."""
    listed: Mapping[str, str] = field(default_factory=dict)
    """By which filters they were chosen, for who reads the recipe."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"until": self.until.isoformat()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Recipe:
        only = plain.get("only")
        chosen = {"only": None if only is None else tuple(only)}
        return cls(**{**plain, **chosen, "until": datetime.fromisoformat(plain["until"])})


@dataclass(frozen=True)
class Gained:
    """One row for training, and the evidence that it comes from; `row` is None where its words are gone."""

    evidence: str
    id: str
    writers: tuple[str, ...]
    """The people whose words are in it: the owner of the conversation, then who wrote in it or edited."""
    row: Demonstration | Comparison | None


@dataclass
class Gathered:
    """Rows in an order that only the evidence decides."""

    demonstrations: list[Gained] = field(default_factory=list)
    comparisons: list[Gained] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    """Why, and how many."""
    scrubbed: Counter[str] = field(default_factory=Counter)
    """Placeholders, by the kind of secret."""
    signs_scale: float = 1.0


def gather(tx: Connection, recipe: Recipe) -> Gathered:
    """All rows that the recipe takes from the store as it is."""
    return _Gathering(tx, recipe).all()


class _Gathering:
    """One pass over the evidence; a prompt's words are read once."""

    def __init__(self, tx: Connection, recipe: Recipe) -> None:
        self.tx, self.recipe, self.found = tx, recipe, Gathered()
        self.evidence: Evidence = evidence(tx, recipe.until)
        if recipe.only is not None:
            self.evidence = self.evidence.only(frozenset(recipe.only))
        self.said: dict[str, tuple[Conversation | None, frozenset[str]]] = {}

    def all(self) -> Gathered:
        preferred = [
            row
            for row in preferences(self.evidence, self.found.left_out)
            if self._taken(row.prompt, row.source, {row.author, row.writer} - {""})
        ]
        shown = [row for row in latest_edits(self.evidence.shown) if self._taken(row.prompt, row.source, {row.author})]
        ids = {id for row in preferred for id in row.contents} | {row.content for row in shown}
        ids |= {self._original(row).content for row in shown if row.edited_from}
        texts = {id: text for id, text in content.read(self.tx, ids).items() if id}
        self.found.demonstrations += filter(None, (self._demonstration(row, texts) for row in shown))
        kept = [(row, gained) for row in preferred if (gained := self._comparison(row, texts))]
        self.found.comparisons += self._weighed(kept)
        return self.found

    def _taken(self, prompt: str, source: str, authors: set[str]) -> bool:
        """Whether a judgement may be used; why not is counted."""
        asked = self.evidence.prompts[prompt]
        why = self._why_not(asked, source, authors)
        if why:
            self.found.left_out[why] += 1
        return not why

    def _why_not(self, asked: Asked, source: str, authors: set[str]) -> str:
        if asked.temporary:
            return "judgements in temporary chats"
        if asked.source == RAW:
            return "judgements of raw text"
        if source == "simulated" and not self.recipe.simulated:
            return "simulated judgements"
        if asked.gold or asked.split == "gold":
            return "judgements that measure people (gold)"
        if asked.split is None:
            return "judgements of prompts whose words are gone"
        if asked.split != self.recipe.split:
            return f"judgements of prompts kept for {asked.split}"
        if not authors | {asked.owner} | self._said(asked)[1] <= self.evidence.consenting:
            return "judgements without the consent of all whose they are"
        return ""

    def _said(self, asked: Asked) -> tuple[Conversation | None, frozenset[str]]:
        if asked.id not in self.said:
            self.said[asked.id] = said_before(self.tx, asked.message)
        return self.said[asked.id]

    def _original(self, row: Shown) -> Answer:
        return self.evidence.answers[str(row.edited_from)]

    def _demonstration(self, row: Shown, texts: Mapping[str, str]) -> Gained | None:
        """An answer that was written, or so much edited that it is another; None if it is neither."""
        asked, answer = self.evidence.prompts[row.prompt], texts.get(row.content)
        original = texts.get(self._original(row).content) if row.edited_from else ""
        said = self._said(asked)[0]
        if said is None or answer is None or original is None:
            return self._gained("demonstration", row.id, asked, row.author, None)
        if not answer.strip():
            self.found.left_out["demonstrations without words"] += 1
            return None
        if row.edited_from and changed(original, answer) < self.recipe.substantial:
            self.found.left_out["small edits, which are comparisons only"] += 1
            return None
        messages = (*self._clean(said), Message("assistant", scrub(answer, self.found.scrubbed)))
        made = Demonstration(messages, row.source if not row.edited_from else f"{row.source} edit", "last")
        return self._gained("demonstration", row.id, asked, row.author, made)

    def _comparison(self, row: Preference, texts: Mapping[str, str]) -> Gained | None:
        """The answers as words, in the order of the words, so that rankings of the same answers meet."""
        asked, said = self.evidence.prompts[row.prompt], self._said(self.evidence.prompts[row.prompt])[0]
        answers = [texts.get(id) for id in row.contents]
        if said is None or None in answers:
            return self._gained(row.evidence, row.id, asked, row.writer, None)
        if said[-1].role == "assistant":
            self.found.left_out["prompts that end with an answer"] += 1
            return None
        clean = [scrub(answer, self.found.scrubbed) for answer in answers if answer is not None]
        ranked = sorted(zip(clean, row.ranks, strict=True))
        comparison = Comparison(
            Prompt(self._clean(said), row.prompt),
            tuple(text for text, _ in ranked),
            tuple(rank for _, rank in ranked),
            row.author,
            row.source,
            row.weight,
        )
        if any(comparison.completions[i].split() == comparison.completions[k].split() for i, k in comparison.pairs()):
            self.found.left_out["comparisons of a text with itself"] += 1
            return None
        return self._gained(row.evidence, row.id, asked, row.writer, comparison)

    def _clean(self, said: Conversation) -> Conversation:
        found = self.found.scrubbed
        return tuple(
            Message(one.role, scrub(one.content, found), tuple(scrub_all(call, found) for call in one.tool_calls))
            for one in said
        )

    def _gained(self, table: str, id: str, asked: Asked, writer: str, row: Demonstration | Comparison | None) -> Gained:
        people = self._said(asked)[1] | ({writer} if writer else set())
        return Gained(table, id, (asked.owner, *sorted(people - {asked.owner})), row)

    def _weighed(self, kept: list[tuple[Preference, Gained]]) -> Iterator[Gained]:
        """Thumbs brought down to the share that they may have at most."""
        signs = sum(row.weight for row, gained in kept if gained.row and row.kind == "sign")
        others = sum(row.weight for row, gained in kept if gained.row and row.kind != "sign")
        scale, share = self.recipe.signs_scale, self.recipe.signs_share
        if scale is None:
            scale = 1.0 if share >= 1 or not signs else min(1.0, share / (1 - share) * others / signs)
        self.found.signs_scale = scale
        for row, gained in kept:
            if row.kind != "sign" or scale == 1:
                yield gained
            elif not scale:
                self.found.left_out["comparisons by thumbs, beside which nothing else is there"] += 1
            elif isinstance(gained.row, Comparison):
                yield replace(gained, row=replace(gained.row, weight=gained.row.weight * scale))
            else:
                yield gained


def changed(before: str, after: str) -> float:
    """The share of words, of the longer text, that the other does not have: 0 for the same words, 1 for none alike."""
    one, other = Counter(words_of(before)), Counter(words_of(after))
    longer = max(one.total(), other.total())
    return 1 - (one & other).total() / longer if longer else float(before != after)
