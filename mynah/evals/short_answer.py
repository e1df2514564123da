"""How often the model's own greedy answer is exactly right (GSM8K and the like)."""

from __future__ import annotations

from collections.abc import Sequence

from mynah.evals.exact_answer import MARK, score
from mynah.evals.intervals import rate
from mynah.evals.measurement import Measurement
from mynah.evals.multiple_choice import by_subset
from mynah.evals.questions import Problem
from mynah.evals.respondent import Respondent, user
from mynah.nouns import SamplingParams


def short_answer(respondent: Respondent, problems: Sequence[Problem], max_new_tokens: int) -> Measurement:
    """Share of exact answers, and of answers that carry the mark `####` where the key does."""
    params = SamplingParams(max_new_tokens, temperature=0.0)
    found = respondent.answers([user(problem.text) for problem in problems], params, title="answers")
    asked = [(problem, texts[0]) for problem, texts in zip(problems, found, strict=True) if texts]
    right = [score(text, problem.answers) for problem, text in asked]
    clusters = [problem.cluster or problem.text for problem, _ in asked]
    figures = {"exact": rate(right, clusters)}
    figures |= by_subset("exact", right, [problem.subset for problem, _ in asked], clusters)
    if any(MARK in answer for problem, _ in asked for answer in problem.answers):
        figures["marked"] = rate([float(MARK in text) for _, text in asked], clusters)
    return Measurement("exact", figures, {"too_long": len(problems) - len(asked)})
