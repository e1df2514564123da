"""The feedback list over HTTP, and that only admins see what is theirs to see."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from mynah import jsonl, store
from mynah.feedback import groups
from mynah.nouns import SamplingParams
from mynah.server.app import build_app
from mynah.store import access
from mynah.store.schema import now, user
from tests.server.conftest import running, served, service
from tests.store.conftest import MODEL, told


@pytest.fixture
def db(tmp_path):
    db = store.open(tmp_path / "mynah.db")
    yield db
    db.close()


def test_filters_pages_and_the_rule_about_words(db, small_home):
    with db.writing() as tx:
        yes, never = store.add_user(tx), store.add_user(tx)
        store.set_consent(tx, yes, "training", True)
        for person, words in ((yes, "open <b>words</b>"), (never, "closed words")):
            talk = told(tx, words, f"answer to {words}", person)
            store.react(tx, person, talk.completion, 1 if person == yes else -1, ["not_true"], "why: " + words)
    with running(build_app(service(served()), db, home=small_home)) as address, address.page() as http:
        ask = lambda **wanted: http.get("/api/feedback", params=wanted).json()  # noqa: E731
        first = ask(limit=1)
        [closed] = first["items"]
        assert (closed["rating"], closed["readable"], closed["asked"], closed["comment"]) == (-1, False, None, None)
        [opened] = ask(limit=1, after=first["next"])["items"]
        assert (opened["asked"], opened["comment"]) == ("open <b>words</b>", "why: open <b>words</b>")
        assert (opened["kind"], opened["model"], opened["reasons"]) == ("thumb", "tiny", ["not_true"])
        assert first["models"] == ["tiny"]
        assert ask(q="closed")["items"] == []
        assert [row["rating"] for row in ask(rating=-1)["items"]] == [-1]
        assert ask(kind="vote")["items"] == ask(model="other")["items"] == []
        assert ask(**{"from": "2999-01-01T00:00:00"})["items"] == []
        assert len(ask(to="2999-01-01")["items"]) == 2
        assert ask(kind="rumour")["error"]["param"] == "kind"
        assert "closed" not in http.get("/api/feedback").text


@pytest.mark.parametrize(
    "path",
    [
        "/api/feedback",
        "/api/runs",
        "/api/runs/demo",
        "/api/runs/demo/report",
        "/api/runs/nobody",
        "/api/served",
        "/api/datasets",
    ],
)
def test_only_admins(db, small_home, path):
    with db.writing() as tx:
        for name, role in (("ann", "admin"), ("lee", "labeller"), ("uma", "user")):
            store.add_user(tx, role, name)
    with running(build_app(service(served()), db, home=small_home, accounts=True)) as address, address.page() as http:
        assert http.get(path).status_code == 401
        for role, status in (("labeller", 403), ("user", 403), ("admin", 404 if "nobody" in path else 200)):
            http.cookies.set("mynah_session", session_of(db, role))
            assert http.get(path).status_code == status
        for role in ("labeller", "user"):
            http.cookies.set("mynah_session", session_of(db, role))
            for change in ("promote", "rollback"):
                body = {"run": "demo", "stage": "round-1/3-ppo"} if change == "promote" else {}
                assert http.post(f"/api/served/{change}", json=body).status_code == 403


def session_of(db, role: str) -> str:
    with db.writing() as tx:
        person = tx.scalar(select(user.c.id).where(user.c.role == role))
        return access.begin_session(tx, person, timedelta(hours=1))[1]


def test_what_people_judged_is_frozen_and_taken_along_as_training_data(db):
    with db.writing() as tx:
        yes, no = store.add_user(tx), store.add_user(tx)
        store.set_consent(tx, yes, "training", True)
        for i in range(40):  # a few sides are drawn for validation and test
            for person, words in ((yes, f"open {i} {'word ' * i}"), (no, f"closed {i} {'thing ' * i}")):
                talk = told(tx, words, "an answer", person)
                store.demonstrate(
                    tx, person, talk.prompt, f"better: write to ann{i}@example.org", edited_from=talk.completion
                )
    with running(build_app(service(served()), db)) as address, address.page() as http:
        made = http.post("/api/datasets", json={}).json()
        assert made["number"] == 1
        assert made["left_out"]["judgements without the consent of all whose they are"] > 20
        assert {part["kind"]: part["rows"] for part in http.get("/api/datasets").json()["items"]} == {
            part["kind"]: part["rows"] for part in made["items"]
        }
        answer = http.get("/api/datasets/1/demonstrations")
        assert answer.headers["content-disposition"] == 'attachment; filename="data-set-1-demonstrations.jsonl"'
        (path := db.file.with_name("out.jsonl")).write_bytes(answer.content)
        rows = jsonl.read_demonstrations(path)
        assert len(rows) > 20
        assert all(row.messages[0].content.startswith("open") for row in rows)
        assert all(row.messages[-1].content == "better: write to [email]" for row in rows)
        assert http.get("/api/datasets/2/demonstrations").status_code == 404
        assert http.get("/api/datasets/99999999999999999999/demonstrations").status_code in (400, 404)
        with db.reading() as tx:
            trail = tx.exec_driver_sql("SELECT action FROM audit ORDER BY number").scalars().all()
        assert trail == ["dataset.freeze", "dataset.download"]


TOPICS = "otter volcano sonata ledger tundra magnet pollen harbour quartz lantern".split()


def judged(db) -> datetime:
    """Edits, votes and thumbs, of two people of whom one consents and on two models; the moment in the middle."""
    elder = replace(MODEL, name="elder", weights="sha256:elder")
    with db.writing() as tx:
        people = {True: store.add_user(tx), False: store.add_user(tx)}
        for agrees, person in people.items():
            store.set_consent(tx, person, "training", agrees)
    for number, topic in enumerate(TOPICS):
        half = now()
        with db.writing() as tx:
            for agrees, person in people.items():
                talk = told(tx, f"{topic} of {agrees}, please", f"{topic} answer", person)
                stream = store.begin_answer(tx, talk.prompt, store.know_model(tx, elder), SamplingParams(), 5)
                other = store.finish_answer(tx, stream, f"{topic} elder", finish_reason="stop", tokens=3)
                if number % 3 == 0:
                    store.demonstrate(tx, person, talk.prompt, f"{topic} of mine", edited_from=talk.completion)
                elif number % 3 == 1:
                    outcome = "tie" if number % 2 else "b"
                    store.prefer(tx, person, "arena", talk.completion, b=other, outcome=outcome)
                else:
                    store.react(tx, person, talk.completion, 1)
                    store.react(tx, person, other, -1)
        if number == len(TOPICS) // 2:
            middle = half
    return middle


def listed_as_rows(rows: list[dict]) -> tuple[set, set]:
    """What readable rows of the list are as data: edited texts, and what is preferred to what in pairs of texts."""
    edits = {row["other"] for row in rows if row["kind"] == "edit"}
    pairs = {frozenset({(row["other"], 1), (row["answer"], 2)}) for row in rows if row["kind"] == "edit"}
    for row in rows:
        if row["kind"] == "vote":
            ranks = {"a": (1, 2), "b": (2, 1), "tie": (1, 1)}[row["outcome"]]
            pairs.add(frozenset(zip((row["answer"], row["other"]), ranks, strict=True)))
    thumbs: dict[str, set] = {}
    for row in rows:
        if row["kind"] == "thumb":
            thumbs.setdefault(row["asked"], set()).add((row["answer"], 1 if row["rating"] > 0 else 2))
    return edits, pairs | {frozenset(both) for both in thumbs.values() if len(both) > 1}


@pytest.fixture
def filtered(db, monkeypatch) -> Iterator[tuple]:
    """The service over what was judged, no prompt being kept for tests; and the moment in the middle."""
    monkeypatch.setattr(groups, "SHARES", {"test": 0.0, "validation": 0.0})
    middle = judged(db).isoformat()
    with running(build_app(service(served()), db)) as address, address.page() as http:
        yield http, middle


def test_what_is_listed_is_what_is_taken_along(filtered):
    http, middle = filtered
    for chosen in (
        {"kind": "edit"},
        {"kind": "vote"},
        {"kind": "thumb"},
        {"kind": "edit", "q": "ledger"},
        {"kind": "vote", "model": "elder"},
        {"kind": "edit", "from": middle},
        {"kind": "vote", "to": middle},
    ):
        rows, made, lines = listed_and_taken(http, chosen)
        edits, pairs = listed_as_rows([row for row in rows if row["readable"]])
        assert {row["messages"][-1]["content"] for row in lines["demonstrations"]} == edits, chosen
        assert pairs, chosen
        assert {
            frozenset((said[0]["content"], rank) for said, rank in zip(row["completions"], row["ranks"], strict=True))
            for row in lines["comparisons"]
        } == pairs, chosen
        assert "of False" not in json.dumps(lines)  # who does not consent
        assert "q" in chosen or any(not row["readable"] for row in rows)
        assert all(part["listed"].keys() == chosen.keys() for part in made["items"])


def test_what_says_nothing_by_itself_is_left_out_with_its_reason(filtered):
    http, _ = filtered
    rows, made, lines = listed_and_taken(http, {"rating": -1})
    assert made["left_out"]["thumbs that stand against no other of the same person"] == len(rows) > 0
    assert lines == {"demonstrations": [], "comparisons": []}
    for chosen in ({"kind": "edit", "model": "elder"}, {"from": "2999-01-01T00:00:00Z"}):
        assert listed_and_taken(http, chosen)[::2] == ([], {"demonstrations": [], "comparisons": []})


def listed_and_taken(http, chosen: dict) -> tuple[list, dict, dict]:
    """All pages of the list under these filters, what freezing them answers, and the rows of its files."""
    page = http.get("/api/feedback", params={**chosen, "limit": 3}).json()
    rows = page["items"]
    while after := page["next"]:
        page = http.get("/api/feedback", params={**chosen, "limit": 3, "after": after}).json()
        rows += page["items"]
    made = http.post("/api/datasets", json={"listed": chosen}).raise_for_status().json()
    files = {
        kind: http.get(f"/api/datasets/{made['number']}/{kind}").text for kind in ("demonstrations", "comparisons")
    }
    return rows, made, {kind: [json.loads(line) for line in text.splitlines()] for kind, text in files.items()}


def test_without_filters_a_data_set_has_all_and_nonsense_is_refused(db):
    judged(db)
    with running(build_app(service(served()), db)) as address, address.page() as http:
        whole, empty = (
            http.post("/api/datasets", json=body).json() for body in ({}, {"listed": {"q": "", "model": ""}})
        )
        assert [part["rows"] for part in whole["items"]] == [part["rows"] for part in empty["items"]]
        assert [part["listed"] for part in empty["items"]] == [{}, {}]
        for listed in ({"kind": "rumour"}, {"rating": 7}, {"from": "never"}, {"more": 1}, [], {"q": "x" * 201}):
            assert http.post("/api/datasets", json={"listed": listed}).status_code in (400, 422), listed
