"""Tasks on a whole text: backwards, in capitals, without spaces."""

from __future__ import annotations

from collections.abc import Iterator

from mynah.primer.earth.code_tasks.names import WORD, named
from mynah.primer.earth.code_tasks.task import Names, Task, task

TEXTS = ("word", "name", "title", "line", "message", "sentence", "city", "poem", "song", "street", "question", "note")
SAMPLES = ("Moon", "green tea", "Ann Lee", "up")


def _texts() -> Iterator[tuple[str, tuple[Names, ...]]]:
    for noun in TEXTS:
        yield noun, named({"word": noun}, WORD)


def reverse_text() -> Iterator[Task]:
    for noun, names in _texts():
        says = (
            f"*reverse a {noun}",
            f"*return a {noun} backwards",
            f"*turn a {noun} around, with the last letter first",
            f"*give the letters of a {noun} in reverse order",
            f"*take a {noun} and *reverse it",
            f"*write a {noun} from back to front",
            f"*spell a {noun} backwards",
        )
        wrong = ("return $word", "return $word[-1]", "return $word[::2]", "return $word[1:]")
        tests = [((text,), "".join(reversed(text))) for text in SAMPLES]
        yield task(f"reverse_{noun}", "word", names, "return $word[::-1]", says, tests, wrong)


def capitals() -> Iterator[Task]:
    for noun, names in _texts():
        says = (
            f"*return a {noun} in capital letters",
            f"*put a {noun} in capitals",
            f"*write a {noun} in capital letters",
            f"*give a {noun} in capitals",
            f"*take a {noun} and *make every letter a capital",
            f"*turn all letters of a {noun} into capital letters",
            f"*change a {noun} to capital letters",
        )
        wrong = ("return $word.lower()", "return $word", "return $word.title()", "return upper($word)")
        tests = [((text,), text.upper()) for text in SAMPLES]
        yield task(f"{noun}_in_capitals", "word", names, "return $word.upper()", says, tests, wrong)


def small_letters() -> Iterator[Task]:
    for noun, names in _texts():
        says = (
            f"*return a {noun} in small letters",
            f"*put a {noun} in lower case",
            f"*write a {noun} in small letters",
            f"*give a {noun} in lower case",
            f"*take a {noun} and *make every letter small",
            f"*turn all letters of a {noun} into small letters",
            f"*change a {noun} to small letters",
        )
        wrong = ("return $word.upper()", "return $word", "return $word.title()", "return lower($word)")
        tests = [((text,), text.lower()) for text in (*SAMPLES, "LOUD")]
        yield task(f"{noun}_in_small_letters", "word", names, "return $word.lower()", says, tests, wrong)


def length() -> Iterator[Task]:
    for noun, names in _texts():
        says = (
            f"*return the length of a {noun}",
            f"*tell how long a {noun} is",
            f"*give the length of a {noun}",
            f"*take a {noun} and *return its length",
            f"*say how many characters a {noun} has",
            f"*count the characters of a {noun}",
            f"*find the length of a {noun}",
        )
        wrong = ("return $word", "return len($word) - 1", "return $word.length", 'return $word.count("e")')
        tests = [((text,), len(text)) for text in (*SAMPLES, "")]
        yield task(f"{noun}_length", "word", names, "return len($word)", says, tests, wrong)


def without_spaces() -> Iterator[Task]:
    for noun, names in _texts():
        says = (
            f"*remove the spaces from a {noun}",
            f"*return a {noun} without spaces",
            f"*take every space out of a {noun}",
            f"*give back a {noun} with all spaces removed",
            f"*drop the spaces of a {noun}",
            f"*take a {noun} and *remove every space",
            f"*return a {noun} with no spaces in it",
        )
        wrong = (
            "return $word.strip()",
            'return $word.replace("", " ")',
            'return $word.replace(" ", "-")',
            "return $word",
        )
        tests = [((text,), "".join(text.split(" "))) for text in ("a b c", "green tea", "up", "one two")]
        body = 'return $word.replace(" ", "")'
        yield task(f"{noun}_without_spaces", "word", names, body, says, tests, wrong)


def words_in() -> Iterator[Task]:
    for noun, names in _texts():
        if noun == "word":
            continue
        says = (
            f"*count the words in a {noun}",
            f"*return the number of words in a {noun}",
            f"*tell how many words a {noun} has",
            f"*give the number of words of a {noun}",
            f"*take a {noun} and *count its words",
            f"*say how many words are in a {noun}",
            f"*find out how many words a {noun} has",
        )
        wrong = (
            "return len($word)",
            "return $word.split()",
            'return $word.count(" ")',
            "return len($word.split()) + 1",
        )
        tests = [((text,), text.count(" ") + 1) for text in ("a b c", "green tea", "up", "the sea is blue")]
        yield task(f"words_in_{noun}", "word", names, "return len($word.split())", says, tests, wrong)


def first_letter() -> Iterator[Task]:
    for noun, names in _texts():
        says = (
            f"*return the first letter of a {noun}",
            f"*give the first letter of a {noun}",
            f"*tell with which letter a {noun} starts",
            f"*take a {noun} and *return its first letter",
            f"*pick the first letter from a {noun}",
            f"*say which letter of a {noun} comes first",
            f"*find the first letter of a {noun}",
        )
        wrong = ("return $word[1]", "return $word[-1]", "return $word[1:]", "return $word")
        tests = [((text,), text[0]) for text in SAMPLES]
        yield task(f"first_letter_of_{noun}", "word", names, "return $word[0]", says, tests, wrong)


def last_letter() -> Iterator[Task]:
    for noun, names in _texts():
        says = (
            f"*return the last letter of a {noun}",
            f"*give the last letter of a {noun}",
            f"*tell with which letter a {noun} ends",
            f"*take a {noun} and *return its last letter",
            f"*pick the last letter from a {noun}",
            f"*say which letter of a {noun} comes last",
            f"*find the last letter of a {noun}",
        )
        wrong = ("return $word[0]", "return $word[len($word)]", "return $word[:-1]", "return $word[1]")
        tests = [((text,), text[-1]) for text in ("Moon", "green tea", "Ann Lee", "cat")]
        yield task(f"last_letter_of_{noun}", "word", names, "return $word[-1]", says, tests, wrong)


SHAPES = (
    reverse_text,
    capitals,
    small_letters,
    length,
    without_spaces,
    words_in,
    first_letter,
    last_letter,
)
