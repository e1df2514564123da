"""The metrics file: a line a step, none twice, none lost."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mynah.errors import UserError
from mynah.train.metrics import MetricsLog, read_metrics


def write(folder: Path, first: int, steps: range, loss: float) -> None:
    log = MetricsLog(folder, first)
    for step in steps:
        log.write(step, {"loss": loss})
    log.close()


def test_a_resumed_run_drops_what_came_after_its_state(tmp_path: Path) -> None:
    write(tmp_path, 0, range(1, 8), 0.5)
    write(tmp_path, 5, range(6, 9), 0.25)
    rows = read_metrics(tmp_path / "metrics.jsonl")
    assert [row["step"] for row in rows] == list(range(1, 9))
    assert [row["loss"] for row in rows] == [0.5] * 5 + [0.25] * 3


def test_a_line_that_a_kill_cut_off_is_dropped(tmp_path: Path) -> None:
    write(tmp_path, 0, range(1, 4), 0.5)
    path = tmp_path / "metrics.jsonl"
    path.write_text(path.read_text()[:-5])
    assert [row["step"] for row in read_metrics(path)] == [1, 2]
    write(tmp_path, 2, range(3, 4), 0.25)
    assert [row["loss"] for row in read_metrics(path)] == [0.5, 0.5, 0.25]


def test_a_line_is_on_disk_at_once(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path, 0)
    log.write(1, {"loss": 1.0})
    assert read_metrics(tmp_path / "metrics.jsonl") == [{"step": 1, "loss": 1.0}]


def test_small_figures_keep_their_digits(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path, 0)
    log.write(1, {"learning_rate": 2.5e-9, "loss": 12.3456789, "tokens": 123})
    assert read_metrics(tmp_path / "metrics.jsonl") == [
        {"step": 1, "learning_rate": 2.5e-9, "loss": 12.3457, "tokens": 123}
    ]


def test_a_full_disk_is_one_sentence(tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]]) -> None:
    write(tmp_path, 0, range(1, 3), 0.5)
    log = MetricsLog(tmp_path, 2)
    with full_disk(70), pytest.raises(UserError, match=r"metrics\.jsonl: could not be written \(File too large"):
        log.write(3, {"loss": 0.5, "grad_norm": 0.125})
    log.close()
    assert [row["step"] for row in read_metrics(tmp_path / "metrics.jsonl")] == [1, 2]


def test_no_file_is_no_metrics(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "none.jsonl") == []
