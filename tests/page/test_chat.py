"""The chat as people use it: each flow in a browser, and its trace in the store where it leaves one."""

import re

from playwright.sync_api import Page, expect
from sqlalchemy import select

from mynah import store
from mynah.store.schema import conversation, preference_event, reaction
from tests.page.conftest import Bird
from tests.page.steps import answers, ask, field, over, press, questions, say

HISTORY = "Sidebar"


def test_an_answer_is_streamed_and_set_as_markdown(page: Page, bird: Bird) -> None:
    bird.says(
        "Dear bird,\nit **learns**:\n\n1. hear\n2. say\n\n"
        "```python\nprint('hi')\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    )
    page.goto("/")
    ask(page, "How does a mynah learn?")
    expect(page).to_have_url(re.compile("/c/[0-9a-f]{32}$"))
    answer = answers(page)
    expect(answer.get_by_role("listitem")).to_have_text(["hear", "say"])
    expect(answer.locator("strong")).to_have_text("learns")
    assert answer.locator("p").first.evaluate("one => one.getClientRects()[0].height") > 45, "two lines, as it wrote"
    expect(answer.get_by_role("cell")).to_have_text(["1", "2"])
    expect(answer.locator("code .hljs-built_in")).to_have_text("print")
    expect(page.get_by_role("navigation").get_by_role("link", name="How does a mynah learn?")).to_be_visible()
    answer.get_by_role("button", name="Copy").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == "print('hi')"


def test_formulas_are_drawn_without_inline_styles_in_markup(page: Page, bird: Bird) -> None:
    bird.says("So $e^{i\\pi} = -1$, \\(x^2\\) and\n\n$$\\frac{1}{2}$$\n\nbut $5 and $10 are prices.")
    page.goto("/")
    ask(page, "Euler?")
    expect(answers(page).locator(".katex")).to_have_count(3)
    expect(answers(page)).to_contain_text("but $5 and $10 are prices.")


def test_stop_keeps_what_was_said(page: Page, bird: Bird) -> None:
    bird.goes_on("and on ", pause=0.2)  # at its usual pace it reaches its longest length before a slow browser stops it
    page.goto("/")
    say(page, "Go on")
    expect(answers(page)).to_contain_text("and on and on")
    press(page, "Stop")
    over(page)
    expect(answers(page)).to_contain_text("Stopped.")
    page.reload()
    expect(answers(page)).to_contain_text("and on and on")
    expect(answers(page)).to_contain_text("Stopped.")


def test_a_stop_that_does_not_arrive_is_told_and_can_be_pressed_again(page: Page, bird: Bird) -> None:
    bird.goes_on("and on ", pause=0.2)
    page.goto("/")
    say(page, "Go on")
    expect(answers(page)).to_contain_text("and on and on")
    page.route("**/api/streams/*", lambda route: route.abort(), times=1)
    press(page, "Stop")
    expect(page.get_by_role("status").get_by_text("It was not stopped")).to_be_visible()
    expect(answers(page)).to_contain_text("and on and on and on")  # it goes on, and so does the reading
    press(page, "Stop")
    over(page)
    expect(answers(page)).to_contain_text("Stopped.")


def test_a_reload_in_mid_stream_goes_on_where_it_was(page: Page, bird: Bird) -> None:
    bird.says("one two three four five six seven eight nine ten eleven twelve", pause=0.03)
    page.goto("/")
    say(page, "Count")
    expect(answers(page)).to_contain_text("one two")
    page.reload()
    over(page)
    expect(answers(page)).to_have_count(1)
    expect(answers(page)).to_contain_text("one two three four five six seven eight nine ten eleven twelve")


def test_a_lost_connection_is_taken_up_again(page: Page, bird: Bird) -> None:
    bird.says("one two three four five six seven eight nine ten", pause=0.03)
    page.goto("/")
    broken = []

    def cut(route) -> None:  # the first answer's connection breaks after its first events
        response = route.fetch()
        whole = response.text()
        broken.append(route.request.url)
        route.fulfill(response=response, body=whole[: len(whole) // 2])

    page.route("**/answers", cut, times=1)
    ask(page, "Count again")
    assert broken
    expect(answers(page)).to_contain_text("one two three four five six seven eight nine ten")


COUNTED = "one two three four five six seven eight nine ten"


def breaks_off(page: Page, bird: Bird) -> list[int]:
    """Ask for an answer of which half arrives. What is asked next is refused, with the last status of the list."""
    bird.says(COUNTED, pause=0.03)
    page.goto("/")
    refused = [503]
    asked: list[str] = []

    def cut(route) -> None:
        response = route.fetch()
        whole = response.text()
        route.fulfill(response=response, body=whole[: len(whole) // 2])

    def read(route) -> None:
        if not refused or route.request.method != "GET":
            route.continue_()
        else:
            asked.append(route.request.url)
            route.fulfill(status=refused[-1], json={"error": {"message": "no"}})

    page.route("**/api/streams/*", read)
    page.route("**/api/conversations/*", read)
    page.route("**/answers", cut, times=1)
    say(page, "Count once")
    expect(page.get_by_role("alert")).to_be_visible()
    while sum("/conversations/" in url for url in asked) < 3:  # the conversation is not asked for again by itself
        page.wait_for_timeout(50)
    bird.says("a second answer")
    return refused


def counted_once(page: Page) -> None:
    """The answer is there, whole, and there is no other."""
    for _ in range(2):
        over(page)
        expect(answers(page)).to_have_count(1)
        expect(answers(page)).to_contain_text(COUNTED)
        expect(page.get_by_role("alert")).to_have_count(0)
        expect(page.get_by_role("group", name="Versions")).to_have_count(0)
        page.reload()


def test_trying_again_after_a_long_outage_reads_on_and_asks_for_no_second_answer(page: Page, bird: Bird) -> None:
    breaks_off(page, bird).clear()
    beak = "one => getComputedStyle(one, '::after').content"
    assert answers(page).get_by_text("one two").evaluate(beak) == "none", "nothing is being written"
    press(page, "Try again")
    counted_once(page)


def test_trying_again_shows_what_became_of_an_answer_that_can_be_read_no_more(page: Page, bird: Bird) -> None:
    refused = breaks_off(page, bird)
    page.route("**/api/streams/*", lambda route: route.fulfill(status=404, json={"error": {"message": "gone"}}))
    press(page, "Try again")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("alert")).to_be_visible()  # nor can the conversation
    refused.clear()
    press(page, "Try again")
    counted_once(page)


def test_an_answer_that_was_finished_in_an_outage_is_there_when_one_comes_back_to_it(page: Page, bird: Bird) -> None:
    refused = breaks_off(page, bird)
    chat = page.url
    page.get_by_role("navigation").get_by_role("link", name="New chat").click()
    expect(page.get_by_role("heading", name="What would you like")).to_be_visible()
    refused.clear()
    page.go_back()
    expect(page).to_have_url(chat)
    counted_once(page)


def test_words_that_were_refused_are_there_when_one_comes_back_to_them(page: Page, bird: Bird) -> None:
    bird.says("here I am")
    page.goto("/")
    error = {"message": "The server is busy.", "code": "rate_limit_exceeded"}
    page.route("**/answers", lambda route: route.fulfill(status=429, json={"error": error}), times=1)
    say(page, "Are you there?")
    expect(page.get_by_role("alert")).to_be_visible()
    chat = page.url
    page.get_by_role("navigation").get_by_role("link", name="New chat").click()
    expect(page.get_by_role("heading", name="What would you like")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(chat)
    page.wait_for_timeout(500)  # enough for the conversation to be asked for, if it were
    expect(page.get_by_text("Are you there?").first).to_be_visible()
    press(page, "Try again")
    over(page)
    expect(answers(page)).to_contain_text("here I am")


def test_an_answer_is_read_on_by_itself_when_the_network_is_back(page: Page, bird: Bird) -> None:
    refused = breaks_off(page, bird)
    page.context.set_offline(True)
    refused.clear()
    page.context.set_offline(False)
    counted_once(page)


def test_an_error_of_the_whole_stream_is_told_at_once_and_asked_again(page: Page, bird: Bird, monkeypatch) -> None:
    page.goto("/")
    with monkeypatch.context() as broken:
        broken.setattr("mynah.server.writing._begin", lambda *args, **more: 1 / 0)
        say(page, "Is the disk full?")
        expect(page.get_by_role("alert")).to_contain_text("its log says more")
    press(page, "Try again")
    over(page)
    expect(answers(page)).to_contain_text("Hello.")


def test_answering_again_and_editing_make_versions(page: Page, bird: Bird) -> None:
    bird.says("The first.")
    page.goto("/")
    ask(page, "Which?")
    bird.says("The second.")
    press(page, "Answer again")
    expect(answers(page)).to_contain_text("The second.")
    expect(answers(page)).to_contain_text("2/2")
    press(page, "Previous version")
    expect(answers(page)).to_contain_text("The first.")

    bird.says("The third.")
    questions(page).hover()
    questions(page).get_by_role("button", name="Edit").click()
    editor = page.get_by_role("textbox", name="Edit")
    editor.fill("Which one?")
    editor.press("Enter")
    expect(answers(page)).to_contain_text("The third.")
    expect(questions(page)).to_contain_text("2/2")
    questions(page).get_by_role("button", name="Previous version").click()
    expect(questions(page)).to_contain_text("Which?")
    expect(answers(page)).to_contain_text("The first.")


def test_a_thumb_with_reasons_and_words_is_evidence(page: Page, bird: Bird) -> None:
    page.goto("/")
    ask(page, "Rate this")
    press(page, "Bad answer")
    expect(page.get_by_text("Your rating is kept.")).to_be_visible()
    page.keyboard.press("Escape")  # from the thumb itself
    expect(page.get_by_text("Your rating is kept.")).to_be_hidden()
    press(page, "Good answer")
    press(page, "Bad answer")
    press(page, "Too long")
    page.get_by_role("textbox", name="In your words").fill("No end to it")
    page.get_by_role("group", name="May your words help").get_by_role("button", name="Yes").click()
    expect(page.get_by_text("May your words help")).to_be_hidden()
    answers(page).get_by_role("button", name="Send").click()
    expect(page.get_by_text("The next model can learn from it.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")
    with bird.db.reading() as tx:
        last = tx.execute(select(reaction).order_by(reaction.c.id.desc())).first()
        assert store.consents(tx, bird.owner, "training")
    assert last is not None
    assert last.reasons == ["too_long"]


def test_two_answers_are_compared_blind(page: Page, bird: Bird) -> None:
    page.goto("/")
    press(page, "Two answers side by side")
    say(page, "Compare")
    expect(page.get_by_role("region", name="Answer A")).to_contain_text("Hello.")
    vote = page.get_by_role("button", name="B is better")
    expect(vote).to_be_enabled()
    assert not page.get_by_role("article").filter(has_text="elder").count()
    expect(page.get_by_text("Choose between the two answers")).to_be_visible()
    page.reload()
    vote.click()
    expect(page.get_by_text(re.compile("A was (mynah, B was elder|elder, B was mynah)"))).to_be_visible()
    expect(answers(page)).to_contain_text("2/2")
    with bird.db.reading() as tx:
        last = tx.execute(select(preference_event).order_by(preference_event.c.id.desc())).first()
    assert last is not None
    assert (last.kind, last.outcome) == ("arena", "b")


def test_a_shared_snapshot_is_for_whoever_has_the_link_until_it_is_taken_back(page: Page, bird: Bird) -> None:
    page.goto("/")
    ask(page, "Share this")
    press(page, "Share")
    press(page, "Make a link")
    link = page.get_by_label("Link").input_value()
    reader = page.context.browser.new_context().new_page()  # type: ignore[union-attr]
    reader.goto(link)
    expect(reader.get_by_role("article")).to_have_count(2)
    assert "This machine" not in reader.content()
    press(page, "Take back")
    expect(page.get_by_label("Link")).to_have_count(0)
    reader.reload()
    expect(reader.get_by_text("There is no such chat")).to_be_visible()
    reader.context.close()


def test_search_finds_words_in_both_languages_and_leads_to_the_message(page: Page, bird: Bird) -> None:
    many = [(role, f"filler {i}") for i in range(40) for role in ("user", "assistant")]
    bird.has_talked(("user", "the quixotic zebra"), *many, title="Animals")
    bird.has_talked(("user", "北京天气怎么样"), title="Weather")
    page.goto("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("quixotic")
    hit = page.get_by_role("link", name="Animals").filter(has=page.get_by_text("quixotic", exact=True))
    hit.click()
    expect(questions(page).first).to_contain_text("the quixotic zebra")
    expect(questions(page).first).to_be_in_viewport()
    page.keyboard.press("Control+k")
    page.keyboard.type("天气")
    expect(page.get_by_role("link", name="Weather").locator("mark")).to_have_text("天气")
    page.keyboard.type("nothing such")
    expect(page.get_by_text("Nothing found for")).to_be_visible()


def test_rename_pin_and_delete(page: Page, bird: Bird) -> None:
    page.goto("/")
    ask(page, "To be named")
    nav = page.get_by_role("navigation")
    nav.get_by_role("button", name="More for “To be named”").click()
    page.get_by_role("menuitem", name="Rename").click()
    expect(page.get_by_role("textbox", name="Title")).to_be_focused()
    page.keyboard.type("A better name")  # in place of the old one
    page.keyboard.press("Enter")
    expect(nav.get_by_role("link", name="A better name")).to_be_visible()
    nav.get_by_role("button", name="More for “A better name”").click()
    page.get_by_role("menuitem", name="Pin").click()
    expect(nav.get_by_role("region", name="Pinned").or_(nav.locator("section", has_text="Pinned"))).to_contain_text(
        "A better name"
    )
    nav.get_by_role("button", name="More for “A better name”").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(nav.get_by_role("link", name="A better name")).to_have_count(0)
    expect(page).to_have_url(re.compile("/$"))


def test_a_temporary_chat_is_in_no_history(page: Page, bird: Bird) -> None:
    page.goto("/")
    press(page, "Temporary chat")
    ask(page, "Keep this to yourself")
    with bird.db.reading() as tx:
        [(temporary,)] = tx.execute(
            select(conversation.c.temporary).where(conversation.c.id == page.url.rpartition("/")[2])
        ).all()
    assert temporary
    page.goto("/")
    expect(page.get_by_role("heading", name="What would you like")).to_be_visible()
    assert not page.get_by_role("link", name="Keep this to yourself").count()


def test_a_draft_is_there_after_a_reload_and_gone_once_sent(page: Page, bird: Bird) -> None:
    page.goto("/")
    with page.expect_request(lambda request: "/api/drafts/new" in request.url and request.method == "PUT"):
        field(page).press_sequentially("half a thought")
    page.reload()
    expect(field(page)).to_have_value("half a thought")
    field(page).press("Enter")
    over(page)
    page.goto("/")
    expect(page.get_by_role("heading", name="What would you like")).to_be_visible()
    expect(field(page)).to_have_value("")


def test_model_parameters_and_system_prompt_reach_the_service(page: Page, bird: Bird) -> None:
    page.goto("/")
    page.get_by_role("button", name="Model: mynah").click()
    page.get_by_role("menuitemradio", name="elder").click()
    press(page, "How it answers")
    page.get_by_role("textbox", name="System prompt").fill("You are a bird.")
    page.get_by_role("spinbutton", name="Temperature").fill("0.5")
    press(page, "Save")
    with page.expect_request("**/answers") as sent:
        say(page, "Who are you?")
    body = sent.value.post_data_json
    assert (body["model"], body["params"]) == ("elder", {"temperature": 0.5})
    over(page)
    page.reload()
    expect(page.get_by_text("System prompt")).to_be_visible()
    press(page, "How it answers")
    press(page, "Back to the defaults")
    press(page, "Save")
    page.get_by_role("button", name="Model: elder").click()
    page.get_by_role("menuitemradio", name="mynah").click()


def test_the_service_gone_loses_nothing(page: Page, bird: Bird) -> None:
    page.goto("/")
    ask(page, "Before")
    page.context.set_offline(True)
    say(page, "While it is away")
    expect(page.get_by_role("alert")).to_contain_text("still running")
    page.context.set_offline(False)
    press(page, "Try again")
    over(page)
    expect(questions(page)).to_have_count(2)
    expect(answers(page)).to_have_count(2)
    page.context.set_offline(True)
    say(page, "Away again")
    expect(page.get_by_role("alert")).to_be_visible()
    page.context.set_offline(False)
    ask(page, "Something else")  # in place of what never left
    expect(answers(page)).to_have_count(3)
