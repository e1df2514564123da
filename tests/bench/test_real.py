"""Experiments on real judgements, at toy size on made-up pairs: folds, fitting, the baseline, resuming, the table."""

import json
import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.environments import Unavailable
from bench.real import __main__ as real
from bench.real import judgements, result
from bench.real.judgements import Judged
from bench.real.words_only import by_words
from mynah.errors import UserError
from mynah.nouns import Comparison, Message, Prompt
from mynah.runs import Stage
from mynah.step1_sft.train import finetune
from mynah.tokens import ChatFormat
from tests import toys


def judged(subset: str, turns: int, seed: int, known: bool = True) -> list[Judged]:
    """Pairs of toy answers: the better has the word gold in it, and is the longer one in half of the pairs."""
    rng = random.Random(seed)
    rows = []
    for turn in range(turns):
        for _ in range(rng.randint(1, 2)):
            bad, good = ("red " * rng.randint(1, 4)).strip(), " ".join(["gold"] * rng.randint(1, 4))
            first = Message("user", f"what is in the hill {turn}")
            more = (Message("assistant", "the cat"), Message("user", "and in the lake")) if turn % 3 else ()
            answers = (good, bad) if known or rng.random() < 0.5 else (bad, good)
            rows.append(Judged(subset, Comparison(Prompt((first, *more)), answers, (1, 2))))
    return rows


def as_hh(rows: list[Judged], path: Path) -> Path:
    """The rows as transcripts."""
    names = {"user": "Human", "assistant": "Assistant"}
    records = []
    for row in rows:
        before = "".join(f"\n\n{names[m.role]}: {m.content}" for m in row.comparison.prompt.messages)
        sides = zip(("chosen", "rejected"), row.comparison.completions, strict=True)
        records.append({side: f"{before}\n\nAssistant: {answer}" for side, answer in sides})
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_a_first_turn_lies_on_one_side_and_every_row_is_tested_once() -> None:
    rows = judged("one", 40, 0) + judged("two", 60, 1)  # the first 40 first turns are in both
    folds = judgements.folds(rows, 3)
    assert sorted(id(row) for fold in folds for row in fold.test) == sorted(map(id, rows))
    for fold in folds:
        sides = [{row.turn for row in side} for side in (fold.train, fold.dev, fold.test)]
        assert len(fold.train) + len(fold.dev) + len(fold.test) == len(rows)
        assert sum(map(len, sides)) == len(set().union(*sides)) == 60
        assert len(sides[2]) == 20
        assert sides[1]


def test_what_is_too_long_loses_its_oldest_turns_first() -> None:
    chat = ChatFormat(toys.tokenizer())
    early = (Message("user", "what is in the hill 1"), Message("assistant", "a cat " * 30))
    last = (Message("user", "and in the lake"),)
    whole = Judged("s", Comparison(Prompt((*early, *last)), ("gold sun", "red"), (1, 2)))
    assert judgements.fitted(whole, chat, 10_000) == whole.comparison
    without = judgements.fitted(whole, chat, 60)
    assert (without.prompt.messages, without.completions) == (last, ("gold sun", "red"))

    long = Judged("s", Comparison(Prompt((*early, *last)), ("gold " * 80, "red"), (1, 2)))
    cut = judgements.fitted(long, chat, 60)
    assert cut.completions[1] == "red"
    assert 5 < len(cut.completions[0].split()) < 60
    asked = Judged("s", Comparison(Prompt((Message("user", "what is in " * 80),)), ("gold " * 80, "red " * 80), (1, 2)))
    for row in (long, asked):
        comparison = judgements.fitted(row, chat, 60)
        ids = [
            len(chat.encode_prompt(comparison.prompt.messages)) + len(chat.encode_answer(a))
            for a in comparison.completions
        ]
        assert max(ids) <= 60
        assert comparison.prompt.messages[-1].content
    prompt = judgements.fitted(asked, chat, 60, room=20).prompt
    assert len(chat.encode_prompt(prompt.messages)) <= 40

    guided = judgements.told([whole, long])
    assert judgements.fitted(guided[0], chat, 60).prompt.messages == (Message("system", "Judged by: s"), *last)
    short = judgements.fitted(guided[1], chat, 60)
    assert short.prompt.messages[0].content == "Judged by: s"
    assert len(chat.encode_prompt(short.prompt.messages)) + len(chat.encode_answer(short.completions[0])) <= 60


def test_equal_scores_count_half_and_the_macro_mean_weighs_subsets_alike() -> None:
    rows = judged("one", 1, 0)[:1] * 3 + judged("two", 1, 0)[:1]
    scores = [[2.0, 1.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
    assert result.outcomes([row.comparison for row in rows], scores) == [1.0, 0.5, 0.0, 1.0]
    assert result.macro(rows, scores) == pytest.approx((0.5 + 1) / 2)
    three = Comparison(Prompt((Message("user", "?"),)), ("a", "b", "c"), (1, 2, 2))
    assert result.outcomes([three], [[1.0, 0.0, 2.0]]) == [1.0, 0.0]  # the tie of b and c asks nothing


def test_differences_are_paired_and_length_is_fitted_by_subset() -> None:
    """In one subset longer is better, in the other shorter: one weight for both would be right on half."""
    rows = []
    for subset, order in (("long", (1, 2)), ("short", (2, 1))):
        for n in range(30):
            rows.append(Judged(subset, Comparison(Prompt((Message("user", f"{subset} {n}"),)), ("x" * 9, "x"), order)))
    folds = judgements.folds(rows, 3)
    length = [value for fold in folds for value in result.by_length(fold)]
    assert length == [1.0] * 60
    ours = [float(i % 10 != 0) for i in range(60)]
    table = result.figures(folds, {result.LENGTH: length, result.OURS: ours, result.TRL: ours})
    assert table["macro mean"]["mynah − TRL"].value == table["macro mean"]["mynah − TRL"].high == 0
    gap = table["macro mean"]["mynah − length only"]
    assert gap.value == pytest.approx(table["macro mean"]["mynah"].value - 1)
    assert gap.low < gap.value < gap.high <= 0
    assert "| macro mean | 60 | 100.0 [100.0, 100.0] |" in result.markdown(table)


def test_words_are_learned_by_subset_and_length_beside_them() -> None:
    """In one subset a word decides, in the other the same word decides the other way; in the third only length."""
    rows = []
    for n in range(40):
        said = (f"it is kind {n}", f"it is rude {n}")
        for subset, answers in (("kind", said), ("rude", said[::-1]), ("long", (f"w{n} " * 9, f"w{n}"))):
            rows.append(Judged(subset, Comparison(Prompt((Message("user", f"{subset} {n}"),)), answers, (1, 2))))
    found = [value for fold in judgements.folds(rows, 3) for value in by_words(fold)]
    assert len(found) == 120
    assert sum(found) > 110
    orders = ((1, 2), (2, 1))
    noise = [Judged("noise", replace(row.comparison, ranks=orders[i % 2])) for i, row in enumerate(rows[::3])]
    assert sum(value for fold in judgements.folds(noise, 3) for value in by_words(fold)) < 32


def called(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    monkeypatch.setattr(sys, "argv", ["bench.real", *map(str, arguments)])
    real.main()
    return capsys.readouterr().out


def test_every_model_is_told_the_subset_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In what both sides read, and with results of their own."""
    subsets = [
        f"{name}={as_hh(judged(name, 20, seed), tmp_path / f'{name}.jsonl')}"
        for name, seed in (("kind", 0), ("apt", 1))
    ]
    common = ["toy", *subsets, "--base", toys.policy_folder(), "--base-name", "base", "--work", tmp_path / "work"]
    common += ["--folds", 2, "--only", 1, "--rates", "1e-3", "--epochs", "1", "--threads", 1, "--alone"]
    called(monkeypatch, capsys, *common, "--told")
    ids = json.loads((tmp_path / "work/toy/base-told/data/fold-1.ids.json").read_text())
    read = [toys.tokenizer().decode(row["prompt"]) for side in ("train", "dev", "test") for row in ids[side]]
    by_kind = ["Judged by: kind" in text for text in read]
    assert by_kind == ["Judged by: apt" not in text for text in read]
    assert 0 < sum(by_kind) < len(read)
    assert not (tmp_path / "work/toy/base").exists()


def test_apart_every_subset_has_reward_models_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What two subsets like is opposed: one model of both is right in half of all pairs, two are right."""
    opposed = [as_hh(judged(name, 60, seed), tmp_path / f"{name}.jsonl") for name, seed in (("likes", 0), ("hates", 1))]
    turned = [json.loads(line) for line in opposed[1].read_text().splitlines()]
    opposed[1].write_text(
        "".join(json.dumps({"chosen": row["rejected"], "rejected": row["chosen"]}) + "\n" for row in turned)
    )
    subsets = [f"{path.stem}={path}" for path in opposed]
    common = ["toy", *subsets, "--base", toys.policy_folder(), "--work", tmp_path / "work", "--threads", 1, "--alone"]
    common += ["--folds", 2, "--head-first", "--epochs", 0, "--set", "sft.epochs=1"]
    tuned: list[Path] = []

    def counted(stage: Stage, *rest: Any, **more: Any) -> None:
        tuned.append(stage.folder)
        finetune(stage, *rest, **more)

    monkeypatch.setattr("bench.real.experiment.finetune", counted)
    found = {}
    for options in ((), ("--apart",)):
        said = called(monkeypatch, capsys, *common, *options)
        found[options] = json.loads(said.strip().splitlines()[-1])
    apart = found["--apart",]
    assert len(set(tuned)) == len(tuned) == 4  # each way one a fold
    assert set(apart["chosen"]["mynah"]) == {f"fold-{n}-{subset}" for n in (1, 2) for subset in ("likes", "hates")}
    assert set(apart["chosen"]["mynah"].values()) == {"0-x0"}
    for subset in ("likes", "hates"):
        assert apart["figures"][subset]["mynah"]["value"] > 0.65, subset
    assert apart["figures"]["macro mean"]["mynah"]["value"] > found[()]["figures"]["macro mean"]["mynah"]["value"] + 0.1
    with pytest.raises(UserError, match="likes: too few rows for 2 folds and a dev part"):
        called(monkeypatch, capsys, *common, "--apart", "--limit", 2)
    with pytest.raises(UserError, match="with --apart every subset has a reward model; say which"):
        called(monkeypatch, capsys, *common, "--apart", "--ppo", "0")
    with pytest.raises(UserError, match="it says against what --ppo trains"):
        called(monkeypatch, capsys, *common, "--apart", "--ppo-subset", "hates")
    with pytest.raises(UserError, match="'neither': there are likes, hates"):
        called(monkeypatch, capsys, *common, "--apart", "--ppo", "0", "--ppo-subset", "neither")
    small = ["ppo.iterations=1", "ppo.prompts=8", "ppo.minibatches=2", "ppo.max_new_tokens=10"]
    ppo = ["--ppo", "0", "--ppo-subset", "hates", *(part for setting in small for part in ("--set", setting))]
    against = json.loads(called(monkeypatch, capsys, *common, "--apart", *ppo).strip().splitlines()[-1])["ppo"]
    assert (against["fold"], against["seed 0"]["iterations"]) == ("fold-1-hates", 1)
    answers = list((tmp_path / "work").rglob("fold-1-hates-ppo-0/*.jsonl"))
    assert sorted(path.name for path in answers) == ["after.jsonl", "before.jsonl"]
    rivals = [option for option in common if option != "--alone"]
    with pytest.raises(UserError, match="TRL fits no head alone"):
        called(monkeypatch, capsys, *rivals)
    plan = called(monkeypatch, capsys, *rivals, "--trl-epochs", "1,2", "--rates", "1e-3", "--lora", 4, "--plan")
    asked = [line.split("|")[1].strip() for line in plan.splitlines() if line.startswith("| fold-1 ")]
    assert asked == ["fold-1 sft", "fold-1 mynah 0-x0", "fold-1 TRL 0.001-x1", "fold-1 TRL 0.001-x2"]


def test_a_whole_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two subsets as hh-rlhf has them, one of them noise; every stage; a second call makes nothing anew."""
    subsets = [
        f"{name}={as_hh(judged(name, 70, seed, known), tmp_path / f'{name}.jsonl')}"
        for name, seed, known in (("gold", 0, True), ("noise", 1, False))
    ]
    common = ["toy", *subsets, "--base", toys.policy_folder(), "--work", tmp_path / "work", "--threads", 1, "--alone"]
    common += ["--folds", 2, "--rates", "0,3e-3", "--epochs", "2", "--batch-size", 8, "--set", "sft.epochs=1"]
    assert "minutes are left" in called(monkeypatch, capsys, *common, "--plan")
    small = ["ppo.iterations=2", "ppo.prompts=8", "ppo.minibatches=2", "ppo.max_new_tokens=10"]
    ppo = ["--ppo", "1", *(part for setting in small for part in ("--set", setting))]
    said = called(monkeypatch, capsys, *common, *ppo)
    found = json.loads(said.strip().splitlines()[-1])
    assert found["chosen"]["mynah"] == {
        "fold-1": "0.003-x2",
        "fold-2": "0.003-x2",
    }  # and not the rate that learns nothing
    figures = found["figures"]
    assert figures["gold"]["mynah"]["value"] > 0.9
    assert figures["gold"]["mynah − length only"]["low"] > 0.1
    assert 0.3 < figures["noise"]["mynah"]["value"] < 0.7
    assert figures["macro mean"]["mynah"]["n"] == sum(found["rankings"].values())
    assert {"mean", "low", "high", "n"} <= found["ppo"]["seed 1"]["gained"].keys()
    assert found["ppo"]["seed 1"]["iterations"] == 2
    assert "hill" not in said  # no word of the data

    def nothing(*_: Any, **__: Any) -> None:
        raise AssertionError("made anew")

    for module, name in (("bench.real.trials", "train_reward"), ("bench.real.experiment", "finetune")):
        monkeypatch.setattr(f"{module}.{name}", nothing)
    monkeypatch.setattr("bench.real.ppo.train_ppo", nothing)

    def absent(_: str) -> Path:
        raise Unavailable("transformers could not be installed here.")

    monkeypatch.setattr("bench.contender.python_of", absent)
    common.remove("--alone")
    again = json.loads(called(monkeypatch, capsys, *common, *ppo).strip().splitlines()[-1])
    assert again["figures"] == figures
    assert again["left_out"] == {"TRL": "transformers could not be installed here."}
