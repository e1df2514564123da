"""Tasks on a word and its letters."""

from __future__ import annotations

from collections.abc import Iterator

from mynah.primer.earth.code_tasks.names import NUMBER_WORDS, SMALL, WORD
from mynah.primer.earth.code_tasks.task import Task, task

LETTERS = "abcdefghiklmnoprstuwz"


def repeat() -> Iterator[Task]:
    for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 20):
        says = (
            f"*repeat a word {n} times",
            f"*return a word {n} times in a row",
            f"*take a word and *repeat it {n} times",
            f"*give {n} copies of a word as one text",
            f"*write the same word {n} times without spaces",
            f"*put {n} copies of a word together",
            f"*return a text that is a word repeated {n} times",
        )
        wrong = (f"return $word + {n}", f"return $word[:{n}]", f"return $word * {n + 1}", f"return [$word] * {n}")
        tests = [((word,), word * n) for word in ("ha", "go", "moon")]
        yield task(f"repeat_{NUMBER_WORDS[n]}_times", "word", WORD, f"return $word * {n}", says, tests, wrong)


LONG_WORDS = ("butterflies", "programming", "strawberry pie")


def first_letters() -> Iterator[Task]:
    for n in SMALL:
        says = (
            f"*return the first {n} letters of a word",
            f"*give the first {n} letters of a word",
            f"*take a word and *return its first {n} letters",
            f"*keep only the first {n} letters of a word",
            f"*cut a word down to its first {n} letters",
            f"*pick {n} letters from the start of a word",
            f"*find the first {n} letters in a word",
        )
        wrong = (f"return $word[{n}:]", f"return $word[{n}]", f"return $word[-{n}:]", f"return $word[:{n + 1}]")
        tests = [((word,), word[:n]) for word in LONG_WORDS]
        yield task(f"first_{NUMBER_WORDS[n]}_letters", "word", WORD, f"return $word[:{n}]", says, tests, wrong)


def last_letters() -> Iterator[Task]:
    for n in SMALL:
        says = (
            f"*return the last {n} letters of a word",
            f"*give the last {n} letters of a word",
            f"*take a word and *return its last {n} letters",
            f"*keep only the last {n} letters of a word",
            f"*cut a word down to its last {n} letters",
            f"*pick {n} letters from the end of a word",
            f"*find the last {n} letters in a word",
        )
        wrong = (f"return $word[:{n}]", f"return $word[-{n}]", f"return $word[{n}:]", f"return $word[:-{n}]")
        tests = [((word,), word[len(word) - n :]) for word in LONG_WORDS]
        yield task(f"last_{NUMBER_WORDS[n]}_letters", "word", WORD, f"return $word[-{n}:]", says, tests, wrong)


def longer_than() -> Iterator[Task]:
    for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 12):
        says = (
            f"*check whether a word is longer than {n} letters",
            f"*return True if a word has more than {n} letters",
            f"*tell if a word is longer than {n} letters",
            f"*say whether a word has more than {n} letters",
            f"*test if a word has over {n} letters",
            f"*return True for words longer than {n} letters and False for others",
            f"*find out if a word has more than {n} letters",
        )
        wrong = (f"return len($word) < {n}", f"return len($word) >= {n}", f"return $word > {n}", "return len($word)")
        tests = [((word,), len(word) > n) for word in ("a" * n, "b" * (n + 1), "extraordinary", "I")]
        yield task(f"is_longer_than_{NUMBER_WORDS[n]}", "word", WORD, f"return len($word) > {n}", says, tests, wrong)


def _after(letter: str) -> str:
    return "q" if letter != "q" else "v"


def count_letter() -> Iterator[Task]:
    for c in LETTERS:
        says = (
            f"*count the letter {c} in a word",
            f"*return how often the letter {c} is in a word",
            f"*tell how many times a word has the letter {c}",
            f"*give the number of times that {c} is in a word",
            f"*take a word and *count every {c} in it",
            f"*say how often the letter {c} comes up in a word",
            f"*find out how many times the letter {c} is in a word",
        )
        wrong = (
            "return len($word)",
            f'return $word.count("{_after(c)}")',
            f'return $word.find("{c}")',
            f'return "{c}" in $word',
        )
        body = f'return $word.count("{c}")'
        tests = [((word,), word.count(c)) for word in (c * 3, f"{c}vv{c}", "vvv", f"v{c}")]
        yield task(f"count_letter_{c}", "word", WORD, body, says, tests, wrong)


def has_letter() -> Iterator[Task]:
    for c in LETTERS:
        says = (
            f"*check whether the letter {c} is in a word",
            f"*return True if a word has the letter {c}",
            f"*tell if there is {_letter(c)} in a word",
            f"*say whether the letter {c} is in a word",
            f"*test if a word has the letter {c} in it",
            f"*return True for words with the letter {c} and False for others",
            f"*find out if the letter {c} is in a word",
        )
        wrong = (
            f'return "{c}" not in $word',
            f'return $word == "{c}"',
            f'return "{_after(c)}" in $word',
            f'return $word in "{c}"',
        )
        tests = [((word,), c in word) for word in (f"vv{c}v", "vvv", c, f"{c}{c}y")]
        yield task(f"has_letter_{c}", "word", WORD, f'return "{c}" in $word', says, tests, wrong)


def _letter(c: str) -> str:
    return ("an " if c in "aefhilmnorsx" else "a ") + c


def starts_with() -> Iterator[Task]:
    for c in LETTERS:
        says = (
            f"*check whether a word starts with the letter {c}",
            f"*return True if a word begins with {c}",
            f"*tell if the first letter of a word is {c}",
            f"*say whether a word starts with {c}",
            f"*test if a word has {c} as its first letter",
            f"*return True for words that start with {c} and False for others",
            f"*find out if a word begins with the letter {c}",
        )
        wrong = (
            f'return $word.endswith("{c}")',
            f'return $word.startswith("{_after(c)}")',
            f'return "{c}" in $word',
            f'return $word == "{c}"',
        )
        body = f'return $word.startswith("{c}")'
        tests = [((word,), word[:1] == c) for word in (f"{c}vy", f"vy{c}", c, "vyv")]
        yield task(f"starts_with_{c}", "word", WORD, body, says, tests, wrong)


def ends_with() -> Iterator[Task]:
    for c in LETTERS:
        says = (
            f"*check whether a word ends with the letter {c}",
            f"*return True if a word ends in {c}",
            f"*tell if the last letter of a word is {c}",
            f"*say whether a word ends with {c}",
            f"*test if a word has {c} as its last letter",
            f"*return True for words that end with {c} and False for others",
            f"*find out if a word ends in the letter {c}",
        )
        wrong = (
            f'return $word.startswith("{c}")',
            f'return $word.endswith("{_after(c)}")',
            f'return "{c}" in $word',
            f'return $word == "{c}"',
        )
        body = f'return $word.endswith("{c}")'
        tests = [((word,), word[-1:] == c) for word in (f"{c}vy", f"vy{c}", c, "vyv")]
        yield task(f"ends_with_{c}", "word", WORD, body, says, tests, wrong)


def remove_letter() -> Iterator[Task]:
    for c in LETTERS:
        says = (
            f"*remove the letter {c} from a word",
            f"*return a word without the letter {c}",
            f"*take every {c} out of a word",
            f"*give back a word with every {c} removed",
            f"*drop the letter {c} from a word",
            f"*take a word and *remove every {c}",
            f"*return a word with no letter {c} in it",
        )
        wrong = (
            f'return $word.replace("{c}", " ")',
            f'return $word.replace("{_after(c)}", "")',
            f'return $word.strip("{c}")',
            "return $word[1:]",
        )
        body = f'return $word.replace("{c}", "")'
        tests = [((word,), "".join(x for x in word if x != c)) for word in (f"v{c}y{c}v", "vyv", f"{c}v")]
        yield task(f"remove_letter_{c}", "word", WORD, body, says, tests, wrong)


SHAPES = (
    repeat,
    first_letters,
    last_letters,
    longer_than,
    count_letter,
    has_letter,
    starts_with,
    ends_with,
    remove_letter,
)
