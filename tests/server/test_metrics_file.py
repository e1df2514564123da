"""Curves as they grow: only what is new, a file that was begun again, and no more points than can be drawn."""

import json

import pytest

from mynah.server.errors import APIError
from mynah.server.metrics_file import MOST_POINTS, last_rows, read_on
from mynah.train.metrics import MetricsLog


def test_each_call_gives_what_came_since(tmp_path):
    path = tmp_path / "metrics.jsonl"
    assert read_on(path, "")["step"] == []
    log = MetricsLog(tmp_path, 0)
    log.write(1, {"loss": 2.0})
    first = read_on(path, "")
    assert (first["step"], first["columns"], first["reset"]) == ([1], {"loss": [2.0]}, True)
    nothing = read_on(path, first["next"])
    assert (nothing["step"], nothing["reset"], nothing["next"]) == ([], False, first["next"])
    log.write(2, {"loss": float("nan"), "score": 1.5})
    with path.open("a") as file:
        file.write('{"step": 3, "lo')  # as a reader may find it
    second = read_on(path, first["next"])
    assert (second["step"], second["columns"]) == ([2], {"loss": [None], "score": [1.5]})
    with path.open("a") as file:
        file.write('ss": 1}\n')
    assert read_on(path, second["next"])["step"] == [3]


def test_a_resumed_stage_begins_the_curve_again(tmp_path):
    log = MetricsLog(tmp_path, 0)
    for step in (1, 2, 3):
        log.write(step, {"loss": 1.0})
    cursor = read_on(log.path, "")["next"]
    MetricsLog(tmp_path, 1).write(2, {"loss": 0.5})  # the sitting that died had got to 3; its state was of step 1
    again = read_on(log.path, cursor)
    assert (again["step"], again["columns"], again["reset"]) == ([1, 2], {"loss": [1.0, 0.5]}, True)


def test_a_long_curve_keeps_its_spikes(tmp_path):
    path, steps = tmp_path / "metrics.jsonl", 25_001
    spike = {7_777: 99.0, 12_345: -99.0}
    path.write_text("".join(json.dumps({"step": s, "loss": spike.get(s, 1.0)}) + "\n" for s in range(1, steps + 1)))
    drawn = read_on(path, "")
    loss = drawn["columns"]["loss"]
    assert len(loss) == len(drawn["step"]) <= MOST_POINTS
    assert (max(loss), min(loss), drawn["every"]) == (99.0, -99.0, 26)
    assert (drawn["step"][0], drawn["step"][-1]) == (1, steps)
    assert drawn["step"] == sorted(drawn["step"])
    assert [row["step"] for row in last_rows(path, 2)] == [steps - 1, steps]


@pytest.mark.parametrize("cursor", ["x", "1", "1-", "-1", "1-2-3", "9" * 50 + "-1", "²-³"])
def test_a_cursor_of_no_answer_of_ours_is_refused(tmp_path, cursor):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n')
    with pytest.raises(APIError) as refused:
        read_on(tmp_path / "metrics.jsonl", cursor)
    assert refused.value.status == 400


def test_a_cursor_beyond_the_end_begins_again(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "loss": 1}\nrubbish\n[1]\n')
    assert read_on(path, f"{path.stat().st_ino}-999")["step"] == [1]
