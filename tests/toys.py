"""Toys for the proofs of steps 2 and 3: a tokenizer, a policy that answers in a few words, rankings with a rule."""

import atexit
import functools
import random
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from mynah.model.heads import ScalarModel
from mynah.model.hub import load_policy, save_policy, save_scalar
from mynah.model.precision import Hardware
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import Transformer, initialise
from mynah.nouns import Comparison, Demonstration, Message, Prompt
from mynah.runs import Run, Stage
from mynah.step1_sft.train import SFTSettings, finetune
from mynah.step2_reward.train import RewardSettings, train_reward
from mynah.tokens import ChatFormat, Tokenizer

WORDS = ("red", "blue", "gold", "cat", "dog", "sun")
PLACES = ("hill", "lake", "wood", "town")
CONTEXT = 96
CPU = Hardware(device="cpu", dtype="float32")

torch.set_num_threads(1)  # tiny tensors: threads would only fight


@functools.cache
def tokenizer() -> Tokenizer:
    rng = random.Random(0)
    return Tokenizer.train([question(rng) + " " + answer(rng) for _ in range(200)], 330)


@functools.cache
def chat() -> ChatFormat:
    return ChatFormat(tokenizer())


def question(rng: random.Random) -> str:
    return f"what is in the {rng.choice(PLACES)} {rng.randrange(100)}"


def answer(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(1, 4)))


def user(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)


def prompts(count: int, seed: int = 0) -> list[Prompt]:
    rng = random.Random(seed)
    return [Prompt(user(question(rng)), f"p{i}") for i in range(count)]


def model(seed: int = 0, tied: bool = True, context: int = CONTEXT, layers: int = 2) -> Transformer:
    """A fresh transformer of width 32; its weights are large enough for every token to matter."""
    config = ModelConfig.of_size(32, layers, tokenizer().vocab_size, context, tied, "llama")
    fresh = initialise(config, seed)
    with torch.no_grad():
        for weight in fresh.parameters():
            if weight.ndim == 2:
                weight.mul_(5)
    return fresh


def save(policy: Transformer, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_policy(policy, folder, eos=tokenizer().stop_ids, pad=tokenizer().pad)
    tokenizer().save(folder, policy.config.context)
    return folder


def save_reward(reward: ScalarModel, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_scalar(reward, folder, eos=tokenizer().end_of_turn, pad=tokenizer().pad)
    tokenizer().save(folder, reward.backbone.config.context)
    return folder


def stage(home: Path, kind: str, seed: int = 0) -> Stage:
    return Run(home, "toy").begin(kind, 1, settings={}, seed=seed)


@functools.cache
def policy_folder() -> Path:
    """A policy that answers questions with one to four words and ends its turn; trained once a process."""
    home = _home()
    fresh = initialise(ModelConfig.of_size(32, 2, tokenizer().vocab_size, CONTEXT, True, "llama"), 0)
    rng = random.Random(1)
    rows = [Demonstration((*user(question(rng)), Message("assistant", answer(rng)))) for _ in range(1500)]
    settings = SFTSettings(learning_rate=1e-2, epochs=2, batch_size=32, heldout=0.0)
    made = stage(home, "sft")
    finetune(made, save(fresh, home / "base"), rows, settings, CPU, 0)
    return made.folder


@functools.cache
def reward_folder(shuffled: bool = False) -> Path:
    """A reward model that likes the word gold, or one of rankings that mean nothing; trained once a process."""
    made = stage(_home(), "reward")
    rows = rankings(500, shuffled=shuffled)
    train_reward(made, policy_folder(), rows, [], RewardSettings(epochs=3, batch_size=16, learning_rate=3e-3), CPU, 0)
    return made.folder


def _home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="mynah-toys-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home


def policy() -> Transformer:
    return load_policy(policy_folder(), torch.float32)


def rankings(count: int, likes: str = "gold", seed: int = 0, k: int = 4, shuffled: bool = False) -> list[Comparison]:
    """Answers with more of the word `likes` are better; `shuffled` ranks mean nothing."""
    rng = random.Random(seed)
    rows = []
    for i in range(count):
        answers = tuple(answer(rng) for _ in range(k))
        ranks = [1 - min(1, text.split().count(likes)) + 1 for text in answers]
        if shuffled:
            ranks = [rng.randint(1, 2) for _ in ranks]
        rows.append(Comparison(Prompt(user(question(rng)), f"r{i}"), answers, tuple(ranks), "toy", "simulated"))
    return rows


def likes_gold(text: str) -> float:
    return float("gold" in text.split())


def ctrl_c_at(call: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, during whose call number `call` (from 1) somebody presses Ctrl-C."""
    calls = 0

    def interrupted(*args: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            signal.raise_signal(signal.SIGINT)
        return function(*args, **keywords)

    return interrupted


def killed_at(call: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, whose call number `call` (from 1) is the process's last."""
    calls = 0

    def killed(*args: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return function(*args, **keywords)

    return killed


class Killed(BaseException):
    """What no code of ours catches."""
