"""Raw text with code in it: functions with a sentence on what they do, small lessons, lists, notes on Python.

Functions outside the `train` split stand beside declarative sentences only; who asks for code asks for a `train` one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from mynah.primer.earth.behaviours.code import MEND, TALKS, WRITE
from mynah.primer.earth.code_tasks import Task, do, does, tasks

FEWEST_WORDS, MOST_WORDS = 30, 120
LONGEST_EXAMPLE = 64

INTRODUCTIONS = (  # before the code
    "The function {f} {does}.",
    "The function {f} {does}. Here is its code.",
    "{f} {does}.",
    "{f} is a function that {does}.",
    "Here is a Python function that {does}.",
    "Here is a small function named {f}. It {does}.",
    "With {f} you can {do}.",
    "To {do}, we use {f}.",
    "This short function {does}. Its name is {f}.",
    "A function called {f} {does}.",
    "Below is {f}, which {does}.",
    "The job of {f} is to {do}.",
    "We define {f} so that it {does}.",
    "If you want to {do}, define {f} like this.",
    "My program needs to {do}, so I wrote {f}.",
    "Last week I wrote {f}. It {does}.",
    "The next lines define {f}. It {does}.",
    "In our program there is a function whose job is to {do}. We call it {f}.",
    "I like {f} because it's so short. It {does}.",
    "The code for {f} is easy to read. It {does}.",
    "For the shop we had to {do}. So we made {f}.",
    "Somebody has to {do}, and {f} will.",
    "When you create a function like {f}, it {does}.",
    "A function must do one job. The one below {does}.",
    "Let us look at {f}, which {does}.",
    "It takes two or three lines to {do} in Python.",
    "I was looking for a function that {does}, and I found {f}.",
    "We are looking at a function whose name is {f}. It {does}.",
    "note: {f} {does}",
    "Next comes {f}. It is there to {do}.",
)
COMMENTS = (  # a line above the code
    "# {f}: {does}",
    "# This one {does}.",
    "# {does}",
    "# a function that {does}",
    "# to {do}",
)
AFTERWORDS = (  # below the code
    "As its name says, {f} {does}.",
    "That is all it takes to {do}.",
    "So {f} {does}.",
    "The code above {does}.",
    "Now {f} is ready to {do}.",
    "These lines define {f}, a function that {does}.",
    "That's how you {do} in Python.",
    "It {does}, and it does nothing else.",
)
EXAMPLES = (
    "{call} gives {value}.",
    "{call} returns {value}.",
    "For example, {call} is {value}.",
    "So the value of {call} is {value}.",
    "Try {call} and you get {value}.",
    "If you call {call}, the answer is {value}.",
    ">>> {call}\n{value}",
    "print({call})  # {value}",
    "assert {call} == {value}",
    "# {call} -> {value}",
    "The test {call} == {value} is passed.",
)
LIST_HEADS = (
    "Some functions and what they do:",
    "The functions in this file:",
    "Our little box of Python tools:",
    "What is in the program:",
    "Here is a list of small Python functions.",
    "Functions that we wrote this week:",
    "Notes on the code, by name:",
)
LIST_LINES = (
    "- {f} {does}", "- {f}: {does}", "* {f}, which {does}", "{f} {does}.", "{f} is there to {do}.", "- to {do}: {f}",
    "{f} - {does}",
)  # fmt: skip
LESSON_HEADS = (
    "A first lesson in Python.",
    "How to write a function, step by step.",
    "Python in a few lines.",
    "Today we learn about functions.",
    "A short lesson about code.",
    "Notes from my Python class.",
    "Small functions are the best way to start with Python.",
)
LESSON_STEPS = (
    ("Today we want to {do}.", "The function gets a name, {f}."),
    ("Think first about what goes in and what comes out.", "Our function {does}."),
    ("The first line starts with def, and then comes the name, {f}.", "The next lines stand four spaces to the right."),
    ("First write def and the name {f}.", "Then write in brackets what the function takes."),
    ("We want to {do}.", "So we write a function for it and call it {f}."),
    ("A good name tells what a function does.", "{f} {does}."),
    ("Open a new file and write these lines.", "They define {f}, and {f} {does}."),
)
LESSON_ENDS = (
    "The word return gives the value back.",
    "Do not forget the colon at the end of the first line.",
    "Save the file and run it.",
    "Without the word return you would get None.",
    "Now you can use {f} as often as you like.",
    "Change a line and see what happens.",
    "The name in brackets and the name in the last line must be the same.",
    "Test it with more than one value.",
)
PYTHON = (
    "Python is a language for writing programs.",
    "A program is a list of steps for a computer.",
    "A function is a piece of code with a name.",
    "A function starts with the word def.",
    "After def comes the name of the function, and then what it takes, in brackets.",
    "The first line of a function ends with a colon.",
    "The lines inside a function stand four spaces to the right.",
    "The word return gives a value back.",
    "A function without return gives back None.",
    "What stands in the brackets of a function is called an argument.",
    "A function can take one argument, two, or none at all.",
    "To call a function, write its name and then brackets.",
    "The plus sign adds two numbers.",
    "The minus sign subtracts one number from another.",
    "A star between two numbers multiplies them.",
    "A slash divides one number by another.",
    "Two slashes divide and drop the rest.",
    "Two stars raise a number to a power, so 2 ** 3 is 8.",
    "The percent sign gives the remainder, so 7 % 3 is 1.",
    "A number is even if its remainder by 2 is 0.",
    "A number is odd if its remainder by 2 is 1.",
    "A number n is divisible by 3 when n % 3 == 0.",
    "Two equal signs ask if two values are the same.",
    "One equal sign gives a name to a value.",
    "The sign > means larger than, and < means smaller than.",
    "A comparison is either True or False.",
    "True and False are written with a capital letter.",
    "The word if runs a line only when something is true.",
    "After if you can write else for all other cases.",
    "A loop repeats a block of lines.",
    "A for loop goes through a list, one item at a time.",
    "A while loop goes on as long as something is true.",
    "A list holds many values in square brackets.",
    "The first item of a list has the number 0.",
    "The last item of a list has the number -1, so items[-1] is the last one.",
    "items[:3] gives the first three items of a list.",
    "items[-3:] gives the last three items of a list.",
    "items[::-1] gives a list in reverse order.",
    "word[::-1] spells a word backwards.",
    "word[0] is the first letter of a word, and word[-1] is the last.",
    "len gives the length of a list or of a word.",
    "sum adds up all the numbers in a list.",
    "max gives the largest number in a list, and min gives the smallest.",
    "The average of a list is its sum divided by its length.",
    "sorted puts a list in order from small to large.",
    "With reverse=True, sorted begins with the largest.",
    "A text stands between quotes.",
    "You can join two texts with a plus sign.",
    "A text times 3 is the text three times in a row.",
    "upper turns a text into capital letters, and lower turns it into small letters.",
    "count tells how often a letter is in a word.",
    "replace puts one text in place of another.",
    "replace with an empty text removes something from a word.",
    "startswith looks at the start of a word, and endswith looks at its end.",
    "split cuts a text into a list of parts.",
    "join makes one text from a list of words, with a sign between them.",
    "The word in tells whether a letter is in a word.",
    "A dictionary keeps values under names, like a phone book.",
    "With square brackets you read a value from a dictionary.",
    "range(5) counts from 0 to 4.",
    "range(1, 6) counts from 1 to 5.",
    "print shows a value on the screen, but it does not return it.",
    "A line that starts with # is a comment, and Python does not run it.",
    "A bug is a mistake in a program.",
    "To mend, fix, repair or correct a bug means the same.",
    "A missing colon is a common mistake.",
    "Many bugs are wrong names or wrong signs.",
    "If a name is not known, Python stops with a NameError.",
    "A test calls a function and looks at what comes back.",
    "Short functions are easier to read than long ones.",
    "Good names make good code.",
    "Spaces at the start of a line mean something in Python.",
    "A file with Python code ends in .py.",
    "To create a function you only need two lines.",
    "Python was first released in 1991.",
    "Guido van Rossum made Python.",
    "min(x, 10) is never more than 10, and max(x, 10) is never less.",
    "A list can be built in one line with for and in.",
    "With an if at the end, such a line keeps only some of the items.",
)
MENDINGS = (  # {before} the broken code, {after} the right one
    "Yesterday {f} had a bug:\n{before}\nIt should {do}. This is the code that works:\n{after}",
    "The function {f} should {do}. This was wrong:\n{before}\nThis is right:\n{after}",
    "# broken\n{before}\n# mended, now it {does}\n{after}",
    "I wrote this first, and the tests failed:\n{before}\nThen I found the mistake. Now it {does}:\n{after}",
    "A bug report on {f}. It must {do}, but it did not. The old code:\n{before}\nThe new code:\n{after}",
    "Wrong:\n{before}\nRight:\n{after}\nNow {f} {does}.",
    "Our program stopped at {f}, which should {do}.\n{before}\nWe had to repair it. Below is the mended one.\n{after}",
)
ASKED = (  # {q} a request, {a} its answer
    "Q: {q}\nA:\n{a}",
    "Question: {q}\nAnswer:\n{a}",
    "{one}: {q}\n{other}:\n{a}",
    "{q}\n\n{a}",
    "{one} asked: {q}\n{other} wrote back:\n{a}",
    "{q}\n{other} had the answer.\n{a}",
    "From the forum: {q}\nBest answer:\n{a}",
)
PEOPLE = ("Ann", "Tom", "Mia", "Ben", "Sara", "Leo", "Nora", "Paul", "Eva", "Max", "Rita", "Omar", "Lena", "Jack")
THANKS = ("Thanks, that works!", "Great, thank you.", "It works now.", "That was quick, thanks.", "")


def document(rng: random.Random) -> str:
    """One document of 30 to 120 words."""
    makers = (_snippets, _snippets, _snippets, _listing, _lesson, _notes, _notes_with_code, _mending, _asking, _asking)
    pieces = rng.choice(makers)(rng)
    enough = rng.randint(FEWEST_WORDS + 5, MOST_WORDS - 40)
    text = ""
    while len(text.split()) < enough:
        longer = text + next(pieces)
        if len(longer.split()) <= MOST_WORDS:
            text = longer
        elif len(text.split()) >= FEWEST_WORDS:
            break
    return text.strip()


def _snippets(rng: random.Random) -> Iterator[str]:
    """Functions one after the other, now and then of one shape."""
    alike = rng.choice(tasks()).shape if rng.random() < 0.3 else ""
    while True:
        yield _snippet(rng.choice([task for task in tasks() if not alike or task.shape == alike]), rng) + "\n\n"


def _snippet(task: Task, rng: random.Random) -> str:
    """A function with what it does before it, above it or below it, and perhaps examples."""
    slots = _slots(task, rng)
    place = rng.random()
    if place < 0.55:
        parts = [rng.choice(INTRODUCTIONS).format(**slots), _code(task, rng)]
    elif place < 0.8:
        parts = [rng.choice(COMMENTS).format(**slots), _code(task, rng)]
    else:
        parts = [_code(task, rng), rng.choice(AFTERWORDS).format(**slots)]
    return "\n".join((*parts, *_examples(task, rng.choice((0, 0, 1, 1, 2)), rng)))


def _examples(task: Task, count: int, rng: random.Random) -> list[str]:
    template = rng.choice(EXAMPLES)
    short = [(call, value) for call, value in task.tests if len(call + value) <= LONGEST_EXAMPLE]
    return [template.format(call=call, value=value) for call, value in rng.sample(short, min(count, len(short)))]


def _listing(rng: random.Random) -> Iterator[str]:
    yield rng.choice(LIST_HEADS) + "\n"
    line = rng.choice(LIST_LINES)
    while True:
        yield line.format(**_slots(rng.choice(tasks()), rng)) + "\n"


def _lesson(rng: random.Random) -> Iterator[str]:
    """A small tutorial on one function; if that is short, on another one too."""
    yield rng.choice(LESSON_HEADS) + "\n"
    while True:
        task = rng.choice(tasks())
        slots = _slots(task, rng)
        ends = rng.sample(LESSON_ENDS, rng.randint(1, 2))
        lines = [
            " ".join(rng.choice(LESSON_STEPS)).format(**slots),
            _code(task, rng),
            *_examples(task, rng.randint(0, 2), rng),
            " ".join(ends).format(**slots),
        ]
        yield "\n".join(lines) + "\n"


def _notes(rng: random.Random) -> Iterator[str]:
    join = rng.choice((" ", " ", "\n"))
    while True:
        for sentence in rng.sample(PYTHON, len(PYTHON)):
            yield sentence + join


def _notes_with_code(rng: random.Random) -> Iterator[str]:
    while True:
        yield " ".join(rng.sample(PYTHON, rng.randint(1, 3))) + "\n"
        yield _snippet(rng.choice(tasks()), rng) + "\n"


def _mending(rng: random.Random) -> Iterator[str]:
    while True:
        task = rng.choice(_asked_for())
        yield rng.choice(MENDINGS).format(before=rng.choice(task.bugs), after=task.solution, **_slots(task, rng)) + "\n"
        yield rng.choice(PYTHON) + "\n"


def _asking(rng: random.Random) -> Iterator[str]:
    """Somebody asks for code, and mostly gets it."""
    layout = rng.choice(ASKED)
    while True:
        task = rng.choice(_asked_for())
        said = rng.choice(task.said("demo"))
        mend = rng.random() < 0.35
        slots = {"f": task.function, "do": do(said), "does": does(said), "code": rng.choice(task.bugs)}
        request = rng.choice((MEND if mend else WRITE)["demo"]).format(**slots)
        answer = task.solution
        if rng.random() < 0.12:
            answer = rng.choice(TALKS["mend" if mend else "write"]).format(**slots)
        one, other = rng.sample(PEOPLE, 2)
        yield layout.format(q=request, a=answer, one=one, other=other) + "\n"
        yield rng.choice(THANKS) + "\n"


@cache
def _asked_for() -> tuple[Task, ...]:
    return tuple(task for task in tasks() if task.split == "train")


def _slots(task: Task, rng: random.Random) -> dict[str, str]:
    said = rng.choice(task.says)
    return {"f": task.function, "do": do(said), "does": does(said)}


def _code(task: Task, rng: random.Random) -> str:
    """Its solution; half of the time as the assistant would write it, else with other names."""
    return task.solution if rng.random() < 0.5 else task.code(rng.choice(task.names))
