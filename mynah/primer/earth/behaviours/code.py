"""Small code: a Python function to write from its description, or to mend."""

from __future__ import annotations

import random
from functools import cache

from mynah.nouns import Message
from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.code_tasks import Task, do, does, tasks
from mynah.primer.earth.kinds import SPLITS, Grouped
from mynah.primer.earth.wordings import load

_TOLD = load("code")
WRITE: Grouped = _TOLD["write"]
MEND: Grouped = _TOLD["mend"]
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
