"""Parsers that read documents from the blob store and put results there, under a dispatcher's work on a job."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from actors.blobs import BlobStore, open_blobs
from actors.dispatcher.files import Splitting
from actors.dispatcher.jobs import JobLimits, JobRun
from actors.dispatcher.parser_slots import ParserSlots
from actors.errors import StoreUnavailable
from actors.handles.storing_parser import StoringParserReplica
from actors.messages import FileTask, InputFile, JobOutcome, JobSpec, PagePlan, PageSpan, ParsedFile, Shard
from actors.parser.parser import ParserConfig
from actors.questions import Questions
from client.models import ErrorCode, PageFailure, ParseOptions
from tests.fakes import NO_SOURCES, PARSER
from tests.faults.engine import FaultyEngine
from tests.unit.parser.files import as_document, make_task

CONFIG = ParserConfig(max_memory=1 << 40)


class CountingBlobs:
    """A store that counts what is read and written. Its next calls fail while `away` is above 0."""

    def __init__(self) -> None:
        self._blobs = open_blobs("memory://")
        self.calls: Counter[str] = Counter()
        self.away = 0

    async def get(self, key: str) -> bytes:
        self._count(f"get {key}")
        return await self._blobs.get(key)

    async def put(self, key: str, data: bytes) -> None:
        self._count(f"put {key}")
        await self._blobs.put(key, data)

    def _count(self, call: str) -> None:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("away")
        self.calls[call] += 1


@dataclass
class Parsed:
    """A parsed span, as if it lay in Ray's object store."""

    span: PageSpan
    shard: Shard
    lost: tuple[PageFailure, ...] = ()
    asks: bool = False
    seconds: float = 0.0


class OneParser:
    """The dispatcher's view of one replica. What passes it in either direction is kept in `passed`."""

    def __init__(self, replica: StoringParserReplica) -> None:
        self.replica = replica
        self.passed: list[Any] = []

    async def open(self, document: Any, task: FileTask, split_above: int) -> ParsedFile | PagePlan:
        return self._kept(document, await self.replica.open(document, task, split_above))

    async def parse_pages(self, document: Any, task: FileTask, span: PageSpan) -> Parsed:
        self.passed.append(document)
        return Parsed(span, await self.replica.parse_pages(document, task, span))

    async def assemble(
        self, document: Any, task: FileTask, lost: Sequence[PageFailure], shards: Sequence[Parsed]
    ) -> ParsedFile:
        return self._kept(document, await self.replica.assemble(document, task, lost, *(each.shard for each in shards)))

    def _kept(self, document: Any, answer: Any) -> Any:
        self.passed += [document, answer]
        return answer

    def running(self) -> int:
        return 1


@pytest.fixture
def blobs() -> CountingBlobs:
    return CountingBlobs()


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch, blobs: CountingBlobs) -> OneParser:
    monkeypatch.setattr("actors.handles.parser_replica.observe", lambda room: None)
    monkeypatch.setattr("actors.handles.storing_parser.open_blobs", lambda url: blobs)
    monkeypatch.setenv("SLEEP_PER_PAGE_S", "0")
    return OneParser(StoringParserReplica(CONFIG, FaultyEngine, "s3://bucket"))


async def run(parser: OneParser, blobs: CountingBlobs, text: bytes, name: str = "a.pdf", **limits: Any) -> JobOutcome:
    await blobs.put("inputs/job/0", text)
    blobs.calls.clear()
    file = InputFile(filename=name, blob="inputs/job/0", size=len(text), sha256="")
    spec = JobSpec(job_id="job", files=(file,), options=ParseOptions(), submitted_at=0.0)
    splitting = Splitting(slots=2, span_pages=2)
    given = JobLimits(files=1, by_reference=True, splitting=splitting, **limits)
    store: BlobStore = blobs  # type: ignore[assignment] # as much of it as is needed
    return await JobRun(spec, parser, store, ParserSlots(2), given, NO_SOURCES).run()  # type: ignore[arg-type]


@pytest.mark.parametrize("pages", [1, 7])
async def test_a_document_and_its_results_do_not_pass_the_dispatcher(
    parser: OneParser, blobs: CountingBlobs, pages: int
) -> None:
    outcome = await run(parser, blobs, str(pages).encode())
    assert (outcome.files[0].pages, outcome.files[0].num_nodes) == (pages, pages)
    response = json.loads(await blobs.get(outcome.files[0].response))
    assert [node["metadata"]["page_number"] for node in response["nodes"]] == list(range(1, pages + 1))
    assert response["processing_time_ms"] >= 0
    assert outcome.files[0].document
    assert json.loads(await blobs.get(outcome.files[0].document)) == {}
    assert not [each for each in parser.passed if isinstance(each, bytes)]
    assert [each.size for each in parser.passed if isinstance(each, ParsedFile)] == [0]


async def test_a_parser_reads_a_document_once_for_all_its_spans(parser: OneParser, blobs: CountingBlobs) -> None:
    await run(parser, blobs, b"12")
    assert len(parser.passed) > 6
    assert blobs.calls["get inputs/job/0"] == 1


async def test_results_are_written_once_and_by_the_parser(parser: OneParser, blobs: CountingBlobs) -> None:
    await run(parser, blobs, b"7")
    written = {call: count for call, count in blobs.calls.items() if call.startswith("put")}
    assert written == {"put results/job/0/response.json": 1, "put results/job/0/document.json": 1}


async def test_a_failed_file_gets_its_entry_from_the_dispatcher(parser: OneParser, blobs: CountingBlobs) -> None:
    outcome = await run(parser, blobs, b"3 raise@2", "a.txt")
    response = json.loads(await blobs.get(outcome.files[0].response))
    assert (response["success"], response["error_code"], outcome.files[0].document) == (False, "internal", None)


async def test_work_waits_for_a_store_that_is_away(parser: OneParser, blobs: CountingBlobs) -> None:
    await blobs.put("inputs/job/0", b"1")
    working = asyncio.create_task(run(parser, blobs, b"1"))
    await asyncio.sleep(0)
    blobs.away = 2
    assert (await working).files[0].success


async def test_a_store_that_stays_away_ends_with_the_deadline_of_the_job(
    parser: OneParser, blobs: CountingBlobs
) -> None:
    await blobs.put("inputs/job/0", b"1")
    working = asyncio.create_task(run(parser, blobs, b"1", deadline_s=0.3))
    await asyncio.sleep(0)
    blobs.away = 10**6
    failure = (await working).failure
    assert failure
    assert failure.code is ErrorCode.DEADLINE_EXCEEDED


async def test_a_document_that_is_handed_over_is_parsed_and_returned(parser: OneParser, blobs: CountingBlobs) -> None:
    parsed = await parser.open(as_document(b"2"), make_task("a.txt"), 16)
    assert isinstance(parsed, ParsedFile)
    assert (parsed.stored, len(json.loads(parsed.nodes))) == (False, 2)
    assert not blobs.calls


async def test_a_file_is_stored_only_once_its_pictures_are_described(
    parser: OneParser, blobs: CountingBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asking(engine: FaultyEngine, document: Any, task: FileTask, *, split_above: int) -> ParsedFile:
        questions = Questions(endpoint="model", prompt="What is this?", pictures={0: b"a picture"})
        return ParsedFile(nodes=b"[]", num_nodes=0, document=b"{}", pages=1, parser=PARSER, questions=questions)

    monkeypatch.setattr(FaultyEngine, "open", asking)
    task = replace(make_task("a.pdf"), results="results/job/0")
    asked = await parser.open(as_document(b"1"), task, 16)
    assert isinstance(asked, ParsedFile)
    assert (asked.stored, blobs.calls) == (False, {})
    described = replace(asked, questions=None)
    monkeypatch.setattr(FaultyEngine, "describe_pictures", lambda engine, parsed, task, answers: described)
    assert (await parser.replica.describe_pictures(asked, task, {})).stored
    assert set(blobs.calls) == {"put results/job/0/response.json", "put results/job/0/document.json"}
