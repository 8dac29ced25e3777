"""A web server on the loopback, for services under test to fetch files from."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class WebServer:
    """`files` are the bodies by path; everything else is 404. A request for a path in `held` is answered when its event
    is set. `asked` counts the requests by path, and `tokens` has what each sent as its Authorization.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.held: dict[str, threading.Event] = {}
        self.asked: Counter[str] = Counter()
        self.tokens: list[str | None] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked[request.path] += 1
        self.tokens.append(request.headers.get("Authorization"))
        if request.path in self.held:
            self.held[request.path].wait(60)
        body = self.files.get(request.path)
        request.send_response(404 if body is None else 200)
        request.send_header("Content-Length", str(len(body or b"")))
        request.end_headers()
        request.wfile.write(body or b"")


@contextmanager
def serving_web() -> Iterator[WebServer]:
    web = WebServer()
    thread = threading.Thread(target=web.server.serve_forever)
    thread.start()
    try:
        yield web
    finally:
        for event in web.held.values():
            event.set()
        web.server.shutdown()
        web.server.server_close()
        thread.join()
