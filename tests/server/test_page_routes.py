"""The page's files as the service hands them out; tests/page opens them in a browser."""

import gzip
import importlib.util
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from mynah.server import errors
from mynah.server.page_routes import PAGE, built, lost, page_routes
from tests.server.conftest import Address

SCRIPT = "export const words = 'many words'\n" * 50


def _build():
    """web/build.py, which packs what was built."""
    place = Path(__file__).parent.parent.parent / "web" / "build.py"
    spec = importlib.util.spec_from_file_location("mynah_page", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def page(tmp_path: Path) -> TestClient:
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>mynah</title>")
    (folder / "theme.js").write_text("0")
    (folder / "assets" / "index-abc123.js").write_text(SCRIPT)
    (folder / "assets" / "font-abc123.woff2").write_bytes(b"font")
    _build().pack(folder)
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


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "deflate, gzip, br, zstd", "*", "br, *;q=0.1"])
def test_texts_go_out_packed_to_those_who_take_it(page: TestClient, accepted: str):
    packed = page.get("/assets/index-abc123.js", headers={"Accept-Encoding": accepted})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(SCRIPT) / 5
    assert packed.text == SCRIPT  # the client unpacks it
    assert packed.headers["content-type"].startswith("text/javascript")
    assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert packed.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "gzip; q=0.0, *", "*;q=0", "gzip;q=x", "xgzip"])
def test_to_others_they_go_as_they_are(page: TestClient, accepted: str):
    plain = page.get("/assets/index-abc123.js", headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in plain.headers
    assert plain.headers["content-length"] == str(len(SCRIPT))
    assert plain.headers["vary"] == "Accept-Encoding"  # or a proxy would give one's bytes to another
    font = page.get("/assets/font-abc123.woff2", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in font.headers
    assert font.content == b"font"


def test_each_form_has_its_own_tag_and_what_did_not_change_is_not_sent_again(page: TestClient, tmp_path: Path):
    packed, plain = (
        page.get("/assets/index-abc123.js", headers={"Accept-Encoding": taken}) for taken in ("gzip", "identity")
    )
    tag = packed.headers["etag"]
    assert tag != plain.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        same = page.get("/assets/index-abc123.js", headers={"Accept-Encoding": "gzip", "If-None-Match": known})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        assert same.headers["vary"] == "Accept-Encoding"
        assert same.headers["cache-control"] == "public, max-age=31536000, immutable"
    other = page.get("/assets/index-abc123.js", headers={"Accept-Encoding": "identity", "If-None-Match": tag})
    assert (other.status_code, other.text) == (200, SCRIPT)
    document = page.get("/")
    again = page.get("/c/0123", headers={"If-None-Match": document.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["content-security-policy"] == document.headers["content-security-policy"]
    (tmp_path / "page" / "index.html").write_text("<!doctype html><title>newer</title>")
    changed = page.get("/", headers={"If-None-Match": document.headers["etag"]})
    assert (changed.status_code, "newer" in changed.text) == (200, True)


def test_what_has_secrets_is_never_packed(address: Address):
    """A packed answer's length would tell what of it was guessed right (BREACH)."""
    asked = {"Accept-Encoding": "gzip, br, deflate, *"}
    with address.page() as http:
        talk = http.post("/api/conversations", json={"system": "a secret " * 500}, headers=asked).json()["id"]
        for path in (f"/api/conversations/{talk}", "/api/session", "/v1/models", "/docs", "/openapi.json", "/metrics"):
            answer = http.get(path, headers=asked)
            assert answer.status_code == 200
            assert "content-encoding" not in answer.headers, path


@pytest.mark.skipif(not built(), reason="the page is not built")
def test_the_built_page_is_packed(address: Address):
    scripts = sorted((PAGE / "assets").glob("*.js"))
    assert scripts
    with address.http() as http:
        for script in scripts:
            answer = http.get(f"/assets/{script.name}", headers={"Accept-Encoding": "gzip"})
            assert answer.content == script.read_bytes()
            if script.stat().st_size > 5000:
                assert answer.headers["content-encoding"] == "gzip"
                assert int(answer.headers["content-length"]) < 0.6 * script.stat().st_size
    assert gzip.decompress((PAGE / "index.html.gz").read_bytes()) == (PAGE / "index.html").read_bytes()


@pytest.mark.parametrize(
    "name",
    ["index-abc123.js.gz", "..", "%2e%2e", "..%2findex.html", "..%2f..%2fsecret.txt", "%2fetc%2fpasswd", "none.js", ""],
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
