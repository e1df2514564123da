"""What tools were asked and said over /v1, as the page gets it: results with their calls, sources of answers."""

import json
import time
from collections.abc import Iterator

import openai
import pytest

from mynah import store
from mynah.nouns import Message
from mynah.server.api.parts import MOST_SOURCES, parts
from mynah.server.requests import ChatMessage
from mynah.server.tool_results import in_order, with_ids
from mynah.store import Database
from mynah.store.conversations import Said
from tests.server.conftest import Address, parrot, service, serving
from tests.server.tools import conversation, sources, tool

CALLS = [("search", {"q": "sky"}), ("clock", {})]
FOUND = sources(("Rayleigh", "https://a.example/r", "Blue is scattered most."), ("Mie", "https://b.example", ""))


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = store.open(tmp_path_factory.mktemp("tools") / "mynah.db")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def bird():
    return parrot("Hello.")


@pytest.fixture(scope="module")
def address(db, bird) -> Iterator[Address]:
    with serving(service(bird), db=db) as address:
        yield address


def newest(address: Address) -> dict:
    http = address.page()
    [talk, *_] = http.get("/api/conversations", params={"source": "api"}).json()["items"]
    return http.get(f"/api/conversations/{talk['id']}").json()


def test_calls_results_and_sources_are_parts_in_the_conversation_and_its_snapshot(address, bird):
    """The results come back in the other order, as from tools that ran side by side."""
    engine = bird.assistant.engine
    conversation(address.openai(), [engine], "Why blue?", CALLS, [FOUND, "noon"], "Scattered [1].", order=(1, 0))
    talk = newest(address)
    roles = [said["role"] for said in talk["messages"]]
    assert roles == ["user", "assistant", "tool", "tool", "assistant"]
    asked, called, found, told, answer = (said["parts"] for said in talk["messages"])
    assert asked == [{"type": "text", "text": "Why blue?"}]
    assert called == [
        {"type": "tool_call", "name": "search", "arguments": '{"q": "sky"}'},
        {"type": "tool_call", "name": "clock", "arguments": "{}"},
    ]
    assert found == [{"type": "tool_result", "name": "search", "text": FOUND}]
    assert told == [{"type": "tool_result", "name": "clock", "text": "noon"}]
    cited = {"title": "Rayleigh", "url": "https://a.example/r", "text": "Blue is scattered most."}
    assert answer == [
        {"type": "text", "text": "Scattered [1]."},
        {"type": "citation", "number": 1, **cited, "cited": True},
        {"type": "citation", "number": 2, "title": "Mie", "url": "https://b.example", "text": "", "cited": False},
    ]
    last = talk["messages"][-1]["id"]
    http = address.page()
    link = http.post(f"/api/conversations/{talk['id']}/share", json={"message": last}).json()["url"]
    shared = http.get(f"/api/shared/{link.rpartition('/')[2]}").json()["messages"]
    assert [said["parts"] for said in shared] == [asked, called, found, told, answer]


@pytest.mark.parametrize(
    ("answered", "complaint"),
    [
        (["a"], "1 of 2 calls have no message with their result"),
        (["a", "c"], "messages[3].tool_call_id answers no call"),
        (["a", "a"], "messages[3].tool_call_id answers a call a second time"),
    ],
)
def test_results_that_do_not_fit_the_calls_are_refused(address, answered, complaint):
    calls = [{"id": id, "type": "function", "function": {"name": "search", "arguments": "{}"}} for id in "ab"]
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "tool_calls": calls}]
    messages += [{"role": "tool", "tool_call_id": id, "content": "x"} for id in answered]
    with pytest.raises(openai.BadRequestError) as refused:
        address.openai().chat.completions.create(model="tiny", messages=messages, tools=[tool("search")])
    assert complaint in refused.value.body["message"]


def test_without_ids_the_order_is_the_clients_and_another_server_gets_the_ids_back():
    def messages(*ids):
        calls = [{"id": id, "function": {"name": "f", "arguments": "{}"}} for id in "ab"]
        said = {"role": "assistant", "tool_calls": calls}
        results = [{"role": "tool", "content": f"of {id}"} | ({"tool_call_id": id} if id else {}) for id in ids]
        return [ChatMessage.model_validate(one) for one in (said, *results)]

    assert [said.content for said in in_order(messages("b", "a"))] == ["", "of a", "of b"]
    assert [said.content for said in in_order(messages("b", None))] == ["", "of b", "of None"]
    assert [said.get("tool_call_id") for said in with_ids(in_order(messages("b", "a")))] == [None, "a", "b"]


def tree(*said: tuple[str, Message]) -> dict[str, list]:
    """Parts by id of messages `id: parent`; the id's last letter is the message's own."""
    ids = [id for id, _ in said]
    rows = [Said(id, id[:-1] or None, message, None, None, None, False) for id, message in said]  # type: ignore[arg-type]
    made = parts(rows)
    assert set(made) == set(ids)
    return made


def citations(made: list) -> list[tuple]:
    return [(part["number"], part["title"], part["cited"]) for part in made if part["type"] == "citation"]


def test_sources_are_numbered_on_from_the_question_in_each_branch():
    call = Message("assistant", "", ({"function": {"name": "search", "arguments": "{}"}},))
    one, two = (Message("tool", sources((name, "https://x.example", ""))) for name in ("one", "two"))
    made = tree(
        ("q", Message("user", "?")),
        ("qc", call),
        ("qc1", one),
        ("qc1d", Message("assistant", "As [1] says, I look on [2].", call.tool_calls)),
        ("qc1d2", two),
        ("qc1d2a", Message("assistant", "Both [1][2], not `[3]`.")),
        ("qc1d2aq", Message("user", "And now?")),
        ("qc1d2aqa", Message("assistant", "Nothing [1].")),
        ("qc2", two),  # another result of the same call
        ("qc2a", Message("assistant", "None.")),
    )
    assert citations(made["qc1d"]) == [(1, "one", True)]
    assert citations(made["qc1d2a"]) == [(1, "one", True), (2, "two", True)]
    assert citations(made["qc1d2aqa"]) == []
    assert citations(made["qc2a"]) == [(1, "two", False)]
    assert [made[id][0]["name"] for id in ("qc1", "qc2", "qc1d2")] == ["search"] * 3


@pytest.mark.parametrize(
    "result",
    [
        '{"sources": "x"}',
        '{"sources": [{"title": 1}]}',
        '{"sources": [{"title": "fine"}, "not"]}',
        '[{"sources": []}]',
        '{"sources": ' + "[" * 100_000,
        '{"sources": null} trailing',
        '"sources"',
    ],
)
def test_what_is_not_in_the_form_gives_no_sources(result):
    made = tree(("q", Message("user", "?")), ("qt", Message("tool", result)), ("qta", Message("assistant", "[1]")))
    assert citations(made["qta"]) == []
    assert made["qt"] == [{"type": "tool_result", "name": "", "text": result}]


def test_sources_have_their_limits_and_an_address_is_whole_or_not_there():
    found = [{"title": "t" * 1000, "url": "https://x.example/" + "u" * 3000, "text": "w" * 4000, "more": "m"}] * 150
    result = Message("tool", json.dumps({"sources": found}))
    said = ("q", Message("user", "?")), ("qt", result), ("qtt", result), ("qtta", Message("assistant", "."))
    listed = tree(*said)["qtta"][1:]
    assert len(listed) == MOST_SOURCES
    assert {len(part["title"]) for part in listed} == {300}
    assert {part["url"] for part in listed} == {""}
    assert {len(part["text"]) for part in listed} == {600}
    assert set(listed[0]) == {"type", "number", "title", "url", "text", "cited"}


def test_four_times_as_many_calls_take_four_times_as_long_not_sixteen():
    """Put in order and told; the best of some tries, since a stalled moment falls on either."""
    assert min(_told_in(20_000) / _told_in(5_000) for _ in range(4)) < 8


def _told_in(count: int) -> float:
    """Seconds of computing for an answer with so many calls whose results came in the wrong order."""
    ids = [f"call {i}" for i in range(count)]
    calls = [{"id": id, "function": {"name": id, "arguments": "{}"}} for id in ids]
    results = [{"role": "tool", "tool_call_id": id, "content": id} for id in reversed(ids)]
    said = [{"role": "user", "content": "?"}, {"role": "assistant", "tool_calls": calls}, *results]
    asked = [ChatMessage.model_validate(one) for one in said]
    began = time.process_time()
    ordered = in_order(asked)
    assert [one.content for one in ordered[2:]] == ids
    rows = [Said(str(i), str(i - 1) if i else None, one, None, None, None, False) for i, one in enumerate(ordered)]  # type: ignore[arg-type]
    made = parts(rows)
    assert made[str(len(rows) - 1)][0]["name"] == ids[-1]
    return time.process_time() - began
