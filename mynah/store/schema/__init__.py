"""The tables: people, words, answers, labels, training, channels. docs/store.md has the picture."""

from mynah.store.schema.answers import (
    completion,
    model_version,
    prompt,
    prompt_group,
    rm_score,
    stream,
    usage,
)
from mynah.store.schema.columns import metadata, new_id, now
from mynah.store.schema.labels import (
    assignment,
    demonstration,
    gold_key,
    guideline,
    label,
    preference_event,
    ranking,
    ranking_item,
    reaction,
    rule,
    task,
    task_item,
)
from mynah.store.schema.limits import allowance
from mynah.store.schema.outside import outside_person, outside_thread
from mynah.store.schema.people import (
    SERVICE,
    api_key,
    audit,
    consent,
    invite,
    service_setting,
    session,
    user,
    user_setting,
)
from mynah.store.schema.training import dataset, dataset_row, job, promotion, training_run, training_run_dataset
from mynah.store.schema.words import content, conversation, draft, message, search_text, share

__all__ = [
    "EVIDENCE",
    "SERVICE",
    "allowance",
    "api_key",
    "assignment",
    "audit",
    "completion",
    "consent",
    "content",
    "conversation",
    "dataset",
    "dataset_row",
    "demonstration",
    "draft",
    "gold_key",
    "guideline",
    "invite",
    "job",
    "label",
    "message",
    "metadata",
    "model_version",
    "new_id",
    "now",
    "outside_person",
    "outside_thread",
    "preference_event",
    "promotion",
    "prompt",
    "prompt_group",
    "ranking",
    "ranking_item",
    "reaction",
    "rm_score",
    "rule",
    "search_text",
    "service_setting",
    "session",
    "share",
    "stream",
    "task",
    "task_item",
    "training_run",
    "training_run_dataset",
    "usage",
    "user",
    "user_setting",
]

EVIDENCE = tuple(table for table in metadata.sorted_tables if table.info.get("evidence"))
