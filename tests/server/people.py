"""People at a service with accounts: an admin, users, each with a browser of their own, and their keys."""

from dataclasses import dataclass

import httpx2
import openai

from mynah.server.serve import first_admin_link
from mynah.store.database import Database
from tests.server.conftest import Address

PASSWORD = "correct horse battery"


@dataclass
class Somebody:
    """A signed-in person."""

    address: Address
    email: str
    page: httpx2.Client
    id: str = ""

    def key(self, **asked) -> str:
        """The secret of a new key, for everything unless `scopes` say."""
        every = ["chat", "completions", "embeddings", "models", "feedback"]
        made = self.page.post("/api/me/keys", json={"name": "test", "scopes": every} | asked)
        assert made.status_code == 200, made.text
        return made.json()["secret"]

    def openai(self, **asked) -> openai.OpenAI:
        return self.address.openai(api_key=self.key(**asked))

    def invite(self, role: str = "user") -> str:
        """The token of an invite, from an admin."""
        made = self.page.post("/api/invites", json={"role": role, "note": "hello"})
        assert made.status_code == 200, made.text
        return made.json()["token"]

    def add(self, email: str, role: str = "user") -> "Somebody":
        """Invite somebody, and have them join."""
        return join(self.address, self.invite(role), email)


def first_admin(address: Address, db: Database, email: str = "ada@example.org") -> Somebody:
    """By the link that is printed at the start."""
    return join(address, first_admin_link(db, address).partition("#")[2], email)


def join(address: Address, token: str, email: str) -> Somebody:
    person = Somebody(address, email, address.page())
    name = email.partition("@")[0].title()
    made = person.page.post("/api/people", json={"token": token, "name": name, "email": email, "password": PASSWORD})
    assert made.status_code == 200, made.text
    person.id = made.json()["user"]["id"]
    return person


def sign_in(address: Address, email: str, password: str = PASSWORD) -> httpx2.Response:
    """The answer, in a browser of its own."""
    return address.page().post("/api/session", json={"email": email, "password": password})
