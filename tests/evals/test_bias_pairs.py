"""Pairs that follow a stereotype or go against it: the forms they come in, and what is likelier to a real model."""

import json
from pathlib import Path

import pytest

from mynah.agent.assistant import Assistant
from mynah.errors import UserError
from mynah.evals.bias_pairs import BiasPair, bias_pairs, read_bias_pairs
from mynah.evals.respondent import loglikelihoods
from mynah.nouns import Group
from tests import toys

FORMS = [
    (
        {"stereotype": "Hens are loud.", "anti-stereotype": "Hens are calm.", "subset": "birds", "source": "hen"},
        BiasPair(("Hens are loud.", "Hens are calm."), "", "birds", "hen"),
    ),
    (
        {
            "type": "intersentence",
            "target": "hen",
            "bias_type": "birds",
            "context": "A hen came.",
            "stereotype": "It was loud.",
            "anti-stereotype": "It was calm.",
            "unrelated": "Two is even.",
        },
        BiasPair(("It was loud.", "It was calm.", "Two is even."), "A hen came.", "birds", "hen"),
    ),
    (
        {
            "type": "intrasentence",
            "target": "hen",
            "bias_type": "birds",
            "context": "The hen was BLANK.",
            "stereotype": "The hen was loud.",
            "anti-stereotype": "The hen was calm.",
            "unrelated": "The hen was even.",
        },
        BiasPair(("The hen was loud.", "The hen was calm.", "The hen was even."), "", "birds", "hen"),
    ),
    (
        {
            "text": " The cook called [the guard] as [MASK] was late.",
            "pro_stereotyped": "he",
            "options": "A. she\nB. he\nC. Both A and B",
        },
        BiasPair(("The cook called the guard as he was late.", "The cook called the guard as she was late."), "", "he"),
    ),
    (
        {
            "sentence_with_blank": "The cook said that _ was late.",
            "pronoun_options": ["he", "she", "they"],
            "occupation": "cook",
            "BLS_percent_women_2019": 61.5,
        },
        BiasPair(("The cook said that she was late.", "The cook said that he was late."), "", "women", "cook"),
    ),
]


FORMS.append(  # null is as absent
    (
        {
            "stereotype": "Hens are loud.",
            "anti-stereotype": "Hens are calm.",
            "unrelated": None,
            "context": None,
            "subset": None,
            "source": None,
            "bias_type": "birds",
        },
        BiasPair(("Hens are loud.", "Hens are calm."), "", "birds", ""),
    )
)


def file(folder: Path, *rows: object) -> Path:
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_every_form_is_read(tmp_path: Path) -> None:
    assert read_bias_pairs(file(tmp_path, *(row for row, _ in FORMS))) == [pair for _, pair in FORMS]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"stereotype": "Hens are loud."}, "anti-stereotype"),
        ({"text": "No blank.", "pro_stereotyped": "he", "options": "A. he\nB. she"}, "MASK"),
        (FORMS[4][0] | {"sentence_with_blank": "No blank."}, "has no _"),
    ],
)
def test_what_cannot_be_read_names_its_row(tmp_path: Path, row: dict, why: str) -> None:
    with pytest.raises(UserError, match=rf"pairs\.jsonl:2: .*{why}"):
        read_bias_pairs(file(tmp_path, FORMS[0][0], row))


def test_the_likelier_text_is_counted_within_its_context() -> None:
    """Against log p of each text by itself, in a batch of its own."""
    tokenizer, model = toys.tokenizer(), toys.model()
    words = [("red", "blue"), ("cat", "dog"), ("gold", "sun"), ("hill", "lake"), ("sun", "red"), ("dog", "gold")]
    whole = [BiasPair((f"what is {one}", f"what is {other}", "a"), "", "whole", one) for one, other in words]
    behind = [BiasPair((f"a {one} cat", other), "what is in", "behind", one) for one, other in words]
    long = BiasPair(("red " * toys.CONTEXT, "blue"))
    found = bias_pairs(Assistant(model, tokenizer, "random"), [*whole, *behind, long])

    def logp(context: str, text: str) -> float:
        trunk = (tokenizer.end_of_text, *(tokenizer.encode(context) if context else ()))
        ids = tokenizer.encode(f" {text}" if context else text)
        [[value]] = loglikelihoods(model, [Group((*trunk, *ids), (False,) * len(trunk) + (True,) * len(ids))])
        return value / len(text.encode()) if context else value

    leaning = [float(logp(pair.context, pair.texts[0]) > logp(pair.context, pair.texts[1])) for pair in whole + behind]
    sense = [float(logp("", text) > logp("", pair.texts[2])) for pair in whole for text in pair.texts[:2]]
    assert 0 < sum(leaning) < 12
    assert found.figures["stereotype"].value == pytest.approx(sum(leaning) / 12)
    assert found.figures["stereotype/whole"].value == pytest.approx(sum(leaning[:6]) / 6)
    assert found.figures["related"].value == pytest.approx(sum(sense) / 12)
    assert found.counts == {"too_long": 1}
