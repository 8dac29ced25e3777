"""Both clients against a real server on a real socket: streaming, connections, many files at once."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import threading
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from client import AsyncDoclingParserClient, DoclingParserClient, FileResult

MIB = 1024 * 1024


class Server(ThreadingHTTPServer):
    """Accepts every job and completes it at once; counts what matters about the way it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.connections = 0
        self.received: list[int] = []
        self.drop_after: list[int] = []  # bytes after which the next uploads are cut off
        self.running = 0
        self.most_running = 0
        self.gate: threading.Event | None = None  # while set and unset: jobs don't complete
        self.ids = itertools.count()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the tests."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        left = int(self.headers["content-length"])
        limit = self.server.drop_after.pop(0) if self.server.drop_after else None
        received = 0
        while received < left:
            received += len(self.rfile.read(min(64 * 1024, left - received)))
            if limit is not None and received >= limit:
                self.close_connection = True
                return
        self.server.received.append(received)
        with self.server.lock:
            self.server.running += 1
            self.server.most_running = max(self.server.most_running, self.server.running)
        self.answer(202, {"job_id": f"j{next(self.server.ids)}", "status": "pending", "message": "m"})

    def do_GET(self) -> None:
        job_id = self.path.split("/")[2].partition("?")[0]
        if self.path.endswith("/results"):
            with self.server.lock:
                self.server.running -= 1
            entry = {"filename": job_id, "success": True, "nodes": [{"text": "x" * MIB}], "num_nodes": 1}
            batch = {"total_files": 1, "successful": 1, "failed": 0, "total_nodes": 1, "total_processing_time_ms": 1}
            self.answer(200, {"job_id": job_id, "status": "completed", "results": {**batch, "results": [entry]}})
            return
        done = self.server.gate is None or self.server.gate.is_set()
        self.answer(200, {"job_id": job_id, "status": "completed" if done else "processing", "submitted_at": 1.0})

    def answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as started:
        thread = threading.Thread(target=started.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield started
        started.shutdown()
        thread.join()


@pytest.fixture
def documents(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{n}.md" for n in range(30)]
    for path in paths:
        path.write_text("# A\n")
    return paths


@pytest.fixture(params=["sync", "async"])
def submit(request: pytest.FixtureRequest, server: Server) -> Callable[[Path], dict[str, Any]]:
    """Submit one file through either client, without its context."""
    if request.param == "sync":
        return DoclingParserClient(server.url).submit_job
    return lambda path: asyncio.run(AsyncDoclingParserClient(server.url).submit_job(path))


@pytest.fixture(params=["sync", "async"])
def parse_many(request: pytest.FixtureRequest, server: Server) -> Callable[..., Iterator[FileResult]]:
    def through_sync(*args: Any, **kwargs: Any) -> Iterator[FileResult]:
        with DoclingParserClient(server.url) as parser:
            yield from parser.parse_many(*args, **kwargs)

    async def collect(*args: Any, **kwargs: Any) -> AsyncIterator[FileResult]:
        async with AsyncDoclingParserClient(server.url) as parser:
            async for result in parser.parse_many(*args, **kwargs):
                yield result

    def through_async(*args: Any, **kwargs: Any) -> Iterator[FileResult]:
        with asyncio.Runner() as runner:
            results = collect(*args, **kwargs)
            try:
                while (result := runner.run(anext_or_none(results))) is not None:
                    yield result
            finally:
                runner.run(results.aclose())

    return through_sync if request.param == "sync" else through_async


async def anext_or_none(results: AsyncIterator[FileResult]) -> FileResult | None:
    return await anext(results, None)


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """The most bytes that Python held at once, beyond what it held at the start."""
    gc.collect()
    tracemalloc.start()
    peak: list[int] = []
    try:
        yield peak
        peak.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def test_large_upload_is_never_held_in_memory(
    server: Server, submit: Callable[[Path], dict[str, Any]], tmp_path: Path
) -> None:
    big = tmp_path / "big.pdf"
    with big.open("wb") as file:
        file.truncate(64 * MIB)
    with peak_memory() as peak:
        submit(big)
    assert server.received[0] > 64 * MIB
    assert peak[0] < 8 * MIB


def test_upload_that_is_cut_off_is_sent_again_whole(
    server: Server, submit: Callable[[Path], dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client._retry.FIRST_BACKOFF_S", 0.0)
    big = tmp_path / "big.pdf"
    big.write_bytes(b"x" * 4 * MIB)
    server.drop_after = [MIB, 64 * 1024]
    assert submit(big)["job_id"] == "j0"
    assert len(server.received) == 1
    assert server.received[0] > 4 * MIB


def test_context_keeps_one_connection_and_bare_calls_keep_none(server: Server, documents: list[Path]) -> None:
    with DoclingParserClient(server.url) as parser:
        for path in documents[:5]:
            parser.submit_and_wait(path)
    assert server.connections == 1
    bare = DoclingParserClient(server.url)
    for path in documents[:3]:
        bare.submit_job(path)
    assert server.connections == 4


def test_bare_async_client_serves_one_event_loop_after_the_other(server: Server, documents: list[Path]) -> None:
    parser = AsyncDoclingParserClient(server.url)
    assert [asyncio.run(parser.submit_job(path))["job_id"] for path in documents[:3]] == ["j0", "j1", "j2"]


@pytest.mark.parametrize("ordered", [True, False])
def test_parse_many_keeps_to_its_window_and_loses_no_file(
    server: Server, documents: list[Path], parse_many: Callable[..., Iterator[FileResult]], ordered: bool
) -> None:
    results = list(parse_many(documents, max_in_flight=4, ordered=ordered))
    assert all(result.ok for result in results)
    assert server.most_running <= 4
    paths = [result.path for result in results]
    assert paths == documents if ordered else sorted(paths) == sorted(documents)


def test_parse_many_takes_paths_only_as_it_needs_them(
    documents: list[Path], parse_many: Callable[..., Iterator[FileResult]]
) -> None:
    taken = []
    source = (taken.append(path) or path for path in documents)
    results = parse_many(source, max_in_flight=3, ordered=True)
    next(results)
    assert len(taken) == 4
    results.close()  # type: ignore[attr-defined]
    assert len(taken) == 4


def test_parse_many_needs_no_more_memory_for_more_files(
    documents: list[Path], parse_many: Callable[..., Iterator[FileResult]]
) -> None:
    """Every result holds 1 MiB of text; thirty of them would not fit."""
    with peak_memory() as peak:
        for _ in parse_many(documents, max_in_flight=2):
            pass
    assert peak[0] < 20 * MIB


def test_parse_many_that_is_left_early_does_not_wait_for_its_jobs(
    server: Server, documents: list[Path], parse_many: Callable[..., Iterator[FileResult]]
) -> None:
    results = parse_many(documents, max_in_flight=3, poll_interval=0.01)
    next(results)
    server.gate = threading.Event()  # from now on no job completes
    results.close()  # type: ignore[attr-defined]
    assert not server.gate.is_set()
