"""The page: its files with hashed names, and its one HTML document at every address that the page itself knows."""

from __future__ import annotations

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

    def document() -> Response:
        return _document(folder)

    for address in ADDRESSES:
        routes.add_api_route(address, document, name="page")

    @routes.get("/assets/{name}")
    def asset(name: str) -> Response:
        """A file whose name has its content's hash: what was fetched once is good for ever."""
        return _file(folder / "assets" / name, "public, max-age=31536000, immutable")

    @routes.get("/theme.js")
    def theme() -> Response:
        return _file(folder / "theme.js", "no-cache")

    @routes.get("/mynah.svg")
    @routes.get("/favicon.ico")
    def mark() -> Response:
        return _file(folder / "mynah.svg", "no-cache")

    return routes


def lost(request: Request, folder: Path = PAGE) -> Response | None:
    """The page, which says that it knows no such place, for people in a browser; programs get an error object."""
    browser = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if not browser or request.url.path.startswith(("/api/", "/v1/", "/assets/")) or not built(folder):
        return None
    return _document(folder, 404)


def _document(folder: Path, status: int = 200) -> Response:
    if not built(folder):
        return PlainTextResponse(NOT_BUILT, 503)
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": PAGE_POLICY}
    return FileResponse(folder / "index.html", status, headers=headers)


def _file(path: Path, cache: str) -> Response:
    """`path`'s last part is one segment of the address: it holds no slash, and a folder is no file."""
    if not path.is_file():
        raise APIError(404, "There is no such file.", code="not_found")
    return FileResponse(path, headers={"Cache-Control": cache})
