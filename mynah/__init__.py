"""mynah: pretrained GPT → demonstrations → rankings → reward model → PPO → chat, in one readable project."""

import ctypes
import os
import platform
import time
from pathlib import Path

__version__ = "0.1.0"


def _other_programs_run() -> bool:
    """Whether anything but this program wants a processor for a third of a second; where that is not known, no."""
    try:
        for _ in range(6):
            if int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0]) <= 1:
                return False
            time.sleep(0.05)
    except (OSError, ValueError, IndexError):
        return False
    return True


# PyTorch's threads wait for each other a few hundred times in each update; how must be decided before torch is first
# imported. On a quiet machine they spin, for a bounded time (pretraining the mini-world on two cores: 6.5 updates a
# second; spinning without end 5.7, sleeping 4.6). Beside one busy program spinning wastes whole time slices, and they
# sleep (3.1 against 1.5).
if "OMP_WAIT_POLICY" not in os.environ and "GOMP_SPINCOUNT" not in os.environ:
    if _other_programs_run():
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    else:
        os.environ["GOMP_SPINCOUNT"] = "100000"


def _keep_freed_memory() -> None:
    """Let the C library keep large blocks that are freed and hand them out again, where it is GNU's.

    It gives them back to the system and fetches zeroed pages anew, for every tensor of some MB, thousands of times an
    update: attention over rows of 256 to 1024 tokens, both ways, took twice to three times as long.
    """
    if platform.libc_ver()[0] != "glibc" or any(name.startswith("MALLOC_") for name in os.environ):
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(ctypes.c_int(-3), ctypes.c_int(2**25))  # M_MMAP_THRESHOLD: larger blocks, as weights, are given back
    libc.mallopt(ctypes.c_int(-1), ctypes.c_int(2**28))  # M_TRIM_THRESHOLD: so much of the heap's end stays


_keep_freed_memory()
