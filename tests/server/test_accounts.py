"""Accounts: who gets in, by what, until when."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from statistics import median

import httpx2
import openai
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from mynah import store
from mynah.errors import UserError
from mynah.server.errors import APIError
from mynah.server.passwords import Passwords, check_password
from mynah.server.security import Site
from mynah.server.serve import first_admin_link
from mynah.store import access, outside, schema
from mynah.store.people import change_user
from tests.server.conftest import parrot, service, serving
from tests.server.people import PASSWORD, first_admin, join, sign_in
from tests.server.test_serving import ASK, STREAM, idle


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    """Where the tests are together, each with people of its own."""
    db = store.open(tmp_path_factory.mktemp("accounts") / "mynah.db")
    yield db
    db.close()


@pytest.fixture(scope="module")
def address(db):
    with serving(service(parrot("one two three ")), db=db, accounts=True) as address:
        yield address


@pytest.fixture(scope="module")
def ada(address, db):
    return first_admin(address, db)


@pytest.fixture
def empty(tmp_path):
    """A database in which nobody is, and a service over it."""
    db = store.open(tmp_path / "mynah.db")
    with serving(service(parrot("hi")), db=db, accounts=True) as address:
        yield db, address
    db.close()


def test_fifty_at_once_make_one_admin(empty):
    db, address = empty
    assert address.http().get("/api/session").json() == {"user": None, "accounts": True, "needs_first_admin": True}
    old = first_admin_link(db, "http://x").partition("#")[2]
    token = first_admin_link(db, "http://x").partition("#")[2]
    page = address.page()
    assert page.get(f"/api/invites/{old}").status_code == 404  # the newest link counts
    assert page.get(f"/api/invites/{token}").json()["role"] == "admin"
    gate = threading.Barrier(50)

    def sign_up(number: int) -> int:
        body = {"token": token, "name": f"N{number}", "email": f"n{number}@example.org", "password": PASSWORD}
        with address.page() as client:
            client.get("/healthz")
            gate.wait()
            return client.post("/api/people", json=body).status_code

    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(sign_up, range(50)))
    assert sorted(set(statuses)) == [200, 404]
    assert statuses.count(200) == 1
    with db.reading() as tx:
        people = tx.execute(select(schema.user.c.role).where(schema.user.c.password_hash.is_not(None))).all()
    assert [row.role for row in people] == ["admin"]
    assert first_admin_link(db, "http://x") == ""
    assert page.get("/api/session").json()["needs_first_admin"] is False


def test_there_is_no_way_in_without_a_link(address, db, ada):
    body = {"name": "Eve", "email": "eve@example.org", "password": PASSWORD}
    page = address.page()
    for token in ("", "x", "0" * 43):
        assert page.post("/api/people", json=body | {"token": token}).status_code == 404
    for email, password in (("admin", "admin"), ("", ""), ("this machine", ""), ("admin@example.org", "password")):
        assert sign_in(address, email, password).status_code == 401
    assert page.post("/v1/chat/completions", json=ASK).status_code == 401
    assert page.get("/api/people").status_code == 401
    token = ada.invite("labeller")
    assert page.get(f"/api/invites/{token}").json() | {"expires_at": ""} == {
        "role": "labeller",
        "note": "hello",
        "expires_at": "",
    }
    with db.writing() as tx:
        tx.execute(update(schema.invite).values(expires_at=schema.now() - timedelta(seconds=1)))
    assert page.post("/api/people", json=body | {"token": token}).status_code == 404


def test_an_invite_lets_one_person_in_with_its_role(address, ada):
    token = ada.invite("labeller")
    lin = join(address, token, "Lin@Example.org")
    session = lin.page.get("/api/session").json()
    assert session["user"] == {"id": lin.id, "name": "Lin", "email": "lin@example.org", "role": "labeller"}
    again = {"token": token, "name": "Eve", "email": "eve@example.org", "password": PASSWORD}
    assert address.page().post("/api/people", json=again).status_code == 404
    other = again | {"token": ada.invite(), "email": "LIN@example.org"}
    assert address.page().post("/api/people", json=other).json()["error"]["code"] == "email_taken"
    assert address.page().get(f"/api/invites/{other['token']}").status_code == 200  # and was not used up
    pending = ada.page.get("/api/invites").json()["items"]
    assert pending[0]["note"] == "hello"
    assert ada.page.delete(f"/api/invites/{pending[0]['id']}").status_code == 200
    assert ada.page.delete(f"/api/invites/{pending[0]['id']}").status_code == 404
    assert address.page().post("/api/people", json=other | {"email": "eve@example.org"}).status_code == 404
    assert lin.page.get("/api/people").status_code == 403
    assert {(row["id"], row["role"]) for row in ada.page.get("/api/people").json()["items"]} >= {
        (ada.id, "admin"),
        (lin.id, "labeller"),
    }


def test_the_cookie_is_for_this_site_only(address, ada):
    cookie = sign_in(address, ada.email).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "domain" not in cookie


def test_soon_guessed_passwords_are_refused(address, ada):
    token, page = ada.invite(), address.page()
    for password in ("short", "1234567890", "Password123", "aaaaaaaaaaaa", "ababababab", "eve.smith@example.org"):
        body = {"token": token, "name": "Eve Smith", "email": "eve.smith@example.org", "password": password}
        answer = page.post("/api/people", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "weak_password"), password
        assert answer.json()["error"]["param"] == "password"
    check_password("eve.smith writes verse", "Eve Smith", "eve.smith@example.org")
    with pytest.raises(APIError, match="name or e-mail"):
        check_password("evesmith2024", "Eve Smith", "e@example.org")


def test_sign_in_tells_nothing_and_tires(address, ada):
    sam = ada.add("sam@example.org")
    known, unknown = sign_in(address, sam.email, "wrong password"), sign_in(address, "no@example.org", "wrong password")
    assert known.status_code == 401
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    for email in (sam.email, "no@example.org"):
        answers = [sign_in(address, email, "wrong password") for _ in range(10)]
        assert [answer.status_code for answer in answers] == [401] * 9 + [429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 900
    assert sign_in(address, sam.email).status_code == 429  # the right one too: or it would tell
    assert sam.page.get("/api/session").json()["user"]["id"] == sam.id  # who is in stays in


def test_guesses_at_the_same_moment_are_counted_each(address, ada):
    tom = ada.add("tom@example.org")
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: sign_in(address, tom.email, "wrong password").status_code, range(20)))
    assert (statuses.count(401), statuses.count(429)) == (10, 10)


def test_right_ones_do_not_tire(address, ada):
    assert {sign_in(address, ada.email).status_code for _ in range(12)} == {200}


def test_an_unknown_address_takes_as_long():
    """With hashing as it is outside of tests."""
    passwords = Passwords()
    known = PasswordHasher().hash(PASSWORD)

    def seconds(hashed: str | None) -> float:
        begun = time.perf_counter()
        assert not passwords._verify(hashed, "wrong password")
        return time.perf_counter() - begun

    pairs = [(seconds(known), seconds(None)) for _ in range(3)]
    assert 0.5 < median(a for a, _ in pairs) / median(b for _, b in pairs) < 2
    assert passwords._verify(known, PASSWORD)
    assert not passwords._verify(None, "")


def test_what_ends_a_session_ends_it_at_once(address, ada, db):
    bob = ada.add("bob@example.org")
    second = address.page()

    def sign_in_again(password: str = PASSWORD) -> None:
        assert second.post("/api/session", json={"email": bob.email, "password": password}).status_code == 200

    def signed_in(page: httpx2.Client) -> bool:
        assert page.get("/api/session").json()["user"] is None or page.get("/api/me/sessions").status_code == 200
        return page.get("/api/me/sessions").status_code == 200

    sign_in_again()
    token = dict(second.cookies)
    assert second.delete("/api/session").json()["user"] is None
    stolen = address.page()
    stolen.cookies.update(token)
    assert not signed_in(stolen)  # not only forgotten by the browser

    sign_in_again()
    sessions = bob.page.get("/api/me/sessions").json()["items"]
    assert [item["current"] for item in sessions] == [False, True]
    assert bob.page.delete(f"/api/me/sessions/{sessions[0]['id']}").status_code == 200
    assert not signed_in(second)

    sign_in_again()
    assert bob.page.delete("/api/me/sessions").status_code == 200
    assert signed_in(bob.page)
    assert not signed_in(second)

    sign_in_again()
    new = {"password": "another long password"}
    assert bob.page.patch("/api/me", json=new).status_code == 403
    assert signed_in(second)
    assert bob.page.patch("/api/me", json=new | {"current_password": PASSWORD}).status_code == 200
    assert signed_in(bob.page)
    assert not signed_in(second)
    assert sign_in(address, bob.email).status_code == 401

    sign_in_again("another long password")
    key = bob.openai()
    assert key.models.list()
    assert ada.page.patch(f"/api/people/{bob.id}", json={"disabled": True}).json()["disabled"] is True
    assert not signed_in(bob.page)
    assert not signed_in(second)
    with pytest.raises(openai.AuthenticationError):
        key.models.list()
    assert sign_in(address, bob.email, "another long password").status_code == 401
    ada.page.patch(f"/api/people/{bob.id}", json={"disabled": False})
    assert not signed_in(second)  # enabled again, one signs in again
    assert key.models.list()

    sign_in_again("another long password")
    assert ada.page.patch(f"/api/people/{bob.id}", json={"password": "short"}).status_code == 400
    assert ada.page.patch(f"/api/people/{ada.id}", json={"password": "what ada thought of"}).status_code == 409
    assert ada.page.patch(f"/api/people/{bob.id}", json={"password": "what ada thought of"}).status_code == 200
    assert not signed_in(second)
    sign_in_again("what ada thought of")

    with db.writing() as tx:
        theirs = update(schema.session).where(schema.session.c.user == bob.id)
        tx.execute(theirs.values(expires_at=schema.now() - timedelta(seconds=1)))
    assert not signed_in(second)


def test_people_of_other_services_are_seen_and_disabled_but_have_no_role_and_no_password(empty):
    db, address = empty
    ada = first_admin(address, db)
    with db.writing() as tx:
        store.local_person(tx)
        eve = outside.know_outsider(tx, "slack", "T1", "U1").user
    [_, row] = ada.page.get("/api/people").json()["items"]
    assert (row["id"], row["name"], row["email"], row["disabled"]) == (eve, "U1 (slack)", "", False)
    for change in ({"role": "admin"}, {"password": PASSWORD}):
        refused = ada.page.patch(f"/api/people/{eve}", json=change)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "outsider")
    assert ada.page.patch(f"/api/people/{eve}", json={"disabled": True}).json()["disabled"] is True
    with db.reading() as tx:
        assert outside.know_outsider(tx, "slack", "T1", "U1").disabled


def test_roles_hold_for_the_next_request(empty):
    db, address = empty
    ada = first_admin(address, db)
    bob = ada.add("bob@example.org")
    assert bob.page.get("/api/audit").status_code == 403
    ada.page.patch(f"/api/people/{bob.id}", json={"role": "admin"})
    assert bob.page.get("/api/audit").status_code == 200
    bob.page.patch(f"/api/people/{ada.id}", json={"role": "user"})
    assert ada.page.get("/api/audit").status_code == 403
    for change in ({"role": "user"}, {"disabled": True}):
        assert bob.page.patch(f"/api/people/{bob.id}", json=change).json()["error"]["code"] == "last_admin"
    assert bob.page.request("DELETE", "/api/me", json={"password": PASSWORD}).json()["error"]["code"] == "last_admin"


def test_two_admins_cannot_depose_each_other(empty):
    db, address = empty
    ada = first_admin(address, db)
    bob = ada.add("bob@example.org", "admin")
    with ThreadPoolExecutor(2) as pool:
        deposed = [
            pool.submit(one.page.patch, f"/api/people/{other.id}", json={"role": "user"})
            for one, other in ((ada, bob), (bob, ada))
        ]
        assert sorted(answer.result().status_code for answer in deposed)[0] == 200
    with db.reading() as tx:
        assert tx.scalars(select(schema.user.c.role).where(schema.user.c.role == "admin")).all() == ["admin"]


@pytest.mark.parametrize("how", ["sign out", "disable", "revoke"])
def test_open_streams_end_within_seconds(db, ada, how):
    model = parrot(pause=0.01)  # never ends by itself
    with serving(service(model), db=db, accounts=True) as address:
        bob = replace(ada, address=address).add(f"{how.replace(' ', '.')}@example.org")
        client, headers = bob.page, {"X-Stream-Resumable": "true"} if how == "disable" else {}
        if how == "revoke":
            client, headers = address.http(), {"Authorization": f"Bearer {bob.key()}"}
        with client.stream("POST", "/v1/chat/completions", json=STREAM, headers=headers) as answer:
            lines = answer.iter_lines()
            next(lines)
            begun = time.monotonic()
            if how == "sign out":
                other = address.page()
                other.cookies.update(dict(bob.page.cookies))
                assert other.delete("/api/session").status_code == 200
            elif how == "disable":
                disable = {"disabled": True}  # at another worker
                assert ada.page.patch(f"/api/people/{bob.id}", json=disable).status_code == 200
            else:
                [key] = bob.page.get("/api/me/keys").json()["items"]
                assert bob.page.delete(f"/api/me/keys/{key['id']}").status_code == 200
            rest = list(lines)
            assert time.monotonic() - begun < 8
        assert "not_signed_in" in "".join(rest)
        assert idle(model.assistant.engine)


def test_without_accounts_there_is_one_person():
    with serving(service(parrot("hi"))) as address:
        page = address.page()
        session = page.get("/api/session").json()
        assert session["accounts"] is False
        assert session["user"] | {"id": ""} == {"id": "", "name": "This machine", "email": "", "role": "admin"}
        assert page.get("/api/session").json() == session
        assert page.get("/api/people").json() == {"items": [], "next": None, "local": session["user"]["id"]}
        for method, path, body in (
            ("POST", "/api/session", {"email": "a@b", "password": "x"}),
            ("POST", "/api/invites", {}),
            ("POST", "/api/me/keys", {"name": "x"}),
            ("POST", "/api/people", {"token": "x", "name": "x", "email": "a@b", "password": "x"}),
            ("PATCH", "/api/me", {"password": "x"}),
        ):
            answer = page.request(method, path, json=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_accounts"), path
        assert page.patch("/api/me", json={"name": "Me"}).json()["name"] == "Me"
        assert page.request("DELETE", "/api/me", json={}).status_code == 200
        fresh = page.get("/api/session").json()["user"]
        assert fresh["id"] != session["user"]["id"]
        assert fresh["name"] == "This machine"


def test_the_local_person_is_made_once(db):
    with ThreadPoolExecutor(8) as pool:

        def make(_: int) -> str:
            with db.writing() as tx:
                return store.local_person(tx)

        assert len(set(pool.map(make, range(16)))) == 1


def test_a_public_address(tmp_path):
    db = store.open(tmp_path / "mynah.db")
    engine = service(parrot("hi"), public_url="https://chat.example.org")
    with serving(engine, db=db, accounts=True) as address:
        token = first_admin_link(db, "https://chat.example.org").partition("#")[2]
        there = {
            "Host": "chat.example.org",
            "Origin": "https://chat.example.org",
            "X-Forwarded-For": "1.1.1.1, 9.9.9.9",
        }
        page = address.http()
        body = {"token": token, "name": "Ada", "email": "ada@example.org", "password": PASSWORD}
        assert (
            page.post("/api/people", json=body, headers=there | {"Origin": "http://chat.example.org"}).status_code
            == 403
        )
        joined = page.post("/api/people", json=body, headers=there)
        assert joined.status_code == 200
        cookie = joined.headers["set-cookie"]
        assert cookie.startswith("__Host-mynah=")
        assert "secure" in cookie.lower()
        session = {"Cookie": cookie.partition(";")[0]}
        made = page.post("/api/invites", json={}, headers=there | session)
        assert made.json()["url"].startswith("https://chat.example.org/join#")
        assert shared_link(page, there | session).startswith("https://chat.example.org/s/")
        assert page.get("/healthz", headers={"Host": "evil.example"}).status_code == 421
        wrong = {"email": "ada@example.org", "password": "wrong password"}
        page.post("/api/session", json=wrong, headers=there)
        with db.reading() as tx:
            names = tx.scalars(select(schema.allowance.c.name)).all()
        assert "sign-in:address:9.9.9.9" in names
    db.close()
    for wrong_url in ("chat.example.org", "https://x/path", "ftp://x", "https://"):
        with pytest.raises(UserError, match=r"serve\.public_url"):
            Site(wrong_url)


def shared_link(page, headers) -> str:
    """Of a conversation of one question and its answer."""
    talk, asked = page.post("/api/conversations", json={}, headers=headers).json()["id"], store.new_id()
    body = {"message": {"id": asked, "content": "hello"}}
    told = page.post(f"/api/conversations/{talk}/answers", json=body, headers=headers)
    assert '"finished"' in told.text, told.text
    made = page.post(f"/api/conversations/{talk}/share", json={"message": asked}, headers=headers)
    assert made.status_code == 201, made.text
    return made.json()["url"]


def test_an_old_hash_is_renewed(address, ada, db):
    old = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1).hash(PASSWORD)
    uma = ada.add("uma@example.org")
    with db.writing() as tx:
        change_user(tx, uma.id, password_hash=old)
    assert sign_in(address, uma.email).status_code == 200
    with db.reading() as tx:
        assert "t=1," in store.find_user(tx, id=uma.id).password_hash
        assert access.find_session(tx, "nonsense") is None
