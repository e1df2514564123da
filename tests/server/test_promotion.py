"""A checkpoint takes the place of what is served, and gives it back: no stream breaks, and it is all on record."""

import json
import shutil
import threading
import time

import pytest

from mynah import store
from mynah.errors import UserError
from mynah.files import read_json, write_json
from mynah.runs import Run
from mynah.server.app import build_app
from mynah.server.promotion import promoted
from mynah.store.promotions import decisions
from mynah.verbs.serve import _given
from tests.server.conftest import parrot, running, served, service

PPO, SFT = "round-1/3-ppo", "round-1/1-sft"


@pytest.fixture
def db(tmp_path):
    db = store.open(tmp_path / "mynah.db")
    yield db
    db.close()


@pytest.fixture
def home(small_home, tmp_path):
    """A copy, for tests that change it."""
    return shutil.copytree(small_home, tmp_path / "home")


def at(address, method, path, status=200, **json):
    with address.page() as http:
        answer = http.request(method, f"/api/served{path}", **({"json": json} if method == "POST" else {}))
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_stream_goes_on_while_another_model_takes_over_and_gives_back(small_home, db):
    old = parrot("la " * 12, pause=0.05)
    with running(build_app(service(old), db, home=small_home)) as address:
        client, pieces = address.openai(), []

        def listen():
            asked = client.chat.completions.create(
                model="tiny", messages=[{"role": "user", "content": "Sing"}], stream=True, max_tokens=400
            )
            pieces.extend(chunk.choices[0].delta.content or "" for chunk in asked if chunk.choices)

        listener = threading.Thread(target=listen)
        listener.start()
        while not pieces:
            time.sleep(0.01)
        now = at(address, "POST", "/promote", run="demo", stage=PPO, reason="It is kinder.")
        assert listener.is_alive()
        [model] = now["items"]
        assert (model["name"], model["run"], model["stage"], model["kind"]) == ("tiny", "demo", PPO, "ppo")
        assert [draining["in_flight"] for draining in now["draining"]] == [1]
        assert client.models.retrieve("tiny").model_dump()["weights"] == model["weights"] != old.weights
        said = client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "Hi"}], max_tokens=3)
        assert said.system_fingerprint == f"fp_{model['weights'][7:19]}"
        listener.join(30)
        assert "".join(pieces) == "la " * 12
        assert at(address, "GET", "")["draining"] == []

        assert at(address, "POST", "/promote", 409, run="demo", stage=PPO)["error"]["code"] == "already_served"
        assert [m["stage"] for m in at(address, "POST", "/promote", run="demo", stage=SFT)["items"]] == [SFT]
        back = at(address, "POST", "/rollback")
        assert [m["stage"] for m in back["items"]] == [PPO]
        # What was there first came from no run, so nobody knows how to load it again.
        assert at(address, "POST", "/rollback", 409)["error"]["code"] == "nothing_to_roll_back"

    with db.reading() as tx:
        taken = decisions(tx)
        assert [one.decision for one in taken] == ["promote", "promote", "rollback"]
        assert [one.reason for one in taken] == ["It is kinder.", "", ""]
        assert taken[1].replaces == taken[0].version == taken[2].version
        assert taken[0].comparison["win_rate"] == {
            "rate": 0.62, "low": 0.55, "high": 0.69, "n": 200, "against": SFT, "simulated": True
        }  # fmt: skip
        assert not taken[0].comparison["direct"]  # it was not measured against what it replaced
        assert store.broken_audit(tx) is None
    assert promoted(db, "tiny") == {"run": "demo", "stage": PPO, "weights": model["weights"]}
    assert [one["decision"] for one in back["history"]] == ["rollback", "promote", "promote"]


def test_a_promotion_knows_the_parents_and_whether_it_was_measured_against_them(small_home, db):
    run = Run(small_home, "demo")
    first = served()
    first.origin, first.weights = run.stage(SFT), run.stage(SFT).record["weights"]
    with running(build_app(service(first), db, home=small_home)) as address:
        [before] = at(address, "GET", "")["items"]
        assert [parent["stage"] for parent in before["lineage"]] == ["0-pretrain"]
        [after] = at(address, "POST", "/promote", run="demo", stage=PPO)["items"]
        assert [parent["stage"] for parent in after["lineage"]] == [SFT, "0-pretrain"]
        assert after["figures"]["win_rate"]["rate"] == 0.62
        assert after["parents"]["reward"]["stage"] == "round-1/2-reward"
        assert after["data"]["prompts"]["hash"].startswith("sha256:")
        assert [m["stage"] for m in at(address, "POST", "/rollback")["items"]] == [SFT]
    with db.reading() as tx:
        promotion = decisions(tx)[0]
        assert promotion.comparison["direct"]
        version = tx.exec_driver_sql(
            "SELECT child.name, parent.name FROM model_version child "
            f"JOIN model_version parent ON child.parent = parent.id WHERE child.id = '{promotion.version}'"
        ).one()
    assert tuple(version) == (f"demo/{PPO}", f"demo/{SFT}")
    assert promoted(db, "tiny") == {"run": "demo", "stage": SFT, "weights": first.weights}


@pytest.mark.parametrize(
    ("run", "stage", "status", "says"),
    [
        ("demo", "round-1/2-reward", 409, "scores answers and writes none"),
        ("demo", "round-9/3-ppo", 404, "has no stage"),
        ("../demo", PPO, 404, "There is no run"),
        ("nobody", PPO, 404, "There is no run"),
        ("demo", "../../x", 404, "has no stage"),
    ],
)
def test_what_cannot_answer_is_refused(small_home, db, run, stage, status, says):
    with running(build_app(service(served()), db, home=small_home)) as address:
        error = at(address, "POST", "/promote", status, run=run, stage=stage)["error"]
        assert says in error["message"]
        assert str(small_home) not in json.dumps(error)
        assert [m["run"] for m in at(address, "GET", "")["items"]] == [None]
    with db.reading() as tx:
        assert decisions(tx) == []


def test_weights_that_are_not_those_meant_are_not_served(home, db):
    record = home / "runs/demo/run.json"
    with running(build_app(service(served()), db, home=home)) as address:
        for stage in (SFT, PPO):
            at(address, "POST", "/promote", run="demo", stage=stage)
        shutil.copy(home / "runs/demo/0-pretrain/model.safetensors", home / f"runs/demo/{SFT}/model.safetensors")
        assert at(address, "POST", "/rollback", 409)["error"]["code"] == "other_weights"
        assert at(address, "POST", "/promote", 409, run="demo", stage=SFT)["error"]["code"] == "other_weights"
        unfinished = read_json(record)
        unfinished["stages"][SFT]["status"] = "running"
        write_json(record, unfinished)
        assert "is not finished" in at(address, "POST", "/promote", 409, run="demo", stage=SFT)["error"]["message"]
        assert [m["stage"] for m in at(address, "GET", "")["items"]] == [PPO]


def test_the_next_start_serves_what_was_promoted_and_nothing_that_was_not(home, db):
    run = Run(home, "demo")
    assert _given(db, run, home).key == PPO  # nobody decided: the newest policy
    first = served("demo")
    first.origin, first.weights = run.stage(PPO), run.stage(PPO).record["weights"]
    with running(build_app(service(first), db, home=home)) as address:
        at(address, "POST", "/promote", run="demo", stage=SFT)
        assert _given(db, run, home).key == SFT
        at(address, "POST", "/rollback")
        assert _given(db, run, home).key == PPO
        at(address, "POST", "/promote", run="demo", stage=SFT)
    record = run.record
    record["stages"][SFT]["weights"] = "sha256:of another training"
    run.write(record)
    with pytest.raises(UserError, match="was promoted, but trained again or removed since"):
        _given(db, run, home)
