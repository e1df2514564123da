"""The page: its files with hashed names, and its one HTML document at every address that the page itself knows.

Texts go out as web/build.py packed them (gzip), to all who take that. Nothing else of the service is ever packed: the
length of a packed answer tells what of a secret in it somebody guessed right (BREACH), and these files have none.
"""

from __future__ import annotations

import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse

from mynah.server.errors import APIError
from mynah.server.security import PAGE_POLICY

PAGE = Path(__file__).parent / "page"
"""Built from web/ by web/build.py; in every wheel."""
ADDRESSES = (
    "/",
    "/c/{_:path}",
    "/s/{_:path}",
    "/login",
    "/join",
    "/settings/{_:path}",
    "/admin/{_:path}",
    "/runs/{_:path}",
)
"""What the page's own router knows (web/src/app/router.tsx)."""
NOT_BUILT = (
    "mynah is running, but its page was not built, as npm's packages could not be fetched when mynah was installed. "
    "`python web/build.py` in mynah's source folder builds it; programs can use /v1 (described at /docs), and "
    "`mynah chat` talks in the terminal.\n"
)


def built(folder: Path = PAGE) -> bool:
    """Whether there is a page to open."""
    return (folder / "index.html").is_file()


def page_routes(folder: Path = PAGE) -> APIRouter:
    """The routes over a built page; whether it is there is looked up at each request, so that it can be built later."""
    routes = APIRouter(include_in_schema=False)

    def document(request: Request) -> Response:
        return _document(request, folder)

    for address in ADDRESSES:
        routes.add_api_route(address, document, name="page")

    @routes.get("/assets/{name}")
    def asset(name: str, request: Request) -> Response:
        """A file whose name has its content's hash: what was fetched once is good for ever."""
        return _file(request, folder / "assets" / name, "public, max-age=31536000, immutable")

    @routes.get("/theme.js")
    def theme(request: Request) -> Response:
        return _file(request, folder / "theme.js", "no-cache")

    @routes.get("/mynah.svg")
    @routes.get("/favicon.ico")
    def mark(request: Request) -> Response:
        return _file(request, folder / "mynah.svg", "no-cache")

    return routes


def lost(request: Request, folder: Path = PAGE) -> Response | None:
    """The page, which says that it knows no such place, for people in a browser; programs get an error object."""
    browser = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if not browser or request.url.path.startswith(("/api/", "/v1/", "/assets/")) or not built(folder):
        return None
    return _document(request, folder, 404)


def _document(request: Request, folder: Path, status: int = 200) -> Response:
    if not built(folder):
        return PlainTextResponse(NOT_BUILT, 503)
    return _file(request, folder / "index.html", "no-cache", PAGE_POLICY, status)


def _file(request: Request, path: Path, cache: str, policy: str = "", status: int = 200) -> Response:
    """`path`'s last part is one segment of the address: it holds no slash, and a folder is no file."""
    if not path.is_file() or path.suffix == ".gz":
        raise APIError(404, "There is no such file.", code="not_found")
    packed = path.with_name(f"{path.name}.gz")
    headers = {"Cache-Control": cache} | ({"Content-Security-Policy": policy} if policy else {})
    media_type = mimetypes.guess_type(path.name)[0]
    if packed.is_file():
        headers["Vary"] = "Accept-Encoding"
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            path, headers = packed, headers | {"Content-Encoding": "gzip"}
    stat = path.stat()
    headers["ETag"] = _tag(path, stat.st_mtime_ns, stat.st_size)
    response = FileResponse(path, status, headers=headers, media_type=media_type, stat_result=stat)
    known = request.headers.get("if-none-match", "")
    if status == 200 and headers["ETag"] in [tag.strip().removeprefix("W/") for tag in known.split(",")]:
        gone = ("content-type", "content-length", "content-encoding", "accept-ranges")
        return Response(None, 304, {name: value for name, value in response.headers.items() if name not in gone})
    return response


@lru_cache(maxsize=256)
def _tag(path: Path, changed: int, size: int) -> str:
    """Of the very bytes that are sent, so that packed and plain ones have each their own."""
    return f'"{hashlib.sha256(path.read_bytes()).hexdigest()[:32]}"'


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding names gzip, or everything, and does not rule it out (`q=0`)."""
    weights: dict[str, float] = {}
    for one in accepted.lower().split(","):
        name, _, weight = one.partition(";")
        try:
            weights[name.strip()] = float(weight.partition("=")[2]) if weight.strip() else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0
