"""How much memory is free, and what of it each engine's cache may take: one reckoning for all of the process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Protocol
from weakref import WeakSet

import torch

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


class Cache(Protocol):
    """What memory was promised to: until it has taken it, nobody else may."""

    device: torch.device
    promised: int
    """Bytes."""

    @property
    def nbytes(self) -> int: ...


_promised_to: WeakSet[Cache] = WeakSet()
"""Of the whole process, as its memory is."""
_one_at_a_time = Lock()


@contextmanager
def sharing(device: torch.device) -> Iterator[tuple[int, Callable[[Cache], None]]]:
    """For the making of one more cache: the bytes that it may take, and what to tell it to, to be counted on.

    They are half of what is free and not promised to the caches that are there.
    """
    with _one_at_a_time:
        owed = sum(max(0, one.promised - one.nbytes) for one in _promised_to if one.device == device)
        yield max(0, free_memory(device) - owed) // 2, _promised_to.add


def free_memory(device: torch.device) -> int:
    """Bytes that this process may still take on the device; files that the system only remembers count as free."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # PyTorch's own, and unused
        return torch.cuda.mem_get_info(device)[0] + kept
    return min([_of_machine(), *_of_control_groups()])


def _of_machine() -> int:
    try:
        told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        return int(told["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):  # another system, which does not say: half of all there is
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _of_control_groups() -> Iterator[int]:
    """What the limits of a container, a service or a batch job leave, of versions 1 and 2."""
    try:
        groups = [line.split(":", 2) for line in OWN_CGROUPS.read_text().splitlines()]
    except OSError:
        return
    for _, controllers, path in groups:
        if controllers == "":
            yield from _left(CGROUPS, path, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
            yield from _left(CGROUPS / "memory", path, *names)


def _left(root: Path, path: str, most: str, taken: str, forgettable: str) -> Iterator[int]:
    """Of a group and all above it. Inside a container the path may be the outside's; then only the root is there."""
    own = root / path.strip("/")
    for group in (own, *own.parents):
        try:
            limit, used = int((group / most).read_text()), int((group / taken).read_text())
            told = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            yield limit - used + int(told[forgettable])
        except (OSError, KeyError, ValueError):  # not there, or "max", which is no limit
            pass
        if group == root:
            return
