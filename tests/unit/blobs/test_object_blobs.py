"""An object store that cannot be reached, or answers with errors only."""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from actors.blobs import BlobStore, open_blobs
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
