"""Every source form: recognised, converted into the rows that it means; mistakes named, nothing else raised."""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mynah.data.convert import clean, read, rows_of
from mynah.data.forms import FORMS, recognise
from mynah.data.rows import Row
from mynah.errors import UserError
from mynah.jsonl import Mistake
from mynah.nouns import Comparison, Demonstration, Message, Prompt
from tests.data import samples

TEA = Prompt((Message("user", "Tea?"),))


def convert(records: list[dict[str, Any]], form: str = "") -> tuple[list[Row], dict[str, int]]:
    """The rows of some records, and what was left out."""
    chosen = FORMS[form or recognise(records[0], "here")]
    joined = list(chosen.join([made for record in records for made in chosen.parse(record)]))
    left_out = Counter(row.why for row in joined if not isinstance(row, Row))
    return [row for row in joined if isinstance(row, Row)], dict(left_out)


def shown(*turns: str) -> tuple[Message, ...]:
    return tuple(Message(("user", "assistant")[i % 2], turn) for i, turn in enumerate(turns))


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_a_form_is_recognised_by_its_first_record(name: str) -> None:
    form, records = samples.SAMPLES[name]
    assert recognise(records[0], "here") == form


def test_a_file_of_no_known_form_is_refused_by_its_fields() -> None:
    with pytest.raises(UserError, match=r"f.jsonl:1: no known form of data has these fields \(x, y\)"):
        recognise({"x": 1, "y": 2}, "f.jsonl:1")


def test_hh_transcripts_part_at_the_last_answer() -> None:
    rows, left_out = convert(samples.HH)
    assert rows == [
        Comparison(Prompt(shown("Hi?", "Hello!", "Tea?")), ("Yes.", "No."), (1, 2), source="human"),
        Comparison(Prompt(shown("Rain?")), ("Some.", ""), (1, 2), source="human"),
    ]
    assert not left_out


def test_the_prompt_of_a_pair_may_be_called_messages() -> None:
    said = [{"role": "user", "content": "Hi?"}]
    rows, _ = convert([{"messages": said, "chosen": "Hello!", "rejected": "Go away."}])
    assert rows == [Comparison(Prompt(shown("Hi?")), ("Hello!", "Go away."), (1, 2))]


def test_hh_transcripts_that_part_earlier_or_end_with_the_human_are_left_out() -> None:
    earlier = {
        "chosen": samples.transcript("a", "b", "c", "d"),
        "rejected": samples.transcript("a", "x", "c", "d"),
    }
    human = {"chosen": samples.transcript("a", "b", "c"), "rejected": samples.transcript("a", "b", "d")}
    rows, left_out = convert([earlier, human])
    assert not rows
    assert left_out == {
        "conversations that part before the last answer": 1,
        "conversations that do not end with an answer": 1,
    }


@pytest.mark.parametrize("records", [samples.TREE, samples.FLAT], ids=["nested", "flat"])
def test_a_tree_gives_its_ranking_and_its_best_path(records: list[dict[str, Any]]) -> None:
    rows, _ = convert(records)
    [ranking] = [row for row in rows if isinstance(row, Comparison)]
    assert ranking.prompt == Prompt(TEA.messages, "r")
    assert dict(zip(ranking.completions, ranking.ranks, strict=True)) == {"Yes.": 1, "No.": 2, "Tea is wet.": 3}
    [demonstration] = [row for row in rows if isinstance(row, Demonstration)]
    assert demonstration.messages == shown("Tea?", "Yes.", "Green?", "Green.")


def test_deleted_messages_of_a_tree_are_left_out_with_what_follows() -> None:
    records = copy.deepcopy(samples.FLAT)
    records[2]["deleted"] = True  # "Yes."
    rows, left_out = convert(records)
    [ranking] = [row for row in rows if isinstance(row, Comparison)]
    assert ranking.completions == ("No.", "Tea is wet.")
    [demonstration] = [row for row in rows if isinstance(row, Demonstration)]
    assert demonstration.messages == shown("Tea?", "No.")
    assert sum(left_out.values()) == 1


def test_messages_without_their_parent_are_counted() -> None:
    rows, left_out = convert(samples.FLAT[1:])
    assert not rows
    assert left_out == {"messages whose parent is not in the file, with their replies": 3}


def test_a_tree_in_which_only_people_speak_has_no_answer() -> None:
    root, reply = copy.deepcopy(samples.FLAT[:2])
    rows, left_out = convert([root, reply | {"role": "prompter"}])
    assert not rows
    assert left_out == {"trees without an answer": 1}


def test_five_levels_become_ranks_with_ties_and_keep_their_strength() -> None:
    rows, _ = convert(samples.FIVE_LEVELS)
    assert [row.ranks for row in rows if isinstance(row, Comparison)] == [(1, 2), (1, 1), (2, 1)]
    assert [row.labeller for row in rows if isinstance(row, Comparison)] == ["p0", "p1", "p2"]
    assert rows[2] == Comparison(
        Prompt(TEA.messages, meta={"preference": "b-is-slightly-better", "completion_a_is_acceptable": "yes"}),
        ("No.", "Yes."),
        (2, 1),
        "p2",
        "human",
    )


def test_rewards_rank_answers_to_one_prompt_by_their_share_of_good_verdicts() -> None:
    rows, left_out = convert(samples.REWARDS)
    assert rows == [
        Comparison(TEA, ("Yes.", "No.", "Perhaps."), (1, 3, 2), source="human"),
        Demonstration(shown("Tea?", "Yes."), "human"),
    ]
    assert left_out == {"answers to prompts whose answers are all good or all bad; they make no ranking": 1}


def test_calls_and_responses_of_an_agent_are_text() -> None:
    context = [
        {"role": "user", "text": "Ham?"},
        {"role": "agent", "api": {"find": {"what": "ham"}}},
        {"role": "api", "response": {"find": ["ham"]}},
    ]
    record = {"context": json.dumps(context), "generation": {"role": "agent", "text": "There is."}, "reward": 1}
    [demonstration], _ = convert([record])
    assert isinstance(demonstration, Demonstration)
    assert demonstration.messages == (
        Message("user", "Ham?"),
        Message("assistant", '{"find": {"what": "ham"}}'),
        Message("tool", '{"find": ["ham"]}'),
        Message("assistant", "There is."),
    )


def test_trl_labels_are_rewards() -> None:
    rows, _ = convert(samples.LABELS)
    assert rows[0] == Comparison(TEA, ("Yes.", "No."), (1, 2), source="human")


def test_chatgpt_s_current_branch_is_a_demonstration_up_to_the_first_tool() -> None:
    rows, left_out = convert(samples.CHATGPT)
    assert rows == [
        Demonstration(shown("Tea?", "Yes.\n\nAnd milk."), "chatgpt"),
        Demonstration(shown("Tea?", "Yes."), "chatgpt"),
    ]
    assert left_out == {"conversations cut before a question whose answer rests on a tool or a picture": 1}


def test_a_chatgpt_path_in_a_circle_is_a_mistake() -> None:
    record = copy.deepcopy(samples.CHATGPT[0])
    record["mapping"]["2"]["parent"] = "5"
    with pytest.raises(Mistake, match="the path from current_node to the first message breaks at '5'"):
        convert([record])


def test_open_webui_thumbs_rank_siblings_and_end_demonstrations() -> None:
    rows, left_out = convert(samples.OPEN_WEBUI)
    assert rows == [
        Demonstration(shown("Tea?", "Yes."), "open-webui"),
        Comparison(TEA, ("No.", "Yes."), (2, 1), source="human"),
    ]
    assert sum(left_out.values()) == 1  # the thumb on "Blue." has no rival


def test_open_webui_s_arena_is_a_ranking() -> None:
    rows, _ = convert(samples.ARENA)
    assert rows == [Comparison(TEA, ("No.", "Yes."), (2, 1), "ann", "human")]


@pytest.mark.parametrize("name", ["string pairs", "implicit pairs", "mixed pairs", "own pairs"])
def test_pairs_in_all_their_forms(name: str) -> None:
    assert convert(samples.SAMPLES[name][1]) == ([Comparison(TEA, ("Yes.", "No."), (1, 2))], {})


@pytest.mark.parametrize(
    "name", ["completions", "message completions", "alpaca", "sharegpt", "turns", "parts", "own messages"]
)
def test_conversations_in_all_their_forms(name: str) -> None:
    assert convert(samples.SAMPLES[name][1]) == ([Demonstration(shown("Tea?", "Yes."))], {})


def test_prompts_as_strings() -> None:
    assert convert(samples.PROMPTS) == ([TEA], {})


def test_prompts_as_strings_keep_what_own_prompts_may_say() -> None:
    known = {"prompt": "Tea?", "answer": 72, "id": 7, "meta": {"topic": "tea"}, "subset": "hot"}
    assert convert([known]) == ([Prompt(TEA.messages, "7", {"topic": "tea", "subset": "hot"}, ("72",))], {})


@pytest.mark.parametrize("name", ["string pairs", "implicit pairs", "mixed pairs", "own pairs"])
def test_pairs_keep_what_own_pairs_may_say(name: str) -> None:
    more = {"id": 7, "weight": 0.25, "labeller": "ann", "source": "human", "meta": {"topic": "tea"}}
    kept = Comparison(Prompt(TEA.messages, "7", {"topic": "tea"}), ("Yes.", "No."), (1, 2), "ann", "human", 0.25)
    assert convert([samples.SAMPLES[name][1][0] | more]) == ([kept], {})


def test_equal_prompts_with_different_right_answers_are_no_copies() -> None:
    rows = [Prompt(TEA.messages, answers=(answer,)) for answer in ("yes", "no", "yes")]
    assert clean(rows, left_out := Counter()) == rows[:2]
    assert left_out == {"exact copies of earlier prompts": 1}


def test_null_is_no_name() -> None:
    nobody = {"instance_id": None, "evaluator": None}
    [five], _ = convert([samples.FIVE_LEVELS[0] | nobody])
    [arena], _ = convert([samples.ARENA[0] | {"user_id": None}])
    assert isinstance(five, Comparison)
    assert isinstance(arena, Comparison)
    assert (five.labeller, five.prompt.id, arena.labeller) == ("", "", "")


def test_null_beside_a_field_s_other_name_is_absent() -> None:
    said = [{"role": None, "from": "human", "content": None, "value": "Tea?"}, samples.say("assistant", "Yes.")]
    assert convert([{"messages": None, "conversations": said}]) == ([Demonstration(shown("Tea?", "Yes."))], {})
    context = [{"role": "api", "text": None, "api": None, "response": {"find": ["ham"]}}]
    [row], _ = convert([{"context": context, "generation": {"role": "agent", "text": "Ham."}, "reward": 1}])
    assert isinstance(row, Demonstration)
    assert row.messages[0] == Message("tool", '{"find": ["ham"]}')


@pytest.mark.parametrize(
    ("name", "path", "value", "sentence"),
    [
        ("hh", ("chosen",), 7, 'field "chosen": a string is needed.'),
        ("hh", ("chosen",), "Robot: Hi", 'field "chosen": a transcript that begins with'),
        ("tree", ("prompt", "replies", 0, "role"), "robot", "unknown value 'robot'; known are prompter, assistant"),
        ("flat", ("rank",), "first", 'field "rank": a whole number is needed'),
        ("flat", ("rank",), float("nan"), 'field "rank": a whole number is needed'),
        ("flat", ("rank",), float("inf"), 'field "rank": a whole number is needed'),
        ("five levels", ("preference",), "a", "unknown value 'a'; known are a-is-better"),
        ("rewards", ("reward",), 0.5, 'field "reward": 1 or true for a good answer'),
        ("rewards", ("context",), "[", 'field "context": not JSON'),
        ("rewards", ("context",), "9" * 5000, 'field "context": holds a number of thousands of digits'),
        ("rewards", ("context",), '["\\ud83d"]', 'field "context": holds half a character'),
        ("rewards", ("generation",), '{"role": "robot", "text": "x"}', "unknown value 'robot'"),
        ("chatgpt", ("mapping", "4", "message", "author", "role"), "robot", "unknown role 'robot'"),
        ("chatgpt", ("current_node",), "9", "breaks at '9'"),
        ("open webui", ("chat", "history", "messages", "1", "role"), "robot", "unknown role 'robot'"),
        ("open webui", ("chat", "history", "currentId"), "9", "'9' is not among the messages"),
        ("string pairs", ("prompt",), None, 'field "prompt": is missing'),
        ("implicit pairs", ("chosen", 0, "role"), "robot", "field \"chosen[0].role\": unknown role 'robot'"),
        ("sharegpt", ("conversations", 0, "from"), "robot", "field \"conversations[0].role\": unknown role 'robot'"),
        ("parts", ("messages", 0, "content", 0), {"type": "image_url"}, "holds something other than text"),
        ("own messages", ("messages", 0, "content"), 7, 'field "messages[0].content": a string is needed.'),
    ],
)
def test_mistakes_name_the_field(name: str, path: tuple[str | int, ...], value: Any, sentence: str) -> None:
    form, records = samples.SAMPLES[name]
    record = copy.deepcopy(records[0])
    place = record
    for step in path[:-1]:
        place = place[step]  # type: ignore[index]
    place[path[-1]] = value  # type: ignore[index]
    with pytest.raises(Mistake) as mistake:
        list(FORMS[form].parse(record))
    assert sentence in str(mistake.value)


def damaged(value: Any) -> Iterator[Any]:
    """Copies of a record in which one thing, somewhere, is missing or of another type."""
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in places:
        for other in (None, 7, "x", "", [], {}, [7], {"x": 7}, True, ["x"]):
            changed = copy.copy(value)
            changed[name] = other
            yield changed
        if isinstance(value, dict):
            yield {key: item for key, item in value.items() if key != name}
        for inner in damaged(item):
            changed = copy.copy(value)
            changed[name] = inner
            yield changed


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_whatever_is_wrong_with_a_record_is_a_mistake_and_never_a_crash(name: str) -> None:
    form, records = samples.SAMPLES[name]
    for record in damaged(records[0]):
        assert all(isinstance(other.recognise(record), bool) for other in FORMS.values())
        try:
            made = list(FORMS[form].parse(record))
        except Mistake:
            continue
        assert all(row is not None for row in FORMS[form].join(made))


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_every_form_reads_from_lines_and_from_a_list(name: str, tmp_path: Path) -> None:
    form, records = samples.SAMPLES[name]
    lines, whole = tmp_path / "f.jsonl", tmp_path / "f.json"
    lines.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    whole.write_text(json.dumps(records, indent=1), encoding="utf-8")
    one, other = read(lines), read(whole)
    assert one.form == other.form == form
    assert rows_of([one], Counter()) == rows_of([other], Counter())
