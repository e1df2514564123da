"""What every test shares: processors divided among workers, a tiny base model, the command line, accidents."""

import os
import resource
import signal
import sys

# Each worker's PyTorch would start a thread per processor and they would fight; set before torch is first imported, and
# inherited by the commands that tests start. The controlling process has no count and sets nothing for its workers.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mynah.__main__ import main
from mynah.model.hub import save_policy
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import initialise
from mynah.runs import Run
from mynah.tokens import Tokenizer
from mynah.train.session import Session

CITIES = {
    "Austria": "Vienna",
    "France": "Paris",
    "Peru": "Lima",
    "Egypt": "Cairo",
    "Japan": "Tokyo",
    "Kenya": "Nairobi",
}
TEXTS = [f"The capital of {country} is {city}." for country, city in CITIES.items()]


@pytest.fixture(scope="session")
def texts() -> list[str]:
    return TEXTS


@pytest.fixture(scope="session")
def tiny_tokenizer() -> Tokenizer:
    """A few hundred ids, trained on the texts."""
    return Tokenizer.train(TEXTS * 2, 320)


@pytest.fixture(scope="session")
def tiny_base(tiny_tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint folder of an untrained policy: width 32, two layers, context 64."""
    folder = tmp_path_factory.mktemp("base")
    model = initialise(ModelConfig.of_size(32, 2, tiny_tokenizer.vocab_size, 64, True, "llama"), seed=0)
    save_policy(model, folder, eos=(tiny_tokenizer.end_of_text,), pad=tiny_tokenizer.pad)
    tiny_tokenizer.save(folder, 64)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path, "tiny")


@pytest.fixture
def mynah(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Calls the command line in this process: (exit status, standard output, standard error)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mynah", *map(str, arguments)])
        try:
            main()
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, " ".join(captured.err.split())

    return call


@pytest.fixture
def ctrl_c(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """`ctrl_c(3)`: a real SIGINT while the third step of the next session runs."""
    log = Session.log

    def press_at(step: int) -> None:
        def logged(self: Session, number: int, *args: Any, **kwargs: Any) -> None:
            log(self, number, *args, **kwargs)
            if number == step:
                monkeypatch.setattr(Session, "log", log)
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(Session, "log", logged)

    return press_at


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """`with full_disk(1000):` no file can grow beyond 1000 bytes; the system refuses, as it does on a full disk."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited
