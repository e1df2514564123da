"""Tokenizers that several tests share."""

from pathlib import Path

import pytest

from mynah.tokens import ChatFormat, Tokenizer
from tests.tokens import folders


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(folders.CORPUS * 3, 400)


@pytest.fixture(scope="session")
def chat(tokenizer: Tokenizer) -> ChatFormat:
    return ChatFormat(tokenizer)


@pytest.fixture(scope="session")
def hub(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Family -> folder."""
    root = tmp_path_factory.mktemp("hub")
    tokenizer.save(root / "ours", model_max_length=512)
    return {
        "ours": root / "ours",
        "chatml": folders.chatml(root / "chatml"),
        "llama3": folders.llama3(root / "llama3"),
        "llama2": folders.llama2(root / "llama2"),
        "sentencepiece": folders.sentencepiece(root / "sentencepiece"),
    }
