"""What all contenders load: a random checkpoint, the same as GGUF, and token ids of the same dialogues."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from bench.places import WORK
from bench.shapes import SHAPES
from mynah.agent.scorer import answered
from mynah.files import write_folder, write_json
from mynah.model.gguf.write import write_gguf
from mynah.model.hub import save_policy
from mynah.model.transformer import initialise
from mynah.nouns import Comparison, Message
from mynah.tokens import ChatFormat, Tokenizer

LONGEST = 512
"""Longer dialogues are left out, for everyone."""
RANKED = 4
"""K, the answers to one prompt in a ranking."""
PROMPT = 64
"""Tokens of a rollout's prompt."""


def job(model: str, pairs: Sequence[Comparison], threads: int, device: str) -> dict[str, Any]:
    """What a contender is told: where weights and token ids lie, which are made if they are not there."""
    said = hashlib.sha256(repr(pairs).encode() + repr(SHAPES[model]).encode()).hexdigest()[:12]
    folder = WORK / "checkpoints" / f"{model}-{said}"
    if not folder.exists():
        write_folder(folder, lambda target: _fill(target, model, pairs))
    gguf = folder.with_suffix(".gguf")
    if device == "cpu" and not gguf.exists():
        write_gguf(folder, gguf, "bfloat16", model)
    return {
        "model": model,
        "checkpoint": str(folder),
        "gguf": str(gguf),
        "demonstrations": str(folder / "demonstrations.json"),
        "rankings": str(folder / "rankings.json"),
        "prompts": str(folder / "prompts.json"),
        "threads": threads,
        "device": device,
    }


def _fill(folder: Path, model: str, pairs: Sequence[Comparison]) -> None:
    texts = [message.content for pair in pairs for message in pair.prompt.messages]
    texts += [text for pair in pairs for text in pair.completions]
    tokenizer = Tokenizer.train(texts, SHAPES[model].vocab_size)
    weights = initialise(SHAPES[model], seed=0).to(torch.bfloat16)
    save_policy(weights, folder, eos=tokenizer.stop_ids, pad=tokenizer.pad)
    tokenizer.save(folder, SHAPES[model].context)
    chat = ChatFormat(tokenizer)
    write_json(folder / "demonstrations.json", demonstrations(chat, pairs))
    write_json(folder / "rankings.json", rankings(chat, pairs))
    write_json(folder / "prompts.json", prompts(SHAPES[model].vocab_size))


def demonstrations(chat: ChatFormat, pairs: Sequence[Comparison]) -> list[dict[str, list[int]]]:
    """The chosen dialogues as ids and masks, 1 where an assistant speaks."""
    rows = []
    for pair in pairs:
        ids, mask = chat.encode_conversation([*pair.prompt.messages, Message("assistant", pair.completions[0])])
        if len(ids) <= LONGEST:
            rows.append({"ids": list(ids), "mask": list(map(int, mask))})
    return rows


def rankings(chat: ChatFormat, pairs: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Prompts with RANKED answers: its own two, and two of its neighbour's, so that their lengths are real."""
    rows = []
    for pair, neighbour in zip(pairs, [*pairs[1:], pairs[0]], strict=True):
        group = answered(chat, pair.prompt, [*pair.completions, *neighbour.completions], context=10**6)
        if len(group.trunk) + max(map(len, group.branches)) <= LONGEST:
            rows.append({"prompt": list(group.trunk), "completions": [list(branch) for branch in group.branches]})
    return rows


def prompts(vocab_size: int) -> list[list[int]]:
    """Random prompts of PROMPT tokens, none of them special."""
    rng = random.Random(0)
    return [[rng.randrange(300, vocab_size) for _ in range(PROMPT)] for _ in range(1024)]


def read(path: str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))
