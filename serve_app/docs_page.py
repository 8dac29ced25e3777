"""The page at /docs and its security headers."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, Response

#: Files of Swagger UI by path. They come from a Python package, so the page works without internet.
ASSETS: Mapping[str, str] = {
    "/docs/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "/docs/swagger-ui.css": "swagger-ui.css",
}
_FOLDER = files("fastapi_offline") / "static"
_UNCHANGED_S = 24 * 3600


def add_docs_page(api: FastAPI) -> None:
    """Serve Swagger UI at /docs, with its files."""

    async def docs(request: Request) -> Response:
        return _page(api.title)

    api.add_route("/docs", docs, include_in_schema=False)
    for path, name in ASSETS.items():
        api.add_route(path, _sender(name), include_in_schema=False)


def _page(title: str) -> HTMLResponse:
    """The page. Its inline script is allowed by hash, so no other script that gets into the page can run.

    The links are relative, so that they also work behind a proxy that adds a path prefix.
    """
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=title,
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="data:,",
    )
    [script] = re.findall(r"<script>(.*?)</script>", bytes(page.body).decode(), re.DOTALL)
    allowed = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'self' 'sha256-{allowed}'; style-src 'self' 'unsafe-inline'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}
    page.headers.update(headers)
    return page


def _sender(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def send(request: Request) -> Response:
        return FileResponse(str(_FOLDER / name), headers={"Cache-Control": f"max-age={_UNCHANGED_S}"})

    return send
