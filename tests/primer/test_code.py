"""The code tasks: solutions pass, bugs fail, hostile answers are harmless, and groups keep apart."""

from __future__ import annotations

import random
import re
import time
from collections import Counter

import pytest

from mynah.primer.earth.behaviours.code import LEADS, WORDINGS, draw
from mynah.primer.earth.code_prose import document
from mynah.primer.earth.code_tasks import do, does, tasks
from mynah.primer.earth.kinds import GROUPS, SPLITS
from mynah.primer.earth.run_code import extract, passes

ADD = "def add_three(x):\n    return x + 3"
TESTS = [("add_three(1)", "4"), ("add_three(0)", "3"), ("add_three(-5)", "-2")]


def test_every_solution_passes_however_its_variables_are_called() -> None:
    for task in tasks():
        for names in task.names:
            assert passes(task.code(names), task.function, task.tests), task.code(names)


def test_every_bug_fails() -> None:
    for task in tasks():
        assert len(task.wrong_bodies) >= 2
        assert len({task.solution, *task.bugs}) == 1 + len(task.bugs), task.function
        for bug in task.bugs:
            assert not passes(bug, task.function, task.tests), bug


def test_tasks_are_many_and_each_shape_is_known_from_training() -> None:
    assert len({task.function for task in tasks()}) == len(tasks()) >= 300
    by_shape: dict[str, Counter[str]] = {}
    for task in tasks():
        by_shape.setdefault(task.shape, Counter())[task.split] += 1
        assert len(task.tests) >= 3
        assert len(task.says) == len(set(task.says)) >= 6
        assert 2 <= len(task.solution.split("\n")) <= 4
    assert len(by_shape) >= 40
    assert all(splits["train"] >= 3 or set(splits) == {"train"} for splits in by_shape.values())
    for said in {said for task in tasks() for said in task.says}:
        assert said.startswith("*")
        assert said.isascii()
        assert not said.endswith(".")


def test_descriptions_of_a_task_are_dealt_to_the_groups() -> None:
    for task in tasks():
        dealt = [said for group in GROUPS for said in task.said(group)]
        assert sorted(dealt) == sorted(task.says)


def test_verbs_are_said_in_both_forms() -> None:
    said = "*take a word and *multiply it"
    assert do(said) == "take a word and multiply it"
    assert does(said) == "takes a word and multiplies it"
    assert [does(f"*{verb}") for verb in ("say", "wrap", "find", "reverse")] == ["says", "wraps", "finds", "reverses"]


def test_no_wording_is_in_two_groups() -> None:
    for intent in WORDINGS.values():
        wordings = [wording for group in GROUPS for wording in intent[group]]
        assert len({wording.lower() for wording in wordings}) == len(wordings)
        assert len(intent["demo"]) >= 12
        assert all(len(intent[group]) >= 3 for group in GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_draws(group: str) -> None:
    rng = random.Random(f"{group}/code")
    cases = [draw(group, rng) for _ in range(250)]
    assert len({case.messages[-1].content for case in cases}) >= 180
    splits = {task.function: task.split for task in tasks()}
    leads = [lead.partition("{")[0] for several in LEADS.values() for lead in several]
    for case in cases:
        meta = case.meta
        assert meta["phrasing"].split("/")[1] == group
        assert splits[meta["entity"]] == SPLITS[group]
        assert meta["function"] in case.messages[-1].content
        assert "{" not in case.messages[-1].content + case.good or meta["entity"].startswith("get_")
        assert passes(case.good, meta["function"], meta["tests"])
        assert case.good.startswith(("def ", *leads))
        assert "```" not in case.good
        for slip in ("bug", "talks"):
            assert not passes(case.slips[slip], meta["function"], meta["tests"]), case.slips[slip]
        assert len(case.slips["rambles"]) > len(case.good) + 100
        if meta["intent"] == "mend":
            assert not passes(case.messages[-1].content, meta["function"], meta["tests"])
    assert {case.meta["intent"] for case in cases} == {"write", "mend"}


def test_draws_repeat_with_the_seed() -> None:
    assert draw("exam", random.Random(3)) == draw("exam", random.Random(3))


def _pattern(wording: str) -> re.Pattern[str]:
    """Matches every request in this wording; its groups are the functions it speaks of."""
    pattern = re.escape(wording).replace(r"\{f\}", r"(\w+)").replace(r"\{code\}", r"def (\w+)[\s\S]+?")
    return re.compile(pattern.replace(r"\{do\}", "[^\n]+?").replace(r"\{does\}", "[^\n]+?"))


def test_documents_ask_for_train_functions_only() -> None:
    rng = random.Random(5)
    documents = [document(rng) for _ in range(1500)]
    assert len(set(documents)) > 1450
    held_out = {task.function for task in tasks() if task.split != "train"}
    patterns = {group: [_pattern(w) for intent in WORDINGS.values() for w in intent[group]] for group in GROUPS}
    named: set[str] = set()
    asked: set[str] = set()
    for text in documents:
        assert 30 <= len(text.split()) <= 120, text
        assert text.isascii()
        named |= held_out & set(re.findall(r"\w+", text))
        for group in GROUPS:
            for match in (match for pattern in patterns[group] for match in pattern.finditer(text)):
                assert group == "demo", match[0]
                asked |= set(match.groups())
    assert len(named) > len(held_out) / 2
    assert len(asked) > 100
    assert not asked & held_out
    assert all("?" not in text or not held_out & set(re.findall(r"\w+", text)) for text in documents)


@pytest.mark.parametrize(
    "answer",
    [
        ADD,
        f"Here it is:\n{ADD}\n\nIt adds 3.",
        f"Sure!\n\n```python\n{ADD}\n```\nYou are welcome.",
        "import math\n\ndef add_three(x):\n\n    return math.floor(x + 3)\n",
        "def three():\n    return 3\n\n\ndef add_three(x):\n    return x + three()\nThat is all.",
        "def add_three(x): return x + 3",
        "def add_three(\n    x,\n):\n    return x + 3",
        'def add_three(x):\n    print("adding")\n    return x + 3',
    ],
)
def test_code_is_found_in_an_answer(answer: str) -> None:
    assert passes(answer, "add_three", TESTS)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "You add 3 to the number.",
        "def add_three(x)\n    return x + 3",
        "def add_four(x):\n    return x + 3",
        "def add_three(x):\n    x + 3",
        "def add_three(x):\n    print(x + 3)",
        "def add_three(x):\n    return float(x + 3)",
        "def add_three(x):\n    return str(x + 3)",
        "def add_three(x):\n    return y + 3",
        "def add_three(x, y):\n    return x + 3",
        "add_three = lambda x: x + 3",
        "def add_three(x):\nreturn x + 3",
    ],
)
def test_wrong_answers_fail(answer: str) -> None:
    assert not passes(answer, "add_three", TESTS)


@pytest.mark.parametrize(
    "line",
    [
        "while True:\n        pass",
        "while True:\n        try:\n            add_three(x)\n        except BaseException:\n            pass",
        "while True:\n        print('a' * 1000)",
        "return sum(range(10 ** 12))",
        "return [0] * 10 ** 10",
        "return 'a' * 10 ** 9",
        "rows = []\n    while True:\n        rows.append('a' * 1000)",
        "return 9 ** 9 ** 9",
        "return 10 ** 5000",
        "return add_three(x)",
        "a = []\n    for i in range(100000):\n        a = [a]\n    return a",
        "import os\n    return os.listdir('/')",
        "import os\n    return os.environ['HOME']",
        "import os\n    os.system('true')\n    return x + 3",
        "import subprocess\n    return x + 3",
        "import socket\n    return x + 3",
        "import time\n    time.sleep(100)",
        "return open('/etc/hostname').read()",
        "return __import__('os').getcwd()",
        "return input()",
        "exit()",
        "class Four:\n        def __repr__(self):\n            return '4'\n    return Four()",
        "return '\\ud800'",
        "return " + "(" * 5000 + "x" + ")" * 5000,
        "return \ud800",
        "return \x00",
    ],
)
def test_hostile_answers_fail_quickly(line: str) -> None:
    started = time.monotonic()
    assert not passes(f"def add_three(x):\n    {line}", "add_three", TESTS)
    assert time.monotonic() - started < 5  # half a second on a quiet machine
    assert passes(ADD, "add_three", TESTS)


def test_answers_do_not_see_each_other() -> None:
    assert passes("def three():\n    return 3\ndef add_three(x):\n    return x + three()", "add_three", TESTS)
    assert not passes("def add_three(x):\n    return x + three()", "add_three", TESTS)


def test_only_code_is_extracted() -> None:
    assert extract("Do this:\ndef f(x):\n    return x\nAnd that.\n    indented prose") == "def f(x):\n    return x"
    assert extract("import duties are high.\nNo code here.") == ""
    assert extract("import antigravity\nis a joke.\ndef f():\n    return 1") == "def f():\n    return 1"
