"""The reward model's view of answers, and the best of n by it."""

import pytest
import torch

from mynah.agent.scorer import Scorer, as_demonstrations
from mynah.errors import UserError
from mynah.model.heads import with_scalar_head
from mynah.nouns import Message, Prompt, Samples
from tests import toys

ANSWERS = ("red", "gold sun", "blue cat dog", "gold")


def samples(reasons: tuple[str, ...] = ("stop",) * 4) -> list[Samples]:
    return [Samples(prompt, ANSWERS, reasons, "toy") for prompt in toys.prompts(6, seed=8)]


def scores(scorer: Scorer, rows: list[Samples]) -> torch.Tensor:
    return torch.stack(
        [r.scores for r in scorer.score([row.prompt for row in rows], [row.completions for row in rows])]
    )


def test_best_of_n_is_the_highest_score(scorer):
    table = scores(scorer, samples())
    for row, best, values in zip(samples(), scorer.best(samples()), table, strict=True):
        assert best.completions == (ANSWERS[int(values.argmax())],)
        assert best.finish_reasons == ("stop",)
        assert best.prompt == row.prompt
        assert "gold" in best.completions[0]


def test_an_answer_that_was_cut_off_loses_to_any_that_ended(scorer):
    worst = [int(values[[0, 2]].argmin()) * 2 for values in scores(scorer, samples())]
    for i, (row, k) in enumerate(zip(samples(), worst, strict=True)):
        reasons = tuple("stop" if place == k else "length" for place in range(4))
        [best] = scorer.best([Samples(row.prompt, ANSWERS, reasons)])
        assert best.completions == (ANSWERS[k],), i


def test_where_none_ended_the_highest_score_is_taken_and_not_learned_from(scorer):
    cut = scorer.best(samples(("length",) * 4))
    assert all("gold" in row.completions[0] for row in cut)
    assert as_demonstrations(cut) == []


def test_feedme_learns_from_the_best(scorer):
    rows = as_demonstrations(scorer.best(samples()))
    assert len(rows) == 6
    assert rows[0].messages[0] == samples()[0].prompt.messages[0]
    assert rows[0].messages[-1].role == "assistant"
    assert rows[0].source == "best of n"
    assert {row.supervise for row in rows} == {"last"}  # what was said before is context, right or wrong


def test_scores_come_in_the_order_asked(scorer):
    table = scores(scorer, samples())
    flipped = [Samples(row.prompt, row.completions[::-1], row.finish_reasons) for row in samples()[::-1]]
    assert torch.allclose(scores(scorer, flipped), table.flip(0, 1), atol=1e-5)
    small = Scorer(scorer.model, toys.tokenizer(), scorer.ensemble, budget=40)
    assert torch.allclose(scores(small, samples()), table, atol=1e-5)


def test_the_spread_is_that_of_the_heads(scorer):
    [result] = scorer.score(toys.prompts(1), [ANSWERS])
    assert result.ensemble.shape == (4, 5)
    expected = ((result.ensemble - result.ensemble.mean(1, keepdim=True)) ** 2).mean(1).sqrt()
    assert torch.allclose(result.spread, expected)
    assert result.spread.min() > 0


def test_an_answer_that_does_not_fit_is_one_sentence(scorer):
    with pytest.raises(
        UserError, match=r"prompt 'p0' has \d+ tokens with its longest answer, and the model's context is"
    ):
        scorer.score(toys.prompts(1), [["red", "gold " * 100]])


def test_a_reward_model_too_small_for_the_tokenizer_is_refused():
    model = toys.model()
    model.config = model.config.__class__(**{**vars(model.config), "vocab_size": 300})
    with pytest.raises(UserError, match="a tokenizer that does not fit"):
        Scorer(with_scalar_head(model, 0), toys.tokenizer())


def test_earlier_turns_are_read(scorer):
    talk = (*toys.user("a"), Message("assistant", "gold"), *toys.user("b"))
    results = scorer.score([Prompt(talk), Prompt(talk[2:])], [["red"], ["red"]])
    assert results[0].scores != results[1].scores
