"""What every request of the server to an outside address has in common."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from importlib.metadata import version

import httpx

USER_AGENT = f"docfleet/{version('docfleet')}"

#: Also trusts the certificates that SSL_CERT_FILE and SSL_CERT_DIR name: internal servers often have their own.
TLS = httpx.create_ssl_context()

LONGEST_RETRY_AFTER_S = 86_400.0


def retry_after_s(status: int, headers: Mapping[bytes, bytes], now: float) -> float:
    """Seconds that an overloaded server asks us to wait (429 and 503 only)."""
    if status not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return 0.0
    value = headers.get(b"retry-after", b"").decode("latin-1")
    try:
        asked = float(value) if value.isdecimal() else parsedate_to_datetime(value).timestamp() - now
    except (ValueError, OverflowError):
        return 0.0
    return min(max(asked, 0.0), LONGEST_RETRY_AFTER_S)
