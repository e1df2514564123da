"""Tasks on a list of numbers: its sum, its order, some of its numbers."""

from __future__ import annotations

from collections.abc import Iterator

from mynah.primer.earth.code_tasks.names import BOUNDS, LIST, MEASURES, MIDDLE, NUMBER_WORDS, named, plural
from mynah.primer.earth.code_tasks.task import Names, Task, task

ROWS = ([4, 9, 2], [7, 7, 1, 30], [12], [5, 3, 8, 6, 10])


def _measures() -> Iterator[tuple[str, str, tuple[Names, ...]]]:
    for noun in MEASURES:
        many = plural(noun)
        yield noun, many, named({"list": many, "item": noun}, LIST)


def total() -> Iterator[Task]:
    for noun, many, names in _measures():
        says = (
            f"*add up a list of {many}",
            f"*return the sum of a list of {many}",
            f"*give the total of all {many} in a list",
            f"*sum all the {many} in a list",
            f"*take a list of {many} and *add them all up",
            f"*work out the total of a list of {many}",
            f"*find the sum of all {many} in a list",
        )
        wrong = ("return len($list)", "return max($list)", "return $list[0]", "return sum($list) / len($list)")
        tests = [((row,), sum(row)) for row in ROWS]
        yield task(f"total_{noun}", "list", names, "return sum($list)", says, tests, wrong)


def largest() -> Iterator[Task]:
    for noun, many, names in _measures():
        says = (
            f"*return the largest {noun} in a list",
            f"*give the largest of a list of {many}",
            f"*find the largest {noun} in a list",
            f"*pick the largest one from a list of {many}",
            f"*take a list of {many} and *return the largest",
            f"*tell which {noun} in a list is the largest",
            f"*return the maximum of a list of {many}",
        )
        wrong = ("return min($list)", "return $list[0]", "return sum($list)", "return len($list)")
        tests = [((row,), max(row)) for row in ROWS]
        yield task(f"largest_{noun}", "list", names, "return max($list)", says, tests, wrong)


def smallest() -> Iterator[Task]:
    for noun, many, names in _measures():
        says = (
            f"*return the smallest {noun} in a list",
            f"*give the smallest of a list of {many}",
            f"*find the smallest {noun} in a list",
            f"*pick the smallest one from a list of {many}",
            f"*take a list of {many} and *return the smallest",
            f"*tell which {noun} in a list is the smallest",
            f"*return the minimum of a list of {many}",
        )
        wrong = ("return max($list)", "return $list[0]", "return sum($list)", "return $list[-1]")
        tests = [((row,), min(row)) for row in ROWS]
        yield task(f"smallest_{noun}", "list", names, "return min($list)", says, tests, wrong)


def average() -> Iterator[Task]:
    for noun, many, names in _measures():
        says = (
            f"*return the average of a list of {many}",
            f"*give the average {noun} of a list",
            f"*work out the average of all {many} in a list",
            f"*take a list of {many} and *return their average",
            f"*divide the sum of a list of {many} by their number",
            f"*return the mean of a list of {many}",
            f"*find the average {noun} in a list",
        )
        wrong = ("return sum($list)", "return sum($list) / 2", "return sum($list) * len($list)", "return max($list)")
        tests = [((row,), sum(row) / len(row)) for row in ROWS]
        yield task(f"average_{noun}", "list", names, "return sum($list) / len($list)", says, tests, wrong)


def sort() -> Iterator[Task]:
    for noun, many, names in _measures():
        says = (
            f"*sort a list of {many} from small to large",
            f"*return a list of {many} in order, the smallest first",
            f"*put a list of {many} in order from small to large",
            f"*give back a list of {many} with the smallest {noun} first",
            f"*take a list of {many} and *sort it from small to large",
            f"*order a list of {many} so that the smallest comes first",
            f"*return a list of {many} sorted from small to large",
        )
        wrong = (
            "return $list",
            "return sorted($list, reverse=True)",
            "return $list[::-1]",
            "return $list.sort()",
        )
        tests = [((row,), sorted(row)) for row in ROWS]
        yield task(f"sort_{many}", "list", names, "return sorted($list)", says, tests, wrong)


def sort_down() -> Iterator[Task]:
    for noun, many, names in _measures():
        says = (
            f"*sort a list of {many} from large to small",
            f"*return a list of {many} in order, the largest first",
            f"*put a list of {many} in order from large to small",
            f"*give back a list of {many} with the largest {noun} first",
            f"*take a list of {many} and *sort it from large to small",
            f"*order a list of {many} so that the largest comes first",
            f"*return a list of {many} sorted from large to small",
        )
        wrong = (
            "return sorted($list)",
            "return $list",
            "return $list[::-1]",
            "return sorted($list, reverse=False)",
        )
        tests = [((row,), sorted(row)[::-1]) for row in ROWS]
        yield task(f"sort_{many}_down", "list", names, "return sorted($list, reverse=True)", says, tests, wrong)


def evens() -> Iterator[Task]:
    for noun, many, names in _measures():
        says = (
            f"*return only the even {many} of a list",
            f"*keep the even {many} of a list",
            f"*take a list of {many} and *return only the even ones",
            f"*give a list of all even {many} from a list",
            f"*pick the even ones from a list of {many}",
            f"*drop every odd {noun} from a list",
            f"*find all even {many} in a list",
        )
        wrong = (
            "return [$item for $item in $list if $item % 2 == 1]",
            "return [$item for $item in $list]",
            "return [$item for $item in $list if $item / 2 == 0]",
        )
        tests = [((row,), [x for x in row if x % 2 == 0]) for row in ROWS]
        body = "return [$item for $item in $list if $item % 2 == 0]"
        yield task(f"even_{many}", "list", names, body, says, tests, wrong)


def odds() -> Iterator[Task]:
    for noun, many, names in _measures():
        says = (
            f"*return only the odd {many} of a list",
            f"*keep the odd {many} of a list",
            f"*take a list of {many} and *return only the odd ones",
            f"*give a list of all odd {many} from a list",
            f"*pick the odd ones from a list of {many}",
            f"*drop every even {noun} from a list",
            f"*find all odd {many} in a list",
        )
        wrong = (
            "return [$item for $item in $list if $item % 2 == 0]",
            "return [$item for $item in $list]",
            "return [$item for $item in $list if $item == 1]",
        )
        tests = [((row,), [x for x in row if x % 2 == 1]) for row in ROWS]
        body = "return [$item for $item in $list if $item % 2 == 1]"
        yield task(f"odd_{many}", "list", names, body, says, tests, wrong)


def _around(n: int) -> tuple[list[int], ...]:
    """Lists with numbers below, at and above a bound."""
    return [1, n, n + 1, 3 * n], [n - 1, n + 5], [n], [2 * n, 0, n - 2]


def numbers_above() -> Iterator[Task]:
    for n in BOUNDS:
        says = (
            f"*return the numbers above {n} in a list",
            f"*keep the numbers of a list that are larger than {n}",
            f"*take a list and *return only the numbers above {n}",
            f"*give a list of all numbers greater than {n} from a list",
            f"*pick the numbers over {n} from a list",
            f"*drop all numbers of a list up to {n}",
            f"*find all numbers above {n} in a list",
        )
        wrong = (
            f"return [$item for $item in $list if $item < {n}]",
            f"return [$item for $item in $list if $item >= {n}]",
            f"return [$item for $item in $list if $item == {n}]",
        )
        tests = [((row,), [x for x in row if x > n]) for row in _around(n)]
        body = f"return [$item for $item in $list if $item > {n}]"
        yield task(f"numbers_above_{NUMBER_WORDS[n]}", "list", LIST, body, says, tests, wrong)


def numbers_below() -> Iterator[Task]:
    for n in BOUNDS:
        says = (
            f"*return the numbers below {n} in a list",
            f"*keep the numbers of a list that are smaller than {n}",
            f"*take a list and *return only the numbers below {n}",
            f"*give a list of all numbers less than {n} from a list",
            f"*pick the numbers under {n} from a list",
            f"*drop all numbers of a list from {n} up",
            f"*find all numbers below {n} in a list",
        )
        wrong = (
            f"return [$item for $item in $list if $item > {n}]",
            f"return [$item for $item in $list if $item <= {n}]",
            f"return [$item for $item in $list if $item == {n}]",
        )
        tests = [((row,), [x for x in row if x < n]) for row in _around(n)]
        body = f"return [$item for $item in $list if $item < {n}]"
        yield task(f"numbers_below_{NUMBER_WORDS[n]}", "list", LIST, body, says, tests, wrong)


def add_to_all() -> Iterator[Task]:
    for n in MIDDLE:
        says = (
            f"*add {n} to every number in a list",
            f"*return a list with {n} added to each number",
            f"*take a list and *add {n} to all its numbers",
            f"*give back a list where each number is larger by {n}",
            f"*make every number in a list larger by {n}",
            f"*return each number of a list plus {n}",
            f"*increase every number in a list by {n}",
        )
        wrong = (
            f"return [$item - {n} for $item in $list]",
            f"return $list + {n}",
            f"return [$item * {n} for $item in $list]",
        )
        tests = [((row,), [x + n for x in row]) for row in ROWS]
        body = f"return [$item + {n} for $item in $list]"
        yield task(f"add_{NUMBER_WORDS[n]}_to_all", "list", LIST, body, says, tests, wrong)


def multiply_all() -> Iterator[Task]:
    for n in MIDDLE:
        says = (
            f"*multiply every number in a list by {n}",
            f"*return a list with each number times {n}",
            f"*take a list and *multiply all its numbers by {n}",
            f"*give back a list where each number is {n} times as large",
            f"*make every number in a list {n} times as large",
            f"*return {n} times each number of a list",
            f"*work out {n} times every number in a list",
        )
        wrong = (
            f"return [$item + {n} for $item in $list]",
            f"return $list * {n}",
            f"return [$item / {n} for $item in $list]",
        )
        tests = [((row,), [x * n for x in row]) for row in ROWS]
        body = f"return [$item * {n} for $item in $list]"
        yield task(f"multiply_all_by_{NUMBER_WORDS[n]}", "list", LIST, body, says, tests, wrong)


SHAPES = (
    total,
    largest,
    smallest,
    average,
    sort,
    sort_down,
    evens,
    odds,
    numbers_above,
    numbers_below,
    add_to_all,
    multiply_all,
)
