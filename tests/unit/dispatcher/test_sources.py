"""Remote files are fetched by the dispatcher, and are then as if they had been uploaded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from actors.blobs import BlobStore, open_blobs
from actors.dispatcher.dispatcher import Dispatcher, DispatcherConfig
from actors.dispatcher.files import Splitting
from actors.dispatcher.jobs import JobLimits
from actors.dispatcher.sources import AT_ONCE_OF_A_JOB, Sources
from actors.errors import FileError
from actors.messages import InputFile, JobSpec
from actors.sources import Fetched, Source
from actors.telemetry.metrics import SOURCE_SECONDS, SOURCES_FETCHED
from client.models import ErrorCode, ParseOptions
from tests.fakes import FakeFetcher
from tests.memory_parsers import MemoryParsers
from tests.recorded import Recorded
from tests.threaded_registry import ThreadedRegistry
from tests.waiting import eventually_async as eventually

URL = "https://web.test/one.pdf?token=sesame"
HEADERS = {"Authorization": "Bearer sesame"}
GONE = FileError(ErrorCode.SOURCE_NOT_FOUND, "web.test answered 404: the file does not exist there")


@pytest.fixture
async def jobs(tmp_path: Path) -> AsyncIterator[ThreadedRegistry]:
    registry = await asyncio.to_thread(ThreadedRegistry, tmp_path)
    yield registry
    await registry.close()


@pytest.fixture
def blobs() -> BlobStore:
    return open_blobs("memory://")


@pytest.fixture
def fetcher() -> FakeFetcher:
    return FakeFetcher({URL: b"3"})


@asynccontextmanager
async def working(
    jobs: ThreadedRegistry, blobs: BlobStore, fetcher: FakeFetcher, parsers: MemoryParsers, at_once: int = 2
) -> AsyncIterator[None]:
    """A dispatcher at work."""
    config = DispatcherConfig(jobs=at_once, limits=JobLimits(files=2, splitting=Splitting(slots=2)))
    work = asyncio.create_task(Dispatcher(jobs, parsers, blobs, fetcher, config).run())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def remote(index: int, job_id: str = "j", url: str = URL, **more: Any) -> InputFile:
    source = Source(url=url, headers=HEADERS, **more)
    return InputFile(filename="one.pdf", blob=f"inputs/{job_id}/{index}", size=0, sha256="", remote=True, source=source)


async def submit(jobs: ThreadedRegistry, *files: InputFile, job_id: str = "j") -> None:
    await jobs.submit(JobSpec(job_id=job_id, files=files, options=ParseOptions(), submitted_at=0.0))


async def response(blobs: BlobStore, index: int, job_id: str = "j") -> dict[str, Any]:
    return dict(json.loads(await blobs.get(f"results/{job_id}/{index}/response.json")))


async def test_a_cancelled_job_fetches_no_further_file(jobs, blobs, fetcher, parsers) -> None:
    fetcher.gate = asyncio.Event()
    await submit(jobs, *(remote(index) for index in range(3 * AT_ONCE_OF_A_JOB)))
    async with working(jobs, blobs, fetcher, parsers):
        await eventually(lambda: len(fetcher.asked) == AT_ONCE_OF_A_JOB)
        await jobs.cancel("j", "")
        await jobs.ended("j")
    assert len(fetcher.asked) == AT_ONCE_OF_A_JOB


async def test_a_remote_file_is_fetched_stored_and_parsed(jobs, blobs, fetcher, parsers) -> None:
    await submit(jobs, remote(0))
    async with working(jobs, blobs, fetcher, parsers):
        ended = await jobs.ended("j")
    assert [(file.filename, file.success, file.pages) for file in ended.files] == [("one.pdf", True, 3)]
    assert await blobs.get("inputs/j/0") == b"3"
    assert fetcher.asked == [(URL, HEADERS)]
    assert (ended.progress.files_fetched, ended.progress.files_done, ended.progress.pages_done) == (1, 1, 3)


async def test_a_source_that_fails_is_a_failed_file_and_the_others_go_on(jobs, blobs, fetcher, parsers) -> None:
    await blobs.put("inputs/j/0", b"1")
    uploaded = InputFile(filename="sent.pdf", blob="inputs/j/0", size=1, sha256="")
    fetcher.pages |= {"https://web.test/gone.pdf": GONE, "https://web.test/bug.pdf": ZeroDivisionError()}
    await submit(
        jobs,
        uploaded,
        remote(1, url="https://web.test/gone.pdf"),
        remote(2, url="https://web.test/bug.pdf"),
        remote(3),
    )
    async with working(jobs, blobs, fetcher, parsers):
        ended = await jobs.ended("j")
    assert ended.failure is None
    assert [file.success for file in ended.files] == [True, False, False, True]
    gone, bug = await response(blobs, 1), await response(blobs, 2)
    assert (gone["error_code"], gone["error"]) == ("source_not_found", GONE.message)
    assert bug["error_code"] == "internal"
    assert ended.progress.files_fetched == 3


async def test_fetches_are_counted_by_how_they_ended(jobs, blobs, fetcher, parsers, recorded: Recorded) -> None:
    large = FileError(ErrorCode.FILE_TOO_LARGE, "too large")
    fetcher.pages |= {"https://web.test/gone.pdf": GONE, "https://web.test/large.pdf": large}
    urls = (URL, "https://web.test/gone.pdf", "https://web.test/large.pdf")
    await submit(jobs, *(remote(index, url=url) for index, url in enumerate(urls)))
    async with working(jobs, blobs, fetcher, parsers):
        await jobs.ended("j")
    outcomes = {name: sum(recorded.of(SOURCES_FETCHED, outcome=name)) for name in SOURCES_FETCHED.labels["outcome"]}
    assert {name: count for name, count in outcomes.items() if count} == {"fetched": 1, "not_found": 1, "too_large": 1}
    assert len(recorded.of(SOURCE_SECONDS)) == 3


async def test_no_log_line_and_no_result_holds_a_url_or_a_header(jobs, blobs, fetcher, parsers) -> None:
    fetcher.pages[URL] = GONE
    with capture_logs() as logs:
        await submit(jobs, remote(0))
        async with working(jobs, blobs, fetcher, parsers):
            ended = await jobs.ended("j")
    said = repr([logs, ended, await response(blobs, 0), jobs.claims])
    assert "source_not_fetched" in said
    assert "sesame" not in said


# -- a dispatcher that dies -----------------------------------------------------------------------------------------


async def test_a_fetch_that_was_cut_off_is_made_again(jobs, blobs, fetcher, parsers) -> None:
    fetcher.gate = asyncio.Event()
    await submit(jobs, remote(0))
    async with working(jobs, blobs, fetcher, parsers):
        await eventually(lambda: fetcher.asked)
    fetcher.gate.set()
    async with working(jobs, blobs, fetcher, parsers):
        ended = await jobs.ended("j")
    assert (ended.files[0].success, len(fetcher.asked)) == (True, 2)


@pytest.mark.parametrize("found", [b"3", GONE], ids=["fetched", "failed"])
async def test_a_source_is_not_fetched_again_by_the_next_dispatcher(jobs, blobs, fetcher, parsers, found) -> None:
    fetcher.pages[URL] = found
    parsers.gate = asyncio.Event()
    await blobs.put("inputs/j/1", b"1")
    await submit(jobs, remote(0), InputFile(filename="held.pdf", blob="inputs/j/1", size=1, sha256=""))

    async def is_erased() -> bool:
        return any(beat.fetched == {0} for beat in jobs.beats)

    async with working(jobs, blobs, fetcher, parsers):
        await eventually(is_erased)
    (claim,) = await jobs.claim("another", 1, 0.0)
    assert [file.source for file in claim.spec.files] == [None, None]
    await jobs.leave("another")
    parsers.gate.set()
    async with working(jobs, blobs, fetcher, parsers):
        ended = await jobs.ended("j")
    assert ([file.success for file in ended.files], len(fetcher.asked)) == ([found == b"3", True], 1)


async def test_a_fetched_file_that_has_gone_with_its_record_is_a_failed_file(jobs, blobs, fetcher, parsers) -> None:
    lost = InputFile(filename="one.pdf", blob="inputs/j/0", size=0, sha256="", remote=True)
    await submit(jobs, lost)
    async with working(jobs, blobs, fetcher, parsers):
        ended = await jobs.ended("j")
    assert (ended.files[0].success, (await response(blobs, 0))["error_code"]) == (False, "source_failed")


async def test_a_cancelled_job_stops_fetching(jobs, blobs, fetcher, parsers) -> None:
    fetcher.gate = asyncio.Event()
    await submit(jobs, remote(0))
    async with working(jobs, blobs, fetcher, parsers):
        await eventually(lambda: fetcher.asked)
        await jobs.cancel("j", "")
        ended = await jobs.ended("j")
        assert ended.failure.code is ErrorCode.CANCELLED
    assert await blobs.size("inputs/j/0") is None


# -- turns ----------------------------------------------------------------------------------------------------------


async def test_jobs_that_only_wait_for_sources_leave_their_places_to_others(jobs, blobs, fetcher, parsers) -> None:
    fetcher.gate = asyncio.Event()
    async with working(jobs, blobs, fetcher, parsers, at_once=1):
        await submit(jobs, remote(0, job_id="slow"), job_id="slow")
        await eventually(lambda: fetcher.asked)
        await blobs.put("inputs/quick/0", b"1")
        await submit(jobs, InputFile(filename="a.pdf", blob="inputs/quick/0", size=1, sha256=""), job_id="quick")
        assert (await jobs.ended("quick")).files[0].success
        fetcher.gate.set()
        assert (await jobs.ended("slow")).files[0].success


async def test_a_job_with_many_sources_leaves_turns_to_another(jobs, blobs, fetcher, parsers) -> None:
    class Counting(FakeFetcher):
        def __init__(self) -> None:
            super().__init__()
            self.now: dict[str, int] = {}
            self.most: dict[str, int] = {}

        async def fetch(self, url: str, headers: Mapping[str, str], new_sink: Any) -> Fetched:
            job = url.rpartition("/")[2]
            self.now[job] = self.now.get(job, 0) + 1
            self.most[job] = max(self.most.get(job, 0), self.now[job])
            await asyncio.sleep(0.001)
            self.now[job] -= 1
            async with new_sink() as sink:
                await sink.write(b"1")
            return Fetched(size=1, sha256="")

    counting = Counting()
    await submit(jobs, *(remote(index, "many", "https://web.test/many") for index in range(20)), job_id="many")
    async with working(jobs, blobs, counting, parsers):
        assert all(file.success for file in (await jobs.ended("many")).files)
    assert counting.most == {"many": 4}


# -- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fetched", "from_url", "named", "filename", "trusted"),
    [
        ({"suggested": "b.docx", "last_part": "c.md"}, "a.pdf", False, "b.docx", False),
        ({"suggested": "", "last_part": "c.md"}, "a.txt", False, "a.txt", False),
        ({"suggested": "", "last_part": "c.md"}, "download", False, "c.md", False),
        ({"suggested": "../../etc/b\n.pdf"}, "a", False, "b\N{REPLACEMENT CHARACTER}.pdf", False),
        ({"content_type": "application/pdf"}, "2408.09869", False, "2408.09869.pdf", False),
        ({"content_type": "application/octet-stream"}, "2408.09869", False, "2408.09869", False),
        ({"content_type": "text/csv"}, "export", False, "export.csv", False),
        ({"content_type": "text/html"}, "a.pdf", False, "a.pdf", False),
        ({"suggested": "other.docx", "content_type": "text/html"}, "mine.pdf", True, "mine.pdf", True),
        ({"suggested": "other.docx", "content_type": "application/pdf"}, "mine", True, "mine.pdf", False),
    ],
    ids=range(10),
)
async def test_a_file_is_named_by_its_client_its_server_or_its_url_and_only_the_clients_name_tells_its_kind(
    blobs: BlobStore, fetched: dict[str, Any], from_url: str, named: bool, filename: str, trusted: bool
) -> None:
    class Fetches:
        async def fetch(self, url: str, headers: Mapping[str, str], new_sink: Any) -> Fetched:
            return Fetched(**{"size": 1, "sha256": "00", **fetched})

    source = Source(url=URL, is_named=named)
    file = InputFile(filename=from_url, blob="inputs/j/0", size=0, sha256="", remote=True, source=source)
    found = await Sources(Fetches(), blobs).stored("j", file)
    assert (found.filename, found.trust_name) == (filename, trusted)
