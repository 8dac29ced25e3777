"""Requests of other programs, sent byte for byte.

A file in `recorded/` is one client. Its first lines name the client, its version, where its requests were read, and
what they are based on: its source, or notes about it. Then come its requests, each with what has to be answered:

    ### convert a file
    POST /v1/convert/file HTTP/1.1
    Host: {host}
    ...

    (the body)
    ### expect 200 status=success document.md_content~Harbour

`{host}`, `{length}` (of the body), `{notes}` and `{picture}` (a file), `{notes_base64}`, and `{task_id}` (of the answer
before) stand for what differs from one time to the next. With `until` in place of `expect`, a request is repeated until
that is answered.
"""

from __future__ import annotations

import json
import re
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from http.client import HTTPResponse
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.conformance.checks import NOTES, Check

FOLDER = Path(__file__).parent / "recorded"
PATIENCE_S = 120
_STEP = re.compile(rb"^### ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content_type: str
    body: bytes

    def at(self, path: str) -> Any:
        """The value in the JSON body, such as `document.md_content` or `chunks.0.text`."""
        value: Any = json.loads(self.body)
        for key in path.split("."):
            value = value[int(key) if isinstance(value, list) else key]
        return value


@dataclass(frozen=True, slots=True)
class Step:
    """A request, what has to be answered, and whether it is repeated until that comes."""

    what: str
    request: bytes
    expected: str
    polls: bool

    def replay(self, url: str, known: dict[bytes, bytes]) -> Answer:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = _send(url, _filled(self.request, known))
            try:
                _check(answer, self.expected)
            except AssertionError:
                if not self.polls or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return answer


def replay(url: str, steps: list[Step]) -> None:
    known = {b"host": urlsplit(url).netloc.encode(), **_files()}
    for step in steps:
        answer = step.replay(url, known)
        if answer.content_type == "application/json" and b'"task_id"' in answer.body:
            known[b"task_id"] = answer.at("task_id").encode()


def recorded() -> Iterator[Check]:
    for file in sorted(FOLDER.glob("*.http")):
        head, *parts = _STEP.split(file.read_bytes())
        client, version, basis = re.findall(r"^# (?:client|version|basis): (.*)$", head.decode(), re.MULTILINE)
        steps = list(_steps(parts))
        what = ", ".join(step.what for step in steps)
        yield Check(client, version, what, partial(replay, steps=steps), f"requests, from {basis}")


def _steps(parts: list[bytes]) -> Iterator[Step]:
    for request, expected in zip(parts[::2], parts[1::2], strict=True):
        what, _, raw = request.partition(b"\n")
        word, _, conditions = expected.decode().strip().partition(" ")
        assert word in ("expect", "until"), word
        yield Step(what.decode(), raw.replace(b"\n", b"\r\n"), conditions, word == "until")


def _filled(request: bytes, known: dict[bytes, bytes]) -> bytes:
    """The request with its placeholders filled. Its last line break belongs to the file, and not to the body."""
    head, _, body = request.partition(b"\r\n\r\n")
    body = body.removesuffix(b"\r\n")
    for name, value in known.items():
        head, body = head.replace(b"{%s}" % name, value), body.replace(b"{%s}" % name, value)
    return head.replace(b"{length}", b"%d" % len(body)) + b"\r\n\r\n" + body


def _send(url: str, request: bytes) -> Answer:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as connection:
        connection.sendall(request)
        response = HTTPResponse(connection, method=request.partition(b" ")[0].decode())
        response.begin()
        body = response.read()
    return Answer(response.status, response.headers.get_content_type(), _unpacked(body, response))


def _unpacked(body: bytes, response: HTTPResponse) -> bytes:
    if response.headers.get("Content-Encoding") != "gzip":
        return body
    import gzip

    return gzip.decompress(body)


def _check(answer: Answer, expected: str) -> None:
    status, *conditions = expected.split(" ")
    assert answer.status == int(status), (answer.status, answer.body[:500])
    for condition in conditions:
        path, sign, value = re.split("([=~])", condition, maxsplit=1)
        found = answer.content_type if path == "type" else answer.at(path)
        assert found == value if sign == "=" else value in found, (condition, str(found)[:200])


@cache
def _files() -> dict[bytes, bytes]:
    notes = NOTES.read_bytes()
    return {b"notes": notes, b"notes_base64": b64encode(notes), b"picture": _picture()}


def _picture() -> bytes:
    from PIL import Image, ImageDraw, ImageFont

    picture, out = Image.new("RGB", (900, 200), "white"), BytesIO()
    ImageDraw.Draw(picture).text((40, 60), "Harbour office", fill="black", font=ImageFont.load_default(72))
    picture.save(out, "PNG")
    return out.getvalue()


RECORDED = list(recorded())
