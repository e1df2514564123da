"""A few records of every source form, written for these tests."""

from typing import Any

Record = dict[str, Any]


def say(role: str, content: str) -> Record:
    return {"role": role, "content": content}


def transcript(*turns: str) -> str:
    return "".join(f"\n\n{('Human', 'Assistant')[i % 2]}: {turn}" for i, turn in enumerate(turns))


HH: list[Record] = [
    {"chosen": transcript("Hi?", "Hello!", "Tea?", "Yes."), "rejected": transcript("Hi?", "Hello!", "Tea?", "No.")},
    {"chosen": transcript("Rain?", "Some."), "rejected": transcript("Rain?", "")},
]


def oasst(id: str, role: str, text: str, rank: int | None = None, replies: tuple[Record, ...] = ()) -> Record:
    return {"message_id": id, "role": role, "text": text, "rank": rank, "deleted": False, "replies": list(replies)}


TREE: list[Record] = [
    {
        "message_tree_id": "r",
        "prompt": oasst(
            "r",
            "prompter",
            "Tea?",
            replies=(
                oasst("a", "assistant", "No.", 1),
                oasst(
                    "b",
                    "assistant",
                    "Yes.",
                    0,
                    (oasst("d", "prompter", "Green?", replies=(oasst("e", "assistant", "Green."),)),),
                ),
                oasst("c", "assistant", "Tea is wet.", 2),
            ),
        ),
    }
]
FLAT: list[Record] = [
    {"message_id": "r", "parent_id": None, "role": "prompter", "text": "Tea?", "rank": None, "deleted": False},
    {"message_id": "a", "parent_id": "r", "role": "assistant", "text": "No.", "rank": 1.0, "deleted": False},
    {"message_id": "b", "parent_id": "r", "role": "assistant", "text": "Yes.", "rank": 0.0, "deleted": False},
    {"message_id": "c", "parent_id": "r", "role": "assistant", "text": "Tea is wet.", "rank": 2.0, "deleted": False},
    {"message_id": "d", "parent_id": "b", "role": "prompter", "text": "Green?", "rank": None, "deleted": False},
    {"message_id": "e", "parent_id": "d", "role": "assistant", "text": "Green.", "rank": None, "deleted": False},
]
FIVE_LEVELS: list[Record] = [
    {
        "prompt": "Tea?",
        "completion_a": "No.",
        "completion_b": "Yes.",
        "preference": preference,
        "evaluator": f"p{i}",
        "completion_a_is_acceptable": "yes",
    }
    for i, preference in enumerate(["a-is-better", "tie", "b-is-slightly-better"])
]


def judged(text: str, reward: float, context: str = '[{"role": "user", "text": "Tea?"}]') -> Record:
    return {"context": context, "generation": f'{{"role": "agent", "text": "{text}"}}', "reward": reward}


REWARDS: list[Record] = [
    judged("Yes.", 1.0),
    judged("No.", 0.0),
    judged("Yes.", 1.0),
    judged("Perhaps.", 1.0),
    judged("Perhaps.", 0.0),
    judged("Alone.", 0.0, '[{"role": "user", "text": "Ham?"}, {"role": "agent", "api": {"find": {"what": "ham"}}}]'),
]
LABELS: list[Record] = [
    {"prompt": "Tea?", "completion": "Yes.", "label": True},
    {"prompt": "Tea?", "completion": "No.", "label": False},
]


def node(id: str, parent: str | None, role: str, content: Any, **more: Any) -> Record:
    body = content if isinstance(content, dict) else {"content_type": "text", "parts": [content]}
    return {
        "id": id,
        "parent": parent,
        "message": {"author": {"role": role}, "content": body, "recipient": "all"} | more,
    }


def chatgpt(*nodes: Record) -> Record:
    mapping = {"0": {"id": "0", "parent": None, "message": None}} | {one["id"]: one for one in nodes}
    return {"title": "Tea", "mapping": mapping, "current_node": nodes[-1]["id"], "conversation_id": "x"}


CHATGPT: list[Record] = [
    chatgpt(
        node("1", "0", "system", "", metadata={"is_visually_hidden_from_conversation": True}),
        node("2", "1", "user", "Tea?"),
        node("2b", "2", "assistant", "An answer on another branch."),
        node("3", "2", "assistant", {"content_type": "thoughts", "thoughts": []}),
        node("4", "3", "assistant", "Yes."),
        node("5", "4", "assistant", "And milk."),
    ),
    chatgpt(
        node("1", "0", "user", "Tea?"),
        node("2", "1", "assistant", "Yes."),
        node("3", "2", "user", "Its price?"),
        node("4", "3", "assistant", {"content_type": "code", "text": "price('tea')"}, recipient="python"),
        node("5", "4", "tool", {"content_type": "execution_output", "text": "3"}),
        node("6", "5", "assistant", "It is 3."),
    ),
]


def web(parent: str | None, role: str, content: str, rating: int | None = None, model: str = "") -> Record:
    rated = {} if rating is None else {"annotation": {"rating": rating}}
    return {"parentId": parent, "role": role, "content": content, "model": model} | rated


OPEN_WEBUI: list[Record] = [
    {
        "id": "chat-1",
        "chat": {
            "history": {
                "currentId": "5",
                "messages": {
                    "1": web(None, "user", "Tea?"),
                    "2": web("1", "assistant", "No.", -1),
                    "3": web("1", "assistant", "Yes.", 1),
                    "4": web("3", "user", "Green?"),
                    "5": web("4", "assistant", "Blue.", -1),
                },
            }
        },
    }
]
ARENA: list[Record] = [
    {
        "user_id": "ann",
        "type": "rating",
        "data": {"rating": -1, "model_id": "a", "sibling_model_ids": ["b"]},
        "meta": {"message_id": "2"},
        "snapshot": {
            "chat": {
                "chat": {
                    "history": {
                        "currentId": "2",
                        "messages": {
                            "1": web(None, "user", "Tea?"),
                            "2": web("1", "assistant", "No.", model="a"),
                            "3": web("1", "assistant", "Yes.", model="b"),
                        },
                    }
                }
            }
        },
    }
]
STRING_PAIRS: list[Record] = [{"prompt": "Tea?", "chosen": "Yes.", "rejected": "No."}]
IMPLICIT_PAIRS: list[Record] = [
    {
        "chosen": [say("user", "Tea?"), say("assistant", "Yes.")],
        "rejected": [say("user", "Tea?"), say("assistant", "No.")],
    }
]
MIXED_PAIRS: list[Record] = [{"prompt": "Tea?"} | IMPLICIT_PAIRS[0]]
PAIRS: list[Record] = [
    {"prompt": [say("user", "Tea?")], "chosen": [say("assistant", "Yes.")], "rejected": [say("assistant", "No.")]}
]
COMPLETIONS: list[Record] = [{"prompt": "Tea?", "completion": "Yes."}]
MESSAGE_COMPLETIONS: list[Record] = [{"prompt": [say("user", "Tea?")], "completion": [say("assistant", "Yes.")]}]
ALPACA: list[Record] = [{"instruction": "Tea?", "input": "", "output": "Yes."}]
SHAREGPT: list[Record] = [
    {"conversations": [{"from": "human", "value": "Tea?"}, {"from": "gpt", "value": "Yes."}]},
]
TURNS: list[Record] = [{"turns": ["Tea?", "Yes."]}]
PARTS: list[Record] = [
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "Tea?"}]}, say("assistant", "Yes.")]}
]
MESSAGES: list[Record] = [{"messages": [say("user", "Tea?"), say("assistant", "Yes.")]}]
PROMPTS: list[Record] = [{"prompt": "Tea?"}]

SAMPLES: dict[str, tuple[str, list[Record]]] = {
    # name → (the form it is recognised as, records)
    "hh": ("hh-rlhf", HH),
    "tree": ("openassistant", TREE),
    "flat": ("openassistant", FLAT),
    "five levels": ("preferences", FIVE_LEVELS),
    "rewards": ("rewards", REWARDS),
    "labels": ("rewards", LABELS),
    "chatgpt": ("chatgpt", CHATGPT),
    "open webui": ("open-webui", OPEN_WEBUI),
    "arena": ("open-webui", ARENA),
    "string pairs": ("pairs", STRING_PAIRS),
    "implicit pairs": ("pairs", IMPLICIT_PAIRS),
    "mixed pairs": ("pairs", MIXED_PAIRS),
    "own pairs": ("rankings", PAIRS),
    "completions": ("completions", COMPLETIONS),
    "message completions": ("completions", MESSAGE_COMPLETIONS),
    "alpaca": ("alpaca", ALPACA),
    "sharegpt": ("conversations", SHAREGPT),
    "turns": ("conversations", TURNS),
    "parts": ("conversations", PARTS),
    "own messages": ("demonstrations", MESSAGES),
    "prompt strings": ("prompt-strings", PROMPTS),
}
