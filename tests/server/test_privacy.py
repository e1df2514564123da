"""What a person decides about their words; other sites; what every response says to the browser."""

import json
import time

import httpx2
import pytest
from sqlalchemy import select

from mynah import store
from mynah.server.ledger import Ledger
from mynah.server.settings import ServeSettings
from mynah.server.upkeep import DUE, Upkeep
from mynah.store import schema
from mynah.store.settings import service_settings, set_service
from tests.server.conftest import parrot, service, serving
from tests.server.people import PASSWORD, first_admin, sign_in
from tests.server.test_serving import ASK, STREAM

SECRET = "zanzibar"


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    db = store.open(tmp_path_factory.mktemp("privacy") / "mynah.db")
    yield db
    db.close()


@pytest.fixture(scope="module")
def address(db):
    with serving(service(parrot(f"one {SECRET} two ")), db=db, accounts=True) as address:
        yield address


@pytest.fixture(scope="module")
def ada(address, db):
    return first_admin(address, db)


def test_nobody_has_agreed_until_they_are_asked(ada, db):
    bob = ada.add("bob@example.org")
    assert bob.page.get("/api/me/consent").json() == {"training": None}
    for answer in (True, False, True):
        assert bob.page.put("/api/me/consent", json={"training": answer}).json() == {"training": answer}
        with db.reading() as tx:
            assert store.consents(tx, bob.id, "training") is answer
    assert bob.page.put("/api/me/consent", json={"training": None}).status_code == 400
    assert ada.page.get("/api/me/consent").json() == {"training": None}


def test_preferences_are_ones_own(ada):
    cat = ada.add("cat@example.org")
    assert cat.page.get("/api/me/settings").json()["language"] is None
    wanted = {"language": "zh", "theme": "dark", "params": {"temperature": 1, "seed": 3}, "system": "Be brief. 天气"}
    kept = cat.page.put("/api/me/settings", json=wanted).json()
    assert cat.page.get("/api/me/settings").json() == kept
    assert (kept["system"], kept["params"]["seed"], kept["model"]) == ("Be brief. 天气", 3, None)
    assert cat.page.put("/api/me/settings", json={"theme": "light"}).json()["system"] == ""
    assert ada.page.get("/api/me/settings").json()["theme"] is None
    for wrong in ({"theme": "pink"}, {"language": "x" * 50}, {"params": {"temperature": 9}}, {"more": 1}):
        assert cat.page.put("/api/me/settings", json=wrong).status_code == 400


def test_who_leaves_takes_every_word_along(address, ada, db):
    dan = ada.add("dan@example.org")
    dan.page.put("/api/me/settings", json={"system": SECRET})
    dan.key(name=SECRET)
    dan.page.patch("/api/me", json={"name": SECRET})
    said = ASK | {"messages": [{"role": "user", "content": f"Where is {SECRET}?"}]}
    assert SECRET in dan.page.post("/v1/chat/completions", json=said).json()["choices"][0]["message"]["content"]
    export = dan.page.get("/api/me/export")
    assert export.headers["content-disposition"].startswith("attachment")
    theirs = export.json()
    assert theirs["user"][0]["email"] == "dan@example.org"
    assert f"Where is {SECRET}?" in json.dumps(theirs["conversations"])
    assert "password_hash" not in export.text
    assert "key_hash" not in export.text

    assert dan.page.request("DELETE", "/api/me", json={"password": "not this one"}).status_code == 403
    with dan.page.stream("POST", "/v1/chat/completions", json=STREAM, headers={"X-Stream-Resumable": "true"}):
        assert dan.page.request("DELETE", "/api/me", json={"password": PASSWORD}).status_code == 200
    assert dan.page.get("/api/me/sessions").status_code == 401
    assert sign_in(address, "dan@example.org").status_code == 401
    deadline = time.monotonic() + 10
    while DUE in settings_of(db) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert DUE not in settings_of(db)
    for file in db.file.parent.glob("mynah.db*"):
        assert SECRET.encode() not in file.read_bytes(), file.name
        assert b"dan@example.org" not in file.read_bytes(), file.name
    assert ada.add("dan@example.org").id != dan.id  # the address is free again


def settings_of(db: store.Database) -> dict:
    with db.reading() as tx:
        return service_settings(tx)


def test_a_scrub_that_a_crash_prevented_is_made_up_for(tmp_path):
    db = store.open(tmp_path / "mynah.db")
    with db.writing() as tx:
        person = store.add_user(tx, name="somebody whom nobody remembers")
        store.erase_person(tx, person)
        set_service(tx, None, DUE, "x")
    Upkeep(Ledger(db), ServeSettings()).once()
    assert DUE not in settings_of(db)
    assert b"whom nobody remembers" not in db.file.read_bytes()
    db.close()


def test_every_act_leaves_a_trail(ada, db):
    eve = ada.add("eve@example.org")
    eve.page.put("/api/me/consent", json={"training": True})
    eve.key()
    ada.page.patch(f"/api/people/{eve.id}", json={"role": "labeller"})
    ada.page.patch("/api/settings", json={"session_days": 7})
    first = ada.page.get("/api/audit?limit=5").json()
    rest = ada.page.get(f"/api/audit?limit=500&after={first['next']}").json()
    trail = [*first["items"], *rest["items"]]
    assert [row["number"] for row in trail] == list(range(len(trail), 0, -1))
    assert [row["action"] for row in trail[:5]] == ["setting", "person.role", "key.make", "consent", "person.join"]
    assert trail[1] | {"hash": "", "created_at": "", "number": 0} == {
        "actor": ada.id,
        "action": "person.role",
        "target": eve.id,
        "details": {"from": "user", "to": "labeller"},
        "hash": "",
        "created_at": "",
        "number": 0,
    }
    assert ada.page.get("/api/audit/check").json() == {"broken": None}
    with db.reading() as tx:
        names = tx.scalars(select(schema.user.c.name).where(schema.user.c.name.is_not(None))).all()
    said = json.dumps(trail)
    assert not [name for name in names if name in said]  # ids and numbers only
    assert eve.page.get("/api/audit").status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "OWN"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "OWN", "Sec-Fetch-Site": "same-origin"}, 200),
        ({}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "OWN", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Referer": "OWN/settings"}, 403),
    ],
)
def test_changes_come_from_our_own_page_only(address, ada, headers, status):
    headers = {name: value.replace("OWN", address) for name, value in headers.items()}
    client = httpx2.Client(base_url=address, trust_env=False, cookies=dict(ada.page.cookies))
    answer = client.put("/api/me/consent", json={"training": False}, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"]["code"] == "cross_site"
    for method in ("POST", "PATCH", "DELETE"):
        assert (client.request(method, "/api/me/keys", headers=headers).status_code == 403) == (status == 403)
    read = client.get("/api/me/consent", headers=headers)
    foreign = {"Origin": headers.get("Origin", address)} != {"Origin": address}
    assert (read.status_code == 403) == (foreign or headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"))
    assert not [name for name in read.headers if name.startswith("access-control")]
    assert client.options("/api/me/consent", headers={"Origin": "https://evil.example"}).status_code == 403


def test_every_response_tells_the_browser_to_be_careful(address, ada):
    for page, path in (
        (ada.page, "/api/me/keys"),
        (address.page(), "/api/me/keys"),
        (ada.page, "/docs"),
        (ada.page, "/no"),
    ):
        headers = page.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy
    assert ada.page.get("/api/me/keys").headers["cache-control"] == "no-store"
