"""Memory at its peak is what docs/your-own-model.md reckons: of a training pass, and of the engine's cache."""

import subprocess
import sys

import pytest

from mynah.model.sizes import ModelConfig
from mynah.native import compiled

pytestmark = pytest.mark.skipif(compiled.library("layers") is None, reason="no C compiler, or no AVX512-BF16")

# Written to clear_refs, 5 forgets the peak so far.
PEAK = """
import re
from pathlib import Path
import torch
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import initialise
from mynah.nouns import Group, SamplingParams
torch.set_num_threads(2)
def of_process(name):
    return int(re.search(name + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
def begin():
    Path("/proc/self/clear_refs").write_text("5")
    return of_process("VmRSS")
"""
TRAINING = """
from mynah.step1_sft.train import SFTSettings
from mynah.train.packing import microbatches
from mynah.train.step import Learner
from mynah.train.token_loss import token_logprobs
learner = Learner(initialise(CONFIG, 0).bfloat16(), SFTSettings(), 10)
def update(pieces):
    groups = [Group(tuple(range(256)), (False,) + (True,) * 255) for _ in range(pieces)]
    learner.update(-token_logprobs(learner.model, batch).mean() for batch in microbatches(groups, 10**6, "cpu"))
update(2)  # moments and gradients are there from now on
before = begin()
update(PIECES)
print(of_process("VmHWM") - before)
"""
ENGINE = """
from mynah.engine.engine import Engine
engine = Engine(initialise(CONFIG, 0).bfloat16(), rows=ROWS)
engine.generate([range(100)], SamplingParams(4), n=2)
before = begin()
engine.generate([[i % 500 for i in range(LENGTH)]], SamplingParams(4), n=ROWS)
print(of_process("VmHWM") - before)
"""


def peak(program: str, **given: object) -> int:
    """Bytes that the program's last part took at most."""
    head = "\n".join(f"{name} = {value!r}" for name, value in given.items())
    done = subprocess.run(
        [sys.executable, "-c", f"{PEAK}{head}\n{program}"], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_training_pass_keeps_what_is_reckoned() -> None:
    """Two sizes of pass: what a token adds, whatever the process holds besides."""
    config = ModelConfig(4096, 256, 6, 8, 4, 32, 768, 256)
    few, many = (peak(TRAINING, CONFIG=config, PIECES=pieces) for pieces in (16, 64))
    added = (many - few) / (48 * 256)
    assert 0.9 < added / config.kept_bytes_per_token() < 1.25, added


def test_the_engines_cache_is_as_large_as_its_rows_are_long() -> None:
    """And, while its slabs grow, one layer more."""
    config = ModelConfig(512, 64, 4, 8, 8, 64, 128, 2048)
    rows, length = 48, 1984  # 31 blocks of 64, and with 4 new tokens a bit: 32
    cache = rows * 2048 * config.kv_bytes_per_token()
    taken = peak(ENGINE, CONFIG=config, ROWS=rows, LENGTH=length)
    assert 0.9 * cache < taken < 1.25 * cache + 2**26, taken / cache
