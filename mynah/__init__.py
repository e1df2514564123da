"""mynah: pretrained GPT → demonstrations → rankings → reward model → PPO → chat, in one readable project."""

import os
import time
from pathlib import Path

__version__ = "0.1.0"


def _other_programs_run() -> bool:
    """Whether anything but this program wants a processor, three times in a row; where that is not known, no."""
    try:
        for _ in range(3):
            if int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0]) <= 1:
                return False
            time.sleep(0.01)
    except (OSError, ValueError, IndexError):
        return False
    return True


# PyTorch's threads spin while they wait for each other. On a quiet machine that is right (20 000 tokens/s of training
# against 11 000, on two cores); beside one busy program it wastes whole time slices (4 000 against 11 000). It must be
# decided before torch is first imported.
if _other_programs_run():
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
