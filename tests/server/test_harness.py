"""lm-evaluation-harness against a real server: on the same items, its figures are those of `mynah eval`.

The harness and what it needs live in a virtual environment of their own, made once (some 300 MB, from the package
index): in the folder that MYNAH_HARNESS names, or a temporary one.
"""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from mynah.agent.assistant import Assistant
from mynah.evals.multiple_choice import likeliest, multiple_choice
from mynah.evals.questions import read_problems, read_questions
from mynah.evals.respondent import Respondent, user
from mynah.evals.short_answer import short_answer
from mynah.nouns import SamplingParams
from mynah.server.models import ServedModel
from mynah.server.settings import ServeSettings
from tests import toys
from tests.server.conftest import service, serving

CHOOSE = """\
task: choose
dataset_path: json
dataset_kwargs: {data_files: {test: %s}}
test_split: test
output_type: multiple_choice
doc_to_text: "<|endoftext|>Question: {{question}}\\nAnswer:"
doc_to_choice: "{{choices}}"
doc_to_target: "{{answer}}"
metric_list: [{metric: acc}, {metric: acc_norm}]
"""
SAY = """\
task: say
dataset_path: json
dataset_kwargs: {data_files: {test: %s}}
test_split: test
output_type: generate_until
doc_to_text: "<|endoftext|>Question: {{question}}\\nAnswer:"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\\nQuestion:"], max_gen_toks: 8, temperature: 0.0, do_sample: false}
filter_list: [{name: whole, filter: [{function: regex, regex_pattern: "^\\\\s*(.*?)\\\\s*$"}, {function: take_first}]}]
metric_list: [{metric: exact_match, ignore_case: true, ignore_punctuation: true}]
"""


@pytest.fixture(scope="module")
def harness(tmp_path_factory) -> list[str]:
    """The command that runs it; it finds transformers and its like where the tests do."""
    folder = Path(os.environ.get("MYNAH_HARNESS") or tmp_path_factory.mktemp("harness"))
    if not (folder / "bin/lm_eval").is_file():
        venv.create(folder, with_pip=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        (folder / f"lib/{version}/site-packages/ours.pth").write_text(sysconfig.get_path("purelib"))
        subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", "lm-eval[api]>=0.4.9"], check=True)
    return [str(folder / "bin/python"), "-m", "lm_eval"]


def items(folder: Path, respondent: Respondent) -> None:
    """Forty questions to choose in, of which the model gets about half right; twenty to answer, likewise."""
    questions = [f"what is in the {place} {i}" for i, place in enumerate(toys.PLACES * 10)]
    choices = [[toys.WORDS[(i + k) % 6] + " " + toys.WORDS[(i * k) % 6] * (k % 2) for k in range(4)] for i in range(40)]
    choices = [[choice.strip() for choice in some] for some in choices]
    found = respondent.loglikelihoods([user(question) for question in questions], choices)
    rows = []
    for i, (question, some, values) in enumerate(zip(questions, choices, found, strict=True)):
        assert values
        answer = likeliest(values) if i % 2 else i // 2 % 4
        rows.append({"question": question, "choices": some, "answer": answer})
    (folder / "choose.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    params = SamplingParams(8, temperature=0.0)
    said = respondent.answers([user(question) for question in questions[:20]], params)
    rows = []
    for i, (question, texts) in enumerate(zip(questions, said, strict=False)):
        assert texts
        rows.append({"question": question, "answer": texts[0] if i % 2 and texts[0] else "nothing at all"})
    (folder / "say.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.stress
def test_the_harness_finds_the_figures_of_mynah_eval(harness: list[str], tmp_path: Path) -> None:
    folder = toys.save(toys.policy(), tmp_path / "model")
    assistant = Assistant.load(folder, toys.CPU, "tiny", 16)
    respondent = Respondent(assistant, plain=True)
    items(tmp_path, respondent)
    ours = {
        "choose": multiple_choice(respondent, read_questions(tmp_path / "choose.jsonl")).figures,
        "say": short_answer(respondent, read_problems(tmp_path / "say.jsonl"), 8).figures,
    }
    for name, task in (("choose", CHOOSE), ("say", SAY)):
        (tmp_path / f"{name}.yaml").write_text(task % (tmp_path / f"{name}.jsonl"))
    with serving(service(ServedModel.load("tiny", folder, toys.CPU, ServeSettings(rows=16)))) as address:
        arguments = f"base_url={address}/v1/completions,model=tiny,tokenizer={folder},max_length={toys.CONTEXT}"
        command = [*harness, "--model", "local-completions", "--model_args", arguments, "--tasks", "choose,say"]
        command += ["--include_path", str(tmp_path), "--output_path", str(tmp_path / "out"), "--log_samples"]
        offline = {**os.environ, "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
        run = subprocess.run(command, capture_output=True, text=True, env=offline, cwd=tmp_path)
    assert run.returncode == 0, run.stderr[-3000:]
    [report] = (tmp_path / "out").rglob("results_*.json")
    theirs = json.loads(report.read_text())["results"]
    print(json.dumps(theirs, indent=1))
    assert theirs["choose"]["acc,none"] == pytest.approx(ours["choose"]["accuracy"].value)
    assert theirs["choose"]["acc_norm,none"] == pytest.approx(ours["choose"]["accuracy_per_byte"].value)
    assert theirs["say"]["exact_match,whole"] == pytest.approx(ours["say"]["exact"].value)
    assert 0.3 < ours["choose"]["accuracy"].value < 1
    assert 0 < ours["choose"]["accuracy_per_byte"].value < 1
    assert 0.1 < ours["say"]["exact"].value < 0.9
    loglikelihoods(tmp_path, respondent)


def loglikelihoods(folder: Path, respondent: Respondent) -> None:
    """Each log p that the harness summed is ours."""
    [samples] = (folder / "out").rglob("samples_choose_*.jsonl")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    asked, choices = [user(row["doc"]["question"]) for row in rows], [row["doc"]["choices"] for row in rows]
    for row, values in zip(rows, respondent.loglikelihoods(asked, choices), strict=True):
        assert [float(response[0][0]) for response in row["resps"]] == pytest.approx(values, abs=1e-3)
