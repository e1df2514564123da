"""How much of something was taken lately: what limits of API keys and of sign-ins are counted in."""

from sqlalchemy import Column, Float, String, Table

from mynah.store.schema.columns import Time, metadata

# A bucket with a hole: what is taken fills it, and it runs empty by itself. A row lasts only as long as it matters.
allowance = Table(
    "allowance",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("level", Float, nullable=False),
    Column("at", Time, nullable=False),
    Column("forget_at", Time, nullable=False, index=True),
)
