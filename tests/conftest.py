"""What every test shares: the processors, divided among the pytest-xdist workers."""

import os

# Each worker's PyTorch would start a thread per processor and they would fight; set before torch is first imported, and
# inherited by the commands that tests start. The controlling process has no count and sets nothing for its workers.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
