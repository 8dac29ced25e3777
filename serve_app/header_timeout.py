"""Closes connections on which the headers of a request do not arrive in time.

uvicorn has no timeout for this, so that a client could hold a connection forever. HAProxy has its own (see
`HAPROXY_DEFAULTS`), but Serve has no setting for it.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http import auto
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Seconds from the start of a connection, or of a request on it, to the end of the request's headers.
HEADER_TIMEOUT_S = 10

#: A value for RAY_SERVE_HAPROXY_RETRY_ON: Serve's own default and a second line. Serve copies the value as it is into
#: the section `defaults` of HAProxy's configuration.
HAPROXY_DEFAULTS = f"conn-failure\n    timeout http-request {HEADER_TIMEOUT_S}s"


def install_header_timeout() -> None:
    """Make the uvicorn servers that this process starts later use the timeout."""
    auto.AutoHTTPProtocol = TimedProtocol


class TimedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a timeout for headers."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._expect_headers()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_headers()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(HEADER_TIMEOUT_S, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline:
            self._deadline.cancel()
