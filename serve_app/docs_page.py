"""The page at /docs and its security headers."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode

from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

CDN = "https://cdn.jsdelivr.net"


def docs_page(title: str, openapi_url: str) -> HTMLResponse:
    """Swagger UI. Its own one script is allowed by hash, so that nothing that finds its way into the page can run."""
    page = get_swagger_ui_html(openapi_url=openapi_url, title=title, swagger_favicon_url="data:,")
    [script] = re.findall(r"<script>(.*?)</script>", bytes(page.body).decode(), re.DOTALL)
    allowed = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src {CDN} 'sha256-{allowed}'; style-src {CDN} 'unsafe-inline'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    page.headers.update(
        {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
        }
    )
    return page
