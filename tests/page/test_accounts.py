"""The page where people sign in: what is left of them when they are out, and what they are told of a refusal."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mynah import store
from mynah.store import access, invites
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

    def end(route) -> None:  # just before the draft arrives
        if route.request.method == "PUT":
            with door.db.writing() as tx:
                access.end_sessions(tx, person)
        route.continue_()

    page.route("**/api/drafts/new", end)
    field(page).fill("half a thought")
    expect(page.get_by_label("Password")).to_be_visible()
    page.unroute_all()
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


def test_who_is_told_several_times_that_the_session_is_over_comes_back_where_they_were(browser, door) -> None:
    person = door.add("Twice")
    made = context(browser, door)
    page = made.new_page()
    page.goto("/settings")
    sign_in(page, "Twice")
    expect(page.get_by_label("Password")).to_have_count(0)
    expect(page).to_have_url(re.compile("/settings"))
    before = page.url
    with door.db.writing() as tx:
        access.end_sessions(tx, person)
    page.evaluate("for (let refused = 0; refused < 3; refused++) dispatchEvent(new Event('signed-out'))")
    expect(page.get_by_label("Password")).to_be_visible()
    sign_in(page, "Twice")
    expect(page).to_have_url(before)
    made.close()


def invited(door: Door, by: str) -> str:
    with door.db.writing() as tx:
        return f"/join#{invites.invite_person(tx, by, 'user', '', timedelta(days=1))[1]}"


def test_what_the_service_refuses_is_told_in_chinese(browser, door) -> None:
    admin = door.add("Only", "admin")
    made = context(browser, door, "zh-CN")
    page = made.new_page()
    alert = page.get_by_role("alert")
    page.goto("/")
    sign_in(page, "Only")
    page.get_by_role("textbox", name="输入消息").fill("还在吗？")
    told = {"message": "The server is busy. Try again in 130 s.", "code": "rate_limit_exceeded"}
    wait = {"Retry-After": "130"}
    page.route("**/answers", lambda route: route.fulfill(status=429, json={"error": told}, headers=wait))
    page.get_by_role("button", name="发送").click()
    expect(alert).to_contain_text("服务繁忙：正在生成的回答太多。请在 3 分钟后重试。")
    told |= {"message": "A refusal of another kind.", "code": "of_another_kind"}
    alert.get_by_role("button").click()
    expect(alert).to_contain_text("A refusal of another kind.")

    page.goto("/settings/account")
    page.get_by_label("当前密码").last.fill("a wrong one")
    page.get_by_label("新密码").fill("another long enough one")
    page.get_by_role("button", name="保存").last.click()
    expect(alert).to_have_text("当前密码不正确。")
    page.goto("/settings/data")
    page.get_by_role("button", name="删除我的数据").click()
    page.get_by_role("dialog").get_by_label("当前密码").fill(PASSWORD)
    page.get_by_role("dialog").get_by_role("button", name="删除我的数据").click()
    expect(alert).to_have_text("这是唯一的管理员，请先让另一个人成为管理员。")

    made.clear_cookies()
    page.goto(invited(door, admin))
    page.locator("input[name=name]").fill("Only")
    sign_in(page, "Only", "qwertyuiop")
    expect(page.get_by_text("这个密码太容易被猜到，请换一个：至少 10 个字符")).to_be_visible()
    sign_in(page, "Only")
    expect(page.get_by_text("这个邮箱已有账户。")).to_be_visible()
    page.goto("/login")
    sign_in(page, "Only", "a wrong one")
    expect(alert).to_have_text("邮箱或密码不正确。")
    with door.address.page() as guessing:
        for _ in range(9):
            guessing.post("/api/session", json={"email": "only@example.org", "password": "another wrong one"})
    sign_in(page, "Only")
    expect(alert).to_have_text(re.compile(r"^密码尝试次数过多。请在 \d+ 秒后重试。$"))
    made.close()


def test_what_the_service_refuses_is_told_in_english_with_all_that_it_says(browser, door) -> None:
    host = door.add("Host")
    made = context(browser, door)
    page = made.new_page()
    page.goto(invited(door, host))
    page.locator("input[name=name]").fill("Guest")
    sign_in(page, "Guest", "short")
    expect(page.get_by_text("The password is shorter than 10 characters; please choose another.")).to_be_visible()
    sign_in(page, "Guest", "qwertyuiop")
    expect(page.get_by_text("The password is one of those that are tried first; please choose")).to_be_visible()
    page.goto("/login")
    sign_in(page, "Host", "a wrong one")
    expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    made.close()
