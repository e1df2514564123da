"""Where and in which number format: every `auto` is decided once, and what cannot be is refused."""

import pytest
import torch

from mynah.errors import UserError
from mynah.model.precision import DTYPES, Hardware, cpu_prefers_bfloat16, place, resolve
from tests.model.tiny import tiny_model


def test_the_probe_gives_a_yes_or_a_no_and_keeps_to_it() -> None:
    assert isinstance(cpu_prefers_bfloat16(), bool)
    assert len({cpu_prefers_bfloat16() for _ in range(3)}) == 1


def test_every_auto_is_decided() -> None:
    decided = resolve(Hardware())
    assert decided.device == ("cuda" if torch.cuda.is_available() else "cpu")
    assert decided.dtype in DTYPES
    assert resolve(decided) == decided  # what a run records is what a resumed run computes with


@pytest.mark.parametrize(("fast", "dtype"), [(True, "bfloat16"), (False, "float32")])
def test_the_processor_decides_the_number_format(monkeypatch: pytest.MonkeyPatch, fast: bool, dtype: str) -> None:
    monkeypatch.setattr("mynah.model.precision.cpu_prefers_bfloat16", lambda: fast)
    assert resolve(Hardware(device="cpu")).dtype == dtype
    assert resolve(Hardware(device="cpu", dtype="float32")).dtype == "float32"  # what was asked for stands


@pytest.mark.parametrize(
    ("hardware", "words"),
    [
        (Hardware(device="gpu"), "device 'gpu': unknown"),
        (Hardware(device="cpu", dtype="float8"), "dtype 'float8': unknown; use auto, float32 or bfloat16"),
    ],
)
def test_what_is_unknown_is_refused(hardware: Hardware, words: str) -> None:
    with pytest.raises(UserError, match=words):
        resolve(hardware)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="device 'cuda': PyTorch finds no GPU here"):
        resolve(Hardware(device="cuda"))


def test_a_model_is_placed() -> None:
    assert place(tiny_model(), Hardware(device="cpu", dtype="bfloat16")).dtype == torch.bfloat16
