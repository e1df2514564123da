"""Assistants over the toys."""

import pytest

from mynah.agent.assistant import Assistant
from mynah.agent.scorer import Scorer
from tests import toys


@pytest.fixture(scope="session")
def assistant() -> Assistant:
    return Assistant(toys.policy(), toys.tokenizer(), "toy", rows=5)


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    return Scorer.load(toys.reward_folder(), toys.CPU)
