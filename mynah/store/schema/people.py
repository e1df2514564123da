"""Accounts, what lets them in, what they agreed to, and the trail of who did what."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Integer, LargeBinary, String, Table, UniqueConstraint

from mynah.store.schema.columns import EVIDENCE, Json, Time, id_column, made_at, metadata, one_of, ref, text

ROLES = ("admin", "labeller", "user")
SERVICE = "0" * 32  # the account that owns what is nobody's own, as guidelines; nobody can log in as it

# The row outlives the person's erasure, so that what they judged still counts; then it holds nothing about them.
user = Table(
    "user",
    metadata,
    id_column(),
    Column("name", String(200)),
    Column("email", String(320), unique=True),
    Column("password_hash", String(200)),
    *one_of("role", *ROLES, "service"),
    Column("salt", LargeBinary(32)),  # keys the hashes of this owner's contents; erasure destroys it
    Column("session_epoch", Integer, nullable=False, default=0),  # raised to end all sessions at once
    made_at(),
    Column("disabled_at", Time),
    Column("erased_at", Time),
)

session = Table(
    "session",
    metadata,
    id_column(),
    ref("user"),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("epoch", Integer, nullable=False),
    made_at(),
    Column("seen_at", Time),
    Column("expires_at", Time, nullable=False),
    Column("revoked_at", Time),
)

api_key = Table(
    "api_key",
    metadata,
    id_column(),
    ref("user"),
    text("name"),
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    Column("requests_per_minute", Integer),
    Column("tokens_per_minute", Integer),
    Column("monthly_budget", Float),  # in the currency of the service's price; null has no limit
    made_at(),
    Column("expires_at", Time),
    Column("revoked_at", Time),
)

invite = Table(
    "invite",
    metadata,
    id_column(),
    ref("invited_by", "user", optional=True),  # nobody, for the link that makes the first admin
    Column("token_hash", String(64), nullable=False, unique=True),
    *one_of("role", *ROLES),
    text("note"),
    made_at(),
    Column("expires_at", Time, nullable=False),
    ref("used_by", "user", optional=True),
    Column("used_at", Time),
)

# The newest row of a person and purpose counts.
consent = Table(
    "consent",
    metadata,
    id_column(),
    ref("user"),
    Column("purpose", String(32), nullable=False),
    Column("given", Boolean, nullable=False),
    made_at(),
    info=EVIDENCE,
)

service_setting = Table(
    "service_setting",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Json, nullable=False),
    ref("changed_by", "user", optional=True),
    Column("changed_at", Time, nullable=False),
)

user_setting = Table(
    "user_setting",
    metadata,
    id_column(),
    ref("user"),
    Column("name", String(64), nullable=False),
    Column("value", Json),
    text("content"),  # for settings that are words, as one's own system prompt
    Column("changed_at", Time, nullable=False),
    UniqueConstraint("user", "name"),
)

# Each row's hash covers the row before: a row changed or taken out behind our back is noticed. Ids only, never words.
audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    ref("actor", "user", optional=True),
    Column("action", String(64), nullable=False),
    Column("target", String(64), nullable=False),
    Column("details", JSON, nullable=False),  # not JSONB: the hash is of the characters that were written
    made_at(),
    Column("hash", String(64), nullable=False),
    info=EVIDENCE,
)
