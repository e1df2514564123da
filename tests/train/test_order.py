"""Which examples make up which update."""

from mynah.train.order import batches, share


def test_every_epoch_sees_every_example_once_in_its_own_order() -> None:
    plan = batches(10, 4, 3, seed=1)
    assert [len(batch) for batch in plan] == [4, 4, 2] * 3
    epochs = [[i for batch in plan[start : start + 3] for i in batch] for start in (0, 3, 6)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_the_order_is_a_function_of_the_seed() -> None:
    assert batches(10, 4, 3, seed=1) == batches(10, 4, 3, seed=1) != batches(10, 4, 3, seed=2)
    assert batches(10, 4, 1, seed=1) == batches(10, 4, 3, seed=1)[:3], "more epochs do not change the first ones"


def test_shares_are_spread_evenly_and_fixed() -> None:
    shares = [share(f"text {i}") for i in range(2000)]
    assert all(0 <= value < 1 for value in shares)
    assert abs(sum(value < 0.1 for value in shares) / 2000 - 0.1) < 0.025
    assert share("abc") == int("ba7816bf", 16) / 2**32  # the first bytes of its sha256
    assert share("\ud800") == share("?"), "text that is no Unicode has a share too"
