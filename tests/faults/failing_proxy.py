"""An HTTP proxy that can be told to answer 500, or not at all."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class FailingProxy(ThreadingHTTPServer):
    """Hands requests on to `upstream` while its `mood` is "well"."""

    daemon_threads = True
    block_on_close = False  # a hanging answer must not hold up the end

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.mood: Literal["well", "failing", "hanging"] = "well"
        self.recovered = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FailingProxy

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.mood == "hanging":
            self.server.recovered.wait()
        if self.server.mood != "well":
            self._send(500, [], b"")
            return
        upstream = http.client.HTTPConnection(self.server.upstream)
        upstream.request(self.command, self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP]
        length = answer.getheader("Content-Length", "0")
        content = answer.read()
        self._send(answer.status, kept, content, length if self.command == "HEAD" else str(len(content)))
        upstream.close()

    def _send(self, status: int, headers: list[tuple[str, str]], content: bytes, length: str = "0") -> None:
        self.send_response_only(status)
        for name, value in [*headers, ("Content-Length", length)]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815 - the names that are called

    def handle(self) -> None:
        with suppress(ConnectionError):  # whoever asked has given up
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Not to the test's output."""


@contextmanager
def failing_proxy(upstream: str) -> Iterator[FailingProxy]:
    with FailingProxy(upstream) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.recovered.set()
            proxy.shutdown()
            thread.join()
