"""Nobody reaches what is somebody else's: every route of the OpenAPI file, against every id that there is.

New routes are tested as soon as they are there. Ann does a bit of everything, so that there are ids of every kind.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import func, select

from mynah import store
from mynah.server.app import build_app
from mynah.server.identity import caller
from mynah.server.metrics import Metrics
from mynah.server.page_routes import page_routes
from mynah.server.remote import Remote
from mynah.server.settings import ServeSettings
from mynah.store.schema import metadata
from tests.server.conftest import parrot, service, serving
from tests.server.people import Somebody, first_admin
from tests.server.test_serving import STREAM

PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/docs"),
    ("GET", "/api/session"),
    ("POST", "/api/session"),
    ("DELETE", "/api/session"),
    ("GET", "/api/invites/{token}"),
    ("POST", "/api/people"),
    ("GET", "/api/shared/{token}"),
}
PAGE = {("GET", route.path) for route in page_routes().routes if isinstance(route, APIRoute)}
"""The page itself: the same files for everybody, with nothing of anybody in them."""
"""Routes for everybody: they tell nothing, or need a secret in the request itself."""
BODIES = {("POST", "/api/conversations/{id}/answers"): {"parent": "0" * 32}}
"""Where a body needs more than its schema says."""
SIGNED = "/channels/"
"""Routes below it are for other platforms, which sign what they send."""


class Route(NamedTuple):
    method: str
    path: str
    operation: dict[str, Any]


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    db = store.open(tmp_path_factory.mktemp("matrix") / "mynah.db")
    yield db
    db.close()


@pytest.fixture(scope="module")
def address(db):
    with serving(service(parrot("one two three "), parrot("four", name="other")), db=db, accounts=True) as address:
        yield address


@pytest.fixture(scope="module")
def ada(address, db):
    return first_admin(address, db)


@pytest.fixture(scope="module")
def ann(ada):
    ann = ada.add("ann@example.org")
    do_everything(ann)
    return ann


@pytest.fixture(scope="module")
def schema(address):
    return address.http().get("/openapi.json").json()


@pytest.fixture(scope="module")
def routes(schema):
    return [
        Route(method.upper(), path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def do_everything(ann: Somebody) -> None:
    page, new = ann.page, store.new_id
    ann.key()
    page.put("/api/me/consent", json={"training": True})
    page.put("/api/me/settings", json={"system": "Be brief."})
    talk = page.post("/api/conversations", json={}).json()["id"]
    for n in (1, 2):
        said = {"message": {"id": new(), "parent": None, "content": "Why?"}, "n": n}
        assert page.post(f"/api/conversations/{talk}/answers", json=said).status_code == 200
    messages = page.get(f"/api/conversations/{talk}").json()["messages"]
    answers = [message["id"] for message in messages if message["role"] == "assistant"]
    assert len(answers) == 3
    page.post(f"/api/conversations/{talk}/share", json={"message": answers[0]})
    page.post("/api/feedback", json={"completion": answers[0], "rating": 1, "reasons": [], "comment": "good"})
    page.put(f"/api/drafts/{talk}", json={"text": "not sent"})
    with page.stream("POST", "/v1/chat/completions", json=STREAM, headers={"X-Stream-Resumable": "true"}) as answer:
        next(answer.iter_lines())


def everything(db: store.Database) -> list[str]:
    """The newest id of every table."""
    with db.reading() as tx:
        tables = [table for table in metadata.sorted_tables if "id" in table.c]
        return [id for table in tables if (id := tx.scalar(select(func.max(table.c.id))))]


def example(shape: dict[str, Any], schema: dict[str, Any], id: str) -> Any:
    """A value of this JSON schema, with no more than it must have; `id` wherever a text can be."""
    if "$ref" in shape:
        return example(schema["components"]["schemas"][shape["$ref"].rpartition("/")[2]], schema, id)
    if "const" in shape:
        return shape["const"]
    if "enum" in shape:
        return shape["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in shape:
            return example(shape[choice][0], schema, id)
    match shape.get("type"):
        case "object":
            return {name: example(shape["properties"][name], schema, id) for name in shape.get("required", [])}
        case "array":
            return [example(shape.get("items", {}), schema, id)] * shape.get("minItems", 0)
        case "integer" | "number":
            return shape.get("minimum", 0)
        case "boolean":
            return True
        case "null":
            return None
    return f"{id}@example.org" if "@" in shape.get("pattern", "") else id


def asked(person: Somebody, route: Route, schema: dict[str, Any], id: str) -> tuple[int, str]:
    """Status and body of a request with `id` wherever the route takes one."""
    path = route.path.replace("{id}", id)
    body = route.operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    json = BODIES.get(route[:2]) or (None if body is None else example(body, schema, id))
    answer = person.page.request(route.method, path, json=json)
    return answer.status_code, answer.text.replace(id, "ID")


def with_id(routes: list[Route]) -> list[Route]:
    return [route for route in routes if "{id}" in route.path]


def test_another_persons_things_are_as_if_they_never_were(routes, schema, ada, ann, db):
    ids, never = everything(db), uuid.uuid4().hex
    assert len(ids) > 12
    bob, cat = ada.add("bob@example.org", "labeller"), ada.add("cat@example.org", "admin")
    found, private = [], []
    for route in with_id(routes):
        nothing = asked(bob, route, schema, never)
        assert nothing[0] in (403, 404), (route[:2], nothing)
        private += [route] if nothing[0] == 404 else []
        found += [(route[:2], id) for id in ids if asked(bob, route, schema, id) != nothing]
    assert found == []
    for route in private:  # an admin reads nobody's words either
        nothing = asked(cat, route, schema, never)
        found += [(route[:2], id) for id in ids if asked(cat, route, schema, id) != nothing]
    assert found == []


def test_nobody_elses_streams_can_be_read_or_stopped(ada, ann):
    with ann.page.stream("POST", "/v1/chat/completions", json=STREAM, headers={"X-Stream-Resumable": "true"}) as answer:
        id = next(answer.iter_lines()).removeprefix("id: ").partition("/")[0]
    for prefix in ("/v1", "/api"):
        for method in ("GET", "DELETE"):
            assert ada.page.request(method, f"{prefix}/streams/{id}").status_code == 404
    assert ann.page.get(f"/v1/streams/{id}").text.rstrip().endswith("[DONE]")


def test_each_route_knows_its_own_persons_things(routes, schema, ann, db):
    """Else the test before would find nothing because there is nothing."""
    ids = everything(db)
    safe = [route for route in with_id(routes) if route.method == "GET" and "runs" not in route.path]
    unknown = [route.path for route in safe if all(asked(ann, route, schema, id)[0] in (403, 404) for id in ids)]
    assert set(unknown) <= {"/v1/streams/{id}", "/api/streams/{id}"}  # their ids are in no table once they are over


def test_without_signing_in_there_is_nothing(routes, schema, address):
    nobody, strangers = Somebody(address, "", address.page()), address.page()
    never, cookie = uuid.uuid4().hex, {"Cookie": "mynah_session=" + "x" * 43}
    for route in routes:
        if (route.method, route.path) in PUBLIC or route.path.startswith(SIGNED):
            continue
        assert asked(nobody, route, schema, never)[0] == 401, route[:2]
        strange = strangers.request(route.method, route.path.replace("{id}", never), headers=cookie)
        assert strange.status_code == 401, route[:2]


def dependencies(dependant: Dependant) -> set[Any]:
    return {dependant.call} | {call for one in dependant.dependencies for call in dependencies(one)}


def every_route(app: FastAPI) -> Iterator[APIRoute]:
    for route in app.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):  # one that was included
            yield from (one for one in route.original_router.routes if isinstance(one, APIRoute))


@pytest.mark.parametrize("engine", [service(), Remote("http://127.0.0.1:9", ServeSettings(), Metrics())])
def test_every_route_asks_who_it_is(engine, db):
    """Those that are in no OpenAPI file too."""
    routes = list(every_route(build_app(engine, db, accounts=True, home=Path())))
    assert len(routes) > 20
    for route in routes:
        for method in route.methods:
            if (method, route.path) not in PUBLIC | PAGE and not route.path.startswith(SIGNED):
                assert caller in dependencies(route.dependant), (method, route.path)
