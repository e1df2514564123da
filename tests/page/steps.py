"""What a person does at the page, in words; elements are found as a screen reader finds them."""

from playwright.sync_api import Locator, Page, expect


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Write a message")


def say(page: Page, text: str) -> None:
    field(page).fill(text)
    field(page).press("Enter")


def answers(page: Page) -> Locator:
    return page.get_by_role("article").filter(has=page.get_by_role("heading", name="Answer", exact=True))


def questions(page: Page) -> Locator:
    return page.get_by_role("article").filter(has=page.get_by_role("heading", name="You said"))


def over(page: Page) -> None:
    """The answer is whole: what can be done with it is there."""
    expect(page.get_by_role("button", name="Answer again").last).to_be_enabled()


def ask(page: Page, text: str) -> None:
    say(page, text)
    over(page)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).last.click()
