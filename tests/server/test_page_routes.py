"""The page's files as the service hands them out; tests/page opens them in a browser."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from mynah.server import errors
from mynah.server.page_routes import lost, page_routes


@pytest.fixture
def page(tmp_path: Path) -> TestClient:
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>mynah</title>")
    (folder / "theme.js").write_text("0")
    (folder / "assets" / "index-abc123.js").write_text("1")
    (tmp_path / "secret.txt").write_text("hidden words")
    app = FastAPI()
    app.include_router(page_routes(folder))
    errors.install(app, lambda request: lost(request, folder))
    return TestClient(app)


@pytest.mark.parametrize(
    "address", ["/", "/c/0123", "/s/token", "/login", "/join", "/settings/keys", "/admin/", "/runs/a/b"]
)
def test_every_address_of_the_page_gives_its_document(page: TestClient, address: str):
    response = page.get(address)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["cache-control"] == "no-cache"  # it names the newest files
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_files_with_a_hash_in_their_name_are_kept_for_ever_and_others_are_not(page: TestClient):
    asset = page.get("/assets/index-abc123.js")
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["content-type"].startswith("text/javascript")
    assert page.get("/theme.js").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e", "..%2findex.html", "..%2f..%2fsecret.txt", "%2fetc%2fpasswd", "none.js", ""]
)
def test_nothing_else_is_handed_out(page: TestClient, name: str):
    response = page.get(f"/assets/{name}")
    assert response.status_code in (404, 405) or response.text.startswith("<!doctype html>")  # `/assets/..` is `/`
    assert "hidden words" not in response.text
    assert "root:" not in response.text


def test_other_addresses_stay_unknown(page: TestClient):
    response = page.get("/api/nothing")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "unknown_url"


def test_people_who_are_lost_get_the_page_and_programs_an_error(page: TestClient):
    reader = {"Accept": "text/html,application/xhtml+xml"}
    found = page.get("/nowhere", headers=reader)
    assert (found.status_code, found.headers["content-type"]) == (404, "text/html; charset=utf-8")
    for address, headers in (("/nowhere", {}), ("/api/nothing", reader), ("/v1/nothing", reader)):
        assert page.get(address, headers=headers).json()["error"]["code"] == "unknown_url"


def test_a_page_that_was_not_built_is_one_sentence(tmp_path: Path):
    app = FastAPI()
    app.include_router(page_routes(tmp_path))
    response = TestClient(app).get("/")
    assert response.status_code == 503
    assert "python web/build.py" in response.text
