"""Run folders: what a stage was made from decides whether it is resumed, skipped or refused."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import mynah
from mynah import runs
from mynah.errors import UserError
from mynah.files import sha256, write_text
from mynah.runs import Kind, Run, Stage

SETTINGS = {"sft": {"learning_rate": 0.001, "betas": (0.9, 0.95)}}


def begin(run: Run, kind: Kind = "sft", round: int = 1, settings: Mapping[str, Any] = SETTINGS, **kwargs: Any) -> Stage:
    return run.begin(kind, round, settings=settings, **{"seed": 0} | kwargs)


def finish(stage: Stage, weights: str = "weights") -> Stage:
    stage.finish(lambda folder: write_text(folder / "model.safetensors", weights), 1.25, {"accuracy": 0.5})
    return stage


def save_state(stage: Stage) -> None:
    """What a session leaves that was interrupted."""
    write_text(stage.state / "step-000000005.pt", "state")


def refused(run: Run, **kwargs: Any) -> str:
    with pytest.raises(UserError) as error:
        begin(run, **kwargs)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_text(tmp_path / "demonstrations.jsonl", "one")
    return tmp_path / "demonstrations.jsonl"


def test_a_new_stage_is_recorded_with_all_it_is_made_from(run: Run, data: Path) -> None:
    base = finish(begin(run, "pretrain", settings={}))
    stage = begin(run, parents={"base": base.key}, data={"demonstrations": data}, seed=7)
    assert stage.folder == run.root / "round-1" / "1-sft"
    assert stage.state == run.root / "round-1" / "1-sft.state"
    assert not stage.done
    record = json.loads((run.root / "run.json").read_text())
    made = record["stages"]["round-1/1-sft"]
    assert made["status"] == "running"
    assert made["settings"] == {"sft": {"learning_rate": 0.001, "betas": [0.9, 0.95]}}
    assert made["seed"] == 7
    assert made["parents"] == {"base": {"stage": "0-pretrain", "weights": sha256(base.folder / "model.safetensors")}}
    assert made["data"] == {"demonstrations": {"path": "demonstrations.jsonl", "hash": sha256(data)}}
    assert made["code_version"] == runs.code_version()
    assert record["newest"] == {"pretrain": "0-pretrain"}
    assert record["name"] == "tiny"


def test_a_finished_stage_is_the_newest_and_names_its_weights(run: Run) -> None:
    stage = finish(begin(run))
    assert stage.done
    assert run.newest("sft") == "round-1/1-sft"
    assert stage.record["weights"] == sha256(stage.folder / "model.safetensors")
    assert stage.record["figures"] == {"accuracy": 0.5}
    assert stage.record["seconds"] == 1.2
    finish(begin(run, round=2))
    assert run.newest("sft") == "round-2/1-sft"
    assert run.record["rounds"] == 2


def test_the_same_call_skips_what_is_done_and_resumes_what_is_not(run: Run, data: Path) -> None:
    save_state(begin(run, data={"demonstrations": data}))
    again = begin(run, data={"demonstrations": data})
    assert not again.done
    assert (again.state / "step-000000005.pt").exists()
    finish(again)
    assert begin(run, data={"demonstrations": data}).done


def test_other_settings_name_the_first_difference(run: Run) -> None:
    finish(begin(run))
    sentence = refused(run, settings={"sft": {"learning_rate": 0.002, "betas": (0.9, 0.95)}})
    assert "round-1/1-sft was made with another settings.sft.learning_rate (0.001, now 0.002)." in sentence
    assert "--run" in sentence
    assert "--redo" in sentence
    assert "another settings.sft.betas ([0.9, 0.95], now [0.9, 0.99])" in refused(
        run, settings={"sft": {"learning_rate": 0.001, "betas": (0.9, 0.99)}}
    )
    assert "another settings.sft.epochs (None, now 3)" in refused(
        run, settings={"sft": {**SETTINGS["sft"], "epochs": 3}}
    )
    assert "another seed (0, now 1)" in refused(run, seed=1)


def test_resume_state_of_other_settings_is_not_taken_either(run: Run) -> None:
    save_state(begin(run))
    assert "another seed (0, now 1)" in refused(run, seed=1)


def test_other_data_is_noticed_a_moved_file_is_not_other_data(run: Run, data: Path, tmp_path: Path) -> None:
    finish(begin(run, data={"demonstrations": data}))
    moved = data.rename(tmp_path / "moved.jsonl")
    assert begin(run, data={"demonstrations": moved}).done
    old = sha256(moved)
    write_text(moved, "two")
    sentence = refused(run, data={"demonstrations": moved})
    assert f"another data.demonstrations ({old}, now {sha256(moved)})" in sentence
    assert "another data.demonstrations" in refused(run), "a file that is no longer given"


def test_a_parent_that_was_trained_again_is_noticed(run: Run) -> None:
    base = finish(begin(run, "pretrain", settings={}))
    finish(begin(run, parents={"base": base.key}))
    old = base.record["weights"]
    finish(begin(run, "pretrain", settings={}, seed=1, redo=True), "other weights")
    sentence = refused(run, parents={"base": base.key})
    assert f"another parents.base.weights ({old}, now {base.record['weights']})" in sentence
    assert base.record["weights"] != old


def test_nothing_is_refused_where_nothing_is_lost(run: Run, data: Path) -> None:
    """A malformed line stops a stage before its first step; the mended file must be taken without --redo."""
    begin(run, data={"demonstrations": data})
    write_text(data, "mended")
    stage = begin(run, data={"demonstrations": data}, seed=3)
    assert stage.record["data"]["demonstrations"]["hash"] == sha256(data)
    assert stage.record["seed"] == 3


def test_redo_forgets_what_was_made_with_other_settings(run: Run) -> None:
    save_state(finish(begin(run)))
    again = begin(run, seed=1, redo=True)
    assert not again.done
    assert again.record["seed"] == 1
    assert "weights" not in again.record
    assert not again.state.exists()
    assert (again.folder / "model.safetensors").exists(), "the old checkpoint stays until the new one takes its place"


def test_redo_goes_on_with_what_was_made_with_the_same_settings(run: Run) -> None:
    save_state(begin(run))
    assert (begin(run, redo=True).state / "step-000000005.pt").exists(), (
        "Ctrl-C, then the same command, --redo included"
    )
    finish(begin(run))
    assert begin(run, redo=True).done


def test_a_stage_that_is_made_again_is_not_the_newest_until_done(run: Run) -> None:
    finish(begin(run))
    finish(begin(run, round=2))
    begin(run, round=2, seed=1, redo=True)
    assert run.newest("sft") == "round-1/1-sft"
    begin(run, seed=1, redo=True)
    with pytest.raises(UserError, match="has no sft checkpoint yet; make one with `mynah sft --run tiny`"):
        run.newest("sft")
    finish(begin(run, seed=1))
    assert run.newest("ppo", "sft") == "round-1/1-sft"


def test_a_checkpoint_that_was_deleted_is_not_done(run: Run) -> None:
    stage = finish(begin(run))
    (stage.folder / "model.safetensors").unlink()
    stage.folder.rmdir()
    assert not begin(run).done


def test_a_missing_run_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is none yet"):
        Run.existing(tmp_path, "mine")
    for name in ("b", "a"):
        begin(Run(tmp_path, name))
    (tmp_path / "runs" / "not-a-run").mkdir()
    with pytest.raises(UserError, match=r"runs/mine: no such run \(there are: a, b\)"):
        Run.existing(tmp_path, "mine")
    assert Run.existing(tmp_path, "a").name == "a"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", ".hidden"])
def test_a_run_is_one_plain_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="one plain folder name"):
        Run(tmp_path, name)


def test_a_missing_data_file_is_one_sentence(run: Run, tmp_path: Path) -> None:
    assert refused(run, data={"text": tmp_path / "none.txt"}) == f"{tmp_path / 'none.txt'}: no such file."


def test_a_damaged_record_names_its_line(run: Run) -> None:
    write_text(run.root / "run.json", '{\n"name": "tiny",\n')
    assert "run.json:3: not JSON" in refused(run)


def test_what_a_file_was_made_from_is_noted_by_its_place_in_the_run(run: Run, tmp_path: Path) -> None:
    inside, outside = run.round_folder(1) / "samples.jsonl", tmp_path / "samples.jsonl"
    assert run.made_from(inside) is None
    run.note(inside, {"seed": 1})
    run.note(outside, {"seed": 2})
    assert run.record["files"] == {"round-1/samples.jsonl": {"seed": 1}, str(outside): {"seed": 2}}
    assert Run(tmp_path, "tiny").made_from(inside) == {"seed": 1}


def test_the_code_version_is_the_projects_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Installed into a virtual environment inside somebody's repository, their commit is not our version."""
    runs.code_version.cache_clear()
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    commit = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "theirs"]
    subprocess.run(commit, cwd=tmp_path, check=True)
    installed = tmp_path / ".venv" / "lib" / "mynah" / "runs.py"
    installed.parent.mkdir(parents=True)
    monkeypatch.setattr(runs, "__file__", str(installed))
    assert runs.code_version() == mynah.__version__
    runs.code_version.cache_clear()


def test_what_a_run_chose_once_stays(run: Run) -> None:
    assert run.settle("hardware", {"dtype": "bfloat16"}) == {"dtype": "bfloat16"}
    assert run.settle("hardware", {"dtype": "float32"}) == {"dtype": "bfloat16"}
