"""Tasks on two numbers: the larger one, the difference, an area."""

from __future__ import annotations

from collections.abc import Iterator

from mynah.primer.earth.code_tasks.names import MEASURES, plural
from mynah.primer.earth.code_tasks.task import Names, Task, task

RECTANGLES = ("garden", "room", "field", "wall", "table", "floor", "park", "page", "window", "door", "carpet", "roof")
PAIR: tuple[Names, ...] = tuple(
    {"num": one, "other": two}
    for one, two in (("a", "b"), ("x", "y"), ("first", "second"), ("left", "right"), ("one", "two"), ("p", "q"))
)
TWO = ((3, 8), (8, 3), (10, 2), (-1, 4))


def larger() -> Iterator[Task]:
    for noun in MEASURES:
        many = plural(noun)
        says = (
            f"*return the larger of two {many}",
            f"*give the larger one of two {many}",
            f"*compare two {many} and *return the larger one",
            f"*pick the larger {noun} of two",
            f"*take two {many} and *give back the one that is larger",
            f"*tell which of two {many} is the larger one",
            f"*find the larger of two {many}",
        )
        wrong = (
            "if $num < $other:\n    return $num\nreturn $other",
            "if $num > $other:\n    return $other\nreturn $num",
            "return $num",
        )
        body = "if $num > $other:\n    return $num\nreturn $other"
        tests = [(pair, max(pair)) for pair in TWO]
        yield task(f"larger_{noun}", "num other", PAIR, body, says, tests, wrong)


def smaller() -> Iterator[Task]:
    for noun in MEASURES:
        many = plural(noun)
        says = (
            f"*return the smaller of two {many}",
            f"*give the smaller one of two {many}",
            f"*compare two {many} and *return the smaller one",
            f"*pick the smaller {noun} of two",
            f"*take two {many} and *give back the one that is smaller",
            f"*tell which of two {many} is the smaller one",
            f"*find the smaller of two {many}",
        )
        wrong = (
            "if $num > $other:\n    return $num\nreturn $other",
            "if $num < $other:\n    return $other\nreturn $num",
            "return $other",
        )
        body = "if $num < $other:\n    return $num\nreturn $other"
        tests = [(pair, min(pair)) for pair in TWO]
        yield task(f"smaller_{noun}", "num other", PAIR, body, says, tests, wrong)


def difference() -> Iterator[Task]:
    for noun in MEASURES:
        many = plural(noun)
        says = (
            f"*return the first {noun} minus the second",
            f"*subtract the second {noun} from the first",
            f"*give the difference of two {many}, the first minus the second",
            f"*take two {many} and *subtract the second from the first",
            f"*work out the first {noun} less the second",
            f"*take the second {noun} away from the first",
            f"*find the difference of two {many} as the first minus the second",
        )
        wrong = ("return $num + $other", "return $other - $num", "return $num * $other", "return $num")
        tests = [(pair, pair[0] - pair[1]) for pair in TWO]
        yield task(f"{noun}_difference", "num other", PAIR, "return $num - $other", says, tests, wrong)


def sum_of_two() -> Iterator[Task]:
    for noun in MEASURES:
        many = plural(noun)
        says = (
            f"*add two {many}",
            f"*return the sum of two {many}",
            f"*give one {noun} plus another",
            f"*take two {many} and *add them",
            f"*put two {many} together into one sum",
            f"*work out the sum of two {many}",
            f"*return one {noun} plus the other",
        )
        wrong = ("return $num - $other", "return $num * $other", "return $num + $num", "return $other")
        tests = [(pair, pair[0] + pair[1]) for pair in TWO]
        yield task(f"add_{many}", "num other", PAIR, "return $num + $other", says, tests, wrong)


SIDES: tuple[Names, ...] = (
    {"num": "width", "other": "height"},
    {"num": "w", "other": "h"},
    {"num": "length", "other": "width"},
    *PAIR,
)


def area() -> Iterator[Task]:
    for thing in RECTANGLES:
        says = (
            f"*return the area of a {thing} from its width and height",
            f"*multiply the width and the height of a {thing} to get its area",
            f"*work out the area of a {thing}",
            f"*give the area of a {thing} with a given width and height",
            f"*take the width and height of a {thing} and *return the area",
            f"*tell how large the area of a {thing} is",
            f"*find the area of a {thing} from its two sides",
        )
        wrong = ("return $num + $other", "return $num / $other", "return 2 * ($num + $other)", "return $num * $num")
        tests = [((w, h), w * h) for w, h in ((3, 4), (10, 2), (5, 6))]
        yield task(f"area_of_{thing}", "num other", SIDES, "return $num * $other", says, tests, wrong)


def perimeter() -> Iterator[Task]:
    for thing in RECTANGLES:
        says = (
            f"*return the length all around a {thing} from its width and height",
            f"*add all four sides of a {thing}",
            f"*work out the perimeter of a {thing}",
            f"*give the perimeter of a {thing} with a given width and height",
            f"*take the width and height of a {thing} and *return the perimeter",
            f"*tell how long the way around a {thing} is",
            f"*find the perimeter of a {thing} from its two sides",
        )
        wrong = ("return $num * $other", "return $num + $other", "return 2 * $num + $other", "return 2 * $num")
        tests = [((w, h), 2 * w + 2 * h) for w, h in ((3, 4), (10, 2), (5, 6))]
        body = "return 2 * ($num + $other)"
        yield task(f"perimeter_of_{thing}", "num other", SIDES, body, says, tests, wrong)


SHAPES = (
    larger,
    smaller,
    difference,
    sum_of_two,
    area,
    perimeter,
)
