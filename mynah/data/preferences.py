"""Two answers compared on five levels, ties among them (Tülu 1's human evaluation, Wang et al. 2023, arXiv 2306.04751).

{"prompt": "Hi?", "completion_a": "Hello!", "completion_b": "Yes?", "preference": "b-is-slightly-better"}

How much better is kept in the prompt's `meta`: a ranking has an order and no distances.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mynah.data.conversations import messages
from mynah.data.rows import one_of, string
from mynah.jsonl import name_of
from mynah.nouns import Comparison, Prompt

RANKS = {
    "a-is-better": (1, 2),
    "a-is-slightly-better": (1, 2),
    "tie": (1, 1),
    "b-is-slightly-better": (2, 1),
    "b-is-better": (2, 1),
}
ANSWERS = ("completion_a", "completion_b")
KEPT = ("preference", *(f"{answer}_is_acceptable" for answer in ANSWERS))


def recognise(record: dict[str, Any]) -> bool:
    return "preference" in record and all(answer in record for answer in ANSWERS)


def parse(record: dict[str, Any]) -> Iterator[Comparison]:
    ranks = one_of(record, "preference", RANKS)
    meta = {field: record[field] for field in KEPT if field in record}
    yield Comparison(
        Prompt(messages(record, "prompt"), name_of(record, "instance_id"), meta),
        (string(record, ANSWERS[0]), string(record, ANSWERS[1])),
        ranks,
        labeller=name_of(record, "evaluator"),
        source="human",
    )
