"""Pages that a remote model reads: parsers draw them, and wait for nobody."""

from __future__ import annotations

import asyncio
import json

import pytest

from actors.dispatcher.files import FileRun, Splitting
from actors.dispatcher.parser_slots import ParserSlots
from actors.errors import FleetUnavailable, ModelUnavailable, ResultLost
from actors.messages import FileTask, ParsedFile
from client.models import ParseOptions
from tests.memory_parsers import CountedPages, MemoryParsers
from tests.waiting import eventually_async as eventually


@pytest.fixture
def parsers() -> MemoryParsers:
    return MemoryParsers(asks=True, span_pages=4)


def run_of(parsers: MemoryParsers, slots: ParserSlots, counted: CountedPages, pages: int = 12) -> FileRun:
    task = FileTask(job_id="job", index=0, filename="a.pdf", size=1, options=ParseOptions(), metadata={})
    return FileRun(parsers, slots, Splitting(slots=2), task, str(pages).encode(), counted)


async def parse(parsers: MemoryParsers) -> tuple[ParsedFile, CountedPages]:
    counted = CountedPages()
    return await run_of(parsers, ParserSlots(4), counted).parse(), counted


async def test_pages_are_drawn_in_the_spans_of_the_plan_and_read(parsers: MemoryParsers) -> None:
    parsed, counted = await parse(parsers)
    assert [len(span) for span in parsers.spans] == [4, 4, 4]
    assert parsers.reading == 3
    assert (counted.done, len(json.loads(parsed.nodes))) == (12, 12)


async def test_no_more_pages_are_drawn_than_the_model_soon_reads(parsers: MemoryParsers) -> None:
    parsers.read_gate, parsers.pages_at_once = asyncio.Event(), 10
    running = asyncio.create_task(run_of(parsers, ParserSlots(50), CountedPages(), pages=100).parse())
    await eventually(lambda: parsers.reading == 3, what="the first spans at the model")
    assert sum(map(len, parsers.spans)) == 12
    parsers.read_gate.set()
    await running
    assert sum(map(len, parsers.spans)) == 100


@pytest.mark.parametrize(("calls_at_once", "most"), [(2, 2), (None, 10)])
async def test_as_many_parsers_draw_side_by_side_as_the_plan_says(
    parsers: MemoryParsers, calls_at_once: int | None, most: int
) -> None:
    parsers.calls_at_once = calls_at_once
    await run_of(parsers, ParserSlots(50), CountedPages(), pages=40).parse()
    assert (parsers.most_parsing, sum(map(len, parsers.spans))) == (most, 40)


async def test_page_that_breaks_its_parser_holds_up_no_other_page(parsers: MemoryParsers) -> None:
    parsers.calls_at_once, parsers.broken = 1, {6}
    _, counted = await parse(parsers)
    assert (counted.done, counted.failed) == (11, 1)


async def test_no_slot_is_held_while_the_model_reads(parsers: MemoryParsers) -> None:
    parsers.read_gate = asyncio.Event()
    slots = ParserSlots(1)
    running = asyncio.create_task(run_of(parsers, slots, CountedPages()).parse())
    await eventually(lambda: parsers.reading == 3, what="all spans at the model")
    async with asyncio.timeout(10), slots.slot("another job"):
        pass
    parsers.read_gate.set()
    await running


async def test_pages_count_as_done_only_once_they_are_read(parsers: MemoryParsers) -> None:
    parsers.read_gate = asyncio.Event()
    counted = CountedPages()
    running = asyncio.create_task(run_of(parsers, ParserSlots(4), counted).parse())
    await eventually(lambda: parsers.reading == 3, what="all spans at the model")
    assert (counted.total, counted.done) == (12, 0)
    parsers.read_gate.set()
    await running
    assert counted.done == 12


async def test_pages_that_the_model_fails_to_read_are_counted_as_failed(parsers: MemoryParsers) -> None:
    parsers.unread = {3, 7}
    _, counted = await parse(parsers)
    assert (counted.done, counted.failed) == (10, 2)


async def test_call_that_nobody_took_is_made_again(parsers: MemoryParsers) -> None:
    parsers.model = [FleetUnavailable("away")]
    _, counted = await parse(parsers)
    assert (counted.done, parsers.reading) == (12, 4)


async def test_pages_whose_pictures_are_lost_with_their_node_are_drawn_again(parsers: MemoryParsers) -> None:
    parsers.model = [ResultLost("gone")]
    parsed, counted = await parse(parsers)
    assert (counted.done, len(json.loads(parsed.nodes))) == (12, 12)
    assert len(parsers.spans) > 3


async def test_model_that_is_down_fails_the_file_and_stops_its_other_pages(parsers: MemoryParsers) -> None:
    parsers.model = [ModelUnavailable("The model endpoint 'granite' cannot be reached")]
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        await parse(parsers)
