"""What was typed or pasted and did not leave is there after a reload, a failure, and without the service."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from mynah import store
from tests.page.conftest import Bird
from tests.page.steps import field, over, press, questions, say

LONG = "a\n" * 159 + "the end"


@pytest.fixture(autouse=True)
def no_draft(bird: Bird) -> None:
    """Tests share a person, and so their drafts."""
    keep(bird, "")


def keep(bird: Bird, content: str) -> None:
    with bird.db.writing() as tx:
        store.keep_draft(tx, bird.owner, "new", content)


def paste(page: Page, text: str) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    field(page).press("Control+v")


def block(page: Page) -> Locator:
    return page.get_by_text("Pasted text, 160 lines")


def saved(page: Page):
    """The service has the draft once this is over."""
    return page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok)


def copies(page: Page) -> list[str]:
    return page.evaluate("Object.keys(sessionStorage).filter(key => key.startsWith('draft'))")


def on_its_way(page: Page, path: str, method: str, do: Callable[[Route], None]) -> None:
    page.route(path, lambda route: do(route) if route.request.method == method else route.continue_())


def test_a_long_paste_is_kept_with_the_draft_and_sent_with_it(page: Page, bird: Bird) -> None:
    chat = bird.has_talked(("user", "Hi"), ("assistant", "Yes."), title="Elsewhere")
    page.goto("/")
    field(page).fill("Look at this:")
    paste(page, LONG)
    expect(block(page)).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="Elsewhere").click()
    expect(page.get_by_role("heading", name="Elsewhere")).to_be_visible()
    expect(block(page)).to_have_count(0)
    with page.expect_response("**/api/drafts/new"):
        page.get_by_role("navigation").get_by_role("link", name="New chat").click()
    expect(field(page)).to_have_value("Look at this:")
    expect(block(page)).to_be_visible()
    page.evaluate("sessionStorage.clear()")  # as in another tab, or tomorrow
    page.reload()
    expect(field(page)).to_have_value("Look at this:")
    expect(block(page)).to_be_visible()
    field(page).press("Enter")
    over(page)
    expect(questions(page)).to_contain_text("Look at this:")
    press(page, "Show all of it (162 lines)")
    expect(questions(page)).to_contain_text("the end")
    page.goto(f"/c/{chat}")
    page.goto("/")
    expect(page.get_by_role("heading", name="What would you like")).to_be_visible()
    expect(field(page)).to_have_value("")
    expect(block(page)).to_have_count(0)


def test_a_chat_that_could_not_begin_gives_back_the_words_before_those_typed_meanwhile(page: Page, bird: Bird) -> None:
    page.goto("/")
    held: list[Route] = []
    on_its_way(page, "**/api/conversations", "POST", held.append)
    paste(page, LONG)
    say(page, "The first thought")
    expect(field(page)).to_have_value("")
    with page.expect_request(lambda request: request.url.endswith("/drafts/new") and request.method == "PUT") as kept:
        field(page).press_sequentially("and a second one")
    assert "The first thought\\nand a second one" in kept.value.post_data_json["content"]  # should the page go away now
    held[0].abort()
    expect(page.get_by_role("alert")).to_contain_text("still running")
    expect(field(page)).to_have_value("The first thought\nand a second one")
    expect(block(page)).to_be_visible()
    press(page, "Remove the pasted text")
    expect(block(page)).to_have_count(0)


@pytest.mark.parametrize(("characters", "heard"), [(30_000, False), (150_000, True), (1_100_000, True)])
def test_a_draft_that_the_service_does_not_have_is_there_after_a_reload(
    page: Page, bird: Bird, characters: int, heard: bool
) -> None:
    """A long one cannot be sent while the page goes away, and the longest not at all."""
    page.goto("/")
    expect(page.get_by_role("listitem").first).to_be_visible()
    if not heard:
        on_its_way(page, "**/api/drafts/new", "PUT", lambda route: route.abort())
    words = ("word " * (characters // 5)).strip()
    field(page).fill(words)
    page.reload()
    expect(field(page)).to_have_value(words)
    page.unroute_all()
    if characters < 1_000_000:
        with saved(page):
            page.reload()
        expect(field(page)).to_have_value(words)
    with saved(page):
        field(page).fill("short")
    page.reload()
    expect(field(page)).to_have_value("short")
    assert not copies(page)


def test_a_suggestion_that_was_changed_stays_so_in_a_temporary_chat(page: Page, bird: Bird) -> None:
    page.goto("/")
    page.get_by_role("list", name="Suggestions").get_by_role("button").first.click()
    expect(field(page)).not_to_have_value("")
    field(page).fill("My own words")
    press(page, "Temporary chat")
    expect(page.get_by_role("heading", name="A chat that is not kept")).to_be_visible()
    expect(field(page)).to_have_value("My own words")


def test_a_draft_that_can_be_read_no_more_is_shown_as_it_is(page: Page, bird: Bird) -> None:
    keep(bird, "\u001e[half")
    page.goto("/")
    expect(field(page)).to_have_value("\u001e[half")
