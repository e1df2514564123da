"""Conversations can be pinned; a stream knows the API key that pays for it, also after a crash."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    time = sa.DateTime(timezone=op.get_bind().dialect.name == "postgresql")
    op.add_column("conversation", sa.Column("pinned_at", time))
    with op.batch_alter_table("stream") as stream:
        stream.add_column(sa.Column("api_key", sa.String(32)))
        stream.create_foreign_key("fk_stream_api_key", "api_key", ["api_key"], ["id"])
