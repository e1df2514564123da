"""What lets people in, and how much of it: sessions, keys, invites, limits, on both databases and from many threads."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from mynah import store
from mynah.store import access, allowance, invites, schema
from mynah.store.allowance import Draw, Refusal
from mynah.store.people import audit_trail, change_user
from mynah.store.schema import now
from mynah.store.settings import service_settings, set_service, set_user, user_settings
from mynah.store.spent import budget_name, recount_budgets, usage_by_day

DAY = timedelta(days=1)


@pytest.fixture
def ann(db):
    with db.writing() as tx:
        return store.add_user(tx, name="Ann", email="Ann@Example.org", password_hash="x")


def test_what_ends_a_session(db, ann):
    def found(token: str) -> bool:
        with db.reading() as tx:
            return access.find_session(tx, token) is not None

    with db.writing() as tx:
        (one, first), (two, second) = access.begin_session(tx, ann, DAY), access.begin_session(tx, ann, DAY)
        _, over = access.begin_session(tx, ann, timedelta(seconds=-1))
    assert [found(token) for token in (first, second, over, "", "x")] == [True, True, False, False, False]
    with db.writing() as tx:
        assert [row.id for row in access.sessions(tx, ann)] == [two, one]
        with pytest.raises(LookupError):
            access.end_session(tx, store.add_user(tx), one)
        access.end_sessions(tx, ann, but=two)
    assert (found(first), found(second)) == (False, True)
    with db.writing() as tx:
        assert access.still_in(tx, [ann], [one, two], []) == ({ann}, {two}, set())
        change_user(tx, ann, disabled_at=now())
        assert access.still_in(tx, [ann], [one, two], []) == (set(), set(), set())
    assert not found(second)
    with db.writing() as tx:
        tx.execute(update(schema.session).values(expires_at=now() - 2 * DAY))
        access.forget_old_sessions(tx)
        assert tx.scalar(select(schema.session.c.id)) is None


def test_keys(db, ann):
    with db.writing() as tx:
        id, secret = access.add_key(tx, ann, "notebook", ["models", "chat"], requests_per_minute=3)
        _, over = access.add_key(tx, ann, "", ["chat"], expires_at=now())
        found = access.find_key(tx, secret)
        assert (found.user, found.role, found.scopes, found.requests_per_minute) == (ann, "user", ["chat", "models"], 3)
        assert access.find_key(tx, over) is None
        assert [(row.id, name) for row, name in access.keys(tx, ann)] == [(id, "notebook")]
        assert access.still_in(tx, [], [], [id])[2] == {id}
        with pytest.raises(LookupError):
            access.revoke_key(tx, store.add_user(tx), id)
        access.revoke_key(tx, ann, id)
        assert access.find_key(tx, secret) is None
        assert access.key_limits(tx, id) is None


def test_one_first_admin_whoever_comes_through_whichever_link(db):
    with db.writing() as tx:
        first = invites.invite_first_admin(tx)
        second = invites.invite_first_admin(tx)
        assert invites.find_invite(tx, first) is None
        tx.execute(update(schema.invite).values(expires_at=now() + DAY))  # as if two workers had made them at once

    def come(number: int) -> bool:
        try:
            with db.writing() as tx:
                invites.accept_invite(tx, (first, second)[number % 2], "N", f"n{number}@example.org", "x")
        except LookupError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(come, range(24))).count(True) == 1
    with db.writing() as tx:
        assert invites.admins(tx) == 1
        assert invites.invite_first_admin(tx) is None
        assert store.broken_audit(tx) is None
        assert [row.action for row in audit_trail(tx)] == ["person.join"]


def test_an_invite_lets_one_in(db, ann):
    with db.writing() as tx:
        id, token = invites.invite_person(tx, ann, "labeller", "welcome", DAY)
        row, note = invites.find_invite(tx, token)
        assert (row.role, note) == ("labeller", "welcome")
        assert [row.id for row, _ in invites.invites(tx)] == [id]
    with pytest.raises(IntegrityError), db.writing() as tx:
        invites.accept_invite(tx, token, "Ann", "ANN@example.org", "x")

    def come(number: int) -> bool:
        try:
            with db.writing() as tx:
                invites.accept_invite(tx, token, "N", f"n{number}@example.org", "x")
        except LookupError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(come, range(16))).count(True) == 1
    with db.writing() as tx:
        assert invites.find_invite(tx, token) is None
        with pytest.raises(LookupError):
            invites.withdraw_invite(tx, ann, id)


def draw(db: store.Database, *draws: Draw) -> list[float] | float | None:
    """What was taken, or how long one waits."""
    with db.writing() as tx:
        taken = allowance.draw(tx, draws)
    return taken.wait if isinstance(taken, Refusal) else [one.amount for one in taken]


def test_a_bucket_gives_no_more_than_it_holds(db):
    one = Draw("key:a:requests", 1, 10, 1e6)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: draw(db, one), range(50)))
    assert answers.count([1]) == 10
    assert 99_000 < draw(db, one) <= 100_000
    with db.writing() as tx:
        allowance.give_back(tx, one.name, 3)
        allowance.give_back(tx, "never was", 3)
    assert [draw(db, one) == [1] for _ in range(4)] == [True, True, True, False]


def test_a_bucket_runs_empty_and_is_forgotten(db):
    one = Draw("b", 60, 60, 60.0)
    assert draw(db, one) == [60]
    assert 59 < draw(db, one) <= 60
    with db.writing() as tx:
        tx.execute(update(schema.allowance).values(at=now() - timedelta(seconds=30)))
    assert draw(db, Draw("b", 29, 60, 60.0)) == [29]
    assert isinstance(draw(db, Draw("b", 29, 60, 60.0)), float)
    assert draw(db, Draw("b", 50, 60, 60.0, least=1)) == [pytest.approx(1, abs=0.9)]
    with db.writing() as tx:
        allowance.give_back(tx, "b", -600)  # a debt
    assert draw(db, Draw("b", 1, 60, 60.0)) > 590
    with db.writing() as tx:
        tx.execute(update(schema.allowance).values(forget_at=now() - timedelta(seconds=1)))
        allowance.forget_empty(tx)
        assert tx.scalar(select(schema.allowance.c.name)) is None


def test_of_several_buckets_all_or_none(db):
    wide, narrow = Draw("wide", 5, 10, 60.0), Draw("narrow", 5, 4, None)
    assert draw(db, wide, narrow) is None  # never
    assert draw(db, wide, Draw("narrow", 4, 4, None)) == [4, 5]
    with db.writing() as tx:
        levels = dict(tx.execute(select(schema.allowance.c.name, schema.allowance.c.level)).all())
    assert levels == {"wide": 5, "narrow": 4}


@pytest.mark.parametrize("amount", [-1, -0.5, float("-inf"), float("nan")])
def test_nothing_negative_is_drawn(db, amount):
    assert draw(db, Draw("a", 3, 4, None)) == [3]
    with pytest.raises(ValueError, match="b: an amount of"):
        draw(db, Draw("a", 1, 4, None), Draw("b", amount, 4, None))
    with db.reading() as tx:
        levels = dict(tx.execute(select(schema.allowance.c.name, schema.allowance.c.level)).all())
    assert levels == {"a": 3}


def test_buckets_in_any_order_do_not_wait_for_each_other_forever(db):
    a, b = Draw("a", 1, 1e6, 60.0), Draw("b", 1, 1e6, 60.0)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: draw(db, *((a, b) if n % 2 else (b, a))), range(40)))
    assert answers == [[1, 1]] * 40


def test_a_crash_takes_nothing_of_a_budget(db, ann):
    with db.writing() as tx:
        key, _ = access.add_key(tx, ann, "", ["chat"])
    reserved = Draw(budget_name(key), 8.0, 10.0, None)
    assert draw(db, reserved) == [8.0]
    with db.writing() as tx:
        numbers = {
            "completion": None,
            "model_version": None,
            "seconds": 0.1,
            "prompt_tokens": 2,
            "completion_tokens": 1,
        }
        store.note_usage(tx, ann, api_key=key, cost=0.5, **numbers)
        store.note_usage(tx, ann, api_key=None, cost=9.0, **numbers)
        old = {"user": ann, "api_key": key, "prompt_tokens": 0, "completion_tokens": 7, "seconds": 0.0, "cost": 5.0}
        tx.execute(schema.usage.insert(), old | {"id": store.new_id(), "created_at": now() - 40 * DAY})
        recount_budgets(tx)
        assert tx.scalar(select(schema.allowance.c.level)) == 0.5
    assert draw(db, Draw(budget_name(key), 9.5, 10.0, None)) == [9.5]


def test_settings(db, ann):
    with db.writing() as tx:
        set_service(tx, ann, "session_days", 7)
        set_service(tx, ann, "session_days", 8)
        set_service(tx, None, "gone", 1)
        set_service(tx, ann, "gone", None)
        assert service_settings(tx) == {"session_days": 8}
        set_user(tx, ann, {"theme": "dark", "params": {"seed": 1}}, {"system": "Be brief."})
        set_user(tx, ann, {"theme": "light"}, {"system": "Be long."})
        assert user_settings(tx, ann) == {"theme": "light", "system": "Be long."}
        bodies = tx.scalars(select(schema.content.c.body).order_by(schema.content.c.id)).all()
        assert bodies == [None, "Be long."]


def test_usage_is_summed_by_days_of_utc(db, ann):
    with db.writing() as tx:
        if not db.file:
            tx.execute(text("SET TIME ZONE 'Asia/Shanghai'"))
        key, _ = access.add_key(tx, ann, "notebook", ["chat"])
        numbers = {"completion": None, "model_version": None, "seconds": 0.1, "prompt_tokens": 2}
        for tokens in (3, 4):
            store.note_usage(tx, ann, api_key=key, completion_tokens=tokens, cost=0.5, **numbers)
        store.note_usage(tx, ann, api_key=None, completion_tokens=5, cost=0.0, **numbers)
        store.note_usage(tx, store.add_user(tx), api_key=None, completion_tokens=6, cost=0.0, **numbers)
        late = now().replace(hour=23, minute=59) - DAY  # in Shanghai it is today
        row = {"user": ann, "prompt_tokens": 0, "completion_tokens": 7, "seconds": 0.0, "cost": 0.0}
        tx.execute(schema.usage.insert(), row | {"id": store.new_id(), "created_at": late})
        today, yesterday = f"{now():%Y-%m-%d}", f"{late:%Y-%m-%d}"
        mine = usage_by_day(tx, 2, ann)
        assert [(row.day, row.key_name, row.requests, row.completion_tokens, row.cost) for row in mine] == [
            (today, "notebook", 2, 7, 1.0),
            (today, "", 1, 5, 0.0),
            (yesterday, "", 1, 7, 0.0),
        ]
        assert len(usage_by_day(tx, 1, ann)) == 2
        assert sum(row.completion_tokens for row in usage_by_day(tx, 2)) == 25
