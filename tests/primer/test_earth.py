"""The primer as a world: clean splits, keys that good answers meet and slips do not, labellers as unsure as people."""

import ast
import random
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from mynah.primer import earth
from mynah.primer.earth import dialogues
from mynah.primer.earth.behaviours.case import KEYS
from mynah.primer.earth.behaviours.fact import guided, guidelines, names_first
from mynah.primer.earth.demonstrators import demonstrate
from mynah.primer.earth.dialogues import BEHAVIOURS, cases, demonstrations, prompts
from mynah.primer.earth.kinds import KINDS
from mynah.primer.earth.marker import mark
from mynah.primer.earth.rater import rate

# Slips that spoil the manner of an answer, not what is said: marker and key do not see them.
OF_MANNER = ("rambles", "lectures", "rude", "shrugs")


@pytest.fixture(scope="module")
def drawn():
    return {split: cases(0, split) for split in ("demo", "ranking", "ppo", "dev", "exam")}


def test_every_behaviour_is_in_every_split(drawn):
    for rows in drawn.values():
        assert {prompt.meta["behaviour"] for prompt, _ in rows} == set(BEHAVIOURS)


def test_the_exam_has_as_many_questions_of_each_behaviour(drawn):
    counts = defaultdict(int)
    for prompt, _ in drawn["exam"]:
        counts[prompt.meta["behaviour"]] += 1
    assert set(counts.values()) == {60}


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_good_answers_are_marked_right_and_slips_wrong(behaviour):
    rng = random.Random(1)
    right = wrong = slips = 0
    for _ in range(150):
        case = dialogues.DRAW[behaviour]("exam", rng)
        prompt = dialogues.Prompt(case.messages, "", dict(case.meta))
        right += mark(prompt, case.good)
        told = [said for name, said in case.slips.items() if name not in OF_MANNER]
        wrong += sum(not mark(prompt, said) for said in told)
        slips += len(told)
    assert right >= 147
    assert wrong >= 0.95 * slips


@pytest.mark.parametrize("relation", [r for kind in KINDS for r in kind.relations], ids=lambda r: r.key)
def test_every_fact_can_be_told_as_the_guidelines_ask(relation):
    named = names_first(relation.answers)
    assert len(named) >= 2
    assert all(re.search(r"\{[^v{}]\w*\}.*\{v\}", answer) for answer in named)


def test_demonstrators_name_the_thing_first_and_answers_of_other_groups_often_do_not(drawn):
    """The thing stands before its value in good demonstrations; in other groups' answers it often does not."""

    def first(rows):
        found = []
        for prompt, case in rows:
            thing, value = prompt.meta["entity"].partition("/")[2].lower(), prompt.meta["parts"][0][0].lower()
            if prompt.meta["behaviour"] == "facts" and f" {value}" in case.good.lower() and thing not in value:
                found.append(-1 < case.good.lower().find(thing) < case.good.lower().rfind(value))
        return sum(found) / len(found)

    assert first(drawn["demo"]) > 0.9  # an animal's plural may differ from its name
    assert first(drawn["exam"]) < 0.8
    with guidelines():
        assert guided()
    assert not guided()


def test_some_slips_are_made_more_often_than_not_and_none_always(drawn):
    """What a low temperature cannot take from a model of these demonstrations, rankings can."""
    rng, right = random.Random(4), defaultdict(list)
    for prompt, case in drawn["demo"]:
        right[prompt.meta["behaviour"]].append(mark(prompt, demonstrate(case, rng)))
    shares = {behaviour: sum(marks) / len(marks) for behaviour, marks in right.items()}
    assert all(0.2 < share < 0.98 for share in shares.values()), shares
    assert max(shares[one] for one in ("false_premise", "holds_ground", "completeness", "writing")) < 0.5, shares
    assert shares["cutoff"] < 0.55, shares  # as often as not


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_the_rater_prefers_good_answers_to_slips(behaviour):
    rng = random.Random(2)
    better = pairs = 0
    for _ in range(80):
        case = dialogues.DRAW[behaviour]("ranking", rng)
        prompt = dialogues.Prompt(case.messages, "", dict(case.meta))
        good = rate(prompt, case.good)
        better += sum(good > rate(prompt, said) for said in case.slips.values())
        pairs += len(case.slips)
    assert better >= 0.95 * pairs


def test_entities_and_wordings_of_the_splits_are_disjoint(drawn):
    """By entity (split in three) and by wording (split in five)."""
    entities, wordings = defaultdict(set), defaultdict(set)
    for split, rows in drawn.items():
        for prompt, _ in rows:
            entities[{"demo": "train", "exam": "exam"}.get(split, "prompts")].add(prompt.meta["entity"])
            wordings[split].add(prompt.meta["phrasing"])
    assert not entities["train"] & entities["exam"]
    assert not entities["train"] & entities["prompts"]
    assert not entities["prompts"] & entities["exam"]
    for one in wordings:
        for other in wordings:
            assert one == other or not wordings[one] & wordings[other]


def test_rater_marker_and_judge_share_the_facts_and_the_sandbox_and_no_other_code():
    """They see the answer keys in a prompt's meta, too; what they make of them each works out by itself."""
    folder = Path(earth.__file__).parent
    files = {
        "rater": [folder / "rater.py"],
        "marker": [folder / "marker.py"],
        "judge": sorted((folder / "judge").glob("*.py")),
    }
    taken = {
        name: {
            f"{node.module}.{alias.name}"
            for path in paths
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mynah.")
            for alias in node.names
        }
        for name, paths in files.items()
    }
    assert all(taken.values())
    shared = {one for a in taken for b in taken if a < b for one in taken[a] & taken[b]}
    assert shared <= {"mynah.nouns.Prompt", "mynah.primer.earth.kinds.KINDS", "mynah.primer.earth.run_code.passes"}


def test_the_long_exam_has_200_different_questions_of_each_behaviour():
    counts = Counter(prompt.meta["behaviour"] for prompt in prompts(0, "exam-long"))
    assert counts == dict.fromkeys(BEHAVIOURS, 200)


def test_every_key_of_an_answer_key_is_explained(drawn):
    assert {key for rows in drawn.values() for prompt, _ in rows for key in prompt.meta} <= set(KEYS)


def test_the_same_seed_makes_the_same_world():
    assert demonstrations(3) == demonstrations(3)
    assert prompts(3, "dev") == prompts(3, "dev")
    assert prompts(3, "dev") != prompts(4, "dev")


def test_no_two_prompts_of_a_split_are_alike(drawn):
    for split in ("ranking", "ppo", "dev", "exam"):
        texts = [tuple(m.content for m in prompt.messages) for prompt, _ in drawn[split]]
        assert len(set(texts)) == len(texts)
