"""People of other services who talk to the assistant there, and which conversation each of their threads goes on."""

from sqlalchemy import Column, String, Table, UniqueConstraint

from mynah.store.schema.columns import id_column, made_at, metadata, ref

# The name that the other service has for a person is about them: their erasure deletes the row.
outside_person = Table(
    "outside_person",
    metadata,
    id_column(),
    Column("channel", String(16), nullable=False),  # wecom, slack
    Column("team", String(128), nullable=False),  # the corp or workspace: two of them may have the same name
    Column("person", String(128), nullable=False),
    ref("user"),
    made_at(),
    UniqueConstraint("channel", "team", "person"),
)

# A thread goes on in one conversation until its person asks for a new one.
outside_thread = Table(
    "outside_thread",
    metadata,
    id_column(),
    ref("outside_person", index=False),
    Column("thread", String(200), nullable=False),
    ref("conversation"),
    made_at(),
    UniqueConstraint("outside_person", "thread"),
)
