"""For everybody: no mouse, a screen reader, an input method, a phone, another language, a dark room."""

import json
import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.page.conftest import AXE, MUST, Bird
from tests.page.steps import answers, ask, field, over, press, questions, say

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}


def faults(page: Page, rules: dict[str, list[str]] = RULES) -> list[str]:
    """What axe finds that is serious or worse, and where."""
    if not AXE.is_file():
        if MUST:
            pytest.fail(f"{AXE} is missing: npm ci in web/")
        pytest.skip("axe-core is not installed: npm ci in web/")
    page.evaluate(
        "document.getAnimations().filter(one => one.effect.getTiming().iterations < 9).forEach(one => one.finish())"
    )
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(f"axe.run(document, {json.dumps(rules)})")["violations"]
    return [
        f"{one['id']}: {node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Page, bird: Bird, scheme: str) -> None:
    rules = RULES if scheme == "light" else COLOURS
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/")
    expect(page.get_by_role("listitem").first).to_be_visible()
    assert faults(page, rules) == []
    bird.says(
        "## Head\n\n- a [link](https://example.org)\n\n```python\nx = 'a'  # 1\n```\n\n| a |\n|---|\n| 1 |\n\n$x^2$"
    )
    ask(page, "Everything")
    expect(answers(page).locator(".hljs-string")).to_be_visible()
    press(page, "Bad answer")
    assert faults(page, rules) == []
    press(page, "Two answers side by side")
    say(page, "Compare")
    expect(page.get_by_role("button", name="B is better")).to_be_enabled()
    assert faults(page, rules) == []
    press(page, "How it answers")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults(page, rules) == []
    page.keyboard.press("Escape")
    page.get_by_role("navigation").get_by_role("button", name="Account").click()
    assert faults(page, rules) == []
    page.goto("/login")
    expect(page.get_by_label("Password")).to_be_visible()
    assert faults(page, rules) == []


def test_an_answer_is_announced_once_and_whole(page: Page, bird: Bird) -> None:
    bird.says("one **two** three four five six seven eight", pause=0.01)
    page.goto("/")
    ask(page, "First")  # the page of a conversation is there from now on
    page.evaluate(
        """() => {
            window.told = [];
            const live = [...document.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log]')];
            const said = () => live.map(one => one.textContent).join('').trim();
            const watch = new MutationObserver(() => window.told.push(said()));
            for (const one of live) watch.observe(one, { childList: true, characterData: true, subtree: true });
        }"""
    )
    ask(page, "Second")
    expect(page.locator("[data-announcer]")).to_contain_text("eight")
    assert page.evaluate("told") == ["Writing an answer", "Answer: one two three four five six seven eight"]


def test_enter_that_ends_a_composition_does_not_send(page: Page, context: BrowserContext, bird: Bird) -> None:
    page.goto("/")
    field(page).focus()
    devtools = context.new_cdp_session(page)
    devtools.send("Input.imeSetComposition", {"text": "nihao", "selectionStart": 5, "selectionEnd": 5})
    key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229, "nativeVirtualKeyCode": 229}
    devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
    devtools.send("Input.insertText", {"text": "你好"})
    devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
    # … and as Safari tells it: the composition is over, the key is 229.
    safari = "{ key: 'Enter', keyCode: 229, bubbles: true, cancelable: true }"
    field(page).evaluate(f"one => one.dispatchEvent(new KeyboardEvent('keydown', {safari}))")
    expect(field(page)).to_have_value("你好")
    expect(page).to_have_url(re.compile("/$"))
    field(page).press("Shift+Enter")
    expect(field(page)).to_have_value("你好\n")
    field(page).press("Enter")
    over(page)
    expect(questions(page)).to_contain_text("你好")


def test_everything_with_the_keyboard_alone(page: Page, bird: Bird) -> None:
    page.goto("/")
    expect(field(page)).to_be_focused()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    over(page)
    expect(field(page)).to_be_focused()

    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("textbox", name="Edit")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("By keyboard, again")
    page.keyboard.press("Enter")
    expect(questions(page)).to_contain_text("2/2")
    over(page)

    bird.goes_on("and on ")
    page.keyboard.press("Shift+Escape")
    page.keyboard.type("Never end")
    page.keyboard.press("Enter")
    expect(answers(page).last).to_contain_text("and on")
    page.keyboard.press("Escape")
    expect(answers(page).last).to_contain_text("Stopped.")

    page.keyboard.press("Control+Shift+o")
    expect(page.get_by_role("heading", name="What would you like")).to_be_visible()
    page.get_by_role("button", name="Temporary chat").focus()
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    expect(page.get_by_role("button", name="Temporary chat")).to_be_focused()

    page.goto("/nowhere")
    page.get_by_role("link").click()
    expect(field(page)).to_be_focused()
    item = page.get_by_role("button", name="More for “By keyboard”").last
    item.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Delete")).to_be_focused()
    page.keyboard.press("Escape")
    expect(item).to_be_focused()


def test_on_a_phone(browser, bird: Bird) -> None:
    bird.says("A `very_long_word_" + "x" * 80 + "` and\n\n| a | b | c |\n|---|---|---|\n| 1 | 2 | " + "y" * 90 + " |")
    phone = browser.new_context(
        base_url=bird.address, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, locale="en"
    )
    page = phone.new_page()
    page.goto("/")
    field(page).fill("Fits?")
    press(page, "Send")
    over(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    long = bird.has_talked(("user", "Hi"), ("assistant", "Yes."), title="A title of very many words " * 7)
    page.goto(f"/c/{long}")
    for part in (field(page), answers(page), page.get_by_role("main").get_by_role("button", name="More for")):
        expect(part).to_be_in_viewport(ratio=1)
    page.goto("/")
    field(page).fill("two")
    field(page).press("Enter")  # on a phone Enter is a new line
    expect(field(page)).to_have_value("two\n")
    press(page, "Show the sidebar")
    nav = page.get_by_role("navigation", name="Sidebar")
    expect(nav).to_be_in_viewport()
    nav.get_by_role("link", name="New chat").click()
    expect(nav).not_to_be_in_viewport()
    small = page.evaluate(
        """() => [...document.querySelectorAll('main button, main a')].filter(one => {
            const box = one.getBoundingClientRect();
            return box.width && (box.width < 24 || box.height < 24);
        }).map(one => one.outerHTML.slice(0, 100))"""
    )
    assert small == []
    phone.close()


def test_in_chinese(browser, bird: Bird) -> None:
    reader = browser.new_context(base_url=bird.address, locale="zh-CN")
    page = reader.new_page()
    page.goto("/")
    expect(page.get_by_role("heading", name="想聊些什么？")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.get_by_role("button", name="用三句话解释天空为什么是蓝色的。")).to_be_visible()
    page.get_by_role("textbox", name="输入消息").fill("你好")
    page.get_by_role("button", name="发送").click()
    expect(page.get_by_role("button", name="重新回答")).to_be_enabled()
    english = page.locator("body").inner_text()
    assert not re.search(r"\b(Search|Today|Stop|Copy|Settings|chat)\b", english), english
    page.get_by_role("button", name="账户与页面").click()
    page.get_by_role("menuitemradio", name="English").click()
    expect(page.get_by_role("link", name="New chat")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="New chat")).to_be_visible()
    reader.close()


def test_a_shared_chat_is_for_everybody_too(page: Page, bird: Bird) -> None:
    bird.says("# Head\n\nWords with `code`.")
    page.goto("/")
    ask(page, "Share it")
    press(page, "Share")
    press(page, "Make a link")
    page.goto(page.get_by_label("Link").input_value())
    expect(page.get_by_role("heading", name="Share it")).to_be_visible()
    assert faults(page) == []
