"""The page at /ui, and at / for a browser: its built files, which come with the package, and their headers.

`web/` has the sources. The page itself is open; what it asks of the API needs a key, as from any client.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import Headers
from starlette.routing import Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "ui"
ASSETS = "/ui/assets"
UNCHANGED_S = 365 * 24 * 3600  # a changed file gets another name

_QUALITY = re.compile(r"q=(0(\.\d{0,3})?|1(\.0{0,3})?)")

#: Only its own scripts and styles. Pictures of pages are blobs, because a key travels as a header.
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "Vary": "Accept",
}


def add_ui(api: FastAPI) -> None:
    """Serve the page. Raises OSError when its files are missing."""
    page = (FOLDER / "index.html").read_text()
    api.router.routes.extend(
        [
            _ForBrowsers("/", _sender(page, "ui/"), include_in_schema=False),
            Route("/ui", _sender(page, "ui/"), include_in_schema=False),
            Route("/ui/", _sender(page, ""), include_in_schema=False),
            Mount(ASSETS, _Assets(directory=FOLDER / "assets")),
        ]
    )


def is_ui(scope: Scope) -> bool:
    """Whether a request is for the page or one of its files."""
    path = str(scope["path"])
    return path == "/ui" or path.startswith("/ui/") or (path == "/" and _asks_for_html(scope))


def _sender(page: str, folder: str) -> Callable[[Request], Awaitable[Response]]:
    """Sends the page. Its links are relative, so that they also work behind a proxy that adds a path prefix."""
    text = page.replace('"assets/', f'"{folder}assets/')

    async def send(request: Request) -> Response:
        return HTMLResponse(text, headers=dict(_HEADERS))

    return send


def _asks_for_html(scope: Scope) -> bool:
    """Whether the client likes HTML better than JSON, as browsers do. Most programs name neither."""
    liked = dict(map(_liking, Headers(scope=scope).get("Accept", "").lower().split(",")))
    return liked.get("text/html", 0) > liked.get("application/json", 0)


def _liking(entry: str) -> tuple[str, float]:
    """A media type of an Accept header, and how much the client likes it: from 0 to 1."""
    media_type, *parameters = (part.strip() for part in entry.split(";"))
    quality = next((value for value in parameters if _QUALITY.fullmatch(value)), "q=1")
    return media_type, float(quality.removeprefix("q="))


class _ForBrowsers(Route):
    """A route for requests that ask for HTML. All others find the next route of the same path."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(scope) if scope["type"] == "http" and _asks_for_html(scope) else (Match.NONE, {})


class _Assets(StaticFiles):
    """Files that never change under their name."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = f"public, max-age={UNCHANGED_S}, immutable"
        return response
