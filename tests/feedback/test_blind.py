"""Blind pairs: the vote counts for whom it was given, ties count half, and nothing is asked twice."""

import random

from mynah.feedback.blind import vote, votes
from mynah.nouns import Message, Prompt, Samples


def pairs(count):
    prompts = [Prompt((Message("user", f"question {i}"),), f"p{i}") for i in range(count)]
    ours = [Samples(p, (f"ours {p.id}",), ("stop",), "ppo") for p in prompts]
    theirs = [Samples(p, (f"theirs {p.id}",), ("stop",), "sft") for p in prompts]
    return ours, theirs


def answering(capsys, choose):
    """An `ask` that reads what was shown, as a person would."""

    def ask(_):
        shown = [line.strip() for line in capsys.readouterr().err.splitlines() if line.strip().startswith("(")]
        return choose(shown[-2:])

    return ask


def test_a_vote_counts_for_whose_answer_it_is_in_either_order(tmp_path, capsys):
    ours, theirs = pairs(12)
    random.seed(0)
    ask = answering(capsys, lambda shown: "1" if "ours" in shown[0] else "2")
    assert vote(ours, theirs, tmp_path / "votes.jsonl", 12, ask) == 12
    assert [row["wins"] for row in votes(tmp_path / "votes.jsonl", ours, theirs)] == [1.0] * 12


def test_ties_count_half_and_skipped_pairs_not_at_all(tmp_path):
    ours, theirs = pairs(4)
    said = iter(["0", "s", "what", "0", "q"])
    assert vote(ours, theirs, tmp_path / "votes.jsonl", 4, lambda _: next(said)) == 2
    assert [row["wins"] for row in votes(tmp_path / "votes.jsonl", ours, theirs)] == [0.5, 0.5]


def test_what_was_judged_before_is_not_asked_again(tmp_path):
    ours, theirs = pairs(5)
    path = tmp_path / "votes.jsonl"
    assert vote(ours, theirs, path, 2, lambda _: "0") == 2
    assert vote(ours, theirs, path, 2, lambda _: "0") == 0
    assert vote(ours, theirs, path, 5, lambda _: "0") == 3
    assert len({row["id"] for row in votes(path, ours, theirs)}) == 5


def test_a_vote_that_a_kill_cut_off_is_taken_back(tmp_path):
    ours, theirs = pairs(3)
    path = tmp_path / "votes.jsonl"
    vote(ours, theirs, path, 2, lambda _: "0")
    path.write_text(path.read_text()[:-10])
    assert len(votes(path, ours, theirs)) == 1
    assert vote(ours, theirs, path, 3, lambda _: "0") == 2


def test_votes_on_a_model_trained_again_since_do_not_count(tmp_path):
    ours, theirs = pairs(2)
    path = tmp_path / "votes.jsonl"
    vote(ours, theirs, path, 2, lambda _: "0")
    newer = [Samples(row.prompt, ("newer",), ("stop",), "ppo") for row in ours]
    assert votes(path, newer, theirs) == []
    assert vote(newer, theirs, path, 2, lambda _: "0") == 2


def test_identical_answers_are_not_shown(tmp_path):
    ours, _ = pairs(3)
    assert vote(ours, ours, tmp_path / "votes.jsonl", 3, lambda _: "0") == 0
