"""The drivers' API over a real registry and a real folder. Only the parsers are fakes."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pytest
from structlog.testing import capture_logs

from actors.blobs import BlobStore, open_blobs
from actors.dispatcher.driver_api import DriverApi
from actors.dispatcher.files import Splitting
from actors.dispatcher.parser_slots import ParserSlots
from actors.dispatcher.ports import DriverRegistry
from actors.errors import (
    BlobMissing,
    DocfleetError,
    FileError,
    FleetUnavailable,
    JobExpired,
    JobFailed,
    JobNotFound,
    QueueFull,
    StoreUnavailable,
)
from actors.messages import Failure, FileTask, InputFile, JobSpec, JobView, PagePlan, ParsedFile
from actors.registry.registry import JobRegistry, RegistryConfig
from client.models import ErrorCode, PageFailure, ParseOptions, ParseResponse, ParserInfo
from tests.fakes import FakeWorker

DEFAULTS = ParseOptions(profile="native", do_ocr=True, page_chunks=True)


@dataclass
class OneParser:
    """Answers each document with its own text as a node, or raises `fails`; remembers the tasks."""

    fails: Exception | None = None
    lost: tuple[PageFailure, ...] = ()
    tasks: list[FileTask] = field(default_factory=list)

    async def put(self, data: bytes | memoryview) -> bytes:
        return bytes(data)

    async def open(self, document: bytes, task: FileTask, split_above: int) -> ParsedFile | PagePlan:
        self.tasks.append(task)
        if self.fails:
            raise self.fails
        parser = ParserInfo(profile="native", docling="0")
        nodes = orjson.dumps([{"text": document.decode()}])
        return ParsedFile(nodes=nodes, num_nodes=1, document=b"{}", pages=1, parser=parser, lost=self.lost)

    async def parse_pages(self, *_: Any) -> Any:
        raise NotImplementedError

    async def assemble(self, document: Any, task: FileTask, lost: Sequence[PageFailure], parts: Any) -> ParsedFile:
        raise NotImplementedError

    def running(self) -> int:
        return 1


@dataclass
class SilentRegistry:
    """Took the job, but its answer was lost."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def submit(self, spec: JobSpec) -> JobView:
        raise self._error

    async def get(self, job_id: str) -> JobView | None:
        raise NotImplementedError

    async def wait_ended(self, job_id: str, timeout_s: float) -> JobView:
        raise NotImplementedError


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[JobRegistry]:
    config = RegistryConfig(
        database_url=f"sqlite:///{tmp_path}/journal.db", max_queued_jobs=2, max_queued_bytes=1000, job_ttl_s=1000
    )
    registry = await asyncio.to_thread(JobRegistry, config)
    yield registry
    await registry.close()


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return open_blobs(str(tmp_path / "blobs"))


@pytest.fixture
def parser() -> OneParser:
    return OneParser()


@pytest.fixture
def api(registry: JobRegistry, blobs: BlobStore, parser: OneParser) -> DriverApi:
    return api_of(RegistryWithoutNotFound(registry), parser, blobs)


def api_of(jobs: DriverRegistry, parser: OneParser, blobs: BlobStore) -> DriverApi:
    return DriverApi(
        jobs, parser, blobs, ParserSlots(1), splitting=Splitting(slots=1), defaults=DEFAULTS, file_bytes=100
    )


@dataclass
class RegistryWithoutNotFound:
    """Answers None for an unknown job, as the facade of `actors.handles` does."""

    registry: JobRegistry

    async def submit(self, spec: JobSpec) -> JobView:
        return await self.registry.submit(spec)

    async def get(self, job_id: str) -> JobView | None:
        try:
            return await self.registry.get(job_id)
        except JobNotFound:
            return None

    async def wait_ended(self, job_id: str, timeout_s: float) -> JobView:
        return await self.registry.wait_ended(job_id, timeout_s)


def a_task(**changes: Any) -> FileTask:
    task = FileTask(job_id="driver", index=3, filename="a.md", size=0, options=ParseOptions(), metadata={})
    return replace(task, **changes)


def a_spec(files: Sequence[InputFile], job_id: str = "job") -> JobSpec:
    return JobSpec(job_id=job_id, files=tuple(files), options=ParseOptions(do_ocr=False), submitted_at=1.0)


async def submitted(api: DriverApi, *documents: bytes, job_id: str = "job") -> str:
    files = [await api.store(data, job_id, index, f"{index}.md") for index, data in enumerate(documents)]
    return await api.submit(a_spec(files, job_id))


@pytest.mark.parametrize("document", [b"tide", bytearray(b"tide"), np.frombuffer(b"tide", np.uint8)])
async def test_a_document_is_parsed_with_its_size_and_the_servers_options(
    api: DriverApi, parser: OneParser, document: object
) -> None:
    response = await api.parse(document, a_task(options=ParseOptions(do_ocr=False)))
    assert (response.filename, response.success, response.nodes) == ("a.md", True, [{"text": "tide"}])
    [task] = parser.tasks
    assert (task.index, task.size) == (3, 4)
    assert task.options == ParseOptions(profile="native", do_ocr=False, page_chunks=True)


async def test_lost_pages_are_named_in_a_success(api: DriverApi, parser: OneParser) -> None:
    parser.lost = (PageFailure(page_number=2, reason="the parser process died"),)
    response = await api.parse(b"tide", a_task())
    assert (response.success, response.error, response.error_code) == (True, "Lost page 2", ErrorCode.PAGES_LOST)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (FileError(ErrorCode.NO_PAGES, "no pages"), ErrorCode.NO_PAGES),
        (ZeroDivisionError("only known where docling is"), ErrorCode.INTERNAL),
    ],
)
async def test_whatever_goes_wrong_is_a_file_error_with_a_code(
    api: DriverApi, parser: OneParser, raised: Exception, code: ErrorCode
) -> None:
    parser.fails = raised
    with pytest.raises(FileError) as caught:
        await api.parse(b"tide", a_task())
    assert caught.value.file_code is code
    assert "docling" not in caught.value.message


@pytest.mark.parametrize("document", ["text", {"a": 1}, np.zeros(3), np.zeros((2, 2), np.uint8)])
async def test_a_document_without_bytes_is_a_file_error(api: DriverApi, document: object) -> None:
    for refused in (api.parse(document, a_task()), api.store(document, "job", 0, "a.md")):
        with pytest.raises(FileError) as caught:
            await refused
        assert caught.value.file_code is ErrorCode.INVALID_FILE


async def test_a_document_over_the_servers_limit_is_a_file_error(api: DriverApi, blobs: BlobStore) -> None:
    await api.store(bytes(100), "job", 0, "a.md")
    for refused in (api.parse(bytes(101), a_task()), api.store(bytes(101), "job", 1, "a.md")):
        with pytest.raises(FileError, match=r"File too large: a\.md is larger than 100 bytes") as caught:
            await refused
        assert caught.value.file_code is ErrorCode.FILE_TOO_LARGE
    assert await blobs.size("inputs/job/1") is None


async def test_work_that_grows_with_the_document_runs_off_the_loop(
    api: DriverApi, registry: JobRegistry, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_loop: list[str] = []
    validate, sha256 = ParseResponse.model_validate_json, hashlib.sha256

    def noted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            if threading.current_thread() is threading.main_thread():
                on_loop.append(name)
            return call(*args)

        return run

    monkeypatch.setattr(ParseResponse, "model_validate_json", noted("validate", validate))
    monkeypatch.setattr("actors.dispatcher.driver_api.hashlib", SimpleNamespace(sha256=noted("sha256", sha256)))
    await api.parse(b"tide", a_task())
    job_id = await submitted(api, b"tide")
    await FakeWorker(registry, blobs).work()
    await api.results(job_id)
    assert on_loop == []


async def test_a_job_of_stored_files_has_the_servers_options_and_their_results(
    api: DriverApi, registry: JobRegistry, blobs: BlobStore
) -> None:
    job_id = await submitted(api, b"tide", b"bad")
    results = asyncio.create_task(api.results(job_id))
    await FakeWorker(registry, blobs).work()
    batch = await results
    assert [result.filename for result in batch.results] == ["0.md", "1.md"]
    assert (batch.total_files, batch.successful, batch.failed, batch.total_nodes) == (2, 1, 1, 1)
    assert (await api.status(job_id)).progress.files_done == 2


async def test_the_servers_options_complete_those_of_a_job(api: DriverApi, registry: JobRegistry) -> None:
    await submitted(api, b"tide")
    [claim] = await registry.claim("worker", 1, 0.0)
    assert claim.spec.options == ParseOptions(profile="native", do_ocr=False, page_chunks=True)


async def test_a_job_without_results_is_raised_with_its_reason(
    api: DriverApi, registry: JobRegistry, blobs: BlobStore
) -> None:
    job_id = await submitted(api, b"tide")
    await FakeWorker(registry, blobs).work(Failure(code=ErrorCode.POISON, message="given up"))
    with pytest.raises(JobFailed) as caught:
        await api.results(job_id)
    assert (caught.value.job_code, caught.value.message) == (ErrorCode.POISON, "given up")


async def test_results_that_are_gone_are_said_to_be(api: DriverApi, registry: JobRegistry, blobs: BlobStore) -> None:
    job_id = await submitted(api, b"tide")
    await FakeWorker(registry, blobs).work()
    await blobs.delete_prefix(f"results/{job_id}")
    with pytest.raises(JobExpired):
        await api.results(job_id)


async def test_an_unknown_job_is_not_found(api: DriverApi) -> None:
    for ask in (api.status, api.results):
        with pytest.raises(JobNotFound):
            await ask("none")


async def test_a_refused_job_leaves_no_files(api: DriverApi, blobs: BlobStore) -> None:
    for number in range(2):
        await submitted(api, b"tide", job_id=str(number))
    with pytest.raises(QueueFull):
        await submitted(api, b"tide", job_id="refused")
    with pytest.raises(BlobMissing):
        await blobs.get("inputs/refused/0")
    assert await blobs.get("inputs/0/0") == b"tide"


async def test_a_refusal_stays_what_it_is_when_its_files_cannot_be_removed(
    api: DriverApi, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(prefix: str) -> int:
        raise StoreUnavailable("The blob store cannot be reached")

    monkeypatch.setattr(blobs, "delete_prefix", refuse)
    for number in range(2):
        await submitted(api, b"tide", job_id=str(number))
    with capture_logs() as logs, pytest.raises(QueueFull):
        await submitted(api, b"tide", job_id="refused")
    assert [entry["event"] for entry in logs] == ["upload_left_behind"]


@pytest.mark.parametrize("error", [FleetUnavailable("does not answer"), StoreUnavailable("a commit's answer is lost")])
async def test_files_stay_when_the_registry_may_have_taken_the_job(
    blobs: BlobStore, parser: OneParser, error: DocfleetError
) -> None:
    api = api_of(SilentRegistry(error), parser, blobs)
    with pytest.raises(type(error)):
        await submitted(api, b"tide")
    assert await blobs.get("inputs/job/0") == b"tide"


async def test_an_unsupported_file_is_refused_before_it_is_stored(api: DriverApi, blobs: BlobStore) -> None:
    with pytest.raises(FileError) as caught:
        await api.store(b"MZ", "job", 0, "tool.exe")
    assert caught.value.file_code is ErrorCode.UNSUPPORTED_FORMAT
    assert await blobs.size("inputs/job/0") is None
