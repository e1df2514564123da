"""What the engine's tests share: a tiny model, prompts of ragged lengths on both sides of a cache block."""

import pytest

from mynah.model.transformer import Transformer
from tests.model.tiny import random_tokens, tiny_model


@pytest.fixture
def model() -> Transformer:
    return tiny_model()


@pytest.fixture
def prompts() -> list[tuple[int, ...]]:
    return [random_tokens(n, seed=n) for n in (1, 5, 63, 64, 65, 130, 40)]
