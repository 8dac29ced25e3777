import asyncio
import json
import time
from dataclasses import replace

import pytest

from actors.dispatcher.budget import Budget
from actors.dispatcher.files import FileRun, Splitting
from actors.dispatcher.parser_slots import ParserSlots
from actors.errors import FileError, ParserDied
from actors.messages import FileTask, PageSpan, ParsedFile
from actors.telemetry.metrics import PAGES_LOST, SPAN_RETRIES, WORDS_LOST
from client.models import ErrorCode, ParseOptions, ParserInfo
from tests.memory_parsers import CountedPages, MemoryParsers, MemoryShardRef
from tests.peak_memory import peak_memory
from tests.recorded import Recorded
from tests.waiting import eventually_async as eventually


def task(job_id: str = "job") -> FileTask:
    return FileTask(job_id=job_id, index=0, filename="a.pdf", size=1, options=ParseOptions(), metadata={})


async def parse(parsers, document: bytes, splitting: Splitting) -> tuple[ParsedFile, CountedPages]:
    counted = CountedPages()
    run = FileRun(parsers, ParserSlots(4), splitting, task(), document, counted)
    return await run.parse(), counted


def pages_of(parsed: ParsedFile) -> list[int]:
    return [node["metadata"]["page_number"] for node in json.loads(parsed.nodes)]


async def test_a_small_document_costs_one_call(parsers) -> None:
    parsed, counted = await parse(parsers, b"3", Splitting(slots=4))
    assert pages_of(parsed) == [1, 2, 3]
    assert (counted.total, counted.done, counted.failed) == (3, 3, 0)
    assert parsers.opened.total() == 1


async def test_a_large_document_is_split_and_its_pages_come_back_in_order(parsers) -> None:
    parsed, counted = await parse(parsers, b"40", Splitting(slots=4))
    assert pages_of(parsed) == list(range(1, 41))
    assert len(parsers.spans) > 1
    assert (counted.total, counted.done) == (40, 40)


async def test_a_span_whose_parser_died_once_is_parsed_again(parsers) -> None:
    parsers.deaths_left = {9: 1}
    parsed, counted = await parse(parsers, b"20", Splitting(slots=2))
    assert pages_of(parsed) == list(range(1, 21))
    assert counted.failed == 0


@pytest.mark.parametrize("deadly", [{1}, {20}, {7, 8}])
async def test_only_the_deadly_pages_are_lost(parsers, deadly: set[int]) -> None:
    parsers.deadly = deadly
    parsed, counted = await parse(parsers, b"20", Splitting(slots=2))
    assert pages_of(parsed) == [page for page in range(1, 21) if page not in deadly]
    assert [page.page_number for page in parsed.lost] == sorted(deadly)
    assert (counted.total, counted.done, counted.failed) == (20, 20 - len(deadly), len(deadly))


async def test_a_small_document_with_a_deadly_page_loses_only_that_page(parsers) -> None:
    parsers.deadly = {2}
    parsed, _ = await parse(parsers, b"3", Splitting(slots=4))
    assert pages_of(parsed) == [1, 3]


async def test_a_document_whose_every_page_is_deadly_fails_with_the_reason(parsers) -> None:
    parsers.deadly = {1, 2}
    with pytest.raises(FileError, match="No page could be parsed: the parser process died"):
        await parse(parsers, b"2", Splitting(slots=4))


async def test_a_file_without_pages_that_kills_its_parser_is_tried_twice(parsers) -> None:
    with pytest.raises(FileError, match="cannot be parsed: the parser process died") as refused:
        await parse(parsers, b"killer", Splitting(slots=4))
    assert refused.value.file_code is ErrorCode.INVALID_FILE
    assert parsers.opened.total() == 2


async def test_a_page_that_killed_the_parser_that_opened_its_document_is_tried_once_more(parsers) -> None:
    parsers.deadly = {1}
    with pytest.raises(FileError, match="No page could be parsed"):
        await parse(parsers, b"1", Splitting(slots=4))
    assert parsers.spans == [PageSpan(1, 1)] * 2


async def test_pages_that_killed_the_parser_that_opened_their_document_are_tried_together_once_more(parsers) -> None:
    parsers.deadly = {1}
    parsed, _ = await parse(parsers, b"3", Splitting(slots=4))
    assert pages_of(parsed) == [2, 3]
    assert parsers.spans.count(PageSpan(1, 3)) == 2


async def test_a_file_that_is_no_document_is_not_tried_twice(parsers) -> None:
    with pytest.raises(FileError, match="not a document"):
        await parse(parsers, b"garbage", Splitting(slots=4))
    assert parsers.opened.total() == 1


async def test_the_spans_of_a_long_document_grow_when_its_pages_are_parsed_fast(parsers) -> None:
    sizes: list[int] = []
    parse_pages, parsers.page_s = parsers.parse_pages, 0.01

    async def measured(document: bytes, task: FileTask, span: PageSpan) -> MemoryShardRef:
        sizes.append(len(span))
        return await parse_pages(document, task, span)

    parsers.parse_pages = measured
    parsed, _ = await parse(parsers, b"2000", Splitting(slots=2))
    assert pages_of(parsed) == list(range(1, 2001))
    assert (sizes[0], max(sizes), sizes[-1]) == (6, 16, 2)


async def test_a_plan_of_ten_million_pages_costs_nothing_before_its_spans_are_parsed(parsers) -> None:
    parsers.gate = asyncio.Event()
    splitting = Splitting(slots=4, budget=Budget(max_pages=10**8))
    before, began = len(asyncio.all_tasks()), time.process_time()
    with peak_memory() as peak:
        parsing = asyncio.create_task(
            FileRun(parsers, ParserSlots(8), splitting, task(), b"10000000", CountedPages()).parse()
        )
        await eventually(lambda: parsers.waiting == 7)  # one slot is left to other jobs
    assert len(asyncio.all_tasks()) - before <= 2 + splitting.spans_at_once
    assert peak.bytes < 2_000_000
    assert time.process_time() - began < 5
    parsing.cancel()
    await asyncio.wait([parsing])


async def test_a_document_of_more_pages_than_allowed_is_refused_before_they_are_parsed(parsers) -> None:
    with pytest.raises(FileError, match="has 41 pages; at most 40 are parsed") as refused:
        await parse(parsers, b"41", Splitting(slots=4, budget=Budget(max_pages=40)))
    assert refused.value.file_code is ErrorCode.TOO_MANY_PAGES
    assert parsers.spans == []
    assert len(pages_of((await parse(parsers, b"40", Splitting(slots=4, budget=Budget(max_pages=40))))[0])) == 40


@pytest.mark.parametrize("page_chunks", [True, False])
async def test_metadata_that_would_fill_the_result_is_refused_before_pages_are_parsed(
    parsers, page_chunks: bool
) -> None:
    options = ParseOptions(page_chunks=page_chunks)
    wordy = replace(task(), metadata={"note": "x" * 1000}, options=options)
    splitting = Splitting(slots=4, budget=Budget(max_result_bytes=50_000))
    run = FileRun(parsers, ParserSlots(4), splitting, wordy, b"60", CountedPages())
    if not page_chunks:  # one node has one copy
        assert (await run.parse()).pages == 60
        return
    with pytest.raises(FileError) as refused:
        await run.parse()
    assert refused.value.file_code is ErrorCode.RESULT_TOO_LARGE
    assert parsers.spans == []


@pytest.mark.parametrize(("size", "limits_s"), [(1 << 20, [3 * 7, 3 * 40]), (1, [3, 3])])
async def test_a_document_that_cannot_be_split_gets_the_time_of_the_pages_that_its_bytes_can_hold(
    parsers, size: int, limits_s: list[float]
) -> None:
    parsers.apart = False
    splitting = Splitting(slots=4, budget=Budget(page_deadline_s=3))
    counted = CountedPages()
    run = FileRun(parsers, ParserSlots(4), splitting, replace(task(), size=size), b"40", counted)
    parsed = await run.parse()
    assert (len(pages_of(parsed)), counted.done) == (40, 40)
    assert parsers.limits_s == limits_s


async def test_pages_that_make_a_parser_raise_are_lost_alone(parsers) -> None:
    parsers.broken = {7}
    parsed, counted = await parse(parsers, b"20", Splitting(slots=2))
    assert pages_of(parsed) == [page for page in range(1, 21) if page != 7]
    assert [(page.page_number, page.reason) for page in parsed.lost] == [(7, "the parser failed")]
    assert counted.failed == 1


async def test_a_span_that_hung_is_cut_into_pages_at_once(parsers) -> None:
    parsers.deadly = {6}
    parsers.hang_s = 0.05
    parsed, _ = await parse(parsers, b"8", Splitting(slots=1, span_pages=4, budget=Budget(page_deadline_s=0.05)))
    assert pages_of(parsed) == [1, 2, 3, 4, 5, 7, 8]
    assert "the parser hung" in parsed.lost[0].reason
    bad = [span for span in parsers.spans if span.first <= 6 <= span.last]
    assert [len(span) for span in bad] == [4, 1, 1]


@pytest.mark.parametrize(
    ("fault", "reason", "lost"), [("deaths_left", "died", 0), ("broken", "failed", 1), ("deadly", "hung", 1)]
)
async def test_retries_are_counted_by_their_reason(
    parsers, recorded: Recorded, fault: str, reason: str, lost: int
) -> None:
    setattr(parsers, fault, {3: 1} if fault == "deaths_left" else {3})
    parsers.hang_s = 0.05
    deadline = 0.05 if reason == "hung" else 60.0
    await parse(parsers, b"8", Splitting(slots=1, span_pages=4, budget=Budget(page_deadline_s=deadline)))
    counted = {reason: sum(recorded.of(SPAN_RETRIES, reason=reason)) for reason in ("died", "failed", "hung")}
    assert [each for each, count in counted.items() if count] == [reason]
    assert (counted[reason] == 1, sum(recorded.of(PAGES_LOST))) == (reason == "died", lost)


@pytest.mark.parametrize("pages", [b"3", b"20"])
async def test_words_that_are_missing_from_a_document_are_counted(parsers, recorded: Recorded, pages: bytes) -> None:
    parsers.parser = ParserInfo(profile="bundled", docling="0", words_read=100, words_kept=97)
    await parse(parsers, pages, Splitting(slots=2))
    assert recorded.of(WORDS_LOST, profile="bundled") == [3]


async def test_a_second_try_endangers_no_other_parser(parsers) -> None:
    parsers.deadly = {2, 5, 8, 11}
    await parse(parsers, b"12", Splitting(slots=4, span_pages=3))
    first_tries = parsers.at_risk
    parsers.at_risk = 0
    parsers.deaths_left = {}
    await parse(parsers, b"12", Splitting(slots=4, span_pages=12))
    assert (first_tries, parsers.at_risk) == (3, 1)  # one of the four slots is left to other jobs


async def test_a_suspect_page_does_not_wait_for_all_those_of_another_job(monkeypatch) -> None:
    monkeypatch.setattr("actors.scheduling.deaths.SAME_MOMENT_S", 0.0)  # each page has a parser of its own
    slots, splitting = ParserSlots(20), Splitting(slots=1, span_pages=1)
    bad, unlucky = MemoryParsers(deadly=set(range(1, 13)), hang_s=0.1), MemoryParsers(deaths_left={1: 1})
    many = asyncio.create_task(FileRun(bad, slots, splitting, task("many"), b"12", CountedPages()).parse())
    await eventually(lambda: len(bad.spans) > 12, every_s=0)  # each has failed once, and one of them is in quarantine
    await FileRun(unlucky, slots, splitting, task("one"), b"2", CountedPages()).parse()
    assert len(bad.spans) <= 15  # it waited for the one in quarantine and for the other job's turn; the last came after
    with pytest.raises(FileError):
        await many


async def test_parsed_pages_that_are_lost_with_their_node_are_parsed_again_and_counted_once(parsers) -> None:
    parsers.losses = 2
    parsed, counted = await parse(parsers, b"20", Splitting(slots=2))
    assert pages_of(parsed) == list(range(1, 21))
    assert (counted.total, counted.done, counted.failed) == (20, 20, 0)


@pytest.mark.parametrize(("page_deadline_s", "hung"), [(60.0, 0), (0.1, 1)], ids=["innocent", "hung"])
async def test_an_assembly_whose_parser_died_late_is_repeated_alone(
    parsers, recorded: Recorded, page_deadline_s: float, hung: int
) -> None:
    """It may take the time of a page, and a hundredth of that for each of its pages: 72 s or 0.12 s."""
    parsers.assembly_deaths, parsers.assembly_s = 1, 0.2
    parsed, _ = await parse(parsers, b"20", Splitting(slots=2, budget=Budget(page_deadline_s=page_deadline_s)))
    assert pages_of(parsed) == list(range(1, 21))
    assert sum(len(span) for span in parsers.spans) == 20
    assert sum(recorded.of(SPAN_RETRIES, reason="hung")) == hung


async def test_an_assembly_that_kills_its_parsers_is_tried_twice(parsers) -> None:
    parsers.assembly_deaths = 9
    with pytest.raises(FileError, match="cannot be parsed: the parser process died"):
        await parse(parsers, b"20", Splitting(slots=2))
    assert parsers.assembly_deaths == 7


async def test_a_span_that_took_less_than_its_pages_may_is_tried_again_as_a_whole(parsers) -> None:
    parsers.deaths_left = {6: 1}
    parsers.death_s = 0.6  # more than a page may take, and far less than four may
    await parse(parsers, b"8", Splitting(slots=1, span_pages=4, budget=Budget(page_deadline_s=0.5)))
    assert [len(span) for span in parsers.spans if span.first <= 6 <= span.last] == [4, 4]


async def test_a_document_that_cannot_be_assembled_is_given_up(parsers) -> None:
    parsers.losses = 100
    with pytest.raises(ParserDied, match="result was lost"):
        await parse(parsers, b"20", Splitting(slots=2))
