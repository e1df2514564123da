"""Take the pictures of docs/ and README again, from a page that really runs: what is in them, a model really said.

    mynah demo                                            # all its steps; let it open the page
    python web/pictures.py [--address http://127.0.0.1:8642]      # in another terminal

It talks, judges and looks on in a Chromium as a person would, in that home: use one that you can throw away. Needs the
packages of the tests (`pip install -e .[test]`) and a Chromium.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
expect.set_options(timeout=30_000)
QUESTIONS = (
    "What is the capital of Portugal?",  # its answer is rated: a fact that the model knows
    "And its currency?",
    "Why is Berlin the capital of France?",
)
COMPARED = "Write a short note to my boss that I am ill on Monday."


def chat(page: Page) -> None:
    """A talk of three questions, the first answer rated."""
    page.goto("/")
    for question in QUESTIONS:
        say(page, question)
        expect(page.get_by_role("button", name="Answer again").last).to_be_enabled()
    page.get_by_role("button", name="Good answer").first.click()
    page.get_by_role("button", name="Correct", exact=True).click()
    agree = page.get_by_role("button", name="Yes, they may")
    if agree.count():
        agree.click()
    page.get_by_role("button", name="Send", exact=True).first.click()
    page.mouse.move(0, 0)
    keep(page, "chat")


def compare(page: Page) -> None:
    """Two answers, before and after the vote."""
    page.goto("/")
    two = page.get_by_role("button", name="Two answers side by side")
    two.click()
    say(page, COMPARED)
    expect(page.get_by_role("button", name="A is better")).to_be_enabled()
    keep(page, "compare")
    page.get_by_role("button", name="Both are bad").click()  # they are, of so small a model: look before you retake
    expect(page.get_by_text("A was").or_(page.get_by_text("Both were by"))).to_be_visible()
    two.click()


def administration(page: Page, run: str) -> None:
    page.goto(f"/runs/{run}")
    expect(page.get_by_role("img", name="score: between").locator("canvas")).to_be_visible()
    keep(page, "runs")
    page.goto(f"/runs/{run}/samples")
    expect(page.get_by_role("heading", name="As PPO went on")).to_be_visible()
    keep(page, "samples")
    page.goto("/admin/feedback")
    expect(page.get_by_role("article").nth(1)).to_be_visible()
    keep(page, "feedback")


def say(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Write a message").fill(text)
    page.keyboard.press("Enter")


def keep(page: Page, name: str) -> None:
    """The picture, when words from the foot of the page are gone and nothing moves."""
    expect(page.locator("[role=status]:not(.unseen)").filter(has_text=".")).to_have_count(0)
    page.wait_for_timeout(600)
    page.screenshot(path=PICTURES / f"{name}.png", animations="disabled", caret="hide")
    print(f"{name}.png: {(PICTURES / f'{name}.png').stat().st_size / 1000:.0f} kB")


def main() -> None:
    asked = argparse.ArgumentParser(description="Take the pictures of docs/ and README again.")
    asked.add_argument("--address", default="http://127.0.0.1:8642")
    asked.add_argument("--run", default="demo")
    options = asked.parse_args()
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(
            base_url=options.address, viewport={"width": 1200, "height": 760}, device_scale_factor=1.5, locale="en-GB"
        )
        chat(page)
        compare(page)
        administration(page, options.run)
        browser.close()


if __name__ == "__main__":
    main()
