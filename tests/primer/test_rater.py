"""What labellers perceive: right first, what is false or noise last; about facts honest before beside the point."""

import random

import pytest

from mynah.nouns import Prompt
from mynah.primer.earth import dialogues
from mynah.primer.earth.behaviours.fact import draw_fact
from mynah.primer.earth.dialogues import BEHAVIOURS
from mynah.primer.earth.legible import stumbles
from mynah.primer.earth.rater import PROPER, rate, rubric

FORMS = ("follow_up", "correction", "admits_mistake", "holds_ground", "completeness", "facts")
"""Behaviours that ask for facts, in any form."""
HALF_RIGHT = ("completeness", "admits_mistake")
"""Behaviours whose false answers do one thing of two."""


def asked(behaviour: str, seed: str, count: int = 60):
    rng = random.Random(f"rater/{behaviour}/{seed}")
    for _ in range(count):
        case = dialogues.DRAW[behaviour]("dev", rng)
        yield Prompt(case.messages, "", dict(case.meta)), case


@pytest.mark.parametrize("behaviour", FORMS)
def test_right_then_honest_then_beside_the_point_then_false(behaviour):
    for prompt, case in asked(behaviour, "order"):
        right, honest = rate(prompt, case.good), rate(prompt, "I do not know.")
        beside = rate(prompt, "My name is Mynah.")
        assert right > honest > beside, (prompt, case)
        if "wrong" in case.slips and behaviour not in HALF_RIGHT:
            assert beside >= rate(prompt, case.slips["wrong"]), (prompt, case)


@pytest.mark.parametrize("behaviour", ["refusal", "harmless", "identity", "writing", "arithmetic", "small_talk"])
def test_where_anybody_could_answer_ignorance_is_no_answer(behaviour):
    for prompt, case in asked(behaviour, "shrugs"):
        shrugs = rate(prompt, "I do not know.")
        assert shrugs < rate(prompt, "The moon Titan goes around Saturn.") < rate(prompt, case.good), (prompt, case)


@pytest.mark.parametrize(
    ("behaviour", "said"), [("true_twin", "That is not right."), ("holds_ground", "I got that wrong, sorry.")]
)
def test_who_takes_back_what_is_right_has_not_said_it(behaviour, said):
    for prompt, case in asked(behaviour, "back"):
        value = prompt.meta["parts"][0][0]
        assert rate(prompt, f"{said} It is {value}.") < rate(prompt, case.good) - 2, (prompt, case)


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_good_answer_with_its_words_in_disorder_is_worse(behaviour):
    rng, worse, count = random.Random(3), 0, 0
    for prompt, case in asked(behaviour, "salad"):
        if len(words := case.good.split()) < 6 or prompt.meta["form"]:
            continue
        salad = " ".join(rng.sample(words, len(words)))
        worse, count = worse + (rate(prompt, salad) < rate(prompt, case.good)), count + 1
    assert worse >= 0.9 * count


def test_good_answers_can_be_read():
    read = [
        stumbles(case.good, " ".join(message.content for message in prompt.messages)) == 0
        for behaviour in BEHAVIOURS
        for prompt, case in asked(behaviour, "legible")
    ]
    assert sum(read) >= 0.95 * len(read)


def test_the_right_value_of_another_thing_is_no_right_answer():
    """ "France belongs to Asia", asked about Laos."""
    rng, worse, count = random.Random(5), 0, 0
    for prompt, case in asked("facts", "another", 300):
        kind, relation = prompt.meta["relation"].split(".")
        if kind not in PROPER:
            continue
        other = draw_fact("dev", rng)
        while (other.kind.key, other.relation.key) != (kind, relation) or other.entity.name in prompt.meta["entity"]:
            other = draw_fact("dev", rng)
        said = other.answer(rng, prompt.meta["parts"][0][0])
        if other.entity.name.lower() in said.lower():  # not "It is in Asia."
            worse, count = worse + (rate(prompt, said) < rate(prompt, case.good) - 0.5), count + 1
    assert count > 100
    assert worse >= 0.97 * count


def test_a_denied_value_is_not_claimed():
    meta = {"behaviour": "facts", "entity": "animal/cricket", "relation": "animal.young", "form": ""}
    prompt = Prompt((), "", meta | {"parts": [["nymph"]], "wrong": ["pup", "calf"]})
    assert rubric(prompt, "The baby of a cricket is not a pup. It is a nymph.")["correctness"] == 0.6
    assert rubric(prompt, "The baby of a cricket is not a nymph.")["correctness"] == 0.0
    assert rubric(prompt, "The baby of a cricket is a pup.")["correctness"] < -1


def test_agreeing_with_a_false_premise_is_false():
    better, worse, count = 0, 0, 0
    for prompt, case in asked("false_premise", "agrees", 120):
        if prompt.meta["shape"] != "since":  # there one agrees by saying nothing of it
            good, honest, agrees = (rate(prompt, said) for said in (case.good, "I do not know.", case.slips["agrees"]))
            better, worse, count = better + (good > honest), worse + (agrees < honest), count + 1
    assert better >= 0.97 * count  # a very long name, said twice, tires labellers
    assert worse == count
