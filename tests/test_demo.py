"""The whole loop as a visitor runs it, on a model too small to learn: files, figures, resuming, rounds, CLI."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from mynah.agent.scorer import Scorer
from mynah.config import load
from mynah.demo import Demo, figures
from mynah.examine import Examiner
from mynah.feedback.blind import vote
from mynah.jsonl import read_comparisons, read_prompts
from mynah.loop import Loop
from mynah.model.hub import load_policy
from mynah.model.packed import PackedPlan
from mynah.model.precision import Hardware, resolve
from mynah.nouns import Group, Message, Prompt
from mynah.primer.mini.world import MINI
from mynah.recipe import Recipe
from mynah.runs import Run
from mynah.train.packing import lay_out

MICRO = (
    "tokenizer.vocab_size=400",
    "model.width=32",
    "model.layers=2",
    "pretrain.epochs=1",
    "sft.epochs=1",
    "sample.n=2",
    "sample.max_new_tokens=8",
    "label.rounds=2",
    "reward.epochs=1",
    "ppo.iterations=3",
    "ppo.prompts=8",
    "ppo.max_new_tokens=8",
    "ppo.snapshots=2",
    "eval.best_of=2",
)
SYSTEM = (Message("system", "Be kind."), Message("user", "Where does Milo live? <|end|>"))


def micro(home: Path, seed: int = 0, rounds: int = 1) -> Demo:
    run = Run(home, "demo")
    run.begin_with("mini")
    return Demo(MINI, Loop.on(run, load(Recipe, "mini", MICRO), seed), rounds)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the micro demo has run two rounds."""
    path = tmp_path_factory.mktemp("home")
    demo = micro(path, rounds=2)
    demo.train()
    Examiner(demo.world, demo.loop).report()
    return path


@pytest.fixture(scope="module")
def run(home: Path) -> Path:
    return home / "runs" / "demo"


def test_a_run_has_its_folders_with_hugging_face_files_only(run: Path):
    checkpoint = {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    scalar = checkpoint - {"generation_config.json"}
    for folder in ("0-pretrain", "round-1/1-sft", "round-1/3-ppo", "round-2/3-ppo", "round-2/3-feedme"):
        assert {path.name for path in (run / folder).iterdir()} == checkpoint
        assert (run / f"{folder}.state" / "metrics.jsonl").is_file()
    for folder in ("round-1/2-reward", "round-2/2-reward"):
        assert {path.name for path in (run / folder).iterdir()} == scalar | {"ensemble.safetensors"}
    assert {path.name for path in (run / "round-2" / "3-ppo.value").iterdir()} == scalar


def test_run_json_tells_what_came_from_what(run: Path):
    record = json.loads((run / "run.json").read_text())
    assert record["newest"] == {
        "pretrain": "0-pretrain",
        "sft": "round-1/1-sft",
        "reward": "round-2/2-reward",
        "feedme": "round-2/3-feedme",
        "ppo": "round-2/3-ppo",
    }
    second = record["stages"]["round-2/3-ppo"]
    assert second["parents"]["start"] == {
        "stage": "round-1/3-ppo",
        "weights": record["stages"]["round-1/3-ppo"]["weights"],
    }
    assert second["parents"]["reward"]["stage"] == "round-2/2-reward"
    rankings = record["stages"]["round-2/2-reward"]["data"]
    assert {"rankings-1", "rankings-2"} <= set(rankings), "old rankings are mixed with the fresh ones"
    assert rankings["rankings-1"]["hash"] != rankings["rankings-2"]["hash"]
    feedme = record["stages"]["round-2/3-feedme"]
    assert feedme["parents"]["policy"]["stage"] == "round-1/1-sft", "what PPO is compared with has no PPO in it"
    assert feedme["parents"]["reward"]["stage"] == "round-2/2-reward"
    for stage in record["stages"].values():
        assert stage["status"] == "done"
        assert {"settings", "seed", "code_version", "seconds", "figures"} <= set(stage)


def test_the_rounds_share_the_prompts_for_ranking(run: Path):
    shares = [read_prompts(run / f"round-{round}" / "data" / "prompts.jsonl") for round in (1, 2)]
    ids = [prompt.id for share in shares for prompt in share]
    assert sorted(ids) == sorted(prompt.id for prompt in read_prompts(run / "data" / "ranking.jsonl"))
    assert len(set(ids)) == len(ids)
    assert abs(len(shares[0]) - len(shares[1])) <= 1
    for round, share in enumerate(shares, 1):
        ranked = read_comparisons(run / f"round-{round}" / "data" / "rankings.jsonl")
        assert {row.prompt.id for row in ranked} <= {prompt.id for prompt in share}


def test_the_report_has_what_it_promises(run: Path):
    report = json.loads((run / "report.json").read_text())
    for model in ("base", "sft", "feedme", "best_of_n", "ppo"):
        for rate in report["exam"][model].values():
            assert set(rate) == {"rate", "n", "low", "high"}
            assert rate["low"] <= rate["rate"] <= rate["high"]
    for name in ("ppo_vs_sft", "best_of_n_vs_sft"):
        assert set(report["win_rate"][name]) == {"rate", "low", "high", "n", "identical"}
    keys = {"accuracy", "n", "accuracy_gold", "labeller_agreement", "length_bias", "ensemble_spread"}
    assert keys <= set(report["reward"])
    assert {"ref_kl", "iterations", "weights_changed"} <= set(report["ppo"])
    assert {"pretrain", "sft", "reward", "ppo", "feedme"} <= set(report["seconds"])
    assert report["peak_memory_mb"] > 0
    assert report["simulated"] is True
    assert set(report["paired"]) == set(report["exam"]["ppo"])
    assert {"difference", "low", "high", "n"} == set(report["paired"]["facts"])
    assert report["win_rate_by"]["same_length"]["n"] <= report["win_rate"]["ppo_vs_sft"]["n"]
    assert [point["label"] for point in report["frontier"]] == ["round-1/3-ppo", "iteration 2", "iteration 3"]
    assert "<svg" in (run / "report.html").read_text()


def test_the_same_seed_gives_the_same_figures_and_another_seed_others(tmp_path: Path):
    reports = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        demo = micro(tmp_path / name, seed)
        demo.train()
        reports.append(figures(Examiner(demo.world, demo.loop).report()))
    assert reports[0] == reports[1]
    assert reports[0] != reports[2]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations take no time, so none takes longer than the first. (The clock itself is every server's, too.)"""
    monkeypatch.setattr("mynah.examine.time", SimpleNamespace(monotonic=lambda: 0.0))


@pytest.mark.usefixtures("quick")
def test_running_again_makes_nothing_again(home: Path, run: Path):
    def made() -> dict[Path, int]:
        files = [path for suffix in ("safetensors", "jsonl", "html") for path in run.rglob(f"*.{suffix}")]
        return {path: path.stat().st_mtime_ns for path in files}

    before = made()
    figures_before = json.loads((run / "report.json").read_text())
    demo = micro(home, rounds=2)
    demo.train()
    assert Examiner(demo.world, demo.loop).report() == figures_before
    assert made() == before
    (run / "report.json").unlink()
    again = Examiner(demo.world, demo.loop).report()
    assert figures(again) == figures(figures_before)
    for name in ("seconds", "peak_memory_mb"):  # of the work, not of having it made again
        assert again[name] == figures_before[name]


@pytest.mark.parametrize(
    "name", ["data/demonstrations.jsonl", "round-2/data/rankings.jsonl", "report.json", "report.html"]
)
@pytest.mark.usefixtures("quick")
def test_what_was_changed_by_hand_is_made_again(home: Path, run: Path, name: str):
    before = (run / name).read_bytes()
    (run / name).write_bytes(before.replace(b"a", b"e"))
    demo = micro(home, rounds=2)
    demo.train()
    Examiner(demo.world, demo.loop).report()
    after = (run / name).read_bytes()
    if name == "report.json":
        assert figures(json.loads(after)) == figures(json.loads(before))
    else:
        assert after == before


def test_a_vote_enters_the_report_that_is_kept(home: Path, run: Path):
    demo = micro(home, rounds=2)
    demo.train()
    examiner = Examiner(demo.world, demo.loop)
    before, votes = examiner.report(), run / "visitor.jsonl"
    shown = examiner.voted_on()
    assert vote(shown["ppo"], shown["sft"], votes, 1, ask=lambda _: "1") == 1
    counted = examiner.count_votes()
    assert counted == before | {"visitor": counted["visitor"]}
    assert counted["visitor"]["n"] == 1
    html = (run / "report.html").stat().st_mtime_ns
    assert examiner.report() == counted
    assert (run / "report.html").stat().st_mtime_ns == html
    votes.unlink()
    assert "visitor" not in examiner.report()


@pytest.mark.parametrize("stage", ["0-pretrain", "round-1/1-sft", "round-2/3-feedme", "round-2/3-ppo"])
def test_transformers_reads_every_policy_with_equal_logits(run: Path, stage: str):
    theirs = AutoModelForCausalLM.from_pretrained(run / stage, dtype=torch.float32)
    ours = load_policy(run / stage, torch.float32)
    ids = AutoTokenizer.from_pretrained(run / stage).apply_chat_template(
        [{"role": "user", "content": "Where does Milo live?"}], add_generation_prompt=True, return_dict=False
    )
    batch = lay_out([Group(tuple(ids), (False,) * len(ids))])
    with torch.no_grad():
        logits = ours.logits(ours(batch.tokens, batch.positions, PackedPlan(batch, torch.float32)))
        expected = theirs(torch.tensor([ids])).logits[0]
    assert (logits - expected).abs().max() <= 1e-4


def test_transformers_reads_the_reward_model_with_equal_scores(run: Path):
    folder = run / "round-2" / "2-reward"
    theirs = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
    scorer = Scorer.load(folder, resolve(Hardware(device="cpu", dtype="float32")))
    answers = ["In the mill.", "I do not know, sorry."]
    scores = scorer.score([Prompt(SYSTEM)], [answers])[0].scores
    prompt = scorer.chat.encode_prompt(SYSTEM)
    for answer, score in zip(answers, scores, strict=True):
        with torch.no_grad():
            logit = theirs(torch.tensor([prompt + scorer.chat.encode_answer(answer)])).logits
        assert abs(float(logit) + theirs.config.score_bias - float(score)) <= 1e-4


def mynah(*arguments: str, home: Path, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "mynah", *arguments, "--home", str(home)]
    return subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300, check=False, **options
    )


def test_without_a_terminal_the_demo_says_how_to_chat(home: Path):
    done = mynah("demo", "--mini", "--run", "demo", "--rounds", "2", *MICRO, home=home)
    assert done.returncode == 0, done.stderr
    assert "mynah chat --run demo" in done.stderr


def test_other_settings_are_one_sentence(home: Path):
    done = mynah("demo", "--mini", "--run", "demo", *MICRO, "sft.learning_rate=0.5", home=home)
    assert done.returncode == 1
    assert "round-1/1-sft was made with another settings.sft.learning_rate (0.001, now 0.5)" in done.stderr.replace(
        "\n", ""
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("other", [("--mini", "--seed", "1"), ()], ids=["seed", "world"])
def test_another_seed_or_world_is_refused_before_anything_is_overwritten(home: Path, other: tuple[str, ...]):
    data = home / "runs" / "demo" / "data"
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    done = mynah("demo", *other, "--run", "demo", home=home)
    assert done.returncode == 1
    assert "was begun with recipe mini" in done.stderr.replace("\n", "")
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before


def test_a_killed_demo_goes_on_and_ends_as_if_nothing_had_happened(tmp_path: Path):
    whole = micro(tmp_path / "whole")
    whole.train()
    command = [
        sys.executable,
        "-m",
        "mynah",
        "demo",
        "--mini",
        "--run",
        "demo",
        *MICRO,
        "--home",
        str(tmp_path / "killed"),
    ]
    root = tmp_path / "killed" / "runs" / "demo"
    for landmark in ("0-pretrain.state/metrics.jsonl", "round-1/2-reward.state/metrics.jsonl"):
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while not (root / landmark).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    again = micro(tmp_path / "killed")
    again.train()
    for folder in ("0-pretrain", "round-1/1-sft", "round-1/2-reward", "round-1/3-ppo"):
        path = f"{folder}/model.safetensors"
        assert (root / path).read_bytes() == (whole.loop.run.root / path).read_bytes(), folder
