"""A sitting: saved when due and on Ctrl-C, resumed from the newest whole state."""

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mynah.errors import Interrupted, UserError
from mynah.runs import Run, Stage
from mynah.train import session as sessions
from mynah.train.metrics import read_metrics
from mynah.train.session import Session, save_state


@pytest.fixture
def stage(run: Run) -> Stage:
    return run.begin("sft", 1, settings={}, seed=0)


def work(stage: Stage, total: int, press_at: tuple[int, ...] = (), wish_at: int = 0) -> list[int]:
    """A loop whose state is the list of the steps done; Ctrl-C is pressed, or a wish made, during some of them."""
    with Session(stage, total, "steps") as session:
        done = session.saved["done"].tolist() if session.saved else []
        for step in range(session.first, total):
            for _ in range(press_at.count(step + 1)):
                signal.raise_signal(signal.SIGINT)
            if step + 1 == wish_at:
                stage.wish.touch()
            done.append(step + 1)
            session.log(step + 1, {"loss": 1 / (step + 1)})
            session.save_if_due(step + 1, lambda: {"done": torch.tensor(done)})
        return done


def states(stage: Stage) -> list[str]:
    return sorted(path.name for path in stage.state.iterdir() if path.suffix == ".pt")


def steps_logged(stage: Stage) -> list[int]:
    return [row["step"] for row in read_metrics(stage.state / "metrics.jsonl")]


def test_ctrl_c_ends_the_step_saves_and_the_same_call_goes_on(stage: Stage) -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted, match=r"1-sft: stopped after 4 of 9; the same command goes on from there"):
        work(stage, 9, press_at=(4,))
    assert states(stage) == ["step-000000004.pt"]
    assert steps_logged(stage) == [1, 2, 3, 4]
    assert signal.getsignal(signal.SIGINT) is handler
    assert work(stage, 9) == list(range(1, 10))
    assert steps_logged(stage) == list(range(1, 10))


def test_a_wish_from_outside_stops_it_like_ctrl_c(stage: Stage) -> None:
    with pytest.raises(Interrupted, match="stopped after 3 of 9"):
        work(stage, 9, wish_at=3)
    assert (stage.rest.exists(), stage.wish.exists()) == (True, False)
    stage.wish.touch()  # left by somebody who came too late
    assert work(stage, 9) == list(range(1, 10))
    assert not stage.rest.exists()


def test_a_part_without_steps_looks_alive_and_can_be_stopped(stage: Stage) -> None:
    with Session(stage, 9, "steps") as session:
        os.utime(stage.state / "metrics.jsonl", (0, 0))
        session.show(head="reading")
        assert (stage.state / "metrics.jsonl").stat().st_mtime > 0
        stage.wish.touch()
        with pytest.raises(Interrupted, match="1-sft: stopped before its first step"):
            session.show(head="reading")
    assert (stage.rest.exists(), stage.wish.exists()) == (True, False)
    assert work(stage, 3) == [1, 2, 3]


def test_a_second_ctrl_c_does_not_wait(stage: Stage) -> None:
    with pytest.raises(KeyboardInterrupt):
        work(stage, 9, press_at=(4, 4))
    assert states(stage) == []


def test_ctrl_c_in_the_last_step_does_not_stop_what_is_finished(stage: Stage) -> None:
    assert work(stage, 5, press_at=(5,)) == [1, 2, 3, 4, 5]


def test_state_is_saved_when_it_is_time_and_the_newest_one_stays(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = []
    monkeypatch.setattr(sessions, "save_state", lambda folder, step, state: saved.append(step))
    work(stage, 5)
    assert saved == [5], "not due, except at the end"
    saved.clear()
    monkeypatch.setattr(sessions, "SAVE_EVERY", -1.0)
    work(stage, 5)
    assert saved == [1, 2, 3, 4, 5]
    monkeypatch.undo()
    for step in (3, 12, 7):
        save_state(stage.state, step, {"step": step})
        assert states(stage) == [f"step-{step:09d}.pt"]


def test_what_takes_long_to_save_is_saved_less_often(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [0.0]

    def clock() -> float:
        seconds[0] += 1.0
        return seconds[0]

    def saves(each_takes: float) -> int:
        saved = []

        def save(folder: Path, step: int, state: object) -> None:
            saved.append(step)
            seconds[0] += each_takes

        monkeypatch.setattr(sessions, "save_state", save)
        work(stage, 60)
        return len(saved)

    # The module's alone: the event loop of a test server in this process would sleep until its time comes.
    monkeypatch.setattr(sessions, "time", SimpleNamespace(monotonic=clock))
    monkeypatch.setattr(sessions, "SAVE_EVERY", 4.0)
    quick, slow = saves(0.0), saves(20.0)
    assert quick > 4 * slow > 0


def test_the_seconds_of_earlier_sittings_count(stage: Stage) -> None:
    save_state(stage.state, 2, {"seconds": 100.0})
    with Session(stage, 5, "steps") as session:
        assert 100 <= session.seconds < 110


def test_a_full_disk_keeps_the_state_before(
    stage: Stage, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    save_state(stage.state, 1, {"weights": torch.zeros(10), "seconds": 1.0})
    with full_disk(100_000), pytest.raises(UserError, match=r"step-000000002\.pt: could not be written \(File too"):
        save_state(stage.state, 2, {"weights": torch.zeros(100_000)})
    assert [path.name for path in stage.state.iterdir()] == ["step-000000001.pt"]
    session = Session(stage, 5, "steps")
    assert session.first == 1
    assert session.saved is not None
    assert torch.equal(session.saved["weights"], torch.zeros(10))


def test_what_a_kill_left_half_saved_is_removed(stage: Stage) -> None:
    save_state(stage.state, 1, {"seconds": 0.0})
    (stage.state / ".step-000000002.pt.partial-77").write_bytes(b"half")
    assert Session(stage, 5, "steps").first == 1
    assert sorted(path.name for path in stage.state.iterdir()) == ["metrics.jsonl", "step-000000001.pt"]


def test_of_two_states_left_by_a_kill_the_newer_counts(stage: Stage) -> None:
    """A kill between writing the new one and removing the old one."""
    save_state(stage.state, 7, {"seconds": 0.0})
    save_state(stage.state / "other", 10, {"seconds": 0.0})
    (stage.state / "other" / "step-000000010.pt").rename(stage.state / "step-000000010.pt")
    assert Session(stage, 20, "steps").first == 10


def test_a_damaged_state_says_what_to_do(stage: Stage) -> None:
    stage.state.mkdir(parents=True)
    (stage.state / "step-000000003.pt").write_bytes(b"not a state")
    with pytest.raises(
        UserError, match=r"step-000000003\.pt: is no state to resume from; remove it to begin the stage again"
    ) as error:
        Session(stage, 5, "steps")
    assert "\n" not in str(error.value)
