"""Every verb on somebody's own data, through the command line itself: what it makes, prints, and refuses."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mynah.__main__ import VERBS
from mynah.tokens import Tokenizer

TINY = ("tokenizer.vocab_size=300", "model.width=32", "model.layers=1", "model.context=64", "pretrain.epochs=1")
PPO = ("ppo.iterations=2", "ppo.prompts=4", "ppo.max_new_tokens=6", "ppo.minibatches=1")


def lines(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def say(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A small team's data."""
    words = ("red", "blue", "green", "grey", "pink", "gold", "black", "white")
    ask = [[say("user", f"Is {word} nice?")] for word in words]
    return {
        "text": lines(
            tmp_path / "text.jsonl", [{"text": f"The {a} bird and the {b} bird sing."} for a in words for b in words]
        ),
        "demonstrations": lines(
            tmp_path / "demonstrations.jsonl",
            [{"messages": [*prompt, say("assistant", "Yes, it is.")]} for prompt in ask],
        ),
        "prompts": lines(tmp_path / "prompts.jsonl", [{"prompt": prompt} for prompt in ask]),
        "pairs": lines(
            tmp_path / "pairs.jsonl",
            [
                {"prompt": p, "chosen": [say("assistant", "Yes, it is.")], "rejected": [say("assistant", "No.")]}
                for p in ask
            ],
        ),
    }


def test_a_team_goes_through_all_the_verbs(mynah, files, tmp_path, monkeypatch):
    where = ("--run", "team", "--home", tmp_path)
    root = tmp_path / "runs" / "team"
    assert mynah("pretrain", files["text"], *TINY, *where)[0] == 0
    assert mynah("sft", files["demonstrations"], "sft.epochs=1", *where)[1].strip() == str(root / "round-1/1-sft")
    status, out, err = mynah("sample", files["prompts"], "sample.max_new_tokens=6", "--n", 3, *where)
    samples = Path(out.strip())
    assert status == 0, err
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    assert [len(row["completions"]) for row in rows] == [3] * 8

    monkeypatch.setattr("sys.stdin", io.StringIO("1 2 2\ns\n3 2\n3 2 1\nq\n"))
    status, out, err = mynah("label", samples, "--out", tmp_path / "mine.jsonl")
    assert status == 0, err
    assert "2 rankings added" in err
    ranked = [json.loads(line) for line in (tmp_path / "mine.jsonl").read_text().splitlines()]
    assert [row["source"] for row in ranked] == ["human", "human"]

    assert "--n: n: " in mynah("sample", files["prompts"], "--n", -1, *where)[2]
    assert "is a folder; name a file" in mynah("sample", files["prompts"], "--out", tmp_path, *where)[2]
    long = lines(tmp_path / "long.jsonl", [{"prompt": [say("user", "word " * n)]} for n in (1, 1, 99)])
    assert "long.jsonl: prompt 3 has" in mynah("sample", long, *where)[2]
    single = lines(
        tmp_path / "single.jsonl",
        [{**row, **{field: row[field][:1] for field in ("completions", "finish_reasons")}} for row in rows],
    )
    assert "has one answer to each prompt" in mynah("label", single)[2]

    arguments = (
        "reward.heldout=0.0",
        "reward.epochs=1",
        "reward.beta1=0.8",
        "--demonstrations",
        files["demonstrations"],
    )
    assert mynah("reward", files["pairs"], *arguments, *where)[0] == 0
    assert mynah("sft", "--feedme", samples, "sample.max_new_tokens=6", "sft.epochs=1", *where)[0] in (0, 1)
    assert mynah("ppo", files["prompts"], *PPO, *where)[0] == 0
    assert mynah("ppo", files["prompts"], *PPO, "ppo.ptx_coef=1", "--text", files["text"], "--redo", *where)[0] == 0

    status, out, err = mynah("eval", "--rankings", files["pairs"], "--text", files["text"], *where)
    assert status == 0, err
    assert "round-1/2-reward: accuracy: " in out
    assert "round-1/3-ppo: bits_per_byte: " in out
    measured = [json.loads(line) for line in (root / "evals.jsonl").read_text().splitlines()]
    assert [row["kind"] for row in measured] == ["reward_accuracy", "bits_per_byte"]
    assert measured[0]["figures"]["length_only"]["n"] == 8
    assert measured[0]["data"]["path"] == "pairs.jsonl"
    assert mynah("report", *where)[0] == 0
    assert "<html" in (root / "report.html").read_text()
    report = json.loads((root / "report.json").read_text())
    (root / "report.json").write_text(json.dumps(report | {"win_rate": "of this policy"}))
    mynah("report", *where)
    assert json.loads((root / "report.json").read_text())["win_rate"] == "of this policy"
    assert mynah("ppo", files["prompts"], *PPO, "ppo.kl_coef=0.3", "--redo", *where)[0] == 0
    mynah("report", *where)
    assert "win_rate" not in json.loads((root / "report.json").read_text())
    assert "no such checkpoint; the newest of this run are" in mynah("serve", "--stage", "round-1/1-stf", *where)[2]

    assert mynah("export", tmp_path / "out", *where)[0] == 0
    assert Tokenizer.load(tmp_path / "out").vocab_size <= 300
    status, out, err = mynah("export", tmp_path / "out", *where)
    assert status == 1
    assert "exists already" in err
    assert mynah("import", tmp_path / "out", "--run", "again", "--home", tmp_path)[0] == 0
    assert (tmp_path / "runs" / "again" / "0-pretrain" / "model.safetensors").is_file()
    assert json.loads((root / "run.json").read_text())["recipe"] == "small"


def test_any_checkpoint_folder_is_measured_on_outside_sets(mynah, files, tmp_path, tiny_base):
    asked = [{"question": "Is red nice?", "choices": ["Yes", "No"], "answer": 0}] * 3
    choices = lines(tmp_path / "choices.jsonl", asked)
    exact = lines(tmp_path / "exact.jsonl", [{"question": "1 + 1?", "answer": "2"}] * 3)
    out_file = tmp_path / "figures.jsonl"
    options = ("--shots", 1, "--max-new-tokens", 4, "--out", out_file)
    status, out, err = mynah("eval", "--model", tiny_base, "--multiple-choice", choices, "--exact", exact, *options)
    assert status == 0, err
    first, second = [json.loads(line) for line in out_file.read_text().splitlines()]
    assert (first["kind"], second["kind"]) == ("multiple_choice", "exact")
    assert first["figures"]["accuracy"]["n"] == second["figures"]["exact"]["n"] == 2  # one row is a worked example
    assert first["weights"].startswith("sha256:")
    assert "chance: 0.5" in out
    assert not (tmp_path / "runs").exists()
    assert mynah("eval", "--model", tiny_base, "--multiple-choice", exact)[0] == 1
    assert "name what to measure on" in mynah("eval", "--model", tiny_base)[2]
    assert "--samples 3" in mynah("eval", "--model", tiny_base, "--code", exact, "--k", 3)[2]


def test_adapters_and_gguf_files_are_exported(mynah, files, tmp_path):
    where = ("--run", "team", "--home", tmp_path)
    assert mynah("pretrain", files["text"], *TINY, *where)[0] == 0
    status, _, err = mynah("export", tmp_path / "adapter", "--what", "adapter", *where)
    assert status == 1
    assert "0-pretrain: was trained without LoRA" in err
    _, _, err = mynah("sft", files["demonstrations"], "sft.lora.rank=4", "sft.lora.rang=4", *where)
    assert "unknown setting 'sft.lora.rang'; did you mean 'rank'?" in err
    assert mynah("sft", files["demonstrations"], "sft.epochs=1", "sft.lora.rank=4", *where)[0] == 0
    assert mynah("export", tmp_path / "adapter", "--what", "adapter", *where)[0] == 0
    assert {path.name for path in (tmp_path / "adapter").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    assert mynah("export", tmp_path / "merged", *where)[0] == 0
    arguments = ("--format", "gguf", "--dtype", "float16", *where)
    assert mynah("export", tmp_path / "team.gguf", *arguments)[1].strip() == str(tmp_path / "team.gguf")
    assert (tmp_path / "team.gguf").read_bytes()[:4] == b"GGUF"
    assert mynah("export", tmp_path / "team.gguf", *arguments)[0] == 1


def test_chat_streams_answers_and_leaves_at_the_end_of_input(mynah, files, tmp_path, monkeypatch):
    where = ("--run", "team", "--home", tmp_path)
    mynah("pretrain", files["text"], *TINY, *where)
    mynah("sft", files["demonstrations"], "sft.epochs=8", "sft.batch_size=2", *where)
    monkeypatch.setattr("sys.stdin", io.StringIO("Is red nice? <|assistant|>\n"))
    status, out, err = mynah("chat", "--temperature", 0, *where)
    assert status == 0, err
    assert "team>" in out


def test_data_says_what_a_file_holds(mynah, files, tmp_path):
    status, out, err = mynah("data", *files.values())
    assert status == 0, err
    assert "demonstrations" in out
    assert "pairs" in out
    broken = lines(tmp_path / "broken.jsonl", [{"messages": [say("user", "a"), say("oracle", "b")]}])
    status, out, err = mynah("data", broken)
    assert status == 1
    assert "broken.jsonl:1" in err.replace(" ", "")
    assert "unknown role 'oracle'" in err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_by_example(mynah, verb):
    status, out, err = mynah(verb, "--help")
    assert status == 0, err
    assert f"mynah {verb}" in out.split("Parameters")[0].replace("Usage: mynah", ""), "the help shows an example"
    for table in VERBS[verb].tables:
        assert f"{table}." in out, "the help lists the settings that the verb reads"


@pytest.mark.parametrize("module", ["keep", "people", "data", "freeze"])
def test_verbs_that_train_and_run_nothing_load_no_pytorch(module):
    """Whoever restores a backup should not wait for it."""
    code = f"import sys, mynah.verbs.{module}; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_what_needs_no_verb_loads_no_pytorch(arguments):
    code = f"import sys; sys.argv[1:] = {arguments!r}; from mynah.__main__ import build_app\n"
    code += "try: build_app(sys.argv[1])(sys.argv[1:])\nexcept SystemExit: pass\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"


def test_verbs_stand_in_the_order_in_which_a_team_meets_them(mynah):
    _, out, _ = mynah("--help")
    listed = [line.split()[1] for line in out.splitlines() if line.startswith("│ ") and line[2].isalpha()]
    assert listed == list(VERBS)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("pretrain", "{text}", "pretrian.epochs=2"), "unknown setting 'pretrian'; did you mean 'pretrain'?"),
        (("pretrain", "{text}", "pretrain.epoch=2"), "did you mean 'epochs'?"),
        (("pretrain", "{text}", "--recipe", "huge"), "no such recipe; shipped are h100, mini, primer, small"),
        (("pretrain", "nothing.jsonl"), "nothing.jsonl: no such file"),
        (("sft", "{demonstrations}"), "no such run (there is none yet)"),
        (("chat", "--run", "../x"), "a run's name is one plain folder name"),
        (("import", "{text}"), "text.jsonl"),
    ],
)
def test_mistakes_are_one_sentence(mynah, files, tmp_path, arguments, sentence):
    filled = [argument.format(**files) for argument in arguments]
    status, _, err = mynah(*filled, "--home", tmp_path)
    assert status == 1
    assert sentence in err
    assert "Traceback" not in err
