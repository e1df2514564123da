"""Tasks that decide something about a number: whether it is even, above a bound, divisible."""

from __future__ import annotations

from collections.abc import Iterator

from mynah.primer.earth.code_tasks.names import BOUNDS, MEASURES, NUM, NUMBER_WORDS, a, named
from mynah.primer.earth.code_tasks.task import Task, task

EITHER = (  # above a bound one word, otherwise the other
    ("hot", "cold", 20), ("big", "small", 100), ("old", "young", 60), ("heavy", "light", 50), ("fast", "slow", 30),
    ("tall", "short", 180), ("rich", "poor", 1000), ("late", "early", 12), ("loud", "quiet", 40), ("dear", "cheap", 10),
    ("deep", "shallow", 5), ("far", "near", 25),
)  # fmt: skip


def divisible() -> Iterator[Task]:
    for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20):
        says = (
            f"*check whether a number is divisible by {n}",
            f"*return True if a number can be divided by {n} with no remainder",
            f"*tell if {n} divides a number",
            f"*say whether a number is a multiple of {n}",
            f"*test if a number has no remainder when divided by {n}",
            f"*return True for multiples of {n} and False for other numbers",
            f"*find out if a number can be divided by {n}",
        )
        wrong = (f"return $num % {n}", f"return $num / {n} == 0", f"return $num % {n} != 0", f"return $num == {n}")
        tests = [((x,), x % n == 0) for x in (n, n + 1, 3 * n, 2 * n - 1)]
        yield task(f"is_divisible_by_{NUMBER_WORDS[n]}", "num", NUM, f"return $num % {n} == 0", says, tests, wrong)


def is_above() -> Iterator[Task]:
    for n in BOUNDS:
        says = (
            f"*check whether a number is above {n}",
            f"*return True if a number is larger than {n}",
            f"*tell if a number is more than {n}",
            f"*say whether a number is greater than {n}",
            f"*test if a number is over {n}",
            f"*return True for numbers above {n} and False for others",
            f"*find out if a number is larger than {n}",
        )
        wrong = (f"return $num < {n}", f"return $num >= {n}", f"return $num == {n}", f"return $num > {2 * n}")
        tests = [((x,), x > n) for x in (0, n, n + 1, 3 * n)]
        yield task(f"is_above_{NUMBER_WORDS[n]}", "num", NUM, f"return $num > {n}", says, tests, wrong)


def is_below() -> Iterator[Task]:
    for n in BOUNDS:
        says = (
            f"*check whether a number is below {n}",
            f"*return True if a number is smaller than {n}",
            f"*tell if a number is less than {n}",
            f"*say whether a number is under {n}",
            f"*test if a number is not as large as {n}",
            f"*return True for numbers below {n} and False for others",
            f"*find out if a number is smaller than {n}",
        )
        wrong = (f"return $num > {n}", f"return $num <= {n}", f"return $num == {n}", f"return $num < {2 * n}")
        tests = [((x,), x < n) for x in (0, n, n + 1, n - 1)]
        yield task(f"is_below_{NUMBER_WORDS[n]}", "num", NUM, f"return $num < {n}", says, tests, wrong)


def is_even() -> Iterator[Task]:
    for noun in MEASURES:
        says = (
            f"*check whether {a(noun)} is even",
            f"*return True if {a(noun)} is even",
            f"*tell if {a(noun)} is an even number",
            f"*say whether {a(noun)} can be divided by 2",
            f"*test if {a(noun)} is even",
            f"*return True when the {noun} is even and False when it is odd",
            f"*find out if {a(noun)} is even",
        )
        wrong = ("return $num % 2", "return $num % 2 == 1", "return $num / 2 == 0", "return $num == 2")
        tests = [((x,), x % 2 == 0) for x in (2, 7, 10, 33)]
        names = named({"num": noun}, NUM)
        yield task(f"{noun}_is_even", "num", names, "return $num % 2 == 0", says, tests, wrong)


def is_odd() -> Iterator[Task]:
    for noun in MEASURES:
        says = (
            f"*check whether {a(noun)} is odd",
            f"*return True if {a(noun)} is odd",
            f"*tell if {a(noun)} is an odd number",
            f"*say whether {a(noun)} is odd and not even",
            f"*test if {a(noun)} is odd",
            f"*return True when the {noun} is odd and False when it is even",
            f"*find out if {a(noun)} is odd",
        )
        wrong = ("return $num % 2 == 0", "return $num / 2 == 1", "return $num % 2", "return $num == 1")
        tests = [((x,), x % 2 == 1) for x in (3, 8, 21, 100)]
        names = named({"num": noun}, NUM)
        yield task(f"{noun}_is_odd", "num", names, "return $num % 2 == 1", says, tests, wrong)


def either() -> Iterator[Task]:
    for high, low, n in EITHER:
        says = (
            f'*return "{high}" above {n} and "{low}" otherwise',
            f'*say "{high}" if a number is above {n} and "{low}" if not',
            f'*give "{high}" for numbers above {n} and "{low}" for the rest',
            f'*answer "{high}" when a number is more than {n}, and "{low}" when it is not',
            f'*take a number and *return "{high}" above {n}, else "{low}"',
            f'*call a number "{high}" if it is larger than {n}, and "{low}" otherwise',
            f'*return "{high}" for a number larger than {n} and "{low}" for all others',
        )
        wrong = (
            f'if $num < {n}:\n    return "{high}"\nreturn "{low}"',
            f'if $num > {n}:\n    return "{low}"\nreturn "{high}"',
            f'return "{high}"',
        )
        body = f'if $num > {n}:\n    return "{high}"\nreturn "{low}"'
        tests = [((x,), high if x > n else low) for x in (0, n + 1, n - 1, 4 * n)]
        yield task(f"{high}_or_{low}", "num", NUM, body, says, tests, wrong)


SHAPES = (
    divisible,
    is_above,
    is_below,
    is_even,
    is_odd,
    either,
)
