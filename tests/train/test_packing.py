"""The flat stream, checked by hand, and microbatches."""

import random
from itertools import pairwise

import pytest
import torch

from mynah.nouns import Group
from mynah.train.packing import FILL, lay_out, microbatches, partition


def test_the_layout_of_an_example_worked_out_by_hand() -> None:
    alone = Group((10, 11, 12), (False, True, True))
    shared = Group(
        (20, 21),
        (False, False),
        ((30, 31), (40,), (50, 51, 52)),
        ((True, True), (True,), (False, True, False)),
    )
    batch = lay_out([alone, shared], fill=FILL)
    #                               0   1   2 | 3   4 | 5   6 | 7 | 8   9   10
    assert batch.tokens.tolist()[:11] == [10, 11, 12, 20, 21, 30, 31, 40, 50, 51, 52]
    assert batch.positions.tolist()[:11] == [0, 1, 2, 0, 1, 2, 3, 2, 2, 3, 4]
    assert batch.segments == ((3,), (2, 2, 1, 3))
    assert batch.group_lengths == (3, 8)
    assert len(batch.tokens) == len(batch.positions) == FILL, "filled up to a recurring shape"
    # a branch's first token is predicted by the trunk's last, not by the sibling before it
    assert batch.sources.tolist() == [0, 1, 4, 5, 4, 8]
    assert batch.targets.tolist() == [11, 12, 30, 31, 40, 51]
    assert batch.owners.tolist() == [0, 0, 1, 1, 2, 3]
    assert batch.ends.tolist() == [2, 6, 7, 10]
    assert batch.sequences_per_group == (1, 3)


def test_an_empty_branch_ends_where_its_trunk_ends() -> None:
    batch = lay_out([Group((1, 2), (False, True), ((), (3,)), ((), (True,)))])
    assert batch.ends.tolist() == [1, 2]
    assert batch.sources.tolist() == [0, 1]


@pytest.mark.parametrize("group", [Group((), ()), Group((1, 2), (True, True))])
def test_a_first_token_cannot_be_predicted(group: Group) -> None:
    with pytest.raises(ValueError, match="first token"):
        lay_out([group])


def test_a_mask_must_fit_its_branches() -> None:
    with pytest.raises(ValueError, match="zip"):
        lay_out([Group((1,), (False,), ((2,), (3,)), ((True,),))])


@pytest.mark.parametrize("seed", range(20))
def test_microbatches_hold_everything_once_within_the_budget(seed: int) -> None:
    draw = random.Random(seed)
    lengths = [draw.randint(1, 60) for _ in range(draw.randint(1, 80))]
    budget = draw.choice([1, 40, 100, 1000])
    found = partition([Group((1,) * n, (False,) * n) for n in lengths], budget)
    assert sorted(index for part in found for index in part) == list(range(len(lengths)))
    for part in found:
        assert part
        assert len(part) == 1 or len(part) * max(lengths[i] for i in part) <= budget
    for part, following in pairwise(found):
        assert max(lengths[i] for i in part) <= min(lengths[i] for i in following), "neighbours in length go together"
        assert (len(part) + 1) * lengths[following[0]] > budget, "a part is closed only when it is full"


def test_a_prompt_counts_once_for_each_of_its_answers() -> None:
    """As attention lays its keys out: 3 + 2 and 3 + 1 here, so two such groups need a budget of 18."""
    group = Group((1, 2, 3), (False,) * 3, ((4, 5), (6,)), ((True, True), (True,)))
    assert (len(group), group.apart) == (6, 9)
    assert partition([group] * 2, 18) == [[0, 1]]
    assert partition([group] * 2, 17) == [[0], [1]]


def test_microbatches_are_laid_out_part_by_part() -> None:
    groups = [Group(tuple(range(n)), (False,) * n) for n in (5, 2, 3, 9)]
    found = list(microbatches(groups, 6, torch.device("cpu")))
    assert [batch.group_lengths for batch in found] == [(2, 3), (5,), (9,)]
