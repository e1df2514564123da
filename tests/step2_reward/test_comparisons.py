"""Rankings as groups: what is held out, what is left out, what is refused."""

from dataclasses import replace

import pytest

from mynah.errors import UserError
from mynah.nouns import Comparison, Message, Prompt
from mynah.step2_reward.comparisons import build
from tests import toys


def ranked(text: str, *answers: str, ranks: tuple[int, ...] = (1, 2)) -> Comparison:
    return Comparison(Prompt(toys.user(text)), answers or ("red", "blue"), ranks)


def test_a_prompt_is_wholly_held_out_or_not():
    variants = []
    for i in range(60):
        text = f"What is in the hill {i}"
        variants += [ranked(text), ranked(text, "gold", "cat"), ranked(text.lower()), ranked(f"  {text.upper()} ")]
    groups = build(variants, toys.chat(), toys.CONTEXT, heldout=0.3)
    assert len(groups) == len(variants)
    sides = [tuple(group.heldout for group in groups[i : i + 4]) for i in range(0, len(groups), 4)]
    assert all(len(set(side)) == 1 for side in sides)
    assert 6 <= sum(side[0] for side in sides) <= 30


def test_the_split_depends_on_the_prompt_alone():
    rows = toys.rankings(40)
    one, other = (build(r, toys.chat(), toys.CONTEXT, 0.3) for r in (rows, rows[::-1]))
    assert [group.heldout for group in one] == [group.heldout for group in other][::-1]


def test_answers_that_read_alike_were_judged_once():
    """Of five answers that are two, one preference is left, and it weighs 1."""
    five = ranked("q", "red", "blue", "red", "red", "red", ranks=(2, 1, 2, 2, 2))
    assert [group.pairs for group in build([five], toys.chat(), toys.CONTEXT, 0.0)] == [((1, 0, 1.0),)]
    alike = ranked("q", "red", "red", ranks=(1, 1))
    with pytest.raises(UserError, match="none is left"):
        build([alike], toys.chat(), toys.CONTEXT, 0.0)


def test_an_answer_is_read_up_to_its_end_of_turn():
    [group] = build([ranked("q", "red", "")], toys.chat(), toys.CONTEXT, 0.0)
    assert [branch[-1] for branch in group.group.branches] == [toys.tokenizer().end_of_turn] * 2
    assert group.group.branches[1] == (toys.tokenizer().end_of_turn,)  # an empty answer is one, too
    assert list(group.group.trunk) == toys.chat().encode_prompt(toys.user("q"))


def test_prompts_that_differ_in_case_are_read_as_they_are():
    groups = build([ranked("say RED"), ranked("say red")], toys.chat(), toys.CONTEXT, 0.0)
    assert groups[0].group.trunk != groups[1].group.trunk


def test_tool_calls_in_a_prompt_are_fine():
    call = {"type": "function", "function": {"name": "look", "arguments": "{}"}}
    talk = (Message("user", "look"), Message("assistant", "", (call,)), Message("tool", "a lake"))
    [group] = build([Comparison(Prompt(talk), ("red", "blue"), (1, 2))] * 2, toys.chat(), 512, 0.0)
    assert group.pairs == ((0, 1, 1.0),)


def test_an_answer_longer_than_the_context_is_one_sentence():
    long = replace(ranked("what is in the hill 1", "red", "gold " * toys.CONTEXT), prompt=Prompt(toys.user("q"), "q7"))
    with pytest.raises(UserError, match=rf"prompt 'q7' has \d+ tokens .* context is {toys.CONTEXT}; shorten"):
        build([ranked("q"), long], toys.chat(), toys.CONTEXT, 0.0)


def test_an_answer_cut_off_at_the_contexts_edge_may_gain_its_end_there():
    prompt = toys.chat().encode_prompt(toys.user("q"))
    answer = toys.chat().encode_answer("red blue")
    [group] = build([ranked("q", "red blue", "red")], toys.chat(), len(prompt) + len(answer) - 1, 0.0)
    assert len(group.group.branches[0]) == len(answer)
    with pytest.raises(UserError, match="shorten the prompt or its answers"):
        build([ranked("q", "red blue", "red")], toys.chat(), len(prompt) + len(answer) - 2, 0.0)


def test_a_ranking_in_which_all_tie_is_left_out_and_alone_refused():
    tie = ranked("q1", ranks=(1, 1))
    [kept] = build([tie, ranked("q2")], toys.chat(), toys.CONTEXT, 0.0)
    assert kept.pairs == ((0, 1, 1.0),)
    with pytest.raises(UserError, match="of 1 rankings none is left to train on; rank more"):
        build([tie], toys.chat(), toys.CONTEXT, 0.0)
    with pytest.raises(UserError, match=r"lower reward\.heldout"):
        build([ranked("q2")], toys.chat(), toys.CONTEXT, heldout=1.0)


def test_a_tie_by_one_labeller_halves_the_other():
    [group] = build([ranked("q"), ranked("q", ranks=(1, 1))], toys.chat(), toys.CONTEXT, 0.0)
    assert group.pairs == ((0, 1, 0.5),)


def test_weight_1_is_what_it_was_to_the_bit_and_weight_0_is_absent():
    rows = [
        ranked("q", *"abcd", ranks=(1, 2, 3, 4)),
        ranked("q", *"abcd", ranks=(2, 1, 3, 3)),
        ranked("q", *"abcd", ranks=(4, 1, 2, 3)),
    ]
    [group] = build(rows, toys.chat(), toys.CONTEXT, 0.0)
    before: dict[tuple[int, int], float] = {}
    for row in rows:  # what every ranking's pairs weighed before there were weights
        for pair in row.pairs():
            before[pair] = before.get(pair, 0.0) + 1 / (4 * 3 / 2) / len(rows)
    assert {(better, worse): weight for better, worse, weight in group.pairs} == before
    silent = [replace(ranked("q", *"abcd", ranks=(1, 1, 1, 2)), weight=0.0), replace(ranked("other"), weight=0.0)]
    assert build([*silent, *rows], toys.chat(), toys.CONTEXT, 0.0) == [group]


def test_a_weight_multiplies_the_loss_and_divides_what_labellers_share():
    [alone] = build([replace(ranked("q"), weight=0.3)], toys.chat(), toys.CONTEXT, 0.0)
    assert alone.pairs == ((0, 1, pytest.approx(0.3)),)
    against = [ranked("q"), replace(ranked("q", ranks=(2, 1)), weight=0.25)]
    [soft] = build(against, toys.chat(), toys.CONTEXT, 0.0)
    assert soft.pairs == ((0, 1, pytest.approx(0.8)), (1, 0, pytest.approx(0.2)))
