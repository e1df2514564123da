"""What people were asked, and how they judged: tasks and leases, rankings, labels, demonstrations, reactions."""

from sqlalchemy import Boolean, CheckConstraint, Column, Float, Integer, String, Table, UniqueConstraint

from mynah.store.schema.columns import EVIDENCE, Json, Time, id_column, made_at, metadata, one_of, ref, text

SOURCES = ("human", "simulated")

# The words of guidelines and rules belong to the service (people.SERVICE): they stay when their author leaves.
guideline = Table(
    "guideline",
    metadata,
    id_column(),
    Column("version", Integer, nullable=False, unique=True),
    text("content", optional=False),
    ref("author", "user"),
    made_at(),
    info=EVIDENCE,
)

rule = Table(
    "rule",
    metadata,
    id_column(),
    Column("name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    text("content", optional=False),
    ref("author", "user"),
    made_at(),
    UniqueConstraint("name", "version"),
    info=EVIDENCE,
)

task = Table(
    "task",
    metadata,
    id_column(),
    *one_of("kind", "rank", "demonstrate", "flag", "compare", "adjudicate"),
    ref("prompt"),
    ref("guideline"),
    Column("wanted", Integer, nullable=False),  # submissions, each by another person
    Column("priority", Float, nullable=False, default=0.0),
    Column("origin", String(32), nullable=False),  # random, thumbs_down, disagreement, adversarial, gold, repeated
    made_at(),
    Column("closed_at", Time),
)

task_item = Table(
    "task_item",
    metadata,
    id_column(),
    ref("task"),
    ref("completion"),
    UniqueConstraint("task", "completion"),
    info=EVIDENCE,
)

assignment = Table(
    "assignment",
    metadata,
    id_column(),
    ref("task", index=False),
    ref("user"),
    ref("guideline"),  # the version that this person saw
    Column("shown_order", Json, nullable=False),  # ids of completions, as the cards lay
    made_at(),
    Column("leased_until", Time, nullable=False),
    Column("submitted_at", Time),
    Column("skipped_at", Time),
    text("skip_reason"),
    UniqueConstraint("task", "user"),
)

# What only the checkers know about a task: how its answers should be judged.
gold_key = Table(
    "gold_key",
    metadata,
    id_column(),
    ref("task"),
    Column("expected", Json, nullable=False),  # {completion id: grade}
    text("why"),
    ref("author", "user"),
    ref("supersedes", "gold_key", optional=True),
    made_at(),
    info=EVIDENCE,
)

ranking = Table(
    "ranking",
    metadata,
    id_column(),
    ref("prompt"),
    ref("author", "user"),
    ref("assignment", optional=True),
    *one_of("source", *SOURCES),
    Column("all_bad", Boolean, nullable=False),
    Column("confidence", Integer),
    text("comment"),
    Column("seconds", Float),
    ref("supersedes", "ranking", optional=True),
    made_at(),
    info=EVIDENCE,
)

ranking_item = Table(
    "ranking_item",
    metadata,
    id_column(),
    ref("ranking"),
    ref("completion"),
    Column("grade", Integer, nullable=False),  # 1 is best; equal grades are a tie
    UniqueConstraint("ranking", "completion"),
    info=EVIDENCE,
)

label = Table(
    "label",
    metadata,
    id_column(),
    ref("completion"),
    ref("author", "user"),
    ref("assignment", optional=True),
    *one_of("source", *SOURCES),
    Column("name", String(64), nullable=False),
    Column("value", Float, nullable=False),  # 0 or 1 for a flag, 1–7 for a Likert scale
    Column("span_start", Integer),  # in characters of the completion's text, end excluded
    Column("span_end", Integer),
    ref("rule", optional=True),
    ref("supersedes", "label", optional=True),
    made_at(),
    CheckConstraint("(span_start IS NULL) = (span_end IS NULL) AND span_start < span_end", name="span"),
    info=EVIDENCE,
)

demonstration = Table(
    "demonstration",
    metadata,
    id_column(),
    ref("prompt"),
    text("content", optional=False),
    ref("author", "user"),
    ref("assignment", optional=True),
    *one_of("source", *SOURCES),
    ref("edited_from", "completion", optional=True),
    ref("supersedes", "demonstration", optional=True),
    made_at(),
    info=EVIDENCE,
)

reaction = Table(
    "reaction",
    metadata,
    id_column(),
    ref("completion"),
    ref("author", "user"),
    Column("rating", Integer, nullable=False),  # 1 thumb up, -1 thumb down, 0 takes it back
    Column("reasons", Json, nullable=False),  # names, never free text
    text("comment"),
    ref("supersedes", "reaction", optional=True),
    made_at(),
    CheckConstraint("rating IN (-1, 0, 1)", name="rating"),
    info=EVIDENCE,
)

preference_event = Table(
    "preference_event",
    metadata,
    id_column(),
    *one_of("kind", "arena", "regenerate", "edit", "sibling"),
    ref("author", "user"),
    ref("a", "completion"),
    ref("b", "completion", optional=True),
    ref("edit", "demonstration", optional=True),  # stands for b where a person wrote it
    *one_of("outcome", "a", "b", "tie", "both_bad"),
    *one_of("left_side", "a", "b", optional=True),  # null where they were not shown side by side
    made_at(),
    CheckConstraint("(b IS NULL) <> (edit IS NULL)", name="b_or_edit"),
    info=EVIDENCE,
)
