"""The page where people sign in: what is left of them when they are out, and what they are told of a refusal."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mynah import store
from mynah.store import access
from mynah.store.database import Database
from tests import toys
from tests.page.conftest import ours
from tests.page.steps import answers, field, over, say
from tests.server.conftest import Address, Parrot, parrot, service, serving

PASSWORD = "a long enough one"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class Door:
    """A service with accounts, its database, and the engine of its model."""

    def __init__(self, address: Address, db: Database, engine: Parrot) -> None:
        self.address, self.db, self.engine = address, db, engine

    def add(self, name: str, role: str = "user") -> str:
        with self.db.writing() as tx:
            return store.add_user(tx, role, name, f"{name.lower()}@example.org", CHEAP.hash(PASSWORD))


@pytest.fixture(scope="module")
def door(built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    model = parrot("Hello.")
    db = store.open(tmp_path_factory.mktemp("door") / "mynah.db")
    with serving(service(model), db=db, accounts=True) as address:
        yield Door(address, db, model.assistant.engine)  # type: ignore[arg-type]
    db.close()


def context(browser: Browser, door: Door, locale: str = "en-GB") -> BrowserContext:
    made = browser.new_context(base_url=door.address, locale=locale)
    made.route(lambda url: not ours(url, door), lambda route: route.abort())  # type: ignore[arg-type]
    return made


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.locator("input[name=email]").fill(f"{name.lower()}@example.org")
    page.locator("input[name=password]").fill(password)
    page.locator("button[type=submit]").click()


@pytest.mark.parametrize("how", ["signs out", "is signed out"])
def test_an_answer_goes_on_while_its_asker_is_out_and_is_whole_when_they_are_back(browser, door, how: str) -> None:
    name = {"signs out": "Out", "is signed out": "Ended"}[how]
    person = door.add(name)
    said = " ".join(["la"] * 20)
    door.engine.ids, door.engine.pause = list(toys.chat().encode_answer(said)), 0.1
    made = context(browser, door)
    page = made.new_page()
    page.goto("/")
    sign_in(page, name)
    say(page, "Sing")
    expect(answers(page)).to_contain_text("la la")
    chat = page.url
    if how == "signs out":
        page.get_by_role("button", name="Account and pages").click()
        page.get_by_role("menuitem", name="Sign out").click()
    else:
        with door.db.writing() as tx:
            access.end_sessions(tx, person)
    expect(page.get_by_label("Password")).to_be_visible()
    sign_in(page, name)
    if how == "signs out":
        page.get_by_role("link", name="Sing").click()
    expect(page).to_have_url(chat)
    over(page)
    expect(answers(page)).to_have_count(1)
    expect(answers(page)).to_contain_text(said)
    expect(page.get_by_role("alert")).to_have_count(0)
    made.close()


def test_words_typed_when_the_session_had_ended_are_there_for_their_writer_alone(browser, door) -> None:
    person = door.add("Cut")
    door.add("Next")
    made = context(browser, door)
    page = made.new_page()
    page.goto("/")
    sign_in(page, "Cut")
    expect(page.get_by_role("heading", name="What would you like")).to_be_visible()
    page.wait_for_load_state("networkidle")
    with door.db.writing() as tx:
        access.end_sessions(tx, person)
    field(page).fill("half a thought")
    expect(page.get_by_label("Password")).to_be_visible()
    sign_in(page, "Next")
    expect(page.get_by_text("Next")).to_be_visible()
    expect(page.get_by_role("listitem").first).to_be_visible()
    expect(field(page)).to_have_value("")
    page.context.clear_cookies()
    page.goto("/")
    with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok):
        sign_in(page, "Cut")
    expect(field(page)).to_have_value("half a thought")
    page.route("**/api/drafts/new", lambda route: route.abort())
    with page.expect_request("**/api/drafts/new"):
        field(page).fill("more")
    page.get_by_role("button", name="Account and pages").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0
    made.close()
