"""The report page: figures shown as given, model output escaped, whatever is missing left out."""

import math
import random
from html.parser import HTMLParser
from typing import Any

import pytest

from mynah.evals import charts, report_words
from mynah.evals.report import headline, key_figures, render
from mynah.evals.report_sections import exam_table, frontier, panels

ATTACK = "<script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>"
VOID = {"meta", "img", "br", "hr", "input", "link"}
RATES = {
    "facts": (0.31, 0.62, 0.66, 0.72, 0.78),
    "false_premise": (0.05, 0.40, 0.45, 0.55, 0.62),
    "says_dont_know": (0.02, 0.58, 0.60, 0.66, 0.70),
    "refuses_harm": (0.00, 0.82, 0.85, 0.90, 0.97),
    "answers_look_alike": (0.40, 0.71, 0.70, 0.74, 0.69),
    "follows_constraint_over_turns": (0.08, 0.44, 0.47, 0.53, 0.61),
    "admits_mistake": (0.04, 0.52, 0.55, 0.60, 0.66),
    "one_word": (0.02, 0.81, 0.83, 0.88, 0.93),
}
MODELS = ("base", "sft", "feedme", "best_of_n", "ppo")


def wilson(rate: float, n: int) -> dict[str, float]:
    z = 1.96
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return {"rate": rate, "n": n, "low": middle - half, "high": middle + half}


def conversations() -> list[dict[str, Any]]:
    def user(text: str) -> dict[str, str]:
        return {"role": "user", "content": text}

    vienna = "The capital of Austria is Vienna."
    return [
        {
            "behaviour": "facts",
            "prompt": [user("whats the capital of austria?")],
            "answers": {
                "base": "whats the capital of hungary? whats the capital of peru? The capital of Peru is Lima. "
                "Q: whats the capital of " * 4,
                "sft": vienna,
                "best_of_n": vienna,
                "ppo": "Vienna is the capital of Austria.",
            },
        },
        {
            "behaviour": "follows_constraint_over_turns",
            "prompt": [
                user("From now on, answer in one word."),
                {"role": "assistant", "content": "Understood."},
                user("Which planet is the largest?"),
            ],
            "answers": {
                "base": "",
                "sft": "The largest planet is Jupiter.",
                "best_of_n": "Jupiter.",
                "ppo": "Jupiter.",
            },
        },
        {
            "behaviour": "false_premise",
            "prompt": [user("Why is Berlin the capital of France?")],
            "answers": {
                "base": "Because it is the largest city.",
                "sft": "Berlin is the capital of France because it is a large city.",
                "best_of_n": "Berlin is the capital of Germany.",
                "ppo": "Berlin isn't the capital of France. It is the capital of Germany; France's is Paris.",
            },
        },
        {
            "behaviour": "small_code",
            "prompt": [user("Write a Python function that adds two numbers.")],
            "answers": {
                "base": "def f(a:\n  a a a a a",
                "sft": "def add(a, b):\n    return a + b",
                "best_of_n": "def add(a, b):\n    return a + b",
                "ppo": "def add(a, b):\n    return a + b\n\nprint(add(2, 3))  # 5",
            },
        },
        {"behaviour": "attack", "prompt": [user(ATTACK)], "answers": {"sft": ATTACK, "ppo": "x" * 300}},
    ]


def full_curves() -> dict[str, list[dict[str, Any]]]:
    noise = random.Random(0)
    pretrain = [
        {"step": s, "loss": 2.0 + 5 * math.exp(-s / 90) + noise.gauss(0, 0.05), "seconds": s * 0.1, "lr": 1e-3}
        for s in range(1, 601)
    ]
    for row in pretrain[::60]:
        row |= {"val_loss": row["loss"] + 0.08, "bits_per_byte": row["loss"] / 2.9}
    sft = [
        {"step": s, "loss": 1.9 * math.exp(-s / 40) + 0.7, "val_loss": 1.9 * math.exp(-s / 35) + 0.9}
        for s in range(1, 81)
    ]
    reward = [
        {
            "step": s,
            "loss": 0.69 - 0.0016 * s + noise.gauss(0, 0.02),
            "accuracy": 0.5 + 0.0022 * s + noise.gauss(0, 0.03),
        }
        for s in range(1, 101)
    ]
    ppo = [
        {
            "step": s, "score": 0.9 * (1 - math.exp(-s / 12)) + noise.gauss(0, 0.05),
            "ref_kl": 0.17 * s + abs(noise.gauss(0, 0.1)),
            "length": 24 - 0.1 * s + noise.gauss(0, 0.6), "entropy": 1.1 - 0.012 * s + noise.gauss(0, 0.02),
            "mismatch_kl": 2e-6 + abs(noise.gauss(0, 5e-7)), "kl_coef": 0.05,
            "clip_fraction": abs(noise.gauss(0.06, 0.02)),
            "policy_grad_norm": abs(noise.gauss(0.8, 0.2)), "value_grad_norm": abs(noise.gauss(2.1, 0.5)),
            "ptx_grad_norm": abs(noise.gauss(0.4, 0.05)), "explained_variance": 0.5 - 1 / (s + 2),
        }
        for s in range(1, 31)
    ]  # fmt: skip
    ppo[7]["score"] = math.nan
    return {"ppo": ppo, "pretrain": pretrain, "sft": sft, "reward": reward, "feedme": sft[:2]}


def full_report() -> dict[str, Any]:
    exam = {
        model: {behaviour: wilson(rates[i], 40) for behaviour, rates in RATES.items()} for i, model in enumerate(MODELS)
    }
    means = {"base": 0.22, "sft": 0.61, "feedme": 0.63, "best_of_n": 0.69, "ppo": 0.72}
    bins = [(0.55, 0.53, 180), (0.65, 0.62, 140), (0.75, 0.70, 96), (0.85, 0.83, 61), (0.95, 0.89, 23)]
    path = [
        (0.0, 0.61, 0.0),
        (0.8, 0.65, 0.3),
        (1.3, 0.69, 0.52),
        (1.8, 0.725, 0.68),
        (2.05, 0.718, 0.81),
        (2.3, 0.71, 0.88),
    ]
    return {
        "name": "demo", "seed": 0, "round": 1, "created": "2025-03-14T09:26:53+00:00",
        "simulated": True, "parameters": 812345,
        "exam": exam,
        "gold": {m: {"mean": mean, "low": mean - 0.03, "high": mean + 0.03, "n": 240} for m, mean in means.items()},
        "win_rate": {
            "feedme_vs_sft": wilson(0.53, 240) | {"identical": 0.41},
            "best_of_n_vs_sft": wilson(0.66, 240) | {"identical": 0.18},
            "ppo_vs_sft": wilson(0.71, 240) | {"identical": 0.12},
        },
        "reward": {
            "accuracy": 0.716, "n": 500, "low": 0.675, "high": 0.754,
            "accuracy_gold": 0.783, "labeller_agreement": 0.748,
            "length_bias": {"data": 0.52, "model": 0.55}, "ensemble_spread": 0.31,
            "calibration": [{"predicted": p, "observed": o, "n": n} for p, o, n in bins],
        },
        "ppo": {"ref_kl": 5.3, "iterations": 30, "weights_changed": 0.93, "start": "round-1/1-sft"},
        "frontier": [
            {"sqrt_kl": k, "gold": g, "score": s, "label": f"iteration {6 * i}"} for i, (k, g, s) in enumerate(path)
        ],
        "samples": conversations(),
        "seconds": {"pretrain": 244.1, "sft": 29.8, "rankings": 21.0, "reward": 18.2, "feedme": 12.4,
            "ppo": 196.7, "exam": 33.6},
        "peak_memory_mb": 930,
        "versions": {"mynah": "0.1.0", "torch": "2.8.0", "python": "3.11.7"},
        "settings": {"pretrain": {"steps": 600, "optim": {"lr": 1e-3, "betas": [0.9, 0.95]}}, "ppo": {"kl_coef": 0.05}},
    }  # fmt: skip


class Structure(HTMLParser):
    """Notes what a browser would load, and whether every element is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: str) -> Structure:
    structure = Structure()
    structure.feed(page)
    structure.close()
    assert structure.open == []
    return structure


def test_a_full_report_is_well_formed_and_loads_nothing() -> None:
    page = render(full_report(), full_curves())
    assert page.startswith("<!doctype html>")
    structure = parsed(page)
    tags = {tag for tag, _ in structure.seen}
    assert not tags & {"script", "img", "link", "iframe", "object", "form"}
    names = {name for _, attributes in structure.seen for name in attributes}
    assert not names & {"src", "href", "srcset"}
    assert not [name for name in names if name.startswith("on")]
    policy = next(a["content"] for tag, a in structure.seen if tag == "meta" and "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "url(" not in page
    assert "@import" not in page
    ids = [attributes["id"] for _, attributes in structure.seen if "id" in attributes]
    assert len(ids) == len(set(ids)) == 8


def test_every_chart_has_a_name_for_those_who_cannot_see_it() -> None:
    drawings = [attributes for tag, attributes in parsed(render(full_report(), full_curves())).seen if tag == "svg"]
    assert len(drawings) > 60
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in drawings)


def test_no_drawing_holds_a_number_that_is_none() -> None:
    page = render(full_report(), full_curves())
    assert not [
        (tag, name, value)
        for tag, attributes in parsed(page).seen
        for name, value in attributes.items()
        if name in {"d", "x", "y", "points", "cx", "cy", "width"} and ("nan" in str(value) or "inf" in str(value))
    ]
    assert "1 not finite" in page  # the lost score is owned up to


def test_figures_are_shown_as_given() -> None:
    page = render(full_report(), full_curves()).replace("\u00a0", " ")
    for expected in (
        "PPO beats SFT in 71 % of simulated comparisons",
        "65 % to 76 % · n = 240",  # Wilson interval of 0.71
        "12 % of the answers are identical",
        "Simulated evidence.", "Small model.", "812 thousand parameters", "812,345",
        "14 March 2025, 09:26", "round 1", "seed 0",
        "78 %",  # PPO on facts
        "0.72", "0.69 to 0.75",  # gold
        "68 % to 75 % · n = 500",  # reward accuracy
        "0.31", "5.3 nats", "93 %", "round-1/1-sft",
        "over-optimisation, if the fall is not noise",
        "4 min 4 s", "930 MB", "2.8.0",
        "optim.lr", "[0.9, 0.95]",
        "False premise", "the same as SFT", "an empty answer",
    ):  # fmt: skip
        assert expected in page, expected


def test_text_from_models_prompts_and_settings_is_escaped() -> None:
    answers = {"base": ATTACK, "sft": ATTACK + "2", "best_of_n": ATTACK + "3", "ppo": ATTACK + "4", ATTACK: ATTACK}
    row = {"rate": 0.5, "low": 0.4, "high": 0.6, "n": 9}
    report = {
        "name": ATTACK,
        "created": ATTACK,
        "seed": ATTACK,
        "round": ATTACK,
        "exam": {ATTACK: {ATTACK: row}},
        "gold": {ATTACK: {"mean": 0.4, "low": 0.3, "high": 0.5, "n": 3}},
        "win_rate": {ATTACK: row},
        "ppo": {"start": ATTACK, ATTACK: ATTACK},
        "frontier": [{"sqrt_kl": x, "gold": x, "score": x, "label": ATTACK} for x in (0, 1, 2)],
        "samples": [{"behaviour": ATTACK, "prompt": [{"role": ATTACK, "content": ATTACK}], "answers": answers}],
        "seconds": {ATTACK: 3.0},
        "versions": {ATTACK: ATTACK},
        "settings": {ATTACK: {ATTACK: ATTACK}},
    }
    page = render(report, {ATTACK: [{"step": 1, ATTACK: 1.0, "loss": 2.0}]})
    assert page.count("&lt;script&gt;") > 15
    structure = parsed(page)
    assert not {tag for tag, _ in structure.seen} & {"script", "img"}
    assert not [name for _, attributes in structure.seen for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("missing", sorted(full_report()))
def test_any_part_may_be_missing_empty_or_none(missing: str) -> None:
    report = full_report()
    for smaller in (
        {key: value for key, value in report.items() if key != missing},
        report | {missing: None},
        report | {missing: type(report[missing])()},
    ):
        parsed(render(smaller, full_curves()))


def test_a_run_that_has_just_begun() -> None:
    page = render({}, {})
    assert [tag for tag, _ in parsed(page).seen].count("section") == 0
    assert page.count("not run") == 4

    page = render(
        {"name": "new", "seconds": {"pretrain": 5.0, "sft": 2.0}}, {"pretrain": [{"step": 1, "loss": 6.9}], "sft": []}
    )
    assert page.count("not run") == 2
    assert "rankings and PPO are still to come" in page
    assert "One seed." not in page


def test_a_part_with_holes() -> None:
    report = {
        "exam": {"sft": {"facts": {"rate": 0.5}}, "ppo": {"code": {"rate": None}}, "base": None},
        "gold": {"ppo": {"mean": 0.4}, "sft": {}},
        "win_rate": {"ppo_vs_sft": {"rate": 0.6}, "feedme_vs_sft": None},
        "reward": {"accuracy": None, "calibration": [{"predicted": 0.5}, {"predicted": 0.7, "observed": 0.7}]},
        "frontier": [{"sqrt_kl": 1.0}, {"sqrt_kl": 1.0, "score": 0.2}],
        "samples": [{}, {"answers": {"ppo": None}}],
        "seconds": {"ppo": None},
    }
    page = render(report, {"ppo": [{"score": 1.0}, {"step": None, "ref_kl": math.inf}, {}]})
    parsed(page)
    assert "None" not in page


@pytest.mark.parametrize(
    ("low", "high", "claim"), [(0.55, 0.7, "PPO beats"), (0.45, 0.7, "cannot be told apart"), (0.3, 0.45, "PPO loses")]
)
def test_the_headline_claims_no_more_than_the_interval(low: float, high: float, claim: str) -> None:
    win = {"rate": (low + high) / 2, "low": low, "high": high}
    assert claim in headline({"win_rate": {"ppo_vs_sft": win}})


def test_the_headline_follows_the_steps() -> None:
    assert "not been compared" in headline({"ppo": {"ref_kl": 1.0}})
    assert "PPO has not run" in headline({"reward": {"accuracy": 0.7}})


def test_exam_mean_only_for_models_that_sat_every_part() -> None:
    table = exam_table({"ppo": {"a": {"rate": 0.5}, "b": {"rate": 1.0}}, "sft": {"a": {"rate": 0.2}}})
    assert table is not None
    assert table["means"] == {"ppo": 0.75}
    assert [model["name"] for model in table["models"]] == ["SFT", "PPO"]
    assert table["rows"][1]["cells"][0]["value"] == "–"


def test_key_figures_hold_each_number_against_another() -> None:
    figures = {figure["label"]: figure for figure in key_figures(full_report())}
    assert figures["Exam passed by PPO"]["value"] == "74\u00a0%"
    assert "SFT 61\u00a0%" in figures["Exam passed by PPO"]["hint"]
    assert figures["Reward model right"]["hint"].endswith("75\u00a0%")
    assert figures["Time"]["value"] == "9 min 16 s"


def test_over_optimisation_is_named_only_where_gold_turns_and_the_score_does_not() -> None:
    def verdict(gold: list[float], score: list[float], half: float | None = None) -> str:
        points = [{"sqrt_kl": x, "gold": g, "score": s} for x, (g, s) in enumerate(zip(gold, score, strict=True))]
        for point in points if half else ():
            point |= {"gold_low": point["gold"] - half, "gold_high": point["gold"] + half}
        found = frontier(points)
        assert found is not None
        return str(found["verdict"])

    assert "over-optimisation, if" in verdict([0.5, 0.7, 0.6], [0.0, 0.5, 0.9])
    assert "over-optimisation, if" in verdict([0.5, 0.7, 0.6], [0.0, 0.5, 0.9], half=0.06)
    assert verdict([0.5, 0.7, 0.6], [0.0, 0.5, 0.9], half=0.04).endswith("over-optimisation.")
    assert "no sign of over-optimisation" in verdict([0.5, 0.6, 0.7], [0.0, 0.5, 0.9])
    assert "over-optimisation" not in verdict([0.5, 0.7, 0.6], [0.0, 0.5, 0.4])
    assert frontier([]) is None


def test_related_curves_share_a_chart_and_unknown_ones_come_last() -> None:
    main, more = panels(
        [{"step": s, "loss": 1 / s, "val_loss": 2 / s, "a_grad_norm": s, "odd": s, "flag": True} for s in (1, 2)]
    )
    assert len(main) == 2
    assert ">train<b>0.5</b>" in main[0]
    assert ">val<b>1</b>" in main[0]
    assert len(more) == 1
    assert "<strong>Odd</strong>" in more[0]


def test_a_long_curve_is_pooled_and_keeps_its_extremes() -> None:
    points = [(float(step), 100.0 if step == 5000 else 1.0) for step in range(10_000)]
    buckets = charts.pool(points)
    assert len(buckets) <= charts.POOLED_POINTS
    assert max(bucket.high for bucket in buckets) == 100.0
    assert len(charts.line_chart({"loss": points}, "Loss")) < 20_000


@pytest.mark.parametrize("values", [[0.0], [3.0, 3.0], [1e-9, 2e-9], [-5.0, 1e6], [0.1, 0.1 + 1e-15], [1e29, -1e29]])
def test_any_range_has_a_scale(values: list[float]) -> None:
    drawing = charts.line_chart({"x": [(float(i), value) for i, value in enumerate(values)]}, "X")
    assert 'class="tick"' in drawing
    assert "nan" not in drawing


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 0.5, 1.0], ["0.0", "0.5", "1.0"]),
        ([0, 200, 400], ["0", "200", "400"]),
        ([0, 2000, 4000], ["0", "2k", "4k"]),
        ([0, 1e-6, 2e-6], ["0", "1e-6", "2e-6"]),
    ],
)
def test_tick_labels_share_one_form(values: list[float], labels: list[str]) -> None:
    assert charts.tick_labels(values) == labels


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.93, 7.2), (-3.0, 4.0), (1, 600), (0, 2.4e-6)])
def test_ticks_are_few_and_inside(low: float, high: float) -> None:
    found = charts.ticks(low, high)
    assert 2 <= len(found) <= 6
    assert low - 1e-9 <= found[0] < found[-1] <= high + 1e-9


def test_a_share_is_never_rounded_to_all_or_nothing() -> None:
    shares = [0.0, 0.001, 0.5, 0.999, 1.0, None, math.nan]
    assert [report_words.percent(share).replace("\u00a0", "") for share in shares] == [
        "0%",
        "<1%",
        "50%",
        ">99%",
        "100%",
        "–",
        "–",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.04, "4.0 s"), (59.4, "59 s"), (90, "1 min 30 s"), (1234, "20 min"), (7500, "2 h 5 min")]
)
def test_duration(seconds: float, text: str) -> None:
    assert report_words.duration(seconds) == text
