"""The feedback list over HTTP, and that only admins see what is theirs to see."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from mynah import jsonl, store
from mynah.server.app import build_app
from mynah.store import access
from mynah.store.schema import user
from tests.server.conftest import running, served, service
from tests.store.conftest import told


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
