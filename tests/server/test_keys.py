"""API keys: one decision through every header, scopes, limits that hold, and usage that equals what was served."""

import asyncio
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import openai
import pytest
from sqlalchemy import select, update

from mynah import store
from mynah.server.errors import APIError
from mynah.server.identity import Caller
from mynah.server.limits import FREE, Limits, Tab
from mynah.server.meter import Meter
from mynah.server.metrics import Metrics
from mynah.server.remote import Remote
from mynah.server.settings import ServeSettings
from mynah.store import access, schema
from mynah.store.spent import usage_by_day
from tests.server.conftest import Address, parrot, service, serving
from tests.server.people import first_admin
from tests.server.test_serving import ASK, STREAM, idle

TEXT = "one two three "  # what the model says to everybody
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    db = store.open(tmp_path_factory.mktemp("keys") / "mynah.db")
    yield db
    db.close()


@pytest.fixture(scope="module")
def model():
    return parrot(TEXT, pause=0.002)


@pytest.fixture(scope="module")
def address(db, model):
    with serving(service(model, price_prompt=1.0, price_completion=2.0), db=db, accounts=True) as address:
        yield address


@pytest.fixture(scope="module")
def ada(address, db):
    return first_admin(address, db)


@pytest.fixture(scope="module")
def bob(ada):
    return ada.add("bob@example.org")


def test_one_key_gives_one_decision_through_every_header(address, bob):
    key, other = bob.key(), bob.key()
    client, wrong = address.http(), "mk-" + "x" * 43
    forms = [
        lambda key: {"Authorization": f"Bearer {key}"},
        lambda key: {"authorization": f"bearer  {key}"},
        lambda key: {"api-key": key},
        lambda key: {"X-API-Key": key},
        lambda key: {"api-key": key, "Authorization": f"Bearer {key}", "x-api-key": key},
    ]
    for form in forms:
        assert client.get("/v1/models", headers=form(key)).status_code == 200
        refused = client.get("/v1/models", headers=form(wrong))
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
        assert client.get("/api/me/keys", headers=form(key)).status_code == 401  # keys open /v1 and nothing else
    for two in (
        {"api-key": key, "x-api-key": other},
        {"Authorization": f"Bearer {key}", "api-key": wrong},
        [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {other}")],
    ):
        assert client.get("/v1/models", headers=two).json()["error"]["message"].endswith("differ.")
    assert client.get(f"/v1/models?api_key={key}&api-key={key}").status_code == 401
    assert client.get("/v1/models", headers={"Authorization": f"Basic {key}"}).status_code == 401
    assert client.get("/v1/models", headers={"Cookie": f"mynah_session={key}"}).status_code == 401
    assert bob.page.get("/v1/models").status_code == 200  # the session
    assert (
        bob.page.get("/v1/models", headers={"x-api-key": wrong}).status_code == 401
    )  # a wrong key is wrong with it too


def test_the_secret_is_shown_once_and_kept_nowhere(db, bob):
    secret = bob.key(name="for the notebook")
    [listed] = [key for key in bob.page.get("/api/me/keys").json()["items"] if key["name"] == "for the notebook"]
    assert "secret" not in listed
    with db.reading() as tx:
        rows = tx.execute(select(schema.api_key)).mappings().all()
    assert secret.startswith("mk-")
    assert secret not in str([dict(row) for row in rows])


def test_scopes(address, ada, bob):
    narrow = bob.openai(scopes=["models"])
    assert address.http().get("/v1/streams/x", headers={"api-key": narrow.api_key}).status_code == 403
    assert [model.id for model in narrow.models.list()] == ["tiny"]
    for ask in (
        lambda: narrow.chat.completions.create(**ASK),
        lambda: narrow.completions.create(model="tiny", prompt="a"),
        lambda: narrow.embeddings.create(model="tiny", input="a"),
    ):
        with pytest.raises(openai.PermissionDeniedError) as refused:
            ask()
        assert refused.value.code == "insufficient_scope"
    assert bob.page.post("/api/me/keys", json={"name": "x", "scopes": ["metrics"]}).status_code == 403
    assert bob.page.get("/metrics").status_code == 403
    scraper = {"Authorization": f"Bearer {ada.key(scopes=['metrics'])}"}
    assert "mynah_tokens_total" in address.http().get("/metrics", headers=scraper).text
    assert address.http().get("/v1/models", headers=scraper).status_code == 403
    for body in (
        {"name": "x", "scopes": ["root"]},
        {"name": "x", "scopes": []},
        {"name": " "},
        {"name": "x", "role": "admin"},
    ):
        assert bob.page.post("/api/me/keys", json=body).status_code == 400


def test_a_key_ends(db, bob):
    client = bob.openai(expires_at=(schema.now() + timedelta(hours=1)).isoformat())
    assert client.models.list()
    with db.writing() as tx:
        ends = schema.api_key.c.expires_at
        tx.execute(update(schema.api_key).where(ends.is_not(None)).values(expires_at=schema.now()))
    with pytest.raises(openai.AuthenticationError):
        client.models.list()
    past = {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}
    assert bob.page.post("/api/me/keys", json=past).status_code == 400


def spent(bob) -> dict[str, float]:
    """What the page says of all days and keys together."""
    rows = bob.page.get("/api/me/usage").json()["items"]
    return {name: sum(row[name] for row in rows) for name in ("requests", "prompt_tokens", "completion_tokens", "cost")}


def test_requests_a_minute_hold_under_a_hundred_at_once(address, bob):
    key = {"Authorization": f"Bearer {bob.key(requests_per_minute=10)}"}
    before = spent(bob)
    with address.http() as client, ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: client.post(CHAT, json=ASK | {"max_tokens": 3}, headers=key), range(100)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 429}
    assert 10 <= statuses.count(200) <= 12  # a token of the bucket comes back every six seconds
    for answer in answers:
        if answer.status_code == 429:
            assert answer.json()["error"]["code"] == "rate_limit_exceeded"
            assert 1 <= int(answer.headers["retry-after"]) <= 60
    served = [answer.json()["usage"] for answer in answers if answer.status_code == 200]
    after = spent(bob)
    assert after["requests"] - before["requests"] == len(served)
    for name in ("prompt_tokens", "completion_tokens", "cost"):
        assert after[name] - before[name] == pytest.approx(sum(usage[name] for usage in served))


def test_tokens_a_minute_hold_under_a_hundred_at_once(address, bob):
    one = address.openai(api_key=bob.key()).chat.completions.create(**ASK | {"max_tokens": 3}).usage.total_tokens
    key = {"Authorization": f"Bearer {bob.key(tokens_per_minute=5 * one + 2)}"}
    with address.http() as client, ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: client.post(CHAT, json=ASK | {"max_tokens": 3}, headers=key), range(100)))
    assert 5 <= [answer.status_code for answer in answers].count(200) <= 8  # the bucket leaks while they come


def test_what_was_reserved_and_not_used_comes_back(bob):
    client = bob.openai(tokens_per_minute=400)
    for _ in range(4):  # each reserves the rest of the context, more than is allowed, and uses about thirty tokens
        assert client.chat.completions.create(**{**ASK, "max_tokens": None}).usage.total_tokens < 60
    with pytest.raises(openai.BadRequestError):  # costs a request, no tokens
        client.chat.completions.create(**ASK | {"messages": [{"role": "user", "content": "x" * 5000}]})


def test_a_budget_is_never_overspent(bob):
    one = bob.openai().chat.completions.create(**ASK | {"max_tokens": 3}).usage.model_dump()["cost"]
    client = bob.openai(monthly_budget=3.5 * one)

    def ask(_: int) -> str:
        try:
            return client.chat.completions.create(**ASK | {"max_tokens": 3}).id
        except openai.RateLimitError as error:
            return f"{error.code} {int(error.response.headers['retry-after']) <= 31 * 86400}"

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(20)))
    assert answers.count("insufficient_quota True") == 17
    assert ask(0) == "insufficient_quota True"


def test_the_services_limit_counts_if_it_is_lower(ada, bob):
    key = {"Authorization": f"Bearer {bob.key(requests_per_minute=1000)}"}
    assert bob.page.patch("/api/settings", json={"requests_per_minute": 1}).status_code == 403
    assert ada.page.patch("/api/settings", json={"requests_per_minute": 1}).json()["requests_per_minute"] == 1
    assert ada.page.patch("/api/settings", json={"requests_per_minute": 0}).status_code == 400
    client = bob.address.http()
    assert [client.post(CHAT, json=ASK, headers=key).status_code for _ in range(2)] == [200, 429]
    assert ada.page.patch("/api/settings", json={"requests_per_minute": None}).json()["requests_per_minute"] is None
    assert client.post(CHAT, json=ASK, headers=key).status_code == 200


def test_usage_is_what_was_served_after_leaving_too(address, model, db, bob):
    before = spent(bob)
    slow = {"Authorization": f"Bearer {bob.key(name='slow', tokens_per_minute=100_000)}"}
    texts = 0
    with address.http() as client:
        for _ in range(5):
            with client.stream("POST", CHAT, json=STREAM, headers=slow) as answer:
                lines = answer.iter_lines()
                for _ in range(4):
                    next(lines)
            texts += 1
    assert idle(model.assistant.engine)
    deadline = time.monotonic() + 10
    while spent(bob)["requests"] < before["requests"] + texts and time.monotonic() < deadline:
        time.sleep(0.05)
    after = spent(bob)
    assert after["requests"] == before["requests"] + texts
    with db.reading() as tx:
        said = tx.execute(
            select(schema.completion.c.completion_tokens, schema.usage.c.completion_tokens, schema.usage.c.api_key)
            .join(schema.usage, schema.usage.c.completion == schema.completion.c.id)
            .where(schema.completion.c.finish_reason == "cancelled")
        ).all()
        assert [row for row in said if row[0] != row[1]] == []
        assert len(said) <= texts
        level = tx.scalar(select(schema.allowance.c.level).order_by(schema.allowance.c.at.desc()).limit(1))
    used = sum(after[kind] - before[kind] for kind in ("prompt_tokens", "completion_tokens"))
    assert level <= used  # what the five had reserved beyond that is back


KILLED = """
import sys
from pathlib import Path
from mynah import store
from tests.server.conftest import Address, parrot, service, serving

engine = service(parrot(pause=0.02), price_completion=1.0)
with serving(engine, db=store.open(Path(sys.argv[1])), accounts=True) as address:
    print(address, flush=True)
    sys.stdin.read()
"""


def test_usage_and_budget_are_what_was_served_when_killed(tmp_path):
    db = store.open(tmp_path / "mynah.db")
    with db.writing() as tx:
        person = store.add_user(tx, "user", "Ann", "ann@example.org", "x")
        key, secret = access.add_key(tx, person, "", ["chat"], monthly_budget=100.0)
    command = [sys.executable, "-c", KILLED, db.file]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        client = Address(process.stdout.readline().strip()).openai(api_key=secret)
        begun, pieces = time.monotonic(), 0
        for piece in client.chat.completions.create(**STREAM):
            pieces += bool(piece.choices and piece.choices[0].delta.content)
            if time.monotonic() - begun > 2.5:
                break
    finally:
        process.kill()
        process.wait()
    with serving(service(parrot("hi"), price_completion=1.0), db=db, accounts=True) as address, db.reading() as tx:
        assert address.http().get("/healthz").status_code == 200
        [row] = tx.execute(select(schema.usage)).all()
        said = tx.execute(select(schema.completion).where(schema.completion.c.id == row.completion)).one()
        assert tx.scalars(select(schema.allowance.c.level)).all() == [row.cost]
    assert (row.user, row.api_key, said.finish_reason) == (person, key, "interrupted")
    assert said.completion_tokens == row.completion_tokens
    assert pieces / 4 < row.completion_tokens <= pieces + 3  # it is kept every second
    assert row.cost == pytest.approx(row.completion_tokens / 1000)
    db.close()


def test_embeddings_count(bob):
    before = spent(bob)
    made = bob.openai().embeddings.create(model="tiny", input=["gold cat", "a"])
    after = spent(bob)
    assert after["prompt_tokens"] - before["prompt_tokens"] == made.usage.prompt_tokens > 0
    with pytest.raises(openai.RateLimitError):
        bob.openai(monthly_budget=0.0).embeddings.create(model="tiny", input="gold cat")


def test_usage_by_day_is_ones_own(ada, bob, db):
    rows = bob.page.get("/api/me/usage?days=2").json()["items"]
    assert {row["day"] for row in rows} <= {f"{schema.now() - timedelta(days=n):%Y-%m-%d}" for n in (0, 1)}
    assert {"slow", "test"} <= {row["key_name"] for row in rows}
    assert all(
        set(row) >= {"day", "model", "key", "requests", "prompt_tokens", "completion_tokens", "cost"} for row in rows
    )
    eve = ada.add("eve@example.org")
    assert eve.page.get("/api/me/usage").json()["items"] == []
    assert eve.page.get("/api/usage").status_code == 403
    everybodys = ada.page.get("/api/usage").json()["items"]
    assert {row["user"] for row in everybodys} == {bob.id}
    assert {row["key_name"] for row in everybodys} == {None}
    with db.reading() as tx:
        total = sum(row.completion_tokens for row in usage_by_day(tx, 2))
        assert total == sum(tx.scalars(select(schema.usage.c.completion_tokens)))


def test_another_engines_answers_are_counted_and_limited(tmp_path, address, bob):
    db = store.open(tmp_path / "mynah.db")
    settings = ServeSettings(price_completion=1.0)
    with serving(Remote(address, settings, Metrics(), bob.key()), db=db, accounts=True) as front:
        cat = first_admin(front, db, "cat@example.org")
        client = cat.openai(tokens_per_minute=10_000, requests_per_minute=4)
        whole = client.chat.completions.create(**ASK).usage
        pieces = list(client.chat.completions.create(**STREAM))
        assert all(piece.usage is None and piece.choices for piece in pieces)  # as it would be without us
        asked = list(client.chat.completions.create(**STREAM | {"stream_options": {"include_usage": True}}))[-1].usage
        [day] = cat.page.get("/api/me/usage").json()["items"]
        assert day["requests"] == 3
        assert day["completion_tokens"] == whole.completion_tokens + 2 * asked.completion_tokens
        assert day["cost"] == pytest.approx(day["completion_tokens"] / 1000)
        client.embeddings.create(model="tiny", input="a")
        with pytest.raises(openai.RateLimitError):
            client.embeddings.create(model="tiny", input="a")
    db.close()


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "n"])
@pytest.mark.parametrize("value", [-1, -(10**9), True, False, 2.5, "9", [3], {}])
def test_what_cannot_be_reserved_is_not_asked_of_another_engine(name, value):
    with pytest.raises(APIError) as refused:
        reserved({name: value})
    error = refused.value.body["error"]
    assert (refused.value.status, error["param"]) == (400, name)
    assert error["code"] == ("invalid_value" if type(value) is int else "invalid_type")


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, 512),
        ({"max_tokens": 0, "n": 0}, 512),
        ({"max_tokens": None, "n": None}, 512),
        ({"max_tokens": 7, "n": 3}, 21),
        ({"max_tokens": 7, "max_completion_tokens": 9}, 9),
        ({"max_tokens": 7, "prompt": ["a", "b"], "n": 2}, 28),
        ({"max_tokens": 7, "prompt": [1, 2]}, 7),
        ({"max_tokens": 10**400, "n": 10**400}, 10**18),
    ],
)
def test_the_most_that_another_engine_can_write_is_reserved(body, answer):
    assert reserved(body) == answer


def reserved(body: dict) -> int:
    """The tokens of an answer that are reserved for a request."""
    taken = []

    class Watched(Limits):
        async def open(self, who: Caller, prompt: int, answer: int, cost: float) -> Tab:
            taken.append(answer)
            return FREE

    engine = Remote("http://127.0.0.1:9", ServeSettings(price_completion=1.0), Metrics())
    asyncio.run(Meter(engine, Watched(None), None, b"{}", body).open())
    return taken[0]


def test_absurd_requests_to_another_engine_leave_the_limits_as_they_are(tmp_path, address, bob):
    db = store.open(tmp_path / "mynah.db")
    settings = ServeSettings(price_completion=1.0)
    with serving(Remote(address, settings, Metrics(), bob.key()), db=db, accounts=True) as front:
        cat = first_admin(front, db, "cat@example.org")
        key = cat.key(tokens_per_minute=1000, monthly_budget=0.1)
        headers = {"Authorization": f"Bearer {key}"}

        def ask(**more) -> int:
            return front.http().post(CHAT, json=ASK | more, headers=headers).status_code

        assert ask(max_tokens=-(10**6)) == 400
        assert ask(max_tokens=10**400, n=10**400) == 429
        assert ask(max_tokens=90) == 200
        assert ask(max_tokens=90) == 429  # nothing came back that was not taken
    db.close()
