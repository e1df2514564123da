"""Administration over a store in which nothing happened yet, over one with ten thousand rows, and without a service."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert

from mynah import store
from mynah.server.app import build_app
from mynah.store import new_id, people
from mynah.store.database import Database
from mynah.store.schema import audit, conversation, now, usage, user
from tests.page.conftest import Bird, ours
from tests.page.test_speed import LONG_TASKS, longest, slowness
from tests.server.conftest import parrot, running, service

ROWS = 10_000
PEOPLE = 600
PAGES = ("models", "usage", "service", "audit")


@pytest.fixture
def office(built: Path, tmp_path: Path) -> Iterator[Bird]:
    """A service of its own over an empty store."""
    model, db = parrot("Hello.", name="mynah"), store.open(tmp_path / "mynah.db")
    with running(build_app(service(model), db, home=tmp_path)) as address:
        yield Bird(address, db, [model.assistant.engine])  # type: ignore[list-item]
    db.close()


@pytest.fixture
def page(browser, office: Bird) -> Iterator[Page]:
    context = browser.new_context(base_url=office.address, locale="en-GB")
    wrong: list[str] = []
    context.on("request", lambda request: None if ours(request.url, office) else wrong.append(request.url))
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    yield context.new_page()
    context.close()
    assert not wrong


def fill(db: Database) -> None:
    """Usage of many people, two of whom have one name, and a trail that is whole."""
    with db.writing() as tx:
        owner = store.local_person(tx)
        made = [store.add_user(tx, "user", f"Person {i % (PEOPLE - 2)}", f"p{i}@example.org") for i in range(PEOPLE)]
        served = {"prompt_tokens": 7, "completion_tokens": 3, "seconds": 1.0, "cost": 0.0}
        made[-1] = owner
        rows = [{"id": new_id(), "user": made[i % PEOPLE], "created_at": now()} | served for i in range(ROWS)]
        tx.execute(insert(usage), rows)
        last = tx.execute(audit.select().order_by(audit.c.number.desc())).first()
        number, before = (last.number, last.hash) if last else (0, "")
        trail = []
        for n in range(number + 1, ROWS + 1):
            row = {"number": n, "actor": owner, "action": "setting", "target": f"t{n}", "details": {"value": n}}
            row["created_at"] = now()
            before = people._chained(before, row)
            trail.append(row | {"hash": before})
        tx.execute(insert(audit), trail)
        assert tx.execute(user.select()).first()


def test_an_empty_store(page: Page) -> None:
    for place, says in (
        ("models", "Nothing was promoted yet."),
        ("usage", "Nothing was served in this time"),
        ("service", "Requests per minute"),
        ("audit", "Nothing has happened yet"),
        ("feedback", "No feedback yet"),
    ):
        page.goto(f"/admin/{place}")
        expect(page.get_by_text(says).first).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)


def test_ten_thousand_rows_come_a_page_at_a_time(page: Page, office: Bird) -> None:
    fill(office.db)
    page.goto("/admin/usage")
    rows = page.get_by_role("table", name="Usage").get_by_role("row")
    expect(rows).to_have_count(101)
    expect(page.get_by_text("10,000").first).to_be_visible()
    page.get_by_role("button", name="500 more").click()
    expect(rows).to_have_count(201)
    for _ in range(4):
        page.get_by_role("button", name="more").click()
    expect(rows).to_have_count(PEOPLE + 1)
    expect(page.get_by_role("button", name="more")).to_have_count(0)
    expect(page.get_by_role("cell", name="Person 0", exact=True)).to_have_count(2)  # two people of one name are two
    expect(page.get_by_role("cell", name="This machine")).to_have_count(1)

    page.goto("/admin/audit")
    trail = page.get_by_role("table", name="Audit").get_by_role("row")
    expect(trail).to_have_count(51)
    expect(page.get_by_text("The trail is whole")).to_be_visible()
    expect(trail.nth(1)).to_contain_text("10000")
    page.get_by_role("button", name="More").click()
    expect(trail).to_have_count(101)
    expect(trail.last).to_contain_text("9901")
    with office.address.page() as http:
        last = http.get("/api/audit", params={"limit": 50, "after": 51}).json()
        assert (len(last["items"]), last["next"]) == (50, None)  # no page without rows follows


def test_ten_thousand_chats(page: Page, office: Bird) -> None:
    """The newest are there at once, older ones as one scrolls, any of them by its words; nothing ever holds it up."""
    old = office.has_talked(("user", "the narwhal of long ago"), ("assistant", "Yes?"), title="Narwhals")
    with office.db.writing() as tx:
        row = {"owner": office.owner, "source": "chat", "temporary": False}
        rows = [row | {"id": new_id(), "updated_at": now()} for _ in range(ROWS)]
        tx.execute(insert(conversation), rows)
    page.goto("/")
    listed = page.get_by_role("link", name="Untitled")
    expect(listed.first).to_be_visible()
    slow = slowness(page)
    page.evaluate(LONG_TASKS)
    shown = listed.count()
    assert shown < 200
    for _ in range(12):
        listed.last.scroll_into_view_if_needed()
        page.wait_for_timeout(50)
    assert listed.count() > 4 * shown
    page.get_by_role("searchbox", name="Search").fill("narwhal")
    page.get_by_role("link", name="Narwhals").click()
    expect(page).to_have_url(re.compile(f"/c/{old}"), timeout=10_000)
    expect(page.get_by_text("the narwhal of long ago").last).to_be_visible()
    assert longest(page) < 300 * slow


def test_while_it_loads_and_when_the_service_is_gone(page: Page) -> None:
    page.goto("/admin/people")
    expect(page.get_by_role("link", name="Usage")).to_be_visible()
    page.route("**/api/**", lambda route: route.abort())
    for name in ("Models", "Usage", "Service", "Audit"):
        page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_text("Loading")).to_be_attached()
        expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached", timeout=20_000)
    page.unroute("**/api/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Nothing has happened yet")).to_be_visible()
