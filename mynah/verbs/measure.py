"""The verb `eval`: a model of a run, or any checkpoint folder, measured on files from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from mynah import jsonl
from mynah.agent.assistant import Assistant
from mynah.agent.scorer import Scorer
from mynah.config import load
from mynah.errors import UserError
from mynah.evals import (
    bias,
    bias_pairs,
    bits,
    code_tests,
    multiple_choice,
    questions,
    refusals,
    reward_accuracy,
    short_answer,
)
from mynah.evals.measurement import Measurement
from mynah.evals.respondent import Respondent
from mynah.files import append_lines, sha256
from mynah.model.precision import Hardware, resolve
from mynah.nouns import Group, SamplingParams
from mynah.recipe import Recipe
from mynah.runs import Run, code_version
from mynah.step0_pretrain.corpus import pieces
from mynah.verbs.where import HERE, Where, checkpoint


@Parameter(name="*")
@dataclass(frozen=True)
class On:
    """What to measure on; give one or several."""

    rankings: Path | None = None
    "Rankings or pairs that the reward model has not seen: its accuracy, beside that of length alone."
    text: Path | None = None
    "Raw text that the policy has not seen: bits per byte."
    multiple_choice: Path | None = None
    'Rows of {"question", "choices", "answer"}, or ARC, CommonsenseQA, MMLU as published: by log-likelihood.'
    exact: Path | None = None
    'Rows of {"question", "answer"}, as GSM8K: greedy answers, right or not.'
    code: Path | None = None
    "HumanEval's rows: code that must pass its tests in the sandbox."
    refusals: Path | None = None
    'Rows of {"prompt", "harmful": true or false}: how often each kind is declined.'
    bias: Path | None = None
    "BBQ's rows: accuracy and bias score, by log-likelihood."
    bias_pairs: Path | None = None
    "StereoSet's rows, or pairs of pronouns: how often the text that follows the stereotype is the likelier."


@Parameter(name="*")
@dataclass(frozen=True)
class Asking:
    """How the model is asked."""

    plain: bool = False
    "As plain text, as base models are asked, not in the chat format. A run's base model is always asked so."
    shots: int = 0
    "So many first rows of the file are worked examples, and are not measured (multiple choice, exact answers)."
    limit: int = 0
    "Only so many rows of each file; 0 takes all."
    max_new_tokens: int = 256
    "Budget of an answer; at most half of the context is taken."
    samples: int = 1
    "Answers to each code task; above 1 they are drawn at temperature 0.8."
    k: Annotated[int, Parameter(name="--k")] = 1
    "The k of pass@k, at most the samples."
    length_train: Path | None = None
    "Rankings or pairs on which the length-only baseline is fitted; else it is cross-validated."


NOTHING, AS_IS = On(), Asking()


def evaluate(
    *overrides: str,
    on: On = NOTHING,
    asking: Asking = AS_IS,
    stage: str = "",
    model: Path | None = None,
    out: Path | None = None,
    where: Where = HERE,
) -> None:
    """Measure the newest models of a run, or a checkpoint folder, on files: every figure with n and a 95 % interval.

    ```
    mynah eval --run mine --rankings heldout.jsonl
    mynah eval --run mine --multiple-choice arc.jsonl --shots 5
    mynah eval --run mine --exact gsm8k/test.jsonl --limit 200
    mynah eval --model ~/models/Qwen3-0.6B --code HumanEval.jsonl --bias bbq/Age.jsonl
    mynah eval --run mine --text book.txt --out figures.jsonl
    ```

    Results are printed, and appended as lines of JSON to evals.jsonl in the run and to --out.

    Parameters
    ----------
    overrides
        Settings, as `table.key=value`.
    stage
        Another checkpoint of the run than the newest.
    model
        A checkpoint folder, measured without a run.
    out
        A file to which the results are appended too.
    """
    if not any(vars(on).values()):
        raise UserError("name what to measure on: --rankings FILE for the reward model, --text FILE for the policy, …")
    if not 1 <= asking.k <= asking.samples:
        raise UserError(f"--k {asking.k}: pass@k needs at least k samples; give --samples {max(asking.k, 1)}.")
    if model:
        run, hardware = None, resolve(load(Recipe, where.recipe or "small", overrides).hardware)
    else:
        loop = where.loop(overrides)
        run, hardware = loop.run, loop.recipe.hardware
    ledger = Ledger(run, model, stage, [path for path in (run and run.root / "evals.jsonl", out) if path])
    if on.rankings:
        folder = ledger.checkpoint("reward")
        train = jsonl.read_comparisons(asking.length_train) if asking.length_train else ()
        rows = jsonl.read_comparisons(on.rankings)[: asking.limit or None]
        found = reward_accuracy.reward_accuracy(Scorer.load(folder, hardware), rows, train)
        ledger.enter(found, folder, on.rankings, asking)
    if any(path for name, path in vars(on).items() if name != "rankings"):
        _measure_policy(ledger, on, asking, hardware, where.seed)


@dataclass(frozen=True)
class Ledger:
    """Which models are measured, and where the figures go."""

    run: Run | None
    model: Path | None
    stage: str
    files: list[Path]

    def checkpoint(self, *kinds: Any) -> Path:
        """The folder given, or the run's stage, or its newest of these kinds."""
        if self.model:
            return self.model
        assert self.run
        return checkpoint(self.run, self.stage or self.run.newest(*kinds))

    def enter(self, found: Measurement, folder: Path, data: Path, asking: Asking) -> None:
        """Print the figures, and append them with what they were measured on."""
        name = str(folder.relative_to(self.run.root)) if self.run else str(folder)
        for line in found.lines():
            print(f"{name}: {line}")
        weights = folder / "model.safetensors"
        row = found.to_json() | {
            "model": name,
            "weights": sha256(weights) if weights.is_file() else "",
            "data": {"path": data.name, "hash": sha256(data)},
            "asking": {key: value for key, value in vars(asking).items() if not isinstance(value, Path)},
            "code_version": code_version(),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        for path in self.files:
            append_lines(path, [row])


def _measure_policy(ledger: Ledger, on: On, asking: Asking, hardware: Hardware, seed: int) -> None:
    folder = ledger.checkpoint("ppo", "sft", "pretrain")
    assistant = Assistant.load(folder, hardware)
    plain = asking.plain or (not ledger.model and folder.name == "0-pretrain")
    context, limit, shots = assistant.model.config.context, asking.limit, asking.shots
    budget = min(asking.max_new_tokens, context // 2)
    respondent = Respondent(assistant, plain)
    if on.text:
        ledger.enter(_bits(assistant, on.text, limit), folder, on.text, asking)
    if on.multiple_choice:
        examples, asked = _split(questions.read_questions(on.multiple_choice, limit), shots, on.multiple_choice)
        taught = Respondent(assistant, plain, [(q.text, q.choices[q.answer]) for q in examples])
        ledger.enter(multiple_choice.multiple_choice(taught, asked), folder, on.multiple_choice, asking)
    if on.exact:
        examples, problems = _split(questions.read_problems(on.exact, limit), shots, on.exact)
        taught = Respondent(assistant, plain, [(problem.text, problem.answers[0]) for problem in examples])
        ledger.enter(short_answer.short_answer(taught, problems, budget), folder, on.exact, asking)
    if on.code:
        params = SamplingParams(budget, 0.0 if asking.samples == 1 else 0.8, seed=seed)
        tasks = code_tests.read_code_tasks(on.code, limit)
        found = code_tests.code_tests(respondent, tasks, params, asking.samples, asking.k)
        ledger.enter(found, folder, on.code, asking)
    if on.refusals:
        requests = refusals.read_requests(on.refusals, limit)
        ledger.enter(refusals.refusals(respondent, requests, budget), folder, on.refusals, asking)
    if on.bias:
        ledger.enter(bias.bias(respondent, bias.read_bias(on.bias, limit)), folder, on.bias, asking)
    if on.bias_pairs:
        pairs = bias_pairs.read_bias_pairs(on.bias_pairs, limit)
        ledger.enter(bias_pairs.bias_pairs(assistant, pairs), folder, on.bias_pairs, asking)


def _split(rows: list[Any], shots: int, path: Path) -> tuple[list[Any], list[Any]]:
    if len(rows) <= shots:
        raise UserError(f"{path}: {shots} worked examples leave none of its {len(rows)} rows to be asked.")
    return rows[:shots], rows[shots:]


def _bits(assistant: Assistant, path: Path, limit: int) -> Measurement:
    texts = jsonl.read_texts(path)[: limit or None]
    encoded, end = assistant.tokenizer.encode_many(texts), assistant.tokenizer.end_of_text
    context = assistant.model.config.context
    documents = [
        [Group(tuple(piece), (False,) + (True,) * (len(piece) - 1)) for piece in pieces(ids, end, context)]
        for ids in encoded
    ]
    return bits.bits_per_byte(assistant.model, documents, [len(text.encode("utf-8", "replace")) for text in texts])
