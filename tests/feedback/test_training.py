"""What of the evidence trains, and how much it weighs: each rule of docs/feedback.md."""

import random
from collections import Counter

import pytest
from sqlalchemy import func, select

from mynah import store
from mynah.feedback import groups
from mynah.feedback.freeze import freeze, rebuild
from mynah.feedback.training import Recipe, changed
from mynah.nouns import Message, SamplingParams
from mynah.store.content import write
from mynah.store.schema import dataset, dataset_row, gold_key, guideline, new_id, now, prompt, task
from tests.feedback.conftest import answered, asked, person
from tests.store.conftest import MODEL

pytestmark = pytest.mark.usefixtures("all_train")


SAMPLED = SamplingParams(seed=7)
QUESTIONS = [
    f"{a} {b} {a * 3}?"
    for a in ("owl", "kiwi", "heron", "wren", "robin", "crow", "finch", "swan")
    for b in "acegikmoqsuwy"
]


def add(tx, table, **row):
    id = new_id()
    tx.execute(table.insert(), {"id": id} | row)
    return id


def frozen(db, **recipe):
    return freeze(db, Recipe(now(), **recipe))


def test_a_ranking_keeps_its_ties_and_labellers_stay_apart(sqlite):
    with sqlite.writing() as tx:
        first, (a, b, c) = asked(tx, "Is it?", "Yes.", "No.", "Perhaps.")
        one, other = person(tx, "labeller"), person(tx, "labeller")
        wrong = store.rank(tx, one, first.prompt, {a: 3, b: 2, c: 1})
        store.rank(tx, one, first.prompt, {a: 1, b: 2, c: 2}, supersedes=wrong)
        store.rank(tx, other, first.prompt, {c: 1, b: 2, a: 3})
        store.rank(tx, other, first.prompt, {a: 1, b: 2}, all_bad=True)
    found = frozen(sqlite)
    rows = {row.labeller: row for row in found.comparisons}
    assert rows[one].completions == rows[other].completions == ("No.", "Perhaps.", "Yes.")  # so step 2 groups them
    assert (rows[one].ranks, rows[other].ranks) == ((2, 2, 1), (2, 1, 3))
    assert {row.weight for row in found.comparisons} == {1.0}
    assert found.gathered.left_out["rankings that call all answers bad"] == 1


def test_an_edit_is_a_comparison_and_shows_how_to_answer_if_it_changes_enough(sqlite):
    answer = "It is a red bird that sings in the morning."
    with sqlite.writing() as tx:
        for question, edit in (
            ("What is it?", answer.replace("red", "blue")),
            ("Who is there?", "A blue fish, I am told."),
        ):
            first, [completion] = asked(tx, question, answer)
            store.demonstrate(tx, first.owner, first.prompt, edit, edited_from=completion)
        same, [completion] = asked(tx, "What is what?", answer)
        store.demonstrate(tx, same.owner, same.prompt, answer.replace(" ", "  "), edited_from=completion)
        stopped, _ = asked(tx, "And where?", "x")
        cut = store.begin_answer(tx, stopped.prompt, store.know_model(tx, MODEL), SAMPLED, 5)
        store.finish_answer(tx, cut, "In the", finish_reason="cancelled", tokens=2)
        store.demonstrate(tx, stopped.owner, stopped.prompt, "In the old tree.", edited_from=cut)
    found = frozen(sqlite)
    shown = {row.messages[0].content: row for row in found.demonstrations}
    assert set(shown) == {"Who is there?", "And where?"}
    assert {row.supervise for row in found.demonstrations} == {"last"}  # a model gave the answers before it
    assert shown["Who is there?"].messages[-1] == Message("assistant", "A blue fish, I am told.")
    better = {row.prompt.messages[0].content: row.completions[row.ranks.index(1)] for row in found.comparisons}
    assert better == {"What is it?": answer.replace("red", "blue"), "Who is there?": "A blue fish, I am told."}
    assert changed(answer, answer.replace("red", "blue")) == pytest.approx(0.1)
    assert changed("今天天气很好", "明天天气很好") == pytest.approx(1 / 6)


def test_opposite_thumbs_are_a_light_pair_and_others_none(sqlite):
    with sqlite.writing() as tx:
        ann, bob = person(tx), person(tx)
        first, (a, b, c) = asked(tx, "Is it?", "Yes.", "No.", "Perhaps.", owner=ann)
        store.react(tx, ann, a, 1)
        store.react(tx, ann, b, -1)
        store.react(tx, ann, c, -1)
        store.react(tx, ann, c, 0)  # taken back
        _, (d, e) = asked(tx, "Was it?", "Yes.", "No.", owner=bob)
        store.react(tx, bob, d, 1)
        store.react(tx, ann, e, -1)  # by another person: that compares nothing
    [row] = frozen(sqlite, signs_share=1.0).comparisons
    assert (row.prompt.id, row.completions, row.ranks) == (first.prompt, ("No.", "Yes."), (2, 1))
    assert row.weight == pytest.approx(0.3)


def test_one_persons_thumbs_weigh_at_most_1_a_day(sqlite):
    with sqlite.writing() as tx:
        ann = person(tx)
        for question in QUESTIONS[:10]:
            _, (a, b) = asked(tx, question, "Yes.", "No.", owner=ann)
            store.react(tx, ann, a, 1)
            store.react(tx, ann, b, -1)
    rows = frozen(sqlite, signs_share=1.0).comparisons
    assert len(rows) == 10
    assert sum(row.weight for row in rows) == pytest.approx(1.0)


def test_500_thumbs_of_sock_puppets_move_less_than_1_percent(sqlite):
    """Whoever opens 250 accounts that each praise one answer and blame another."""
    with sqlite.writing() as tx:
        labellers = [person(tx, "labeller") for _ in range(9)]
        for question in QUESTIONS[:20]:
            first, (a, b) = asked(tx, question, "Good.", "Bad.")
            for labeller in labellers:
                store.rank(tx, labeller, first.prompt, {a: 1, b: 2})
        for number in range(250):
            if number % 25 == 0:
                first, (a, b) = asked(tx, QUESTIONS[20 + number // 25], "Good.", "Bad.")
            puppet = person(tx)
            store.react(tx, puppet, a, -1)
            store.react(tx, puppet, b, 1)
    rows = frozen(sqlite).comparisons
    total = sum(row.weight for row in rows)
    bought = sum(row.weight for row in rows if row.completions[row.ranks.index(1)] == "Bad.")
    assert len(rows) == 180 + 250
    assert 0 < bought / total < 0.010001
    alone = {row.labeller for row in rows if row.weight == 1}
    assert alone == set(labellers)


def test_votes_are_pairs_and_what_is_no_choice_is_none(db):
    with db.writing() as tx:
        ann = person(tx)
        first, (a, b, c) = asked(tx, "Is it?", "Yes.", "No.", "Perhaps.", owner=ann)
        store.prefer(tx, ann, "arena", a, b=b, outcome="b", left_side="a")
        store.prefer(tx, ann, "arena", b, b=a, outcome="b", left_side="a")  # thought again: a it is
        store.prefer(tx, ann, "arena", a, b=c, outcome="both_bad", left_side="b")
        store.prefer(tx, ann, "arena", b, b=c, outcome="tie", left_side="b")
        edit = store.demonstrate(tx, ann, first.prompt, "Certainly, yes it is.", edited_from=a)
        store.prefer(tx, ann, "edit", a, edit=edit, outcome="b")  # known from the edit
    rows = sorted((row.completions, row.ranks) for row in frozen(db).comparisons)
    assert rows == [
        (("Certainly, yes it is.", "Yes."), (1, 2)),
        (("No.", "Perhaps."), (1, 1)),
        (("No.", "Yes."), (2, 1)),
    ]


def test_everybody_whose_words_or_judgement_it_is_must_agree(db):
    with db.writing() as tx:
        silent, ann = person(tx, consents=False), person(tx)
        labeller = person(tx, "labeller", consents=False)
        for owner in (silent, ann):
            first, (a, b) = asked(tx, "Is it?", "Yes.", "No.", owner=owner)
            store.rank(tx, labeller, first.prompt, {a: 1, b: 2})
            store.demonstrate(tx, labeller, first.prompt, "It is.")
    assert frozen(db).comparisons == ()
    with db.writing() as tx:
        store.set_consent(tx, labeller, "training", True)
    found = frozen(db)
    assert [row.prompt.id for row in found.comparisons] == [first.prompt]
    assert len(found.demonstrations) == 1
    assert found.gathered.left_out["judgements without the consent of all whose they are"] == 2
    with db.writing() as tx:
        store.set_consent(tx, ann, "training", False)
    assert frozen(db).comparisons == ()


def test_temporary_chats_simulated_labels_and_gold_never_train(db):
    with db.writing() as tx:
        ann = person(tx)
        talk = store.start_conversation(tx, ann, temporary=True)
        secret = store.add_prompt(tx, store.add_message(tx, talk, Message("user", "A secret?"), author=ann))
        store.rank(tx, ann, secret, {answered(tx, secret, "Yes."): 1, answered(tx, secret, "No."): 2})
        first, (a, b) = asked(tx, "Is it so?", "Yes.", "No.")
        store.rank(tx, ann, first.prompt, {a: 1, b: 2}, source="simulated")
        measured, (c, d) = asked(tx, "What is gold made of?", "Gold.", "Tin.")
        store.rank(tx, ann, measured.prompt, {c: 1, d: 2})
        words = store.service_account(tx)
        rules = add(tx, guideline, version=1, content=write(tx, words, "Be fair."), author=ann)
        of = add(tx, task, kind="rank", prompt=measured.prompt, guideline=rules, wanted=1, origin="gold")
        add(tx, gold_key, task=of, expected={c: 1, d: 2}, author=ann)
    found = frozen(db)
    assert found.comparisons == found.demonstrations == ()
    assert +found.gathered.left_out == Counter(
        {
            "judgements in temporary chats": 1,
            "simulated judgements": 1,
            "judgements that measure people (gold)": 1,
        }
    )
    assert [row.prompt.id for row in frozen(db, simulated=True).comparisons] == [first.prompt]


def test_secrets_are_replaced_on_both_sides(sqlite):
    with sqlite.writing() as tx:
        first, (a, b) = asked(tx, "Write to ann@example.org", "Done, ann@example.org.", "Call +86 10 8888 6666.")
        store.rank(tx, first.owner, first.prompt, {a: 1, b: 2})
    found = frozen(sqlite)
    [row] = found.comparisons
    assert row.prompt.messages[0].content == "Write to [email]"
    assert row.completions == ("Call [phone].", "Done, [email].")
    assert found.gathered.scrubbed == Counter(email=2, phone=1)


def test_near_duplicates_are_on_one_side_for_good(sqlite, monkeypatch):
    monkeypatch.setattr(groups, "SHARES", {"test": 0.5, "validation": 0.0})

    def ask(question: str) -> str:
        with sqlite.writing() as tx:
            first, (a, b) = asked(tx, question, "Yes.", "No.")
            store.rank(tx, first.owner, first.prompt, {a: 1, b: 2})
            return first.prompt

    prompts = [ask(question) for question in QUESTIONS[:16]]
    train = {row.prompt.id for row in frozen(sqlite).comparisons}
    test = {row.prompt.id for row in frozen(sqlite, split="test").comparisons}
    assert train | test == set(prompts)
    assert not train & test
    assert 1 < len(test) < 15
    near = {ask(f"{question.upper()}!!"): before for question, before in zip(QUESTIONS, prompts, strict=False)}
    monkeypatch.setattr(groups, "SHARES", {"test": 0.0, "validation": 0.0})  # later draws change nothing
    now_test = {row.prompt.id for row in frozen(sqlite, split="test").comparisons}
    assert now_test == test | {after for after, before in near.items() if before in test}
    with sqlite.reading() as tx:
        assert tx.scalar(select(func.count()).where(prompt.c.prompt_group.is_(None))) == 0


def test_a_data_set_made_again_is_the_same_less_what_was_erased(db):
    with db.writing() as tx:
        first, (a, b) = asked(tx, QUESTIONS[0], "Yes.", "No.")
        second, (c, d) = asked(tx, QUESTIONS[1], "Yes.", "No.")
        labeller = person(tx, "labeller")
        for told_, good, bad in ((first, a, b), (second, c, d)):
            store.rank(tx, labeller, told_.prompt, {good: 1, bad: 2})
            store.demonstrate(tx, labeller, told_.prompt, "It is what it is.", edited_from=bad)
            store.react(tx, told_.owner, good, 1)
            store.react(tx, told_.owner, bad, -1)
    made = frozen(db)
    assert (len(made.demonstrations), len(made.comparisons), made.number) == (2, 6, 1)
    with db.writing() as tx:  # none of this had happened
        store.react(tx, first.owner, a, -1)
        store.rank(tx, labeller, first.prompt, {a: 2, b: 1})
        store.set_consent(tx, labeller, "training", False)
    again = {part.kind: part for part in rebuild(db, 1)}
    assert {kind: (part.same, part.erased) for kind, part in again.items()} == {
        "demonstrations": (True, 0),
        "comparisons": (True, 0),
    }
    assert again["comparisons"].rows == made.comparisons
    assert again["demonstrations"].rows == made.demonstrations
    with db.writing() as tx:
        store.erase_person(tx, first.owner)
    again = {part.kind: part for part in rebuild(db, 1)}
    assert {kind: (part.same, part.erased) for kind, part in again.items()} == {
        "demonstrations": (True, 1),
        "comparisons": (True, 3),
    }
    assert all(row.prompt.id == second.prompt for row in again["comparisons"].rows)
    with db.reading() as tx:
        assert tx.scalar(select(func.count()).select_from(dataset_row)) == 8
        assert {row.kind: row.rows for row in tx.execute(select(dataset))} == {"demonstrations": 2, "comparisons": 6}


def test_the_order_of_judging_changes_no_result(tmp_path, migrated):
    """The same story, told in another order, so under other ids."""
    told_ = [(question, grades) for question in QUESTIONS[:6] for grades in ((1, 2, 2), (3, 1, 2))]
    results = []
    for seed in (0, 1):
        db = store.open(tmp_path / f"{seed}.db")
        random.Random(seed).shuffle(told_)
        with db.writing() as tx:
            people, prompts = [person(tx, "labeller") for _ in range(2)], {}
            for question, grades in told_:
                if question not in prompts:
                    prompts[question] = asked(tx, question, *random.Random(seed).sample(["Yes.", "No.", "So?"], 3))
                first, completions = prompts[question]
                texts = dict(zip(random.Random(seed).sample(["Yes.", "No.", "So?"], 3), completions, strict=True))
                grade = dict(zip(("Yes.", "No.", "So?"), grades, strict=True))
                by = people[grades[0] == 1]
                store.rank(tx, by, first.prompt, {texts[text]: grade[text] for text in texts})
        rows = frozen(db).comparisons
        results.append(sorted((row.prompt.messages[0].content, row.completions, row.ranks, row.weight) for row in rows))
        db.close()
    assert results[0] == results[1]
    assert len(results[0]) == 12
