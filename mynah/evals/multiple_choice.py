"""Multiple choice by log-likelihood: the answer given is the choice that the model finds likeliest.

Two readings, as in the literature: the sum Σ log p (Brown et al. 2020, `acc` of lm-evaluation-harness), and the sum per
byte of the choice (its `acc_norm`), which does not favour short choices.
"""

from __future__ import annotations

from collections.abc import Sequence

from mynah.evals.intervals import Estimate, rate, share
from mynah.evals.measurement import Measurement
from mynah.evals.questions import Question
from mynah.evals.respondent import Respondent, user


def multiple_choice(respondent: Respondent, questions: Sequence[Question]) -> Measurement:
    """Accuracy by both readings, by subset where questions carry one; clustered by the source they share."""
    found = respondent.loglikelihoods(
        [user(question.text) for question in questions], [question.choices for question in questions], "choices"
    )
    asked = [(question, values) for question, values in zip(questions, found, strict=True) if values]
    right = {
        "accuracy": [float(likeliest(values) == question.answer) for question, values in asked],
        "accuracy_per_byte": [
            float(likeliest(per_byte(values, question.choices)) == question.answer) for question, values in asked
        ],
    }
    clusters = [question.cluster or question.text for question, _ in asked]
    figures = {name: rate(outcomes, clusters) for name, outcomes in right.items()}
    subsets = [question.subset for question, _ in asked]
    figures |= by_subset("accuracy_per_byte", right["accuracy_per_byte"], subsets, clusters)
    chance = sum(1 / len(question.choices) for question, _ in asked) / max(1, len(asked))
    return Measurement("multiple_choice", figures, {"too_long": len(questions) - len(asked)}, {"chance": chance})


def likeliest(values: Sequence[float]) -> int:
    """The index of the largest; the first of equal ones."""
    return max(range(len(values)), key=values.__getitem__)


def per_byte(values: Sequence[float], choices: Sequence[str]) -> list[float]:
    return [value / max(1, len(choice.encode())) for value, choice in zip(values, choices, strict=True)]


def by_subset(
    name: str, outcomes: Sequence[float], subsets: Sequence[str], clusters: Sequence[str]
) -> dict[str, Estimate]:
    """The figure of each subset, and the macro mean in which all weigh the same; nothing where there is one subset."""
    kinds = sorted(set(subsets))
    if len(kinds) < 2:
        return {}
    figures = {f"{name}_macro": share(outcomes, clusters, subsets, equal=True)}
    for kind in kinds:
        members = [i for i, subset in enumerate(subsets) if subset == kind]
        figures[f"{name}/{kind or 'other'}"] = rate([outcomes[i] for i in members], [clusters[i] for i in members])
    return figures
