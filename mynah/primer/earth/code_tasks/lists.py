"""Tasks on a list of any things: how many, the first, the long words."""

from __future__ import annotations

from collections.abc import Iterator

from mynah.primer.earth.code_tasks.names import LIST, NUMBER_WORDS, SMALL, WORDS, named, plural
from mynah.primer.earth.code_tasks.task import Names, Task, task

THINGS = ("book", "song", "card", "friend", "day", "apple", "tree", "game", "photo", "guest", "ticket", "star", "word")
LINES = (["red", "blue", "green"], ["one", "two"], ["oak", "elm", "fir", "ash", "yew"])


def _things() -> Iterator[tuple[str, str, tuple[Names, ...]]]:
    for noun in THINGS:
        many = plural(noun)
        yield noun, many, named({"list": many, "item": noun}, LIST[1:])


def count() -> Iterator[Task]:
    for noun, many, names in _things():
        says = (
            f"*return the number of {many} in a list",
            f"*count the {many} in a list",
            f"*tell how many {many} are in a list",
            f"*give the length of a list of {many}",
            f"*take a list of {many} and *count them",
            f"*count every {noun} in a list",
            f"*find out how many {many} are in a list",
        )
        wrong = ("return sum($list)", "return $list[0]", "return len($list) - 1", "return len($list[0])")
        tests = [((line,), len(line)) for line in (*LINES, [], ["rain"])]
        yield task(f"count_{many}", "list", names, "return len($list)", says, tests, wrong)


def first() -> Iterator[Task]:
    for noun, many, names in _things():
        says = (
            f"*return the first {noun} of a list",
            f"*give the first of a list of {many}",
            f"*take a list of {many} and *return the first one",
            f"*pick the first {noun} from a list",
            f"*give back the {noun} at the start of a list",
            f"*tell which {noun} in a list comes first",
            f"*find the first {noun} in a list",
        )
        wrong = ("return $list[1]", "return $list[-1]", "return $list", "return $list[:1]")
        tests = [((line,), line[0]) for line in LINES]
        yield task(f"first_{noun}", "list", names, "return $list[0]", says, tests, wrong)


def last() -> Iterator[Task]:
    for noun, many, names in _things():
        says = (
            f"*return the last {noun} of a list",
            f"*give the last of a list of {many}",
            f"*take a list of {many} and *return the last one",
            f"*pick the last {noun} from a list",
            f"*give back the {noun} at the end of a list",
            f"*tell which {noun} in a list comes last",
            f"*find the last {noun} in a list",
        )
        wrong = ("return $list[0]", "return $list[1]", "return $list", "return $list[len($list)]")
        tests = [((line,), line[-1]) for line in (LINES[0], LINES[2], ["a", "b", "c", "d"])]
        yield task(f"last_{noun}", "list", names, "return $list[-1]", says, tests, wrong)


def reverse_list() -> Iterator[Task]:
    for noun, many, names in _things():
        says = (
            f"*reverse a list of {many}",
            f"*return a list of {many} in reverse order",
            f"*turn a list of {many} around",
            f"*give back a list of {many} with the last {noun} first",
            f"*take a list of {many} and *reverse it",
            f"*return a list of {many} from back to front",
            f"*put a list of {many} in reverse order",
        )
        wrong = ("return $list", "return $list[-1]", "return $list[1:]", "return $list.reverse()")
        tests = [((line,), line[::-1]) for line in LINES]
        yield task(f"reverse_{many}", "list", names, "return $list[::-1]", says, tests, wrong)


LONG_ROW = list(range(1, 13))
LONG_LINE = list("abcdefghijk")


def first_items() -> Iterator[Task]:
    for n in SMALL:
        says = (
            f"*return the first {n} items of a list",
            f"*give the first {n} items of a list",
            f"*take a list and *return its first {n} items",
            f"*keep only the first {n} items of a list",
            f"*cut a list down to its first {n} items",
            f"*pick {n} items from the start of a list",
            f"*find the first {n} items in a list",
        )
        wrong = (f"return $list[{n}:]", f"return $list[{n}]", f"return $list[-{n}:]", f"return $list[:{n + 1}]")
        tests = [((row,), row[:n]) for row in (LONG_ROW, LONG_LINE, [0, *LONG_ROW[2:]])]
        names = named({"list": "items"}, LIST)
        yield task(f"first_{NUMBER_WORDS[n]}_items", "list", names, f"return $list[:{n}]", says, tests, wrong)


def last_items() -> Iterator[Task]:
    for n in SMALL:
        says = (
            f"*return the last {n} items of a list",
            f"*give the last {n} items of a list",
            f"*take a list and *return its last {n} items",
            f"*keep only the last {n} items of a list",
            f"*cut a list down to its last {n} items",
            f"*pick {n} items from the end of a list",
            f"*find the last {n} items in a list",
        )
        wrong = (f"return $list[:{n}]", f"return $list[-{n}]", f"return $list[{n}:]", f"return $list[:-{n}]")
        tests = [((row,), row[len(row) - n :]) for row in (LONG_ROW, LONG_LINE, [0, *LONG_ROW[2:]])]
        names = named({"list": "items"}, LIST)
        yield task(f"last_{NUMBER_WORDS[n]}_items", "list", names, f"return $list[-{n}:]", says, tests, wrong)


def long_words() -> Iterator[Task]:
    for n in (2, 3, 4, 5, 6, 7, 8, 9, 10):
        says = (
            f"*return the words of a list that are longer than {n} letters",
            f"*keep the words of a list with more than {n} letters",
            f"*take a list of words and *return those longer than {n} letters",
            f"*give all words with more than {n} letters from a list",
            f"*pick the words longer than {n} letters from a list",
            f"*drop all words of a list with {n} letters or less",
            f"*find all words in a list that have more than {n} letters",
        )
        wrong = (
            f"return [$item for $item in $list if len($item) < {n}]",
            f"return [$item for $item in $list if len($item) >= {n}]",
            f"return [$item for $item in $list if $item > {n}]",
        )
        body = f"return [$item for $item in $list if len($item) > {n}]"
        lines = [
            ["a" * k for k in (n - 1, n, n + 1, n + 3)],
            ["abcdefghijklmnop"[:n], "go"],
            ["sea", "mountains", "up"],
        ]
        tests = [((line,), [x for x in line if len(x) > n]) for line in lines]
        yield task(f"words_longer_than_{NUMBER_WORDS[n]}", "list", WORDS, body, says, tests, wrong)


SHAPES = (
    count,
    first,
    last,
    reverse_list,
    first_items,
    last_items,
    long_words,
)
