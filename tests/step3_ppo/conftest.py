"""PPO over the toys: a policy that answers in a few words, a reward model that likes the word gold."""

from collections.abc import Callable
from typing import Any

import pytest

from mynah.step3_ppo.settings import PPOSettings
from mynah.step3_ppo.train import PPO
from tests import toys

SMALL: dict[str, Any] = {
    "iterations": 4,
    "prompts": 8,
    "completions": 2,
    "minibatches": 2,
    "max_new_tokens": 10,
    "learning_rate": 1e-3,
    "warmup": 0.0,
}


@pytest.fixture
def settings() -> Callable[..., PPOSettings]:
    """Small settings, with these changes."""
    return lambda **changes: PPOSettings.model_validate(SMALL | changes)


@pytest.fixture
def make(settings: Callable[..., PPOSettings]) -> Callable[..., PPO]:
    """PPO on the toys with small settings and these changes."""

    def make(dtype: str = "float32", **changes: Any) -> PPO:
        chosen = settings(**changes)
        updates = chosen.iterations * chosen.epochs * chosen.minibatches
        hardware = toys.CPU.model_copy(update={"dtype": dtype})
        return PPO(toys.policy_folder(), toys.reward_folder(), chosen, hardware, updates, seed=0)

    return make


@pytest.fixture
def prompts() -> Callable[..., list[list[int]]]:
    """Token ids of this many questions."""
    return lambda count=8, seed=5: [toys.chat().encode_prompt(p.messages) for p in toys.prompts(count, seed)]
