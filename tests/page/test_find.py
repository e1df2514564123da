"""Ctrl-F in a chat of which only a part is laid out: all of it is searched, and the hit is shown and marked."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from mynah.nouns import Message
from tests.page.conftest import Bird
from tests.page.steps import answers, field, over, press, say

FILLER = [(role, f"filler {i}\n\nand more") for i in range(100) for role in ("user", "assistant")]

IN_BOTH = {"find": re.compile("Find in this chat|在此对话中查找"), "found": re.compile("1 of 22|第 1 个，共 22 个")}
"""Another test may have chosen the language that the service keeps."""


def bar(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Find in this chat")


def status(page: Page) -> Locator:
    return page.get_by_role("search").filter(has=bar(page)).get_by_role("status")


def marked(page: Page, name: str = "found-here") -> list[str]:
    return page.evaluate("name => [...CSS.highlights.get(name) ?? []].map(range => range.toString())", name)


def in_sight(page: Page) -> bool:
    """Whether the marked hit is on the screen, below the bar and above the field."""
    return page.evaluate(
        """() => {
            const [range] = CSS.highlights.get('found-here');
            const { top, bottom, left, right } = range.getBoundingClientRect();
            const frame = document.querySelector('main [data-scrolls]').getBoundingClientRect();
            return top > frame.top && bottom < frame.bottom && left >= frame.left && right <= frame.right;
        }"""
    )


def shows(page: Page, text: str) -> None:
    """The hit is marked, and scrolled to."""
    for _ in range(100):
        if marked(page) == [text] and in_sight(page):
            return
        page.wait_for_timeout(30)
    pytest.fail(f"{marked(page)} is marked, in sight: {bool(marked(page)) and in_sight(page)}")


def test_it_finds_what_is_not_laid_out(page: Page, bird: Bird) -> None:
    said = [*FILLER]
    said[6] = ("user", "Where is the Needle?")
    said[101] = ("assistant", "A needle, in **another** hay\n\n- needle")
    page.goto(f"/c/{bird.has_talked(*said)}")
    expect(answers(page).last).to_contain_text("filler 99")
    field(page).focus()
    page.keyboard.press("Control+f")
    expect(bar(page)).to_be_focused()
    page.keyboard.type("needle")
    expect(status(page)).to_have_text("1 of 3")
    shows(page, "Needle")
    page.keyboard.press("Enter")
    expect(status(page)).to_have_text("2 of 3")
    shows(page, "needle")
    assert sorted(marked(page, "found")) == ["needle", "needle"]
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(status(page)).to_have_text("1 of 3")  # round
    page.keyboard.press("Shift+Enter")
    expect(status(page)).to_have_text("3 of 3")
    shows(page, "needle")
    assert page.get_by_role("article").count() < 100

    bar(page).fill("in another hay")  # it runs on through another element
    expect(status(page)).to_have_text("1 of 1")
    shows(page, "in another hay")
    bar(page).fill("nowhere (")
    expect(status(page)).to_have_text("Nothing found")
    expect(page.get_by_role("button", name="Next hit")).to_be_disabled()
    bar(page).fill("needle")
    expect(status(page)).to_have_text(re.compile("2 of 3"))  # the next one on the screen
    page.keyboard.press("Escape")
    expect(bar(page)).to_have_count(0)
    assert marked(page) == []
    expect(answers(page).filter(has_text="another")).to_be_focused()

    say(page, "Onwards")  # from the middle one comes to the end, where it is answered
    over(page)
    expect(answers(page).last).to_contain_text("Hello.")
    expect(answers(page).last).to_be_in_viewport()
    press(page, "Answer again")
    expect(answers(page).last).to_contain_text("2/2")


def test_a_second_time_and_in_a_short_chat_the_key_is_the_browsers(page: Page, bird: Bird) -> None:
    page.add_init_script(
        "addEventListener('keydown', event => setTimeout(() => window.taken = event.defaultPrevented))"
    )
    taken = "() => new Promise(done => setTimeout(() => done(window.taken), 20))"
    page.goto(f"/c/{bird.has_talked(*FILLER[:8])}")
    expect(answers(page).last).to_be_visible()
    page.keyboard.press("Control+f")
    assert page.evaluate(taken) is False
    expect(bar(page)).to_have_count(0)
    page.goto(f"/c/{bird.has_talked(*FILLER)}")
    expect(answers(page).last).to_be_visible()
    page.keyboard.press("Control+f")
    expect(bar(page)).to_be_focused()
    assert page.evaluate(taken) is True
    page.keyboard.press("Control+f")
    assert page.evaluate(taken) is False
    expect(bar(page)).to_be_visible()


def test_it_finds_in_folded_texts_in_code_and_in_chinese(page: Page, bird: Bird) -> None:
    log = "\n".join(f"line {i} of a log" for i in range(3000))
    code = "So:\n\n```python\n" + "\n".join(f"def snake_case_{i}(): pass" for i in range(60)) + "\n```\n"
    talk = bird.has_talked(Message("user", log), Message("assistant", code), ("user", "天气 *怎么样*？"))
    page.goto(f"/c/{talk}")
    expect(page.get_by_role("button", name="Show all of it")).to_be_visible()
    page.keyboard.press("Control+f")
    for words, shown in (("line 2987 of", "line 2987 of"), ("SNAKE_case_42", "snake_case_42"), ("气 *怎", "气 *怎")):
        bar(page).fill(words)
        expect(status(page)).to_have_text("1 of 1")
        shows(page, shown)


def test_on_a_phone_it_is_in_the_menu(browser, bird: Bird) -> None:
    context = browser.new_context(base_url=bird.address, viewport={"width": 360, "height": 640}, has_touch=True)
    page = context.new_page()
    page.goto(f"/c/{bird.has_talked(*FILLER, title='Haystack')}")
    expect(page.get_by_text("filler 99").last).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="Haystack").click()
    page.get_by_role("menuitem", name=IN_BOTH["find"]).click()
    page.get_by_role("textbox", name=IN_BOTH["find"]).fill("filler 3")
    expect(page.get_by_text(IN_BOTH["found"])).to_be_visible()
    shows(page, "filler 3")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    context.close()
