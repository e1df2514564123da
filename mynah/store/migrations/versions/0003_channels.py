"""People and threads of other services; a prompt may be put into its group once (triggers.py)."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "outside_person",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("team", sa.String(128), nullable=False),
        sa.Column("person", sa.String(128), nullable=False),
        sa.Column("user", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outside_person"),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name="fk_outside_person_user"),
        sa.UniqueConstraint("channel", "team", "person", name="uq_outside_person_channel_team_person"),
    )
    op.create_index("ix_outside_person_user", "outside_person", ["user"])
    op.create_table(
        "outside_thread",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("outside_person", sa.String(32), nullable=False),
        sa.Column("thread", sa.String(200), nullable=False),
        sa.Column("conversation", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outside_thread"),
        sa.ForeignKeyConstraint(["outside_person"], ["outside_person.id"], name="fk_outside_thread_outside_person"),
        sa.ForeignKeyConstraint(["conversation"], ["conversation.id"], name="fk_outside_thread_conversation"),
        sa.UniqueConstraint("outside_person", "thread", name="uq_outside_thread_outside_person_thread"),
    )
    op.create_index("ix_outside_thread_conversation", "outside_thread", ["conversation"])
