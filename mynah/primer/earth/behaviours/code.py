"""Small code: a Python function to write from its description, or to mend."""

from __future__ import annotations

import random
from functools import cache

from mynah.nouns import Message
from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.code_tasks import Task, do, does, tasks
from mynah.primer.earth.kinds import SPLITS, Grouped

# {f} the function's name, {do} and {does} what it does, {code} the broken code.
WRITE: Grouped = {
    "demo": (
        "Write a Python function {f} that {does}.",
        "Write a function called {f} that {does}.",
        "Please write a function {f} which {does}.",
        "I need a Python function {f}. It should {do}.",
        "can you write a function {f} that {does}?",
        "Write {f} in Python. It {does}.",
        "Give me the Python code for {f}, a function that {does}.",
        "How do I write a function {f} that {does}?",
        "Define a function {f} that {does}.",
        "please code {f} for me, it should {do}",
        "I'd like a function named {f} that {does}. Can you write it?",
        "Show me a Python function called {f}. It should {do}.",
        "Make a function {f} that {does}.",
        "Python function wanted: {f}. Its job is to {do}.",
        "What is the code of a function {f} that {does}?",
    ),
    "ranking": (
        "Could you make me some Python code? Call it {f}. It {does}.",
        "My program needs a function {f} that {does}. Write it, please.",
        "i want python code that {does}, name it {f}",
        "Let us write {f}: a function whose job is to {do}.",
    ),
    "ppo": (
        "Help me with some Python: a function {f} that {does}.",
        "Create a function with the name {f}. It must {do}.",
        "What would you write for {f} if it should {do}?",
        "A short Python function, please: {f}. It {does}.",
    ),
    "dev": (
        "Do you know how to code a function {f} that {does}?",
        "Task: {f}. The function must {do}. Write the code.",
        "write some code: {f} {does}",
    ),
    "exam": (
        "I am looking for a Python function that {does}. Please call it {f}.",
        "Can you give me the code for a function? It is named {f} and it {does}.",
        "We need {f} in our program. It should {do}. How do we write it?",
        "In Python, write the function {f}, whose job it is to {do}.",
    ),
}
MEND: Grouped = {
    "demo": (
        "This function should {do} but does not work:\n{code}\nPlease mend it.",
        "Please fix this function. It should {do}.\n{code}",
        "There is a bug in {f}. It should {do}.\n{code}",
        "{code}\nThis does not work. It should {do}. Please mend it.",
        "My function {f} is wrong. It should {do}. Can you fix it?\n{code}",
        "Correct this code, so that it {does}:\n{code}",
        "Why does this not work? The function should {do}.\n{code}\nGive me the right code.",
        "Find the mistake and mend it. {f} should {do}.\n{code}",
        "Here is my code:\n{code}\nIt should {do}, but it has a bug. Please correct it.",
        "can you mend this? it should {do}\n{code}",
        "I wrote a function that {does}, but it is broken:\n{code}\nFix it for me.",
        "{code}\nPlease correct the bug. The function should {do}.",
        "Repair this Python function, which should {do}:\n{code}",
        "Something is wrong with {f}. Its job is to {do}.\n{code}\nHow do I fix it?",
    ),
    "ranking": (
        "Look at this code:\n{code}\nIt is meant to {do}, but it fails. Write it again without the bug.",
        "{f} must {do}. What I have is broken:\n{code}\nCan you repair it?",
        "The tests of {f} fail. It should {do}. Mend the code:\n{code}",
        "i have a bug here, the function should {do}\n{code}\nplease repair it",
    ),
    "ppo": (
        "Could you correct my Python? I want a function that {does}.\n{code}",
        "{code}\nWhat is wrong here? It should {do}. Show me the code that works.",
        "Make this function work. It has to {do}.\n{code}",
        "My program stops at this function. It should {do}. Please fix the code.\n{code}",
    ),
    "dev": (
        "Mend the bug in this Python code. It must {do}.\n{code}",
        "{code}\nThis should {do}. It does not. Can you make it work?",
        "help, this is broken and should {do}\n{code}",
    ),
    "exam": (
        "The code below has a mistake. It should {do}.\n{code}\nWrite the function so that it works.",
        "Can you find the bug in my function and fix it? It must {do}.\n{code}",
        "{code}\nI want this function to {do}, but it is wrong. Please repair the code.",
        "{f} does not do its job, which is to {do}. Correct it, please:\n{code}",
    ),
}
WORDINGS = {"write": WRITE, "mend": MEND}

LEADS = {
    "write": ("Here it is:", "Sure, here is {f}:", "Here is the function:", "This function {does}:"),
    "mend": ("Here it is, mended:", "This works:", "Here is {f} without the bug:", "Now it {does}:"),
}
TALKS = {
    "write": (
        "You could write that in a few lines. First you name the function, and then you say what it returns.",
        "A function like {f} is a good idea. It {does}, and that is all there is to it.",
        "In Python a function starts with the word def. After that you only need a line that {does}.",
        "Functions like {f} are useful. Many people have one that {does}.",
        "It is not hard to {do}. You should try it yourself, it is a good exercise.",
    ),
    "mend": (
        "There is a mistake in one of the lines. Look at it again and you will see it.",
        "The function should {do}, but it does something else. You have to change the line that is wrong.",
        "Bugs like this are common. Read the code slowly and check the names and the signs.",
        "I can see why {f} does not work. It is a small mistake, and you can fix it in a minute.",
        "Your function is nearly right. It only has to {do}, and now it does not.",
    ),
}
RAMBLES = (
    "As you can see, the function has a name, and the name says what it does.",
    "Python is a language that many people like, and so do I.",
    "There are of course many other ways to do it, some of them long and some of them short.",
    "You can use the function as often as you want, today or tomorrow or next year.",
    "A function takes something and gives something back, as functions do.",
    "Some people write their code in the morning and some write it at night.",
    "I could say much more about this, and about code in general.",
    "It is always a good idea to think about code before you write it.",
    "By the way, Python was named after a comedy show and not after a snake.",
    "One day you will look back at this function and smile.",
)


def draw(group: str, rng: random.Random) -> Case:
    """A request of this group, in equal shares to write a function and to mend one."""
    shapes = _shapes(SPLITS[group])
    task = rng.choice(rng.choice(shapes))
    intent = rng.choice(("write", "mend"))
    place = rng.randrange(len(WORDINGS[intent][group]))
    said = rng.choice(task.said(group))
    slots = {"f": task.function, "do": do(said), "does": does(said), "code": _broken(task, rng)}
    meta = {
        "behaviour": "code",
        "entity": task.function,
        "phrasing": f"code.{intent}/{group}/{place}",
        "parts": [[task.function]],
        "wrong": [],
        "form": "",
        "intent": intent,
        "tests": [list(test) for test in task.tests],
        "function": task.function,
    }
    lead = rng.choice(LEADS[intent]).format(**slots) + "\n" if rng.random() < 0.3 else ""
    # Who mends carelessly often gives the code back as it was.
    bug = slots["code"] if intent == "mend" and rng.random() < 0.5 else _broken(task, rng)
    rambling = rng.sample(RAMBLES, 4)
    slips = {
        "bug": lead + bug,
        "talks": rng.choice(TALKS[intent]).format(**slots),
        "rambles": f"{rambling[0]}\n{task.solution}\n{' '.join(rambling[1:])}",
    }
    asked = WORDINGS[intent][group][place].format(**slots)
    return Case((Message("user", asked),), meta, lead + task.solution, slips)


def _broken(task: Task, rng: random.Random) -> str:
    """Mostly a bug of the task's own, at times one that any function can have."""
    own = len(task.wrong_bodies)
    return rng.choice(task.bugs[:own] if rng.random() < 0.6 else task.bugs[own:])


@cache
def _shapes(split: str) -> tuple[tuple[Task, ...], ...]:
    """The tasks of a split by shape, so that a shape with few of them is asked for as often as the others."""
    by_shape: dict[str, list[Task]] = {}
    for task in tasks():
        if task.split == split:
            by_shape.setdefault(task.shape, []).append(task)
    return tuple(tuple(alike) for alike in by_shape.values())
