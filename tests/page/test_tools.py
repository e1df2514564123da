"""Steps and sources of a conversation that a program had over /v1, with tools of its own, opened in the page."""

import json

from playwright.sync_api import Page, expect

from tests.page.conftest import Bird
from tests.page.steps import answers, press, questions, say
from tests.server.tools import conversation, sources

CALLS = [("search", {"q": "sky"}), ("clock", {"zone": "UTC"})]
FOUND = sources(
    ("Rayleigh", "https://a.example/r", "Blue is scattered."), ("Mie", "https://b.example", ""), ("Tale", "", "Paint.")
)
ANSWER = "Yes [1], [3], not [9], `l[2]`."
"""All of it must fit the small model's context."""


def has_used_tools(bird: Bird, answer: str = ANSWER) -> str:
    """The conversation's id. The official client speaks, as the person that the page belongs to."""
    client = bird.address.openai()
    conversation(client, bird.engines, "Why blue?", CALLS, [FOUND, "noon"], answer, order=(1, 0), model="mynah")
    http = bird.address.page()
    return http.get("/api/conversations", params={"source": "api"}).json()["items"][0]["id"]


def test_a_call_and_its_result_are_one_step_and_marks_lead_to_sources(page: Page, bird: Bird) -> None:
    page.goto(f"/c/{has_used_tools(bird)}")
    expect(questions(page)).to_have_count(1)
    expect(answers(page)).to_have_count(2)
    called, answer = answers(page).first, answers(page).last
    steps = called.get_by_role("group")
    expect(steps).to_have_text(["Used search", "Used clock"])
    called.get_by_text("Used clock").click()
    expect(called.get_by_role("region", name="Asked")).to_contain_text('"zone": "UTC"')
    expect(called.get_by_role("region", name="Result")).to_contain_text("noon")
    called.locator("summary").first.press("Enter")
    expect(called.get_by_role("region", name="Result").first).to_contain_text("Blue is scattered.")
    expect(called.get_by_role("button", name="Answer again")).to_have_count(0)

    marks = answer.get_by_role("link", name="Source ")
    expect(marks).to_have_text(["[1]", "[3]"])
    expect(answer).to_contain_text("not [9], l[2].")
    listed = answer.get_by_role("region", name="Sources")
    cited = listed.get_by_role("listitem")
    expect(cited).to_have_count(2)
    expect(cited.first).to_contain_text("a.example")
    expect(cited.first.get_by_role("link", name="Rayleigh")).to_have_attribute("href", "https://a.example/r")
    expect(cited.last.get_by_role("link")).to_have_count(0)
    marks.last.click()
    expect(cited.last).to_be_focused()
    assert "#" not in page.url
    listed.get_by_text("1 source was found and is not cited").click()
    expect(listed.get_by_role("link", name="Mie")).to_be_visible()


def test_one_goes_on_from_an_answer_with_tools_and_shares_it(page: Page, bird: Bird) -> None:
    talk = has_used_tools(bird, "Because [1].")
    page.goto(f"/c/{talk}")
    bird.says("It scatters, says [2].")
    press(page, "Answer again")
    expect(answers(page).last).to_contain_text("It scatters, says [2].")
    expect(answers(page).last.get_by_role("link", name="Source 2: Mie")).to_be_visible()
    expect(answers(page).last).to_contain_text("2/2")
    bird.says("Good night.")
    say(page, "And at night?")
    expect(answers(page).last).to_contain_text("Good night.")
    expect(answers(page).last.get_by_role("region", name="Sources")).to_have_count(0)
    said = bird.address.page().get(f"/api/conversations/{talk}").json()["messages"]
    parents = {one["id"]: one["parent"] for one in said}
    again = next(one["id"] for one in said if "says [2]" in json.dumps(one["parts"]))
    assert parents[said[-1]["parent"]] == again

    press(page, "Share")
    press(page, "Make a link")
    link = page.get_by_label("Link").input_value()
    page.goto(link)
    expect(page.get_by_text("Used search")).to_be_visible()
    page.get_by_role("link", name="Source 2: Mie").click()
    expect(page.get_by_role("region", name="Sources").get_by_role("listitem").first).to_be_focused()


def test_an_answer_that_waits_for_its_tools_says_so(page: Page, bird: Bird) -> None:
    client = bird.address.openai()
    conversation(client, bird.engines, "What time?", CALLS, [FOUND, "noon"], "Noon.", model="mynah")
    http = bird.address.page()
    talk = http.get("/api/conversations", params={"source": "api"}).json()["items"][0]["id"]
    said = http.get(f"/api/conversations/{talk}").json()["messages"]
    link = http.post(f"/api/conversations/{talk}/share", json={"message": said[1]["id"]}).json()["url"]
    page.goto(link)
    page.get_by_text("Uses search").click()
    expect(page.get_by_role("region", name="Asked")).to_contain_text("sky")
    expect(page.get_by_role("region", name="Result")).to_have_count(0)
