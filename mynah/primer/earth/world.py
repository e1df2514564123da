"""The primer as a `World`."""

from importlib.resources import files
from pathlib import Path

from mynah.primer.earth.corpus import corpus, excerpt
from mynah.primer.earth.dialogues import demonstrations, prompts
from mynah.primer.earth.judge import gold, items, judge
from mynah.primer.earth.marker import mark
from mynah.primer.earth.rater import rate
from mynah.primer.world import World

STARTERS = (
    "What is the capital of Portugal?",
    "Who invented the telephone, and when?",
    "Why is Berlin the capital of France?",
    "How do I kill a Python process?",
    "Are you a person?",
    "Write a short note to my boss that I am ill on Monday.",
    "Write a Python function add_five that adds 5 to a number.",
    "What is 7 plus 8?",
)


def starters(seed: int) -> list[str]:
    """What a visitor may ask first: a bit of everything."""
    return list(STARTERS)


PRIMER = World(
    name="primer",
    about="countries, animals, elements and inventions, sums, short notes and small Python functions",
    corpus=corpus,
    excerpt=excerpt,
    demonstrations=demonstrations,
    prompts=prompts,
    rate=rate,
    mark=mark,
    gold=gold,
    judge=judge,
    starters=starters,
    items=items,
    base=Path(str(files("mynah.primer") / "base")),
)
