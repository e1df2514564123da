"""Search in what was said, the same on both databases, in languages with and without spaces.

Words are cut here: letters and digits in a row are a word, and every character of Chinese, Japanese, Korean or Thai is
one by itself, so that a search for 天气 is a search for 天 followed by 气. (A trigram index, the databases' own way,
cannot find a word of two characters, as most Chinese words are.) The owner's id is a word of each text too: so the
index itself narrows a search to one person's words, however much others have said.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, text

from mynah.store import content
from mynah.store.schema import conversation, message, search_text

# Thai to Burmese, Khmer, kana to CJK extension A, unified ideographs, Hangul, compatibility and further ideographs.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
WORD = re.compile(f"[{UNSPACED}]|[^\\W_{UNSPACED}]+")
MAX_WORDS, MAX_WORD = 16_000, 40  # what a PostgreSQL tsvector holds; the rest of a longer text is not searched
PREFIX = 3  # shorter words match only themselves: half the language begins with `a`
SNIPPET = 160  # characters around a hit


@dataclass(frozen=True)
class Hit:
    """A message that a search found."""

    conversation: str
    message: str
    title: str
    snippet: str
    updated_at: datetime
    """When something was last said in its conversation."""


@dataclass(frozen=True)
class Phrase:
    """Words that follow each other."""

    words: tuple[str, ...]
    quoted: bool

    @property
    def open_ended(self) -> bool:
        """Whether longer words than the last one match too, as it may not be typed to its end."""
        return not self.quoted and PREFIX <= len(self.words[-1]) < MAX_WORD


def words_of(text: str) -> list[str]:
    """The words that a text is searched by, in order."""
    return [word[:MAX_WORD] for word in WORD.findall(unicodedata.normalize("NFKC", text).casefold())]


def add(tx: Connection, owner: str, message_id: str, text: str) -> None:
    """Let `owner` find this message by its words."""
    if words := words_of(text):
        searched = " ".join([_mark(owner), *words[:MAX_WORDS]])
        tx.execute(search_text.insert(), {"message": message_id, "words": searched})


def remove(tx: Connection, message_ids: Sequence[str]) -> None:
    for start in range(0, len(message_ids), content.BATCH):
        tx.execute(delete(search_text).where(search_text.c.message.in_(message_ids[start : start + content.BATCH])))


def search(tx: Connection, owner: str, query: str, *, limit: int = 50) -> list[Hit]:
    """The owner's newest messages that have every part of `query`: words, and "phrases in quotes"."""
    phrases = [Phrase(tuple(words), quoted) for part, quoted in _parts(query) if (words := words_of(part))]
    if not phrases:
        return []
    sqlite = tx.dialect.name == "sqlite"
    found = text(_SQLITE if sqlite else _POSTGRESQL)
    expression = (_fts5 if sqlite else _tsquery)([Phrase((_mark(owner),), quoted=True), *phrases])
    numbers = tx.scalars(found, {"query": expression, "limit": limit}).all()
    c = conversation.c
    rows = tx.execute(
        select(search_text.c.number, message.c.id, message.c.conversation, message.c.content, c.title, c.updated_at)
        .join(message, message.c.id == search_text.c.message)
        .join(conversation, c.id == message.c.conversation)
        .where(search_text.c.number.in_(numbers))
        .order_by(search_text.c.number.desc())
    ).all()
    texts = content.read(tx, [id for row in rows for id in (row.content, row.title)])
    first = phrases[0].words
    return [
        Hit(
            row.conversation,
            row.id,
            texts.get(row.title, ""),
            _snippet(texts.get(row.content, ""), first),
            row.updated_at,
        )
        for row in rows
    ]


_SQLITE = "SELECT rowid FROM search_index WHERE search_index MATCH :query ORDER BY rowid DESC LIMIT :limit"
_POSTGRESQL = (
    "SELECT number FROM search_text WHERE tokens @@ to_tsquery('simple', :query) ORDER BY number DESC LIMIT :limit"
)


def _fts5(phrases: Iterable[Phrase]) -> str:
    return " AND ".join(f'"{" ".join(phrase.words)}"{" *" if phrase.open_ended else ""}' for phrase in phrases)


def _tsquery(phrases: Iterable[Phrase]) -> str:
    return " & ".join(f"({' <-> '.join(phrase.words)}{':*' if phrase.open_ended else ''})" for phrase in phrases)


def _parts(query: str) -> list[tuple[str, bool]]:
    """Each part of a query, and whether it stood in quotes."""
    return [(quoted or bare, bool(quoted)) for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', query)]


def _mark(owner: str) -> str:
    return f"u{owner}"


def _snippet(body: str, words: Sequence[str]) -> str:
    at = max(0, body.casefold().find(words[0]) - SNIPPET // 2)
    return ("…" if at else "") + body[at : at + SNIPPET] + ("…" if at + SNIPPET < len(body) else "")
