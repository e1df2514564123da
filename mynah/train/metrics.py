"""One JSON line a step, always; TensorBoard too when asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mynah.errors import UserError
from mynah.files import write_text, writing


class MetricsLog:
    """Appends to `folder/metrics.jsonl`; a resumed run first drops the lines after the step it resumes from."""

    def __init__(self, folder: Path, first_step: int, tensorboard: bool = False) -> None:
        self.path = folder / "metrics.jsonl"
        kept = [row for row in read_metrics(self.path) if row["step"] <= first_step]
        write_text(self.path, "".join(json.dumps(row) + "\n" for row in kept))
        self._board = _board(folder, first_step) if tensorboard else None

    def write(self, step: int, figures: dict[str, float]) -> None:
        row = {"step": step} | {name: float(f"{value:.6g}") for name, value in figures.items()}
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        if self._board:
            for name, value in figures.items():
                self._board.add_scalar(name, value, step)

    def close(self) -> None:
        if self._board:
            self._board.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a metrics file; none if it is not there; a last line cut off by a kill is dropped."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


def _board(folder: Path, first_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError("--tensorboard needs a package; in mynah's folder: pip install -e '.[tensorboard]'.") from None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=first_step + 1)
