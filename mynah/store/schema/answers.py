"""Which model said what: model versions, prompts, completions with their provenance, scores, usage."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, UniqueConstraint

from mynah.store.schema.columns import EVIDENCE, Json, Time, id_column, made_at, metadata, one_of, ref, text

# Two checkpoints are the same version exactly if they answer alike: weights, tokenizer and template all count.
model_version = Table(
    "model_version",
    metadata,
    id_column(),
    Column("name", String(200), nullable=False),
    Column("stage", String(16), nullable=False),  # pretrain, sft, reward, feedme, ppo, or served by another engine
    Column("weights", String(80), nullable=False),
    Column("tokenizer", String(80), nullable=False),
    Column("template", String(80), nullable=False),
    Column("code_version", String(80), nullable=False),
    ref("parent", "model_version", optional=True),
    Column("run", String(200), nullable=False),
    made_at(),
    UniqueConstraint("weights", "tokenizer", "template"),
    info=EVIDENCE,
)

# Near-duplicate prompts share a group, and the group its split, once and for all.
prompt_group = Table(
    "prompt_group",
    metadata,
    id_column(),
    *one_of("split", "train", "validation", "test", "gold"),
    made_at(),
    info=EVIDENCE,
)

prompt = Table(
    "prompt",
    metadata,
    id_column(),
    ref("owner", "user"),
    ref("message", unique=True),  # the context is the path from the root to this message
    Column("context_key", String(64), nullable=False, index=True),  # HMAC of that path under the owner's salt
    Column("source", String(16), nullable=False),
    ref("prompt_group", optional=True),
    made_at(),
    info=EVIDENCE,
)

FINISH_REASONS = ("stop", "length", "tool_calls", "cancelled", "interrupted")

completion = Table(
    "completion",
    metadata,
    id_column(),
    ref("prompt"),
    ref("model_version"),
    text("content", optional=False),
    text("tool_calls"),
    Column("params", Json, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("logprob_sum", Float),
    *one_of("finish_reason", *FINISH_REASONS),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("started_at", Time, nullable=False),
    Column("first_token_at", Time),
    Column("finished_at", Time, nullable=False),
    info=EVIDENCE,
)

# An answer that is being given. It becomes the completion of the same id; what a crash leaves here was interrupted.
stream = Table(
    "stream",
    metadata,
    id_column(),
    ref("prompt"),
    ref("model_version", index=False),
    text("content", optional=False),
    ref("api_key", optional=True, index=False),  # who pays for it, should a crash cut it
    Column("params", Json, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("started_at", Time, nullable=False),
    Column("first_token_at", Time),
    Column("updated_at", Time, nullable=False, index=True),
)

rm_score = Table(
    "rm_score",
    metadata,
    id_column(),
    ref("completion"),
    ref("model_version"),
    Column("score", Float, nullable=False),
    Column("spread", Float, nullable=False),  # standard deviation among the ensemble's members
    made_at(),
    info=EVIDENCE,
)

usage = Table(
    "usage",
    metadata,
    id_column(),
    ref("user", index=False),
    ref("api_key", optional=True),
    ref("completion", optional=True),
    ref("model_version", optional=True, index=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("cost", Float, nullable=False),
    made_at(),
    Index(None, "user", "created_at"),
    info=EVIDENCE,
)
