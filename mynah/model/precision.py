"""Which number format is fast here: probed once at start, never assumed (many laptops lack AVX512-BF16)."""

from __future__ import annotations

import math
import time
from functools import cache

import torch

from mynah.config import Settings
from mynah.errors import UserError
from mynah.model.transformer import Transformer


class Hardware(Settings):
    """Where and in which number format to compute."""

    device: str = "auto"
    """`auto` takes the GPU when there is one; or cpu, cuda, cuda:1."""
    dtype: str = "auto"
    """`auto` takes bfloat16 where it is fast; or float32, bfloat16."""
    compile: bool = False
    """Compile the model's blocks with torch.compile, for training only; needs a C++ compiler, and a minute at first."""


DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def resolve(hardware: Hardware) -> Hardware:
    """`hardware` with every `auto` decided; this is what a run records, so that a resumed run decides the same."""
    device = resolve_device(hardware.device)
    dtype = resolve_dtype(hardware.dtype, device)
    return hardware.model_copy(update={"device": str(device), "dtype": str(dtype).removeprefix("torch.")})


def place(model: Transformer, hardware: Hardware) -> Transformer:
    """Move a model to resolved hardware."""
    model = model.to(device=hardware.device, dtype=DTYPES[hardware.dtype])
    if hardware.compile:
        model.compile_blocks()
    return model


def resolve_device(name: str = "auto") -> torch.device:
    """`auto` takes the GPU when there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UserError(f"device {name!r}: unknown; use auto, cpu or cuda.") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(f"device {name!r}: PyTorch finds no GPU here; use auto or cpu.")
    if device.index:  # what is asked of no device in particular, as a recorded step, is meant for this one
        torch.cuda.set_device(device)
    return device


def resolve_dtype(name: str, device: torch.device) -> torch.dtype:
    """`auto` takes bfloat16 on GPUs and on CPUs that multiply it at least half as fast again as float32."""
    if name == "auto":
        return torch.bfloat16 if device.type != "cpu" or cpu_prefers_bfloat16() else torch.float32
    if name not in DTYPES:
        raise UserError(f"dtype {name!r}: unknown; use auto, {' or '.join(DTYPES)}.")
    return DTYPES[name]


@cache
def cpu_prefers_bfloat16() -> bool:
    """Times a matrix product of a small model's size in both formats; a tenth to a third of a second.

    The best of many calls in turn. A few calls in a row may all fall on a moment when a busy program has the processor,
    and the same machine would train in one format today and in another tomorrow.
    """
    factors = {
        dtype: (torch.ones(128, 512, dtype=dtype), torch.ones(512, 512, dtype=dtype)) for dtype in DTYPES.values()
    }
    best = dict.fromkeys(factors, math.inf)
    for left, right in factors.values():
        left @ right  # the first call sets up
    begin = time.perf_counter()
    for turn in range(100):
        for dtype, (left, right) in factors.items():
            start = time.perf_counter()
            left @ right
            best[dtype] = min(best[dtype], time.perf_counter() - start)
        if turn >= 4 and time.perf_counter() - begin > 0.1:
            break
    return best[torch.bfloat16] * 1.5 < best[torch.float32]
