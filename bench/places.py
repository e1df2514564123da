"""Where the benchmarks keep what they make; all of it can be removed and is made again."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
WORK = ROOT / "bench" / ".work"
"""Environments of the rivals, checkpoints, token ids, finished cells, logs."""
RESULTS = ROOT / "bench" / "results.json"
REQUIREMENTS = ROOT / "bench" / "requirements"
GPU_RESULTS = ROOT / "bench" / "results-gpu.json"
PICTURE = ROOT / "docs" / "roofline.svg"
PAGE = ROOT / "docs" / "performance.md"
