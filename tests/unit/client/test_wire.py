"""Both clients against a real server on a real socket: streaming, connections, many files at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import AsyncDoclingParserClient, DoclingParserClient, FileResult
from tests.peak_memory import peak_memory

if TYPE_CHECKING:
    from tests.unit.client.conftest import Server

MIB = 1024 * 1024


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


def test_large_upload_is_never_held_in_memory(
    server: Server, submit: Callable[[Path], dict[str, Any]], tmp_path: Path
) -> None:
    big = tmp_path / "big.pdf"
    with big.open("wb") as file:
        file.truncate(64 * MIB)
    with peak_memory() as peak:
        submit(big)
    assert server.received[0] > 64 * MIB
    assert peak.bytes < 8 * MIB


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


def test_http_client_of_the_callers_own_is_used_and_left_open(server: Server, documents: list[Path]) -> None:
    with httpx.Client(headers={"x-mine": "1"}) as mine:
        with DoclingParserClient(server.url, http=mine) as parser:
            parser.submit_job(documents[0])
        assert not mine.is_closed


async def test_cancelled_wait_leaves_nothing_running(server: Server, documents: list[Path]) -> None:
    server.gate = threading.Event()  # no job completes
    async with AsyncDoclingParserClient(server.url) as parser:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await anext(parser.parse_many(documents, max_in_flight=4))
    assert asyncio.all_tasks() == {asyncio.current_task()}


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
    """Every result holds 1 MiB of text; twenty results would exceed the limit."""
    with peak_memory() as peak:
        for _ in parse_many(documents[:20], max_in_flight=2):
            pass
    assert peak.bytes < 16 * MIB


def test_parse_many_that_is_left_early_does_not_wait_for_its_jobs(
    server: Server, documents: list[Path], parse_many: Callable[..., Iterator[FileResult]]
) -> None:
    """If it waited, this test would time out: no job completes, and requests are ten minutes apart."""
    results = parse_many(documents, max_in_flight=3, poll_interval=600.0)
    next(results)
    server.gate = threading.Event()
    results.close()  # type: ignore[attr-defined]
    assert not server.gate.is_set()
