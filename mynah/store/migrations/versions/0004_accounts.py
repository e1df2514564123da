"""Limits of API keys and of sign-ins are counted in the database, so that all workers count together."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    time = sa.DateTime(timezone=op.get_bind().dialect.name == "postgresql")
    op.create_table(
        "allowance",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("level", sa.Float, nullable=False),
        sa.Column("at", time, nullable=False),
        sa.Column("forget_at", time, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_allowance"),
    )
    op.create_index("ix_allowance_forget_at", "allowance", ["forget_at"])
