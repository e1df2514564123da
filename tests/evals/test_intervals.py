"""95 % intervals against known values, and against how often they hold."""

import random

import pytest

from mynah.evals import intervals
from mynah.evals.intervals import (
    RESAMPLES,
    Estimate,
    bootstrap_mean,
    bootstrap_ratio,
    difference,
    rate,
    share,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # Newcombe 1998, table I, method 3 (Wilson's score without continuity correction)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_meets_the_published_values(successes, n, low, high):
    found = wilson(successes, n)
    assert found.value == pytest.approx(successes / n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
    assert found.n == n


def test_wilson_stays_inside_0_and_1_and_is_symmetric():
    for n in (1, 5, 100):
        for k in range(n + 1):
            one, other = wilson(k, n), wilson(n - k, n)
            assert 0 <= one.low <= one.value <= one.high <= 1
            assert one.low == pytest.approx(1 - other.high)
    assert wilson(0, 0) == Estimate(0.0, 0.0, 1.0, 0)
    assert wilson(2.5, 5).value == 0.5


def test_the_bootstrap_of_a_mean_is_as_wide_as_theory_says():
    rng = random.Random(0)
    values = [rng.gauss(3.0, 2.0) for _ in range(400)]
    found = bootstrap_mean(values)
    assert found.value == pytest.approx(sum(values) / 400)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 2.0 / 20, rel=0.15)
    assert found.low < found.value < found.high
    assert found == bootstrap_mean(values)
    assert found != bootstrap_mean(values, seed=1)


def test_a_resample_draws_as_pythons_random_does():
    """So figures published before the draws were vectorised can be had again."""
    rng = random.Random(4)
    values = [rng.random() for _ in range(50)]
    clusters, strata = [i % 17 for i in range(50)], [i % 17 % 3 for i in range(50)]
    groups: dict[int, dict[int, list[float]]] = {}
    for value, cluster, stratum in zip(values, clusters, strata, strict=True):
        groups.setdefault(stratum, {}).setdefault(cluster, []).append(value)
    draws, means = random.Random(7), []
    for _ in range(RESAMPLES):
        mean = 0.0
        for of_one in groups.values():
            drawn = [value for group in draws.choices(list(of_one.values()), k=len(of_one)) for value in group]
            mean += sum(map(len, of_one.values())) / 50 * sum(drawn) / len(drawn)
        means.append(mean)
    means.sort()
    found = bootstrap_mean(values, clusters, strata, seed=7)
    assert (found.low, found.high) == pytest.approx((means[50], means[1949]), abs=1e-12)


def test_a_resample_in_blocks_is_the_same(monkeypatch):
    values = [float(i % 7) for i in range(30)]
    whole = bootstrap_mean(values), bootstrap_ratio(values, [1.0, 2.0] * 15)
    monkeypatch.setattr(intervals, "AT_ONCE", 100)
    assert (bootstrap_mean(values), bootstrap_ratio(values, [1.0, 2.0] * 15)) == whole


def test_answers_that_hang_together_count_as_one():
    """Ten copies of each of 40 answers: the interval is that of 40, not of 400."""
    rng = random.Random(1)
    values = [rng.gauss(0.0, 1.0) for _ in range(40)]
    copies, clusters = values * 10, list(range(40)) * 10
    width = lambda e: e.high - e.low  # noqa: E731
    alone, clustered, naive = bootstrap_mean(values), bootstrap_mean(copies, clusters), bootstrap_mean(copies)
    assert width(clustered) == pytest.approx(width(alone), rel=0.15)
    assert width(naive) < 0.5 * width(clustered)
    assert clustered.value == pytest.approx(alone.value)
    assert clustered.n == 400


def test_clusters_of_unequal_size_keep_the_mean_over_answers():
    found = bootstrap_mean([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"])
    assert (found.value, found.low, found.high) == (0.75, 0.0, 1.0)


def test_what_hangs_together_across_strata_is_drawn_together():
    """One value copied into four behaviours is one observation: the interval is that of one behaviour alone."""
    rng = random.Random(2)
    values = [rng.gauss(0.0, 1.0) for _ in range(100)]
    width = lambda e: e.high - e.low  # noqa: E731
    alone = bootstrap_mean(values)
    strata = [number for number in range(4) for _ in values]
    together = bootstrap_mean(values * 4, list(range(100)) * 4, strata)
    apart = bootstrap_mean(values * 4, range(400), strata)
    assert (together.value, together.low, together.high) == pytest.approx((alone.value, alone.low, alone.high))
    assert width(apart) == pytest.approx(width(together) / 2, rel=0.15)


def test_a_cluster_is_drawn_in_its_smallest_stratum():
    """So the three that are asked about in the small one are always three; the large one varies with them."""
    clusters = [0, 1, 2, *range(30)]
    strata = ["small"] * 3 + ["large"] * 30
    small_alone = bootstrap_mean([float(i < 3) for i in range(33)], clusters, strata)
    assert (small_alone.low, small_alone.high) == pytest.approx((3 / 33, 3 / 33))
    both = bootstrap_mean([1.0, 0.0, 0.0, *[0.0] * 30], clusters, strata)
    assert (both.low, both.high) == pytest.approx((0.0, 3 / 33))


def test_a_stratum_of_which_nothing_is_drawn_stays_as_it_is():
    clusters, strata = ["a", "c", "b", "d", "a", "b"], [1, 1, 2, 2, 3, 3]  # a draw in 16 has neither a nor b
    assert bootstrap_mean([1.0] * 6, clusters, strata) == Estimate(1.0, 1.0, 1.0, 6)
    values = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]
    found = bootstrap_mean(values, clusters, strata)
    assert 0 <= found.low < found.value == 0.5 < found.high <= 1


def test_nothing_observed():
    assert bootstrap_mean([]) == Estimate(0.0, 0.0, 0.0, 0)


def test_rounded_for_the_report():
    assert Estimate(1 / 3, 0.123456, 0.98765, 7).to_json("mean") == {
        "mean": 0.3333,
        "low": 0.1235,
        "high": 0.9877,
        "n": 7,
    }


def test_what_is_fixed_by_design_is_not_left_to_the_draw():
    values = [1.0] * 50 + [0.0] * 50
    strata = ["easy"] * 50 + ["hard"] * 50
    assert bootstrap_mean(values).low < 0.45, "the draw might have had more hard ones"
    assert bootstrap_mean(values, strata=strata) == Estimate(0.5, 0.5, 0.5, 100)
    mixed = [1.0, 0.0] * 25 + [0.0] * 150
    found = bootstrap_mean(mixed, strata=["a"] * 50 + ["b"] * 150)
    assert abs((found.high - found.low) - 2 * 1.96 * (0.25 / 50) ** 0.5 / 4) < 0.02


def test_a_rate_is_wilsons_unless_outcomes_hang_together():
    outcomes = [1.0, 0.0, 1.0, 1.0] * 10
    assert rate(outcomes) == rate(outcomes, range(40)) == wilson(30, 40)
    clustered = rate(sorted(outcomes), [i // 10 for i in range(40)])
    assert clustered.value == 0.75
    assert clustered.high - clustered.low > rate(outcomes).high - rate(outcomes).low
    same = rate([0.0] * 40, [i // 10 for i in range(40)])  # nothing to draw: four clusters are what was seen
    assert (same.high, same.n) == (wilson(0, 4).high, 40)
    assert rate([]) == rate([], []) == Estimate(0.0, 0.0, 1.0, 0)


def test_a_rate_of_one_cluster_is_one_observation():
    found = rate([1.0, 0.0, 1.0], ["a", "a", "a"])
    assert (found.value, found.low, found.high, found.n) == (2 / 3, wilson(2 / 3, 1).low, wilson(2 / 3, 1).high, 3)
    halves = rate([1.0, 0.0] * 10, [i // 2 for i in range(20)])  # every cluster says one half
    assert (halves.value, halves.low, halves.n) == (0.5, wilson(5, 10).low, 20)


def test_a_share_is_bootstrapped_unless_all_draws_are_the_same():
    values = [0.25, 0.5, 1.0, 0.75] * 10
    assert share(values) == bootstrap_mean(values)
    assert share([0.0] * 3) == wilson(0, 3)
    assert share([1.0, 0.0], strata=["a", "b"]) == wilson(1, 2)
    assert share([]) == Estimate(0.0, 0.0, 1.0, 0)


def test_a_difference_that_never_varies_may_yet_be_another():
    values = [1.0, 0.0, -1.0, 1.0] * 10
    assert difference(values) == bootstrap_mean(values)
    assert difference([0.5, 0.5], ["a", "a"]) == Estimate(0.5, -1.0, 1.0, 2)
    assert difference([]) == Estimate(0.0, -1.0, 1.0, 0)
    alike = difference([-0.5] * 3)
    assert -1 < alike.low < alike.value == -0.5 < 0 < alike.high < 1
    assert difference([1.0] * 100).high == 1
    assert difference([0.0] * 100).high == pytest.approx(wilson(0, 100).high)


def test_in_a_macro_mean_all_strata_weigh_the_same():
    values, strata = [1.0] * 90 + [0.0] * 10, ["large"] * 90 + ["small"] * 10
    assert bootstrap_mean(values, strata=strata, equal=True).value == 0.5
    assert bootstrap_mean(values, strata=strata).value == 0.9


def test_a_ratio_is_that_of_the_sums():
    found = bootstrap_ratio([8.0, 1.0, 30.0], [4, 1, 10])
    assert found.value == 39 / 15
    assert 1 <= found.low < found.value < found.high <= 3
    assert bootstrap_ratio([6.0, 3.0], [2, 1]) == Estimate(3.0, 3.0, 3.0, 2)
