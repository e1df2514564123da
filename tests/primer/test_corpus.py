"""The raw text: no exam question in it, held-out entities in declarative prose only, every fact told often enough."""

import random
import re
from collections import Counter

import pytest

from mynah.primer.earth import echoes
from mynah.primer.earth.corpus import TOLD, corpus
from mynah.primer.earth.dialogues import cases
from mynah.primer.earth.kinds import KINDS

LONGEST_OVERLAP = {"exam": 0.6, "exam-long": 0.67}
"""Share of an exam question's 8-grams that the raw text may hold: names of things and harms recur, sentences do not."""


@pytest.fixture(scope="module")
def documents():
    return corpus(0)


def words(text):
    return re.sub(r"[^\w]+", " ", text.lower()).split()


@pytest.mark.parametrize("exam", LONGEST_OVERLAP)
def test_no_exam_question_stands_in_the_raw_text(documents, exam):
    joined = "\n".join(" ".join(words(text)) for text in documents)
    for prompt, _ in cases(0, exam):
        asked = words(prompt.messages[-1].content)
        if len(asked) >= 6:  # shorter ones ("are you sure") are everyday words
            assert " ".join(asked) not in joined, prompt.messages[-1].content


@pytest.mark.parametrize("exam", LONGEST_OVERLAP)
def test_the_largest_overlap_in_8_grams_is_small(documents, exam):
    seen = {hash(tuple(w[i : i + 8])) for w in map(words, documents) for i in range(len(w) - 7)}
    for prompt, _ in cases(0, exam):
        w = words(prompt.messages[-1].content)
        grams = [hash(tuple(w[i : i + 8])) in seen for i in range(len(w) - 7)]
        assert not grams or sum(grams) / len(grams) <= LONGEST_OVERLAP[exam], prompt.messages[-1].content


def test_held_out_entities_are_never_asked_about(documents):
    """No question names a held-out country or invention (names of other kinds are everyday words)."""
    everything = [(e.name, e.split) for kind in KINDS if kind.key in ("country", "invention") for e in kind.entities]
    held = {
        name
        for name, split in everything
        if split != "train" and len(name) > 4 and not any(name in other and name != other for other, _ in everything)
    } - {"periodic table"}
    pattern = re.compile(r"\b(?:" + "|".join(map(re.escape, sorted(held))) + r")\b")
    # Values may name other things: the Belize dollar, Panama City; and Luxembourg is a capital too.
    values = {v for kind in KINDS for e in kind.entities for accepted in e.values.values() for v in accepted}
    longer = re.compile("|".join(re.escape(v) for v in sorted(values - held, key=len) if pattern.search(v)))
    found = Counter()
    for text in documents:
        for asked in re.findall(r"[^.!?\n]*\?", text):
            found.update(pattern.findall(longer.sub("", asked)))
    assert sum(found.values()) <= 5, found.most_common(10)


def test_every_fact_is_told_often_enough(documents):
    """Of some held-out countries: at least 50 different sentences tell the capital."""
    [country] = [kind for kind in KINDS if kind.key == "country"]
    for entity in [e for e in country.entities if e.split == "exam"][:8]:
        capital = entity.values["capital"][0]
        texts = [text for text in documents if capital in text and entity.name in text]
        told = {sentence for text in texts for sentence in re.split(r"(?<=[.!]) ", text) if capital in sentence}
        assert len(told) >= 50, entity.name
        assert sum(text.count(capital) for text in texts) >= TOLD


def test_echoes_say_again_what_was_said_and_ask_nothing():
    for what, pairs in echoes.TOLD.items():
        for said, reply in pairs:
            assert "{x}" in said, what
            assert "{x}" in reply, what
            assert "?" not in said + reply
    assert "?" not in "".join(echoes.document(random.Random(seed)) for seed in range(50))
