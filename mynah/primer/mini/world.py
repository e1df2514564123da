"""The mini-world as a `World`."""

from mynah.primer.mini.corpus import corpus
from mynah.primer.mini.dialogues import demonstrations, prompts
from mynah.primer.mini.judge import gold, judge
from mynah.primer.mini.marker import mark
from mynah.primer.mini.rater import rate
from mynah.primer.world import World


def starters(seed: int) -> list[str]:
    """A question of each kind that the visitor may ask, from the dev split."""
    single = {p.meta["behaviour"]: p.messages[-1].content for p in prompts(seed, "dev") if len(p.messages) == 1}
    return list(single.values())


MINI = World(
    name="mini-world",
    about="a valley of invented villagers: what animals they are, where they live, what they eat",
    corpus=corpus,
    demonstrations=demonstrations,
    prompts=prompts,
    rate=rate,
    mark=mark,
    gold=gold,
    judge=judge,
    starters=starters,
)
