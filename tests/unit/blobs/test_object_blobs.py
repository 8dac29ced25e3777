"""An object store that cannot be reached, or answers with errors only."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from actors.blobs import BlobStore, open_blobs
from actors.blobs.keys import delete_blobs_of
from actors.blobs.objects import PIECE_WRITTEN
from actors.errors import StoreUnavailable


class Failing(BaseHTTPRequestHandler):
    def _fail(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _fail  # noqa: N815 - the names that are called

    def log_message(self, format: str, *args: object) -> None:
        """Not to the test's output."""


def nobody_listens() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def server_fails() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Failing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(params=[nobody_listens, server_fails])
def blobs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlobStore]:
    port = request.param()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{next(port)}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    yield open_blobs("s3://bucket")
    next(port, None)


async def write(blobs: BlobStore, size: int) -> None:
    async with blobs.writer("inputs/a/0") as writer:
        for _ in range(0, size, 64 * 1024):
            await writer.write(b"x" * 64 * 1024)


async def stream(blobs: BlobStore) -> None:
    async for _ in blobs.stream("inputs/a/0"):
        pass


@pytest.mark.parametrize(
    "use",
    [
        lambda blobs: blobs.put("inputs/a/0", b"data"),
        lambda blobs: blobs.put("inputs/a/0", b"x" * 3 * PIECE_WRITTEN),
        lambda blobs: write(blobs, 1),
        lambda blobs: write(blobs, 3 * PIECE_WRITTEN),
        lambda blobs: blobs.get("inputs/a/0"),
        stream,
        lambda blobs: blobs.size("inputs/a/0"),
        lambda blobs: blobs.delete_prefix("inputs/a"),
    ],
    ids=["put", "put large", "write", "write large", "get", "stream", "size", "delete"],
)
async def test_it_is_said_to_be_unavailable(blobs: BlobStore, use: Callable[[BlobStore], Awaitable[object]]) -> None:
    with pytest.raises(StoreUnavailable):
        await use(blobs)


class Counting(BaseHTTPRequestHandler):
    """Each folder has two blobs. Counts the requests that list and those that delete."""

    counts: ClassVar[Counter[str]]

    def do_GET(self) -> None:
        self.counts["lists"] += 1
        prefix = parse_qs(urlsplit(self.path).query)["prefix"][0]
        blob = "<Contents><Key>{}{}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>1</Size></Contents>"
        found = "".join(blob.format(prefix, name) for name in (0, 1))
        self._answer(f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>")

    def do_POST(self) -> None:
        self.counts["deletes"] += 1
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        deleted = "".join(f"<Deleted>{key}</Deleted>" for key in re.findall("<Key>.*?</Key>", asked))
        self._answer(f"<DeleteResult>{deleted}</DeleteResult>")

    def _answer(self, body: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Not to the test's output."""


async def test_the_blobs_of_many_jobs_are_deleted_in_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    Counting.counts = Counter()
    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
            monkeypatch.setenv(name, "test")
        await delete_blobs_of(open_blobs("s3://bucket"), *(f"job-{number}" for number in range(100)))
        server.shutdown()
    assert Counting.counts == {"lists": 200, "deletes": 1}


class WithoutBucket(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b"<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>"
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = _answer  # noqa: N815 - the names that are called

    def log_message(self, format: str, *args: object) -> None:
        """Not to the test's output."""


async def test_blobs_are_not_taken_for_missing_when_their_bucket_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job whose file is missing would fail; one whose bucket is missing waits for it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), WithoutBucket) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
            monkeypatch.setenv(name, "test")
        blobs = open_blobs("s3://bucket")
        for use in (blobs.put("inputs/a/0", b"data"), blobs.get("inputs/a/0")):
            with pytest.raises(StoreUnavailable, match="its bucket does not exist"):
                await use
        server.shutdown()
