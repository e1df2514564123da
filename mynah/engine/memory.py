"""How much memory is free, which decides what an engine may keep."""

from __future__ import annotations

from pathlib import Path

import torch

CGROUP = Path("/sys/fs/cgroup")
UNKNOWN = 2**62
"""More bytes than there are."""


def free_memory(device: torch.device) -> int:
    """Bytes that this process may still take on the device; files that the system only remembers count as free."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min(_of_machine(), _of_container())


def _of_machine() -> int:
    try:
        told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        return int(told["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return UNKNOWN


def _of_container() -> int:
    """What a limit of the control group leaves, version 2."""
    try:
        most, taken = (int((CGROUP / f"memory.{name}").read_text()) for name in ("max", "current"))
        told = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        return most - taken + int(told["inactive_file"])
    except (OSError, KeyError, ValueError):  # "max" is no number: no limit
        return UNKNOWN
