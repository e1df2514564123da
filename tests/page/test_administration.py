"""Settings, administration and runs as people use them, in a real browser: each flow, and its trace in the store."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import openai
import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from sqlalchemy import select

from mynah import jsonl, store
from mynah.runs import Run
from mynah.server.app import build_app
from mynah.server.models import ServedModel
from mynah.server.passwords import Passwords
from mynah.server.settings import ServeSettings
from mynah.store import access, outside
from mynah.store.database import Database
from mynah.store.promotions import decisions
from mynah.store.schema import content, user
from mynah.train.metrics import MetricsLog
from tests import toys
from tests.page.conftest import AXE, ours
from tests.page.test_hostile import FORBIDDEN
from tests.server import small_run
from tests.server.conftest import Address, Parrot, running, service
from tests.store.conftest import told

SFT, PPO = "round-1/1-sft", "round-1/3-ppo"
PASSWORD = "a long enough one"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class House:
    """A service with accounts, an admin, and a run whose SFT model is served."""

    def __init__(self, address: Address, db: Database, home: Path, model: ServedModel) -> None:
        self.address, self.db, self.home, self.model = address, db, home, model
        self.admin = self.add("Ada", "admin")

    def add(self, name: str, role: str = "user") -> str:
        with self.db.writing() as tx:
            return store.add_user(tx, role, name, f"{name.lower()}@example.org", CHEAP.hash(PASSWORD))

    def key(self, person: str) -> openai.OpenAI:
        with self.db.writing() as tx:
            return self.address.openai(api_key=access.add_key(tx, person, "a key", ["chat", "models"])[1])

    def signed_in(self, context: BrowserContext, person: str) -> Page:
        with self.db.writing() as tx:
            token = access.begin_session(tx, person, timedelta(hours=1))[1]
        context.add_cookies([{"name": "mynah_session", "value": token, "url": self.address}])
        return context.new_page()


@pytest.fixture(scope="module")
def house(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with lived_in(tmp_path_factory.mktemp("house")) as made:
        yield made


@contextmanager
def lived_in(home: Path) -> Iterator[House]:
    run = small_run.train(home)
    model = ServedModel.load("demo", run.stage(SFT).folder, toys.CPU, ServeSettings(rows=8), run.stage(SFT))
    model.assistant.engine = Parrot(toys.chat().encode_answer("la " * 12), rows=8)
    db = store.open(home / "mynah.db")
    with running(build_app(service(model), db, home=home, accounts=True, passwords=Passwords(CHEAP))) as address:
        yield House(address, db, home, model)
    db.close()


@pytest.fixture
def context(browser: Browser, house: House) -> Iterator[BrowserContext]:
    with watching(browser, house) as made:
        yield made


@contextmanager
def watching(browser: Browser, house: House) -> Iterator[BrowserContext]:
    """A fresh profile that watches: no script error, no breach of the policy, no request to another host."""
    made = browser.new_context(base_url=house.address, locale="en-GB", viewport={"width": 1280, "height": 900})
    wrong: list[str] = []
    made.on("request", lambda request: None if ours(request.url, house) else wrong.append(f"request to {request.url}"))
    made.on("weberror", lambda error: wrong.append(f"script error: {error.error}"))
    made.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    yield made
    made.close()
    assert not wrong


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def press(page: Page | Locator, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_an_invite_lets_a_person_in_and_a_key_lets_their_program_in(context, browser, house) -> None:
    admin = house.signed_in(context, house.admin)
    admin.goto("/admin/")
    press(admin, "Invite")
    dialog(admin).get_by_label("Role").select_option("labeller")
    dialog(admin).get_by_label("Note").fill("For Ben <b>from the night shift</b>")
    press(dialog(admin), "Make the link")
    link = dialog(admin).get_by_role("textbox", name="The link").input_value()
    press(dialog(admin), "Done")
    expect(admin.get_by_role("cell", name="For Ben <b>from the night shift</b>", exact=True)).to_be_visible()

    elsewhere = browser.new_context(base_url=house.address, locale="en-GB")
    page = elsewhere.new_page()
    page.goto(link)
    expect(page.get_by_text("For Ben <b>from the night shift</b>")).to_be_visible()
    page.get_by_label("Name").fill("Ben")
    page.get_by_label("E-mail").fill("ben@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Join")
    expect(page).to_have_url(f"{house.address}/")
    page.context.clear_cookies()
    page.goto("/settings/keys")
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("E-mail").fill("ben@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")

    expect(page.get_by_role("heading", name="No keys yet")).to_be_visible()
    press(page, "Make a key")
    dialog(page).get_by_label("Name").fill("nightly")
    press(dialog(page), "Make a key")
    secret = dialog(page).get_by_role("textbox", name="The key").input_value()
    press(dialog(page), "Done")
    expect(page.get_by_role("cell", name="nightly", exact=True)).to_be_visible()
    assert secret not in page.content()
    client = house.address.openai(api_key=secret)
    asked = {"model": "demo", "messages": [{"role": "user", "content": "Sing"}]}
    assert client.chat.completions.create(**asked).choices[0].message.content == "la " * 12
    page.get_by_role("link", name="Usage").click()
    expect(page.get_by_role("row").filter(has_text="nightly")).to_contain_text(f"demo/{SFT}")
    expect(page.get_by_role("img", name="Answers in the last 30 days: 1 altogether")).to_be_visible()

    page.get_by_role("link", name="API keys").click()
    press(page, "Revoke the key nightly")
    press(dialog(page), "Revoke")
    expect(page.get_by_role("heading", name="No keys yet")).to_be_visible()
    with pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(**asked)
    elsewhere.close()
    admin.reload()
    expect(admin.get_by_role("row", name=re.compile("Ben ben@example.org"))).to_contain_text("Labeller")


def test_who_writes_from_another_service_is_seen_and_disabled_without_role_or_password(context, house) -> None:
    with house.db.writing() as tx:
        person = outside.know_outsider(tx, "slack", "T1", "U1").user
    admin = house.signed_in(context, house.admin)
    admin.goto("/admin/")
    row = admin.get_by_role("row").filter(has_text="U1 (slack)")
    expect(row.get_by_role("cell", name="none: writes from another service")).to_be_visible()
    expect(row.get_by_role("combobox")).to_have_count(0)
    expect(row.get_by_role("button", name="New password")).to_have_count(0)
    row.get_by_role("button", name="Disable").click()
    press(dialog(admin), "Disable")
    expect(row.get_by_text("disabled")).to_be_visible()
    with house.db.reading() as tx:
        found = store.find_user(tx, id=person)
        assert found
        assert found.disabled_at


def test_hostile_words_in_every_field_stay_words(browser, built, tmp_path) -> None:
    """Names, notes, reasons, comments, edits, keys, titles: written by others, shown on every page to an admin."""
    with lived_in(tmp_path) as house, watching(browser, house) as context:
        _hostile_words_in_every_field(context, house)


def _hostile_words_in_every_field(context: BrowserContext, house: House) -> None:
    evil = "<img src=x onerror=alert(1)>![x](https://evil.example/?q=1)<script>alert(1)</script>{{name}} $t(send)"
    with house.db.writing() as tx:
        person = store.add_user(tx, "user", evil, "<b>@example.org", CHEAP.hash(PASSWORD))
        store.set_consent(tx, person, "training", True)
        talk = told(tx, evil, evil, person)
        store.rename(tx, person, talk.conversation, evil)
        store.react(tx, person, talk.completion, -1, ["wrong"], evil)
        store.demonstrate(tx, person, talk.prompt, f"{evil} edited", edited_from=talk.completion)
        access.add_key(tx, house.admin, evil, ["chat"])
        store.note(tx, person, evil, evil, {evil: evil})
    page, seen = house.signed_in(context, house.admin), 0
    page.on("dialog", lambda opened: pytest.fail(opened.message))
    with page.expect_response(re.compile("/api/invites")):
        page.goto("/admin/")
        press(page, "Invite")
        dialog(page).get_by_label("Note").fill(evil)
        press(dialog(page), "Make the link")
    for place in ("admin/", "admin/models", "admin/usage", "admin/feedback", "admin/audit", "settings/keys"):
        page.goto(f"/{place}")
        expect(page.get_by_role("heading").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        seen += page.get_by_text("<img src=x onerror=alert(1)>").count()
        made = page.locator(f"main :is({FORBIDDEN})").evaluate_all("found => found.map(one => one.outerHTML)")
        assert made == [], place
    assert seen >= 6


def test_consent_is_asked_in_plain_words_and_a_person_leaves_with_their_data(context, house) -> None:
    uma = house.add("Uma")
    with house.db.writing() as tx:
        told(tx, "my own secret question", "an answer", uma)
    page = house.signed_in(context, uma)
    page.goto("/settings/data")
    expect(page.get_by_text("You have not answered yet, and that counts as no.")).to_be_visible()
    for choice, given in (("Yes, they may", True), ("No", False)):
        page.get_by_role("radio", name=re.compile(f"^{choice}")).check()
        expect(page.get_by_role("radio", name=re.compile(f"^{choice}"))).to_be_checked()
        expect(page.get_by_text("Your words are in no new data set" if not given else "Thank you")).to_be_visible()
        with house.db.reading() as tx:
            assert store.consents(tx, uma, "training") is given
    with page.expect_download() as started:
        page.get_by_role("link", name="Download my data").click()
    taken = json.loads(started.value.path().read_text())
    assert taken["conversations"][0]["messages"][0]["content"] == "my own secret question"

    press(page, "Delete my data")
    dialog(page).get_by_label("Current password").fill("not it at all")
    press(dialog(page), "Delete my data")
    expect(dialog(page).get_by_role("alert")).to_be_visible()
    dialog(page).get_by_label("Current password").fill(PASSWORD)
    press(dialog(page), "Delete my data")
    expect(page).to_have_url(re.compile("/login"))
    with house.db.reading() as tx:
        assert tx.scalar(select(user.c.erased_at).where(user.c.id == uma))
        assert tx.scalars(select(content.c.body).where(content.c.owner == uma)).all() == [None] * 2


def test_a_model_is_promoted_and_taken_back_while_an_answer_goes_on(context, house) -> None:
    page, heard = house.signed_in(context, house.admin), []
    house.model.assistant.engine.pause = 0.1
    client = house.key(house.admin)

    def listen() -> None:
        asked = [{"role": "user", "content": "Sing"}]
        for chunk in client.chat.completions.create(model="demo", messages=asked, stream=True):
            heard.extend(choice.delta.content or "" for choice in chunk.choices)

    page.goto("/admin/models")
    card = page.get_by_role("article", name="demo")
    expect(card).to_contain_text(f"demo/{SFT}")
    listener = threading.Thread(target=listen)
    listener.start()
    press(card, "Promote")
    dialog(page).get_by_label("Checkpoint").select_option(PPO)
    expect(dialog(page)).to_contain_text("Win rate 62% (95 %: 55% – 69%), against round-1/1-sft, n = 200.")
    dialog(page).get_by_label("Reason").fill("It is kinder <script>")
    press(dialog(page), "Promote")
    expect(card).to_contain_text(f"demo/{PPO}")
    expect(page.get_by_text(f"{SFT} is finishing 1 answer.")).to_be_visible()
    listener.join(30)
    house.model.assistant.engine.pause = 0.0
    assert "".join(heard) == "la " * 12
    expect(page.get_by_text("is finishing")).to_have_count(0)
    row = page.get_by_role("row", name=re.compile("promoted"))
    expect(row).to_contain_text("measured against what it replaced")
    expect(row).to_contain_text("It is kinder <script>")

    press(card, "Roll back")
    press(dialog(page), "Roll back")
    expect(card).to_contain_text(f"demo/{SFT}")
    with house.db.reading() as tx:
        assert [(one.decision, one.author) for one in decisions(tx)] == [
            ("promote", house.admin),
            ("rollback", house.admin),
        ]
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_text("The trail is whole")).to_be_visible()
    expect(page.get_by_role("cell", name="model.rollback")).to_be_visible()


def test_feedback_is_filtered_and_taken_along_as_training_data(context, house) -> None:
    with house.db.writing() as tx:
        for name, agrees in (("yes", True), ("no", False)):
            person = store.add_user(tx)
            store.set_consent(tx, person, "training", agrees)
            for i in range(12):
                talk = told(tx, f"question {i} of {name} {'word ' * i}", f"an answer to {name}", person)
                store.react(tx, person, talk.completion, -1 if i else 1, ["wrong"] if i else [])
                store.demonstrate(tx, person, talk.prompt, f"quite another text {i}", edited_from=talk.completion)
    page = house.signed_in(context, house.admin)
    page.goto("/admin/feedback")
    rows = page.get_by_role("list", name="Feedback").get_by_role("article")
    expect(rows).to_have_count(48)
    page.get_by_label("Rating").select_option("1")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="question 0 of yes")).to_have_count(1)
    expect(rows.filter(has_text="The words are not shown")).to_have_count(1)
    page.get_by_label("Rating").select_option("")
    page.get_by_label("Kind").select_option("edit")
    page.get_by_label("Words").fill("another text 3")
    page.get_by_label("Words").press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("quite another text 3")
    page.get_by_label("Words").fill("of no")
    page.get_by_label("Words").press("Enter")
    expect(page.get_by_role("heading", name="Nothing fits these filters")).to_be_visible()

    page.get_by_label("Words").fill("another text 1")
    page.get_by_label("Words").press("Enter")
    expect(rows).to_have_count(3)
    listed = [text for text in rows.all_inner_texts() if "of yes" in text]
    press(page, "Freeze what is listed")
    expect(page.get_by_text("Data set 1 is frozen")).to_be_visible()
    expect(page.get_by_role("row", name="Demonstrations").first).to_contain_text("Edits · “another text 1”")
    with page.expect_download() as chosen:
        page.get_by_role("link", name="JSONL: data set 1, Demonstrations").click()
    taken = [row.messages[-1].content for row in jsonl.read_demonstrations(chosen.value.path())]
    assert 1 <= len(taken) <= 3  # some may be kept for a test; chance decides
    assert all(any(text in row for row in listed) for text in taken)

    page.get_by_label("Words").fill("")
    page.get_by_label("Kind").select_option("")
    press(page, "Freeze a data set")
    expect(page.get_by_text(re.compile("Data set 2 is frozen. Left out: .*consent"))).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("link", name="JSONL: data set 2, Demonstrations").click()
    assert started.value.suggested_filename == "data-set-2-demonstrations.jsonl"
    demonstrations = jsonl.read_demonstrations(started.value.path())
    assert 0 < len(demonstrations) <= 12
    assert all("of yes" in row.messages[0].content for row in demonstrations)


def test_a_run_shows_its_curves_as_they_grow_its_samples_and_its_report(context, house) -> None:
    page = house.signed_in(context, house.admin)
    page.goto("/runs/")
    page.get_by_role("link", name="demo", exact=True).click()
    expect(page).to_have_title("Curves · demo · mynah")
    for name in ("score", "ref_kl", "length", "entropy", "policy_loss"):
        curve = page.get_by_role("img", name=re.compile(rf"^{name}: between .* at step {small_run.ITERATIONS}$"))
        assert dark_pixels(curve) > 100
    page.locator("summary").click()
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(small_run.ITERATIONS + 1)

    page.get_by_role("link", name="Stages").click()
    ppo = page.get_by_role("article", name="Step 3: PPO")
    expect(ppo).to_contain_text(Run(house.home, "demo").stage(SFT).record["weights"][7:15])
    page.get_by_role("link", name="Samples").click()
    expect(page.get_by_text("iteration 6").first).to_be_visible()
    expect(page.get_by_text("what is in the hill 7 <script>alert(1)</script>")).to_be_visible()
    page.get_by_role("link", name="Report").click()
    report = page.frame_locator("iframe")
    expect(report.get_by_role("heading", name=re.compile("^PPO beats SFT"))).to_be_visible()
    assert page.locator("iframe").get_attribute("sandbox") == ""

    at_work = Run(house.home, "at-work").begin("ppo", 1, settings={}, seed=0)
    log = MetricsLog(at_work.state, 0)
    log.write(1, {"score": 0.5, "seconds": 1.0})
    page.goto("/runs/at-work")
    expect(page.get_by_text("running").first).to_be_visible()
    expect(page.get_by_role("img", name="score: between 0.5 and 0.5, last 0.5 at step 1")).to_be_visible()
    log.write(2, {"score": 0.75, "seconds": 2.0})
    expect(page.get_by_role("img", name="score: between 0.5 and 0.75, last 0.75 at step 2")).to_be_visible()


def test_two_runs_are_drawn_in_one_chart_and_one_at_work_is_stopped(context, house) -> None:
    stage = Run(house.home, "at-work-2").begin("ppo", 1, settings={}, seed=0)
    MetricsLog(stage.state, 0).write(1, {"score": 0.5, "seconds": 1.0})
    page = house.signed_in(context, house.admin)
    page.goto("/runs/at-work-2")
    page.get_by_label("Beside it").select_option("demo · round-1/3-ppo")
    expect(page.get_by_text("demo · round-1/3-ppo", exact=True).last).to_be_visible()
    expect(page.get_by_role("figure", name="score")).to_contain_text(re.compile(r"0\.5\S"))  # and the other's last

    press(page, "Stop")
    press(dialog(page), "Stop")
    expect(page.get_by_text("Asked to stop")).to_be_visible()
    stage.wish.rename(stage.rest)  # as the training does, once it has saved
    expect(page.get_by_text("stopped").first).to_be_visible(timeout=15_000)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def dark_pixels(curve: Locator) -> int:
    """How much of the chart is drawn in ink."""
    canvas = curve.locator("canvas")
    expect(canvas).to_be_visible()
    count = """canvas => {
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        let dark = 0;
        for (let i = 0; i < data.length; i += 4) dark += data[i + 3] > 200 && data[i] < 40;
        return dark;
    }"""
    return int(canvas.evaluate(count))


USUAL = ["/settings/", "/settings/data", "/settings/keys", "/admin/", "/admin/models", "/admin/feedback"]
USUAL += ["/admin/service", "/runs/", "/runs/demo", "/runs/demo/stages", "/runs/demo/samples", "/runs/nobody"]
OTHERS = [
    "/settings/account",
    "/settings/sessions",
    "/settings/usage",
    "/admin/usage",
    "/admin/audit",
    "/runs/demo/report",
]
WIDE, PHONE = ("light", 1280), ("dark", 390)


def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_screen(context, house) -> None:
    """The usual pages, each in one of two looks; the stress test has all in every look."""
    page = house.signed_in(context, house.admin)
    assert not faults(page, [(at, *(WIDE, PHONE)[i % 2]) for i, at in enumerate(USUAL)])


@pytest.mark.stress
def test_axe_in_every_look(context, house) -> None:
    page = house.signed_in(context, house.admin)
    looks = [(theme, width) for theme in ("light", "dark") for width in (360, 820, 1280)]
    assert not faults(page, [(at, *look) for at in USUAL + OTHERS for look in looks])


def faults(page: Page, wanted: list[tuple[str, str, int]]) -> list[str]:
    """What axe finds serious, and what is wider than the screen, at (address, theme, width)."""
    found = []
    page.context.add_init_script(path=AXE)
    for at, theme, width in wanted:
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.goto(at)
        expect(page.locator("main h1, main [role=alert]").first).to_be_visible()
        expect(page.locator("main").get_by_text("Loading")).to_have_count(0)
        result = page.evaluate("axe.run(document, {iframes: false, resultTypes: ['violations']})")
        for one in result["violations"]:
            if one["impact"] in ("serious", "critical"):
                found += [f"{at} {theme} {width}: {one['id']} {node['html'][:200]}" for node in one["nodes"]]
        beyond = page.evaluate("(main => main.scrollWidth - main.clientWidth)(document.querySelector('main'))")
        if beyond > 0:
            found.append(f"{at} {width}: {beyond} px too wide")
    return found


def test_the_pages_speak_chinese_and_are_walked_by_keyboard(context, house) -> None:
    page = house.signed_in(context, house.admin)
    page.goto("/settings/")
    page.get_by_label("Language").select_option("zh")
    expect(page.get_by_role("heading", name="设置")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.goto("/admin/models")
    page.get_by_role("button", name="上线").focus()
    page.keyboard.press("Enter")
    expect(dialog(page)).to_have_accessible_name("上线一个检查点")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(page.get_by_role("button", name="上线")).to_be_focused()
    page.goto("/settings/")
    page.get_by_label("语言").select_option("en")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
