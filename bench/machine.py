"""The machine: what it is, whether it is quiet, and what its arithmetic and memory allow."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from bench.shapes import MEASURED, SHAPES

SECONDS = 1.0
"""How long each ceiling is measured."""


def describe(threads: int, device: str = "cpu") -> dict[str, Any]:
    """Name, cores, memory, and ceilings: GFLOP/s of a large matrix product, GB/s of reading as many bytes as the
    weights of each model (a small model stays in the processor's cache). A GPU's ceilings are its own."""
    torch.set_num_threads(threads)
    sizes = {name: 2 * SHAPES[name].parameters() for name in MEASURED[device]}
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "torch": torch.__version__,
        "load_before": round(os.getloadavg()[0], 2),
        "device": torch.cuda.get_device_name() if device == "cuda" else "processor",
        "bfloat16_gflops": round(_product(torch.bfloat16, device)),
        "float32_gflops": round(_product(torch.float32, device)),
        "read_gb": {name: round(_read(size, device)) for name, size in sizes.items()},
        "read_memory_gb": round(_read(2**29 if device == "cpu" else 2**32, device)),
    }


def other_load(seconds: float = 2.0) -> float:
    """Cores that something else keeps busy just now; 0 on a quiet machine and where it is not known."""
    try:
        before = _busy()
        time.sleep(seconds)
        return max(0.0, (_busy() - before) / os.sysconf("SC_CLK_TCK") / seconds)
    except OSError:
        return 0.0


def decode_limit(machine: dict[str, Any], model: str, batch: int, prompt: int, new: int) -> float:
    """New tokens/s at best: a step reads the weights and the cache once, or is held up by its arithmetic."""
    shape, peak = SHAPES[model], machine["bfloat16_gflops"] * 1e9
    rate, cold = machine["read_gb"][model] * 1e9, machine["read_memory_gb"] * 1e9
    seconds = batch * prompt * shape.flops_per_token(prompt // 2) / peak
    for context in range(prompt, prompt + new):
        reading = 2 * shape.parameters() / rate + batch * context * shape.kv_bytes_per_token() / cold
        seconds += max(reading, batch * shape.flops_per_token(context) / peak)
    return batch * new / seconds


def ragged_limit(machine: dict[str, Any], model: str, batch: int, prompt: int, budgets: list[list[int]]) -> float:
    """The same of answers of many lengths, `budgets` by prompt: steps are always full, and a prompt is read once."""
    shape, peak = SHAPES[model], machine["bfloat16_gflops"] * 1e9
    rate, cold = machine["read_gb"][model] * 1e9, machine["read_memory_gb"] * 1e9
    seconds = len(budgets) * prompt * shape.flops_per_token(prompt // 2) / peak
    lengths = [length for samples in budgets for length in samples]
    for done in range(max(lengths)):
        rows, context = sum(length > done for length in lengths), prompt + done
        reading = 2 * shape.parameters() / rate / batch + context * shape.kv_bytes_per_token() / cold
        seconds += rows * max(reading, shape.flops_per_token(context) / peak)
    return sum(lengths) / seconds


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def _busy() -> int:
    """Clock ticks that all cores have worked since the machine started."""
    user, nice, system = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:4]
    return int(user) + int(nice) + int(system)


def _product(dtype: torch.dtype, device: str) -> float:
    """GFLOP/s of a product of square matrices."""
    size = 1536 if device == "cpu" else 8192
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return 2 * size**3 * _rate(lambda: left @ right, device) / 1e9


def _read(size: int, device: str) -> float:
    """GB/s of reading `size` bytes again and again."""
    values = torch.ones(size // 4, device=device)
    return size * _rate(values.sum, device) / 1e9


def _rate(call: Callable[[], object], device: str) -> float:
    """The best of calls a second, over tenths of a second."""

    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    call()
    wait()
    best, end = 0.0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start, calls = time.perf_counter(), 0
        while time.perf_counter() - start < SECONDS / 10:
            for _ in range(1 if device == "cpu" else 20):
                call()
                calls += 1
            wait()
        best = max(best, calls / (time.perf_counter() - start))
    return best
