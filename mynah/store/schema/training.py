"""From evidence to the next model: frozen data sets, training runs, jobs at work, and who was promoted why."""

from sqlalchemy import BigInteger, Column, Float, Integer, String, Table, UniqueConstraint

from mynah.store.schema.columns import EVIDENCE, Json, Time, id_column, made_at, metadata, one_of, ref, text

dataset = Table(
    "dataset",
    metadata,
    id_column(),
    *one_of("kind", "demonstrations", "comparisons", "prompts", "labels"),
    Column("number", Integer, nullable=False),
    Column("recipe", Json, nullable=False),  # what rebuilds it
    Column("manifest", String(80), nullable=False),  # sha256 over the rows' keys
    Column("rows", Integer, nullable=False),
    ref("author", "user", optional=True),
    made_at(),
    UniqueConstraint("kind", "number"),
    info=EVIDENCE,
)

dataset_row = Table(
    "dataset_row",
    metadata,
    ref("dataset", index=False),
    Column("number", Integer, nullable=False),
    Column("evidence", String(32), nullable=False),  # the table: ranking, demonstration, …
    Column("evidence_id", String(32), nullable=False, index=True),
    Column("key", String(64), nullable=False),  # HMAC of the row under the owner's salt
    Column("weight", Float, nullable=False),
    UniqueConstraint("dataset", "number"),
    info=EVIDENCE,
)

# Written when a run has ended; while it works, `job` tells of it.
training_run = Table(
    "training_run",
    metadata,
    id_column(),
    Column("run", String(200), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("settings", Json, nullable=False),
    Column("seed", BigInteger, nullable=False),
    ref("parent", "model_version", optional=True),
    ref("result", "model_version", optional=True),  # null where it failed
    Column("metrics", Json, nullable=False),
    ref("job", optional=True),
    Column("started_at", Time, nullable=False),
    Column("finished_at", Time, nullable=False),
    info=EVIDENCE,
)

training_run_dataset = Table(
    "training_run_dataset",
    metadata,
    ref("training_run"),
    ref("dataset"),
    UniqueConstraint("training_run", "dataset"),
    info=EVIDENCE,
)

job = Table(
    "job",
    metadata,
    id_column(),
    Column("kind", String(32), nullable=False),
    *one_of("status", "waiting", "running", "done", "failed", "cancelled"),
    Column("request", Json, nullable=False),
    Column("progress", Float, nullable=False, default=0.0),
    text("error"),
    ref("author", "user", optional=True),
    made_at(),
    Column("started_at", Time),
    Column("heartbeat_at", Time),
    Column("finished_at", Time),
)

promotion = Table(
    "promotion",
    metadata,
    id_column(),
    ref("model_version"),
    ref("replaces", "model_version", optional=True),
    *one_of("decision", "promote", "reject", "rollback"),
    Column("comparison", Json, nullable=False),  # win rate with its interval, and what it was measured on
    text("reason"),
    ref("author", "user", optional=True),  # nobody, where the loop decided
    made_at(),
    info=EVIDENCE,
)
