"""Runs over HTTP: what the run's page shows, from a run that really was trained."""

import os
import shutil
import time
from pathlib import Path

import pytest

from mynah import store
from mynah.files import read_json, write_json
from mynah.runs import Run
from mynah.server.app import build_app
from tests.server.conftest import running, served, service
from tests.server.small_run import ITERATIONS

PPO = "round-1/3-ppo"


@pytest.fixture(scope="module")
def home(small_home, tmp_path_factory) -> Path:
    """With a second run that is at work, and what is no run."""
    home = shutil.copytree(small_home, tmp_path_factory.mktemp("runs") / "home")
    second = shutil.copytree(home / "runs/demo", home / "runs/later")
    record = read_json(second / "run.json")
    record["stages"][PPO] |= {"status": "running", "started": "2999-01-01T00:00:00+00:00"}
    write_json(second / "run.json", record | {"name": "later"})
    (second / "report.html").unlink()
    (home / "runs" / "notes").mkdir()
    return home


@pytest.fixture(scope="module")
def http(home):
    db = store.open(home / "mynah.db")
    with running(build_app(service(served()), db, home=home)) as address, address.http() as client:
        yield client
    db.close()


def test_the_list_has_every_run_the_newest_first(http):
    listed = http.get("/api/runs").json()["items"]
    assert [(run["name"], run["state"], run["stage"]) for run in listed] == [
        ("later", "running", PPO),
        ("demo", "done", PPO),
    ]
    assert listed[1]["seconds"] > 0


def test_one_run_tells_where_everything_comes_from(http):
    run = http.get("/api/runs/demo").json()
    assert [stage["kind"] for stage in run["stages"]] == ["pretrain", "sft", "reward", "ppo"]
    ppo = run["stages"][-1]
    assert ppo["parents"]["start"]["weights"] == run["stages"][1]["weights"]
    assert ppo["data"]["prompts"]["hash"].startswith("sha256:")
    assert (ppo["settings"]["ppo"]["iterations"], ppo["step"], ppo["servable"]) == (ITERATIONS, ITERATIONS, True)
    assert not run["stages"][2]["servable"]
    assert run["measured"]["win_rate"]["ppo_vs_sft"]["low"] == 0.55
    assert run["measured"]["exam"] == {"base": 0.1, "sft": 0.4, "ppo": 0.6}
    assert run["report"]


def test_a_stage_without_news_is_stopped(http, home):
    folder = home / "runs" / "later"
    long_ago = time.time() - 1000
    for path in (folder / "run.json", folder / f"{PPO}.state", *(folder / f"{PPO}.state").glob("*")):
        os.utime(path, (long_ago, long_ago))
    assert http.get("/api/runs/later").json()["state"] == "stopped"
    with (folder / f"{PPO}.state" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 7, "score": 0.5}\n')
    assert http.get("/api/runs/later").json()["state"] == "running"
    new = http.get("/api/runs/later/metrics", params={"stage": PPO}).json()
    assert (new["state"], new["step"][-1]) == ("running", 7)


def test_a_stage_at_work_can_be_asked_to_stop_and_no_other(http, home):
    ours = {"Origin": str(http.base_url).rstrip("/")}
    refused = http.post("/api/runs/demo/stop", params={"stage": PPO}, headers=ours)
    assert refused.json()["error"]["code"] == "not_running"
    asked = http.post("/api/runs/later/stop", params={"stage": PPO}, headers=ours)
    assert (asked.status_code, asked.json()["stopping"]) == (202, True)
    stage = Run(home, "later").stage(PPO)
    assert stage.wish.exists()
    assert http.get("/api/runs/later").json()["stages"][-1]["stopping"]
    stage.wish.rename(stage.rest)  # as the training does
    assert http.get("/api/runs/later").json()["state"] == "stopped"
    stage.rest.unlink()


def test_while_ppo_is_at_work_its_own_looks_are_the_samples(http):
    at_work = http.get("/api/runs/later/samples").json()["items"]
    assert [answer["label"] for answer in at_work[0]["answers"]] == ["start", *map(str, range(1, ITERATIONS + 1))]
    examined = http.get("/api/runs/demo/samples").json()["items"]
    assert [answer["label"] for answer in examined[0]["answers"]] == ["start", "3", "6"]


def test_curves_come_in_pieces(http):
    first = http.get("/api/runs/demo/metrics", params={"stage": PPO}).json()
    assert first["step"] == list(range(1, ITERATIONS + 1))
    assert {"score", "ref_kl", "length", "entropy", "policy_loss"} <= first["columns"].keys()
    after = http.get("/api/runs/demo/metrics", params={"stage": PPO, "after": first["next"]}).json()
    assert (after["step"], after["reset"]) == ([], False)


def test_samples_side_by_side_and_over_time(http):
    page = http.get("/api/runs/demo/samples", params={"limit": 5}).json()
    assert [answer["label"] for answer in page["side_by_side"][0]["answers"]] == ["base", "sft", "ppo"]
    assert [answer["label"] for answer in page["items"][0]["answers"]] == ["start", "3", "6"]
    assert [answer["text"] for answer in page["items"][0]["answers"]] == ["a red cat", "gold gold", "gold"]
    more = http.get("/api/runs/demo/samples", params={"after": page["next"], "limit": 5}).json()
    last = http.get("/api/runs/demo/samples", params={"after": more["next"], "limit": 5}).json()
    assert (len(page["items"]), len(more["items"]), len(last["items"]), last["next"]) == (5, 5, 2, None)
    assert more["side_by_side"] == []


def test_the_report_is_shut_in_a_sandbox(http):
    report = http.get("/api/runs/demo/report")
    assert report.headers["content-type"].startswith("text/html")
    [policy] = report.headers.get_list("content-security-policy")  # one only: two would both hold
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script" not in policy
    assert "frame-ancestors 'self'" in policy
    assert "&lt;script&gt;alert(1)" in report.text
    assert http.get("/api/runs/later/report").json()["error"]["code"] == "no_report"


@pytest.mark.parametrize(
    "path", ["nobody", "notes", "..%2f..%2fetc", "%2e%2e", "demo/metrics?stage=../x", "demo/metrics?stage="]
)
def test_what_is_no_run_is_404_and_tells_no_folder(http, home, path):
    answer = http.get(f"/api/runs/{path}")
    assert answer.status_code == 404
    assert str(home) not in answer.text


def test_a_run_that_somebody_broke_does_not_break_the_list(http, home):
    broken = home / "runs" / "broken"
    broken.mkdir()
    (broken / "run.json").write_text("{", encoding="utf-8")
    try:
        listed = {run["name"]: run["state"] for run in http.get("/api/runs").json()["items"]}
        assert listed["broken"] == "unreadable"
        assert "demo" in listed
    finally:
        shutil.rmtree(broken)
