"""The exam: answers marked by a programme, as rates by behaviour; and the mean gold score."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from mynah.evals.intervals import Estimate, bootstrap_mean, difference, rate
from mynah.nouns import Prompt, Samples

Marker = Callable[[Prompt, str], bool]
Gold = Callable[[Prompt, str], float]


def cluster(prompt: Prompt, number: int) -> Hashable:
    """What an answer hangs together with: others about the same entity, or to the same prompt; else none but itself."""
    return prompt.meta.get("entity") or prompt.id or number


def exam_rates(answered: Sequence[Samples], mark: Marker) -> dict[str, Estimate]:
    """Share of right answers by behaviour (`meta["behaviour"]`), over the first answer to each prompt.

    Intervals are clustered by entity where a thing is asked about twice, for its answers hang together; else Wilson's.
    """
    marks: dict[str, tuple[list[float], list[Hashable]]] = {}
    for number, row in enumerate(answered):
        values, clusters = marks.setdefault(row.prompt.meta["behaviour"], ([], []))
        values.append(float(mark(row.prompt, row.completions[0])))
        clusters.append(cluster(row.prompt, number))
    return {behaviour: rate(*marks[behaviour]) for behaviour in sorted(marks)}


def gold_score(answered: Sequence[Samples], gold: Gold) -> Estimate:
    """Mean gold score of the first answers; its interval is clustered by entity, behaviours as strata."""
    values = [gold(row.prompt, row.completions[0]) for row in answered]
    clusters = [cluster(row.prompt, number) for number, row in enumerate(answered)]
    return bootstrap_mean(values, clusters, [row.prompt.meta.get("behaviour") for row in answered])


def paired(ours: Sequence[Samples], theirs: Sequence[Samples], mark: Marker) -> dict[str, Estimate]:
    """Difference of the rates of right answers by behaviour, question by question; intervals clustered by entity."""
    found: dict[str, tuple[list[float], list[Hashable]]] = {}
    for number, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        assert our.prompt.id == their.prompt.id
        values, clusters = found.setdefault(our.prompt.meta["behaviour"], ([], []))
        right = [mark(row.prompt, row.completions[0]) for row in (our, their)]
        values.append(float(right[0]) - float(right[1]))
        clusters.append(cluster(our.prompt, number))
    return {behaviour: difference(*found[behaviour]) for behaviour in sorted(found)}
