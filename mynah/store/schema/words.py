"""What was said: contents, conversations as trees of messages, drafts, shares, and the text that search reads."""

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from mynah.nouns import ROLES
from mynah.store.schema.columns import EVIDENCE, Time, id_column, made_at, metadata, one_of, ref, text

# The only table that holds free text. While `sealed` is false a text is being written (a draft, a stream) and may
# change; sealed, its one possible change is erasure: body and key go, the row stays. triggers.py holds that.
content = Table(
    "content",
    metadata,
    id_column(),
    ref("owner", "user"),  # who wrote it; for an answer, whom it was given to
    ref("subject", "user", optional=True),  # whose conversation it is about and may quote: their erasure takes it too
    Column("key", String(64), index=True),  # HMAC-SHA256 of the body under the owner's salt
    Column("body", Text),
    Column("sealed", Boolean, nullable=False),
    made_at(),
    Column("erased_at", Time),
)

conversation = Table(
    "conversation",
    metadata,
    id_column(),
    ref("owner", "user", index=False),
    text("title"),
    Column("source", String(16), nullable=False),  # chat, api, text, wecom, slack, import
    Column("temporary", Boolean, nullable=False),  # never in history, search or training data
    made_at(),
    Column("updated_at", Time, nullable=False),
    Column("pinned_at", Time),
    Column("archived_at", Time),
    Column("deleted_at", Time),
    Index(None, "owner", "updated_at", "id"),
)

message = Table(
    "message",
    metadata,
    id_column(),
    ref("conversation"),
    ref("parent", "message", optional=True),
    *one_of("role", *ROLES),
    text("content", optional=False),
    text("tool_calls"),  # as JSON
    ref("author", "user", optional=True),
    # The key comes after both tables are there: a completion answers a prompt, which is a message.
    Column("completion", String(32), ForeignKey("completion.id", use_alter=True), unique=True),
    made_at(),
    CheckConstraint("(author IS NULL) <> (completion IS NULL)", name="author_or_completion"),
    info=EVIDENCE,
)

# Words as search_index.py cuts them, and a full-text index of them: on SQLite a table beside, on PostgreSQL a column.
search_text = Table(
    "search_text",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    ref("message", unique=True),
    Column("words", Text, nullable=False),
)

SEARCH_INDEX = {
    "sqlite": [
        "CREATE VIRTUAL TABLE search_index USING fts5("
        "words, content='search_text', content_rowid='number', tokenize='unicode61 remove_diacritics 0')"
    ],
    "postgresql": [
        "ALTER TABLE search_text ADD COLUMN tokens tsvector "
        "GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, words)) STORED",
        "CREATE INDEX ix_search_text_tokens ON search_text USING gin (tokens)",
    ],
}
for dialect, statements in SEARCH_INDEX.items():
    for statement in statements:
        event.listen(search_text, "after_create", DDL(statement).execute_if(dialect=dialect))

draft = Table(
    "draft",
    metadata,
    id_column(),
    ref("user", index=False),
    Column("place", String(64), nullable=False),  # the id of the conversation or assignment it is for
    text("content", optional=False),
    Column("updated_at", Time, nullable=False),
    UniqueConstraint("user", "place"),
)

# A snapshot: the messages from the root to `message`, as they are; what is erased later is gone from it too.
share = Table(
    "share",
    metadata,
    id_column(),
    ref("conversation"),
    ref("message"),
    ref("shared_by", "user"),
    Column("token_hash", String(64), nullable=False, unique=True),
    made_at(),
    Column("revoked_at", Time),
)
