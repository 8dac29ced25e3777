"""A model endpoint of the tests: a real HTTP server that speaks OpenAI's chat completions.

It knows a page by the width of its picture, so the pages of `numbered_pdf` differ in width.
"""

from __future__ import annotations

import json
import struct
import threading
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

from PIL import Image
from reportlab.pdfgen.canvas import Canvas

#: The width of page 0, in points.
BASE_WIDTH = 400
HEIGHT = 300
#: Pixels for each point of the pictures that a model is shown.
SCALE = 2


def numbered_pdf(pages: int) -> bytes:
    """A PDF whose pages say their number."""
    out = BytesIO()
    canvas = Canvas(out)
    for page in range(1, pages + 1):
        canvas.setPageSize((BASE_WIDTH + page, HEIGHT))
        canvas.drawString(50, 200, f"This is page {page}.")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def picture(width: int, height: int) -> bytes:
    """A white picture, as PNG."""
    out = BytesIO()
    Image.new("RGB", (width, height), "white").save(out, "PNG")
    return out.getvalue()


def doctags(page: int) -> str:
    """What a model reads on a page: a heading, a paragraph, and a picture."""
    return (
        f"<doctag><section_header_level_1><loc_10><loc_20><loc_200><loc_40>Page {page}</section_header_level_1>\n"
        f"<text><loc_10><loc_60><loc_400><loc_90>The model read page {page}.</text>\n"
        "<picture><loc_100><loc_200><loc_300><loc_400></picture>\n"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the endpoint does with a request: `status` and `body` after `delay_s`. `hangs` until the server stops,
    `breaks` off in the middle of the body."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    hangs: bool = False
    breaks: bool = False


def said(text: str, *, finish: str = "stop", delay_s: float = 0.0) -> Reply:
    """A chat completion with this text."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "fake", "choices": [choice]}
    return Reply(body=json.dumps(body).encode(), delay_s=delay_s)


def failed(status: int, message: str = "overloaded", **headers: str) -> Reply:
    return Reply(status=status, body=json.dumps({"error": {"message": message}}).encode(), headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked: the page, how often it was asked before, the body without the picture, and the headers.

    `width` is that of the picture, in pixels."""

    page: int
    width: int
    before: int
    body: dict[str, Any]
    headers: dict[str, str]


class FakeModel:
    """`replies` says what to do with a request. The counts are over all requests that it got."""

    def __init__(self, replies: Callable[[Request], Reply] = lambda request: said(doctags(request.page))) -> None:
        self.replies = replies
        self.requests: list[Request] = []
        self.most_at_once = 0
        self.ended = threading.Event()
        self.reached = threading.Condition()
        self.broken_off = 0
        self._asked: Counter[int] = Counter()
        self._running = 0
        self._begins: list[float] = []
        self._ends: list[float] = []
        self._lock = threading.Lock()
        self.url = ""

    @property
    def seconds(self) -> float:
        """From the first request to the end of the last answer."""
        return max(self._ends) - min(self._begins)

    def average_at_once(self, full: int) -> float:
        """How many requests ran at once, on average from when so many did until there were no more to send."""
        first, last = sorted(self._begins)[full - 1], max(self._begins)
        within = (
            min(end, last) - max(begin, first)
            for begin, end in zip(self._begins, self._ends, strict=True)
            if end > first
        )
        return sum(within) / (last - first)

    def reset(self, replies: Callable[[Request], Reply]) -> None:
        """Forget all requests."""
        with self._lock:
            self.replies, self.requests, self._asked = replies, [], Counter()
            self.most_at_once, self._begins, self._ends, self.broken_off = 0, [], [], 0

    def wait_for_requests(self, count: int, timeout_s: float = 30.0) -> None:
        """Wait until so many requests have come."""
        with self.reached:
            assert self.reached.wait_for(lambda: len(self.requests) >= count, timeout_s)

    def wait_for_broken_off(self, count: int, timeout_s: float = 30.0) -> None:
        """Wait until the callers of so many hanging requests are gone."""
        with self.reached:
            assert self.reached.wait_for(lambda: self.broken_off >= count, timeout_s)

    def begin(self, headers: dict[str, str], body: dict[str, Any]) -> Reply:
        width = _width_of(body)
        page = round(width / SCALE) - BASE_WIDTH
        with self._lock:
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
            request = Request(
                page=page, width=width, before=self._asked[page], body=_without_picture(body), headers=headers
            )
            self._asked[page] += 1
        with self.reached:
            self.requests.append(request)
            self.reached.notify_all()
        return self.replies(request)

    def end(self, began: float) -> None:
        with self._lock:
            self._running -= 1
            self._begins.append(began)
            self._ends.append(time.monotonic())

    def hang_up(self) -> None:
        with self.reached:
            self.broken_off += 1
            self.reached.notify_all()


@contextmanager
def running(model: FakeModel) -> Iterator[FakeModel]:
    """The endpoint on a port of the system's choice. Its `url` is set."""
    server = _Server(model)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    try:
        yield model
    finally:
        model.ended.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, model: FakeModel) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model = model

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that goes away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # with it, a body may wait 40 ms until the caller has acknowledged the head
    server: _Server

    def do_POST(self) -> None:
        model = self.server.model
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        began = time.monotonic()
        reply = model.begin(dict(self.headers), body)
        if reply.hangs:
            self._hang()
            model.hang_up()
        else:
            time.sleep(reply.delay_s)
        model.end(began)  # before the answer: whoever has it may send the next request at once
        if not reply.hangs:
            self._answer(reply)

    def _hang(self) -> None:
        """Say nothing until the caller goes, or the server ends."""
        self.close_connection = True
        self.connection.settimeout(0.05)
        while not self.server.model.ended.is_set():
            try:
                if not self.connection.recv(1):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    def _answer(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) // 2] if reply.breaks else reply.body)
        self.close_connection = reply.breaks

    def log_message(self, *_: Any) -> None:
        """Silent."""


def _width_of(body: dict[str, Any]) -> int:
    url = body["messages"][0]["content"][0]["image_url"]["url"]
    return int(struct.unpack(">I", b64decode(url.partition(",")[2][:64])[16:20])[0])


def _without_picture(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"messages": [body["messages"][0]["content"][1]]}
