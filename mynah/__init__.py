"""mynah: pretrained GPT → demonstrations → rankings → reward model → PPO → chat, in one readable project."""

import os
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
