"""OpenAssistant's message trees, nested or one message a row (Köpf et al. 2023, arXiv 2304.07327).

{"message_tree_id": "1", "prompt": {"message_id": "1", "role": "prompter", "text": "Hi?", "replies": […]}}
{"message_id": "2", "parent_id": "1", "role": "assistant", "text": "Hello!", "rank": 0}

Answers to one message that people ranked (0 is best) are a K-way ranking. The best-ranked reply at every step, from the
root down to an answer, is one demonstration; more paths of a tree would repeat its first turns. What was deleted or
failed its review is left out, with all that follows on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mynah.data.rows import LeftOut, one_of, string
from mynah.jsonl import Mistake
from mynah.nouns import Comparison, Conversation, Demonstration, Message, Prompt, Role

ROLES: dict[str, Role] = {"prompter": "user", "assistant": "assistant"}


@dataclass(frozen=True)
class Node:
    """One message of a tree."""

    id: str
    parent: str
    message: Message
    rank: int | None
    kept: bool


def recognise(record: dict[str, Any]) -> bool:
    return "message_tree_id" in record or {"message_id", "text", "role"} <= set(record)


def parse(record: dict[str, Any]) -> Iterator[Node]:
    """The messages of a nested tree, or the one that stands alone."""
    root = record.get("prompt", record)
    if not isinstance(root, dict):
        raise Mistake('field "prompt": the tree\'s first message is needed.')
    parent, waiting = string(root, "parent_id") if root.get("parent_id") else "", [root]
    yield _node(root, parent)
    while waiting:
        above = waiting.pop()
        replies = above.get("replies") or []
        if not isinstance(replies, list) or not all(isinstance(reply, dict) for reply in replies):
            raise Mistake('field "replies": a list of messages is needed.')
        for reply in replies:
            yield _node(reply, string(above, "message_id"))
        waiting += replies


def join(nodes: Iterable[Node]) -> Iterator[Comparison | Demonstration | LeftOut]:
    """Trees from their messages; rankings and one demonstration from each."""
    by_id: dict[str, Node] = {}
    for node in nodes:
        if node.id in by_id:
            yield LeftOut("messages whose id another message has")
        by_id.setdefault(node.id, node)
    replies: dict[str, list[Node]] = {}
    for node in by_id.values():
        if not node.kept:
            yield LeftOut("messages that were deleted or failed their review, with their replies")
        elif node.parent and node.parent not in by_id:
            yield LeftOut("messages whose parent is not in the file, with their replies")
        else:
            replies.setdefault(node.parent, []).append(node)
    for root in replies.get("", []):
        yield from _rankings(root, replies)
        best = _best_path(root, replies)
        if best:
            yield Demonstration(best, "human")
        else:
            yield LeftOut("trees without an answer")


def _node(message: dict[str, Any], parent: str) -> Node:
    rank = message.get("rank")
    whole = isinstance(rank, int) or (isinstance(rank, float) and rank.is_integer())
    if rank is not None and (isinstance(rank, bool) or not whole):
        raise Mistake('field "rank": a whole number is needed, 0 for the best.')
    if not message.get("message_id"):
        raise Mistake('field "message_id": is missing.')
    said = Message(one_of(message, "role", ROLES), string(message, "text"))
    kept = not message.get("deleted") and message.get("review_result") is not False
    return Node(string(message, "message_id"), parent, said, None if rank is None else int(rank), kept)


def _rankings(root: Node, replies: dict[str, list[Node]]) -> Iterator[Comparison]:
    waiting: list[tuple[Node, Conversation]] = [(root, (root.message,))]
    while waiting:
        node, said = waiting.pop()
        below = replies.get(node.id, [])
        ranked = [(r.message.content, r.rank + 1) for r in below if r.rank is not None]
        if node.message.role == "user" and len(ranked) > 1:
            answers, ranks = zip(*ranked, strict=True)
            yield Comparison(Prompt(said, node.id), answers, ranks, source="human")
        waiting += [(reply, (*said, reply.message)) for reply in below]


def _best_path(root: Node, replies: dict[str, list[Node]]) -> Conversation:
    """Down the best-ranked replies to the last answer; unranked ones come last, in the file's order."""
    path = [root]
    while below := replies.get(path[-1].id):
        path.append(min(below, key=lambda reply: float("inf") if reply.rank is None else reply.rank))
    while path and path[-1].message.role != "assistant":
        path.pop()
    return tuple(node.message for node in path)
