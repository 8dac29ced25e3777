"""The nodes of the pages that are done, while the others are still parsed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest

from actors.blobs import open_blobs
from actors.dispatcher.files import FileRun, Splitting
from actors.dispatcher.jobs import JobLimits, JobRun
from actors.dispatcher.parser_slots import ParserSlots
from actors.dispatcher.partial_assembly import PartialAssembly, runs_of
from actors.dispatcher.ports import ShardRef
from actors.errors import DocfleetError, FleetUnavailable, ParserDied, ParserFailed
from actors.messages import FileTask, InputFile, JobSpec, PageSpan, ParsedFile, PartialFile
from client.models import PageFailure, ParseOptions
from tests.fakes import NO_SOURCES
from tests.memory_parsers import MemoryParsers, MemoryShardRef
from tests.waiting import eventually_async as eventually

TASK = FileTask(
    job_id="job", index=0, filename="a.pdf", size=2, options=ParseOptions(), metadata={"case": 1, "width": "wide"}
)


@dataclass
class HeldParsers(MemoryParsers):
    """Spans wait while they have a page in `held`. `assembled` counts by first and last page."""

    held: set[int] = field(default_factory=set)
    assembled: Counter[tuple[int, int]] = field(default_factory=Counter)
    unwilling: bool = False

    async def _parse(self, span: PageSpan) -> None:
        pages = set(range(span.first, span.last + 1))
        await eventually(lambda: not self.held & pages, every_s=0.001)
        await super()._parse(span)

    async def assemble(
        self, document: bytes, task: FileTask, lost: Sequence[PageFailure], shards: Sequence[Any]
    ) -> ParsedFile:
        if self.unwilling:
            raise ParserDied("the parser process died")
        pages = [page for shard in shards for page in range(shard.span.first, shard.span.last + 1)]
        self.assembled[pages[0], pages[-1]] += 1
        return await super().assemble(document, task, lost, shards)


@dataclass
class Run:
    parsers: HeldParsers
    task: FileTask = TASK

    def __post_init__(self) -> None:
        self.slots = ParserSlots(8)
        self.file = FileRun(
            self.parsers, self.slots, Splitting(slots=2, span_pages=2), self.task, b"12", lambda *_: None
        )
        self.whole = asyncio.create_task(self.file.parse())

    async def with_pages(self, count: int) -> PartialFile:
        async def with_pages() -> PartialFile | None:
            partial = await self.file.partial_file()
            return partial if partial.pages_done >= count else None

        return await eventually(with_pages)

    async def end(self) -> list[dict[str, Any]]:
        self.parsers.held = set()
        nodes: list[dict[str, Any]] = orjson.loads((await self.whole).nodes)
        return nodes


async def test_nodes_of_the_pages_that_are_done_are_those_of_the_end() -> None:
    run = Run(HeldParsers(held={5, 12}))
    partial = await run.with_pages(8)
    assert (partial.pages_done, partial.pages_total, partial.outcome) == (8, 12, None)
    nodes = orjson.loads(partial.nodes)
    at_the_end = [node for node in await run.end() if node["metadata"]["page_number"] not in (5, 6, 11, 12)]
    assert nodes == at_the_end
    assert partial.num_nodes == 8


async def test_before_a_page_is_done_there_is_nothing() -> None:
    run = Run(HeldParsers(held=set(range(1, 13))))
    await asyncio.sleep(0)
    partial = await run.file.partial_file()
    assert (orjson.loads(partial.nodes), partial.pages_done) == ([], 0)
    await run.end()


async def test_pages_with_a_gap_between_them_are_assembled_apart_and_only_once() -> None:
    parsers = HeldParsers(held={5, 12})
    run = Run(parsers)
    await run.with_pages(8)
    parsers.assembled.clear()
    await asyncio.gather(*(run.file.partial_file() for _ in range(5)))
    assert parsers.assembled == {}
    await run.end()
    assert parsers.assembled == {(1, 12): 1}


async def test_pages_are_not_assembled_until_somebody_asks() -> None:
    parsers = HeldParsers()
    await Run(parsers).end()
    assert parsers.assembled == {(1, 12): 1}


async def test_a_parser_that_dies_in_a_partial_assembly_costs_only_that_answer() -> None:
    parsers = HeldParsers(held={5, 12})
    run = Run(parsers)
    await run.with_pages(8)
    parsers.unwilling, parsers.held = True, {12}
    assert orjson.loads((await run.with_pages(10)).nodes) == []
    parsers.unwilling = False
    assert len(await run.end()) == 12


def shard(first: int, last: int) -> MemoryShardRef:
    return MemoryShardRef(PageSpan(first, last))


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (ParserDied("the parser died"), [1, 2]),
        (ParserFailed("no answer"), [1, 2]),
        (FleetUnavailable("none"), [1, 1, 2]),
    ],
)
async def test_pages_that_broke_a_parser_are_left_alone_until_there_are_more(
    failure: DocfleetError, expected: list[int]
) -> None:
    partial = PartialAssembly(6)
    tried: list[int] = []

    async def assemble(shards: Sequence[ShardRef]) -> ParsedFile:
        tried.append(len(shards))
        raise failure

    partial.add(shard(1, 2))
    for _ in range(2):
        assert await partial.nodes(TASK, assemble) == []
    partial.add(shard(3, 4))
    assert await partial.nodes(TASK, assemble) == []
    assert tried == expected


async def test_pages_that_broke_a_parser_are_assembled_again_in_quarantine() -> None:
    parsers = HeldParsers(held={5, 12}, unwilling=True)
    run = Run(parsers)
    await run.with_pages(8)
    parsers.unwilling, parsers.held = False, {12}
    await eventually(lambda: PageSpan(5, 6) in parsers.spans)
    async with run.slots.quarantine.slot("another"):
        asked = asyncio.create_task(run.file.partial_file())
        assert len(await run.end()) == 12  # needs no quarantine
        assert parsers.assembled == {(1, 12): 1}
    assert len(orjson.loads((await asked).nodes)) == 10
    assert parsers.assembled == {(1, 12): 1, (1, 10): 1}


async def test_assembled_pages_are_kept_when_their_caller_goes_away() -> None:
    partial, never = PartialAssembly(9), asyncio.Event()
    tried: list[int] = []

    async def assemble(shards: Sequence[ShardRef]) -> ParsedFile:
        tried.append(shards[0].span.first)
        if tried == [5, 1]:
            await never.wait()
        return await MemoryParsers().assemble(b"9", TASK, (), shards)

    partial.add(shard(5, 6))
    await partial.nodes(TASK, assemble)
    partial.add(shard(1, 2))
    asked = asyncio.create_task(partial.nodes(TASK, assemble))
    await eventually(lambda: 1 in tried)
    asked.cancel()
    await asyncio.wait([asked])
    assert [node["metadata"]["page_number"] for node in await partial.nodes(TASK, assemble)] == [1, 2, 5, 6]
    assert tried == [5, 1, 1]


async def test_a_node_for_the_whole_document_is_not_there_before_the_document() -> None:
    run = Run(HeldParsers(held={12}), replace(TASK, options=ParseOptions(page_chunks=False)))
    assert orjson.loads((await run.with_pages(10)).nodes) == []
    await run.end()


async def test_a_job_tells_of_each_file_as_far_as_it_is() -> None:
    held, blobs = HeldParsers(held={3}), open_blobs("memory://")
    for index, pages in enumerate((b"1", b"4", b"2")):
        await blobs.put(f"inputs/job/{index}", pages)
    files = tuple(
        InputFile(filename=f"{index}.pdf", blob=f"inputs/job/{index}", size=1, sha256="00") for index in range(3)
    )
    spec = JobSpec(job_id="job", files=files, options=ParseOptions(), submitted_at=0.0)
    limits = JobLimits(files=2, splitting=Splitting(slots=2, span_pages=1))
    run = JobRun(spec, held, blobs, ParserSlots(8), limits, NO_SOURCES)
    running = asyncio.create_task(run.run())
    await eventually(lambda: run.progress.files_done == 2 and run.progress.pages_done == 6)
    first, second, third = await run.partial_files()
    assert [file.outcome and file.outcome.filename for file in (first, second, third)] == ["0.pdf", None, "2.pdf"]
    assert (second.filename, second.num_nodes, second.pages_total) == ("1.pdf", 3, 4)
    held.held = set()
    await running


@pytest.mark.parametrize(
    ("spans", "runs"),
    [
        ([], []),
        ([(3, 4), (1, 2)], [[(1, 2), (3, 4)]]),
        ([(1, 2), (5, 6), (7, 7)], [[(1, 2)], [(5, 6), (7, 7)]]),
    ],
)
def test_pages_that_follow_each_other_are_one_run(
    spans: list[tuple[int, int]], runs: list[list[tuple[int, int]]]
) -> None:
    runs_found = runs_of([shard(*span) for span in spans])
    found = [[(each.span.first, each.span.last) for each in run] for run in runs_found]
    assert found == runs
