"""Tasks that put something together or take it apart: texts at a sign, greetings, dictionaries, times tables."""

from __future__ import annotations

from collections.abc import Iterator

from mynah.primer.earth.code_tasks.names import NUMBER_WORDS, WORD, WORDS, named, plural
from mynah.primer.earth.code_tasks.task import Names, Task, task

SIGNS = {
    "comma": ",",
    "dash": "-",
    "dot": ".",
    "star": "*",
    "slash": "/",
    "colon": ":",
    "semicolon": ";",
    "plus_sign": "+",
    "space": " ",
    "underscore": "_",
    "hash_sign": "#",
    "bar": "|",
}
GREETINGS = (
    "Hello, ", "Hi, ", "Good morning, ", "Good evening, ", "Good night, ", "Welcome, ", "Goodbye, ", "Thank you, ",
    "Dear ", "Well done, ", "Happy birthday, ", "See you soon, ", "Captain ", "Doctor ",
)  # fmt: skip
FIELDS = ("name", "age", "city", "price", "colour", "size", "weight", "title", "year", "country", "job", "number")


def join() -> Iterator[Task]:
    for name, sign in SIGNS.items():
        many = plural(name.replace("_", " "))
        says = (
            f"*join a list of words with {many}",
            f"*put {many} between the words of a list",
            f"*return the words of a list joined with {many}",
            f"*make one text from a list of words, with {many} between them",
            f"*take a list of words and *join them with {many}",
            f"*give one text with {many} between the words of a list",
            f"*join words into one text with {many} between them",
        )
        wrong = (
            'return "".join($list)',
            f'return $list.join("{sign}")',
            f'return "{sign}" + $list',
            f'return $list[0] + "{sign}"',
        )
        tests = [((words,), sign.join(words)) for words in (["a", "b", "c"], ["sun", "moon"], ["one"])]
        yield task(
            f"join_with_{many.replace(' ', '_')}", "list", WORDS, f'return "{sign}".join($list)', says, tests, wrong
        )


def split() -> Iterator[Task]:
    for name, sign in SIGNS.items():
        one = name.replace("_", " ")
        many = plural(one)
        says = (
            f"*split a text at every {one}",
            f"*return the parts of a text between the {many}",
            f"*cut a text into parts at the {many}",
            f"*take a text and *split it at the {many}",
            f"*give a list of the parts of a text, split at each {one}",
            f"*make a list from a text by splitting it at {many}",
            f"*split a text into a list wherever there is a {one}",
        )
        wrong = (
            f'return $word.join("{sign}")',
            f'return $word.replace("{sign}", "")',
            f'return $word.split("{"-" if sign == "," else ","}")',
            "return list($word)",
        )
        tests = [((sign.join(words),), words) for words in (["a", "b", "c"], ["sun", "moon"], ["one"])]
        yield task(
            f"split_at_{many.replace(' ', '_')}",
            "word",
            named({"word": "text"}, WORD),
            f'return $word.split("{sign}")',
            says,
            tests,
            wrong,
        )


def wrap() -> Iterator[Task]:
    for name, sign in SIGNS.items():
        one = name.replace("_", " ")
        many = plural(one)
        says = (
            f"*put a {one} before and after a text",
            f"*return a text between two {many}",
            f"*add a {one} on both sides of a text",
            f"*give a text with a {one} at its start and at its end",
            f"*take a text and *put it between two {many}",
            f"*wrap a text in {many}, one on each side",
            f"*set a text between two {many}",
        )
        quoted = f'"{sign}"'
        wrong = (f"return $word + {quoted}", f"return {quoted} + $word", f"return {quoted} + {quoted}", "return $word")
        tests = [((text,), f"{sign}{text}{sign}") for text in ("hi", "moon", "a cat")]
        yield task(
            f"wrap_in_{many.replace(' ', '_')}",
            "word",
            named({"word": "text"}, WORD),
            f"return {quoted} + $word + {quoted}",
            says,
            tests,
            wrong,
        )


def greet() -> Iterator[Task]:
    people: tuple[Names, ...] = tuple({"word": n} for n in ("name", "person", "who", "friend", "guest", "someone"))
    for greeting in GREETINGS:
        says = (
            f'*put "{greeting}" before a name',
            f'*return "{greeting}" and then a name',
            f'*take a name and *return "{greeting}" and the name',
            f'*give a text that is "{greeting}" with a name after it',
            f'*join "{greeting}" and a name',
            f'*add a name after "{greeting}"',
            f'*return the text "{greeting}" plus a name',
        )
        wrong = (f'return $word + "{greeting}"', f'return "{greeting}"', "return $word", f'return "{greeting}$word"')
        function = ("say_" if "," in greeting else "call_") + greeting.strip(", ").lower().replace(" ", "_")
        tests = [((name,), greeting + name) for name in ("Ann", "Tom", "Maria")]
        yield task(function, "word", people, f'return "{greeting}" + $word', says, tests, wrong)


def field() -> Iterator[Task]:
    records: tuple[Names, ...] = tuple({"word": n} for n in ("record", "entry", "row", "data", "item", "info"))
    for key in FIELDS:
        says = (
            f"*return the {key} in a dictionary",
            f"*look up the {key} in a dictionary",
            f'*read the value of "{key}" in a dictionary',
            f"*give the {key} that a dictionary holds",
            f'*take a dictionary and *return what it has under "{key}"',
            f"*find the {key} in a dictionary",
            f'*return the value that a dictionary has for "{key}"',
        )
        other = "name" if key != "name" else "age"
        wrong = (f'return "{key}"', f'return $word["{other}"]', f"return $word[{key}]", "return $word[0]")
        tests = [(({key: value, other: 0},), value) for value in ("Oslo", 12, "red")]
        yield task(f"get_{key}", "word", records, f'return $word["{key}"]', says, tests, wrong)


def table() -> Iterator[Task]:
    counts: tuple[Names, ...] = tuple(
        {"num": num, "item": item} for num, item in (("count", "i"), ("n", "k"), ("size", "step"), ("many", "x"))
    )
    for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12):
        says = (
            f"*return a list of the first multiples of {n}",
            f"*list the first multiples of {n}, as many as asked for",
            f"*make a list of a given number of multiples of {n}",
            f"*give the first few multiples of {n} as a list",
            f"*take a count and *return that many multiples of {n}",
            f"*make the times table of {n} up to a count",
            f"*return the times table of {n} as a list",
        )
        wrong = (
            f"return [{n} + $item for $item in range(1, $num + 1)]",
            f"return [{n} * $item for $item in range($num)]",
            f"return [{n} * $item for $item in range(1, $num)]",
        )
        tests = [((k,), list(range(n, n * k + 1, n))) for k in (1, 3, 5)]
        body = f"return [{n} * $item for $item in range(1, $num + 1)]"
        yield task(f"table_of_{NUMBER_WORDS[n]}", "num", counts, body, says, tests, wrong)


SHAPES = (
    join,
    split,
    wrap,
    greet,
    field,
    table,
)
