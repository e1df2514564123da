"""The built page in a real Chromium, against the real service with a bird that says what it was taught."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from mynah import store
from mynah.nouns import Message
from mynah.server.app import build_app
from mynah.server.page_routes import PAGE
from mynah.store.database import Database
from tests import toys
from tests.server.conftest import Address, Parrot, parrot, running, service

ROOT = Path(__file__).parent.parent.parent
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
MUST = os.environ.get("MYNAH_TEST_CHROMIUM") == "1"
expect.set_options(timeout=8000)


class Bird:
    """The running service: its address, its database, and what its two models answer."""

    def __init__(self, address: Address, db: Database, engines: list[Parrot]) -> None:
        self.address, self.db, self.engines = address, db, engines
        with db.writing() as tx:
            self.owner = store.local_person(tx)

    def says(self, text: str, pause: float = 0.0) -> None:
        for engine in self.engines:
            engine.ids, engine.pause = list(toys.chat().encode_answer(text)), pause

    def goes_on(self, text: str, pause: float = 0.02) -> None:
        """It says this over and over, until it is stopped or the context is full."""
        for engine in self.engines:
            engine.ids, engine.pause = toys.tokenizer().encode(text), pause

    def has_talked(self, *said: tuple[str, str] | Message, title: str = "", pinned: bool = False) -> str:
        """A conversation that is in the store already: (role, text) after (role, text), or whole messages."""
        with self.db.writing() as tx:
            talk = store.start_conversation(tx, self.owner)
            parent = None
            for one in said:
                message = one if isinstance(one, Message) else Message(*one)  # type: ignore[arg-type]
                parent = store.add_message(tx, talk, message, parent=parent, author=self.owner)
            if title:
                store.rename(tx, self.owner, talk, title)
            if pinned:
                store.change_conversation(tx, self.owner, talk, pinned=True)
        return talk


def chromium_path() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        if MUST:
            pytest.fail("MYNAH_TEST_CHROMIUM=1, and there is no Chromium")
        pytest.skip("no Chromium here")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def built() -> Path:
    """The page, built from the sources as they are."""
    made = subprocess.run([sys.executable, ROOT / "web" / "build.py"], capture_output=True, text=True)
    if made.returncode:
        if MUST or "npm could not fetch" not in made.stderr:
            pytest.fail(made.stderr)
        pytest.skip(made.stderr)
    return PAGE


@pytest.fixture(scope="session")
def bird(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bird]:
    models = [parrot("Hello.", name="mynah"), parrot("Hello.", name="elder")]
    models[1].weights = "sha256:" + "1" * 64
    engines = [model.assistant.engine for model in models]
    db = store.open(tmp_path_factory.mktemp("page") / "mynah.db")
    with running(build_app(service(*models), db)) as address:
        yield Bird(address, db, engines)  # type: ignore[arg-type]
    db.close()


@pytest.fixture
def context(browser: Browser, bird: Bird) -> Iterator[BrowserContext]:
    """A fresh profile that watches: no script error, no breach of the policy, no request to another host."""
    made = browser.new_context(base_url=bird.address, locale="en-GB", viewport={"width": 1280, "height": 800})
    made.grant_permissions(["clipboard-read", "clipboard-write"])
    wrong: list[str] = []
    made.on("request", lambda request: None if ours(request.url, bird) else wrong.append(f"request to {request.url}"))
    made.on("dialog", lambda dialog: (wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
    made.on("weberror", lambda error: wrong.append(f"script error: {error.error}"))
    made.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    yield made
    made.close()
    assert not wrong


def ours(url: str, bird: Bird) -> bool:
    return url.startswith((f"{bird.address}/", "blob:", "data:", "about:"))


@pytest.fixture
def page(context: BrowserContext, bird: Bird) -> Page:
    bird.says("Hello.")
    return context.new_page()
