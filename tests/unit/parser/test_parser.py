"""The Parser over an engine that waits to be told to go on."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import structlog

from actors.derivations import Derivation, Export, Made
from actors.documents import DocumentBytes
from actors.errors import FileError, ParserFailed, ParserOutOfMemory
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from actors.parser.memory_limit import MIB, MemoryLimit
from actors.parser.parser import Parser, ParserConfig
from actors.parser.watchdog import Watchdog
from actors.telemetry.metrics import PAGE_SECONDS, PAGES, PARSERS_RECYCLED
from client.models import ErrorCode, ExportFormat, PageFailure, ParseOptions, ParserInfo
from tests.recorded import Recorded
from tests.unit.parser.files import as_document, make_task
from tests.waiting import eventually_async

INFO = ParserInfo(profile="fake", docling="0")
PARSED = ParsedFile(nodes=b"[]", num_nodes=0, document=b"{}", pages=1, parser=INFO)
DOCUMENT = as_document(b"text")
SPAN = PageSpan(1, 1)
AS_TEXT = Export(job_id="job", folder="results/job/0", source="document", form=ExportFormat.TEXT, content=("body",))
AS_HTML = replace(AS_TEXT, form=ExportFormat.HTML)


@dataclass
class SlowEngine:
    """Each parse of pages says that it `begins`, then waits for `go_on`.

    `begun` are the spans in the order in which their parse began, `events` what began and ended, and `at_once` is the
    most that ran together.
    """

    begun: list[PageSpan] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    begins: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go_on: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    running: int = 0
    at_once: int = 0
    warm: bool = False
    stuck: bool = False
    answer: Shard | None = None
    assembled: tuple[Sequence[Shard], Sequence[PageFailure]] | None = None

    def warm_up(self) -> None:
        self.warm = True

    def describe(self, options: ParseOptions | None) -> ParserInfo:
        return INFO

    def open(self, document: DocumentBytes, task: FileTask, *, split_above: int) -> ParsedFile | PagePlan:
        if task.filename == "bad.pdf":
            raise FileError(ErrorCode.INVALID_FILE, "bad")
        return PARSED if split_above else PagePlan(pages=SPAN)

    def parse_pages(self, document: DocumentBytes, task: FileTask, span: PageSpan) -> Shard:
        self.begun.append(span)
        self.events.append(f"page {span.first} begins")
        self.running += 1
        self.at_once = max(self.at_once, self.running)
        self.begins.release()
        self.go_on.acquire()
        self.running -= 1
        self.events.append(f"page {span.first} ends")
        return self.answer or Shard(span=span, payload=np.zeros(1, np.uint8))

    def assemble(
        self, document: DocumentBytes, task: FileTask, shards: Sequence[Shard], lost: Sequence[PageFailure]
    ) -> ParsedFile:
        self.assembled = (shards, lost)
        return PARSED

    def derive(self, source: DocumentBytes, wanted: Derivation) -> Made:
        assert isinstance(wanted, Export)
        return {wanted.target: b",".join([wanted.form.encode(), *map(str.encode, wanted.content)]) + source.tobytes()}

    def stop(self) -> None:
        self.events.append("asked to stop")

    def progressed_at(self) -> tuple[float, float]:
        return 0.0, 0.0

    def check_health(self) -> None:
        if self.stuck:
            raise RuntimeError("stuck")


@pytest.fixture
def engine() -> SlowEngine:
    return SlowEngine()


@pytest.fixture
def parser(engine: SlowEngine) -> Parser:
    return Parser(ParserConfig(), lambda config: engine)


async def test_a_parser_is_warm_once_it_exists(parser: Parser, engine: SlowEngine) -> None:
    assert engine.warm
    assert await parser.describe() == INFO


async def test_open_answers_with_a_plan_or_the_parsed_file(parser: Parser) -> None:
    assert await parser.open(DOCUMENT, make_task(), 0) == PagePlan(pages=SPAN)
    assert await parser.open(DOCUMENT, make_task(), 1) == PARSED


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the watchdog allows each call, in the order of the calls."""
    seconds_of_calls: list[float] = []

    @contextmanager
    def watch(watchdog: Watchdog, call: object, seconds: float) -> Iterator[None]:
        seconds_of_calls.append(seconds)
        yield

    monkeypatch.setattr(Watchdog, "watch", watch)
    return seconds_of_calls


async def test_a_span_tells_how_long_it_took(engine: SlowEngine) -> None:
    parser, began = Parser(ParserConfig(), lambda config: engine), time.perf_counter()
    engine.go_on.release()
    shard = await parser.parse_pages(DOCUMENT, make_task(), SPAN)
    assert 0 < shard.seconds <= time.perf_counter() - began


async def test_a_call_gets_the_time_that_its_task_allows(engine: SlowEngine, allowed: list[float]) -> None:
    parser = Parser(ParserConfig(), lambda config: engine)
    engine.go_on.release()
    await parser.open(DOCUMENT, replace(make_task(), time_limit_s=3), 7)
    await parser.parse_pages(DOCUMENT, replace(make_task(), time_limit_s=4), SPAN)
    await parser.assemble(DOCUMENT, replace(make_task(), time_limit_s=5), [])
    assert allowed == [3, 4, 5]


@pytest.mark.parametrize(("mib", "seconds"), [(0, 2.0), (1, 4.0), (40, 32.0)])
async def test_an_export_gets_time_by_the_size_of_its_document(
    engine: SlowEngine, allowed: list[float], mib: int, seconds: float
) -> None:
    parser = Parser(ParserConfig(page_deadline_s=2.0), lambda config: engine)
    await parser.derive(np.zeros(mib * MIB, np.uint8), AS_TEXT)
    assert allowed == [seconds]


async def test_a_result_that_is_too_large_stays_with_the_parser(engine: SlowEngine) -> None:
    parser = Parser(ParserConfig(), lambda config: engine)
    small, large = (replace(make_task(), max_result_bytes=PARSED.size - less) for less in (0, 1))
    assert await parser.open(DOCUMENT, small, 7) == PARSED
    for refused in (parser.open(DOCUMENT, large, 7), parser.assemble(DOCUMENT, large, [])):
        with pytest.raises(FileError) as error:
            await refused
        assert error.value.file_code is ErrorCode.RESULT_TOO_LARGE


async def test_the_file_s_fault_reaches_the_caller_as_itself(parser: Parser) -> None:
    with pytest.raises(FileError, match="bad"):
        await parser.open(DOCUMENT, make_task("bad.pdf"), 1)


async def test_a_cancelled_call_holds_the_worker_until_its_thread_ends(parser: Parser, engine: SlowEngine) -> None:
    first = asyncio.create_task(parser.parse_pages(DOCUMENT, make_task(), SPAN))
    await asyncio.to_thread(engine.begins.acquire)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    second = asyncio.create_task(parser.parse_pages(DOCUMENT, make_task(), PageSpan(2, 2)))
    await asyncio.sleep(0)  # the second call waits
    engine.go_on.release(2)
    assert (await second).span == PageSpan(2, 2)
    assert engine.events == ["page 1 begins", "asked to stop", "page 1 ends", "page 2 begins", "page 2 ends"]
    assert engine.at_once == 1


async def test_a_cancelled_call_that_goes_on_is_asked_to_stop_once_more(
    parser: Parser, engine: SlowEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.parser.parser.ASK_AGAIN_S", 0.01)
    call = asyncio.create_task(parser.parse_pages(DOCUMENT, make_task(), SPAN))
    await asyncio.to_thread(engine.begins.acquire)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    asked = ["page 1 begins", "asked to stop", "asked to stop"]
    await eventually_async(lambda: engine.events == asked, what="a second request to stop")
    engine.go_on.release()


async def test_a_call_that_is_cancelled_while_it_waits_never_runs(parser: Parser, engine: SlowEngine) -> None:
    first = asyncio.create_task(parser.parse_pages(DOCUMENT, make_task(), SPAN))
    await asyncio.to_thread(engine.begins.acquire)
    second = asyncio.create_task(parser.parse_pages(DOCUMENT, make_task(), PageSpan(2, 2)))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    engine.go_on.release(2)
    await first
    assert "asked to stop" not in engine.events
    assert await parser.derive(as_document(b"{}"), AS_TEXT) == {AS_TEXT.target: b"text,body{}"}
    assert engine.begun == [SPAN]


async def test_a_cancelled_call_that_runs_gets_the_time_of_one_page(
    engine: SlowEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried: list[tuple[bool, float]] = []
    monkeypatch.setattr(
        Watchdog, "hurry", lambda self, call, seconds, stop: hurried.append((call is self._watched, seconds))
    )
    parser = Parser(ParserConfig(page_deadline_s=7.0), lambda config: engine)
    call = asyncio.create_task(parser.parse_pages(DOCUMENT, make_task(), PageSpan(1, 4)))
    await asyncio.to_thread(engine.begins.acquire)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    engine.go_on.release()
    assert hurried == [(True, 7.0)]


async def test_shards_are_handed_on_in_the_order_given(parser: Parser, engine: SlowEngine) -> None:
    shards = [Shard(span=PageSpan(page, page), payload=np.zeros(1, np.uint8)) for page in (1, 3)]
    lost = [PageFailure(page_number=2, reason="gone")]
    await parser.assemble(DOCUMENT, make_task(), lost, *shards)
    assert engine.assembled is not None
    assert [shard.span.first for shard in engine.assembled[0]] == [1, 3]
    assert list(engine.assembled[1]) == lost


async def test_threads_of_a_conversion_under_way_are_not_ill_health(parser: Parser, engine: SlowEngine) -> None:
    engine.stuck = True
    call = asyncio.create_task(parser.parse_pages(DOCUMENT, make_task(), SPAN))
    await asyncio.to_thread(engine.begins.acquire)
    await parser.check_health()
    engine.go_on.release()
    await call
    with pytest.raises(RuntimeError, match="stuck"):
        await parser.check_health()


async def test_no_call_begins_while_the_health_is_looked_at(
    parser: Parser, engine: SlowEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, looked = threading.Event(), threading.Event()

    def look() -> None:
        looking.set()
        looked.wait()
        engine.events.append("looked")

    monkeypatch.setattr(engine, "check_health", look)
    engine.go_on.release()
    check = asyncio.create_task(asyncio.to_thread(asyncio.run, parser.check_health()))
    await asyncio.to_thread(looking.wait)
    call = asyncio.create_task(parser.parse_pages(DOCUMENT, make_task(), SPAN))
    await asyncio.sleep(0)  # the call waits
    looked.set()
    await asyncio.gather(check, call)
    assert engine.events == ["looked", "page 1 begins", "page 1 ends"]


async def test_a_parser_that_recovers_is_counted_again_when_it_is_ill_again(
    parser: Parser, engine: SlowEngine, recorded: Recorded
) -> None:
    for engine.stuck in (True, True, False, True):
        with pytest.raises(RuntimeError, match="stuck") if engine.stuck else nullcontext():
            await parser.check_health()
    assert recorded.of(PARSERS_RECYCLED) == [1, 1]


def test_a_health_check_needs_no_thread() -> None:
    """Serve runs it in a thread unless it is a coroutine. A thread that starts while a call has used up the memory may
    fail before it says so, and then the event loop would wait for it for ever."""
    assert inspect.iscoroutinefunction(Parser.check_health)


async def test_an_answer_for_other_pages_is_refused(parser: Parser, engine: SlowEngine) -> None:
    engine.answer = Shard(span=PageSpan(7, 7), payload=np.zeros(1, np.uint8))
    engine.go_on.release()
    with pytest.raises(ParserFailed, match="returned other pages"):
        await parser.parse_pages(DOCUMENT, make_task(), SPAN)


async def test_a_parser_asks_to_be_replaced_after_its_pages(engine: SlowEngine) -> None:
    parser = Parser(ParserConfig(max_pages=3), lambda config: engine)
    engine.go_on.release(2)
    await parser.open(DOCUMENT, make_task(), 1)
    await parser.check_health()
    await parser.parse_pages(DOCUMENT, make_task(), PageSpan(1, 2))
    with pytest.raises(RuntimeError, match="parsed 3 pages"):
        await parser.check_health()
    assert (await parser.parse_pages(DOCUMENT, make_task(), SPAN)).span == SPAN  # until it is


async def test_a_parser_that_is_recycled_counts_itself_once(engine: SlowEngine, recorded: Recorded) -> None:
    parser = Parser(ParserConfig(max_pages=1), lambda config: engine)
    await parser.check_health()
    await parser.open(DOCUMENT, make_task(), 1)
    for _ in range(3):  # as Serve does before it believes it
        with pytest.raises(RuntimeError):
            await parser.check_health()
    assert recorded.of(PARSERS_RECYCLED) == [1]


async def test_pages_are_counted_under_the_profile_that_parsed_them(engine: SlowEngine, recorded: Recorded) -> None:
    parser = Parser(ParserConfig(), lambda config: engine)
    span = PageSpan(1, 4)
    lost = (PageFailure(page_number=2, reason="bad"),)
    engine.answer = Shard(span=span, payload=np.zeros(1, np.uint8), lost=lost, profile="bundled")
    engine.go_on.release()
    await parser.parse_pages(DOCUMENT, make_task(), span)
    await parser.open(DOCUMENT, make_task(), 1)
    await parser.assemble(DOCUMENT, make_task(), lost, engine.answer)  # of pages that were counted
    assert recorded.of(PAGES, profile="bundled", outcome="parsed") == [3]
    assert recorded.of(PAGES, profile="bundled", outcome="failed") == [1]
    assert recorded.of(PAGES, profile="fake", outcome="parsed") == [1]
    assert len(recorded.of(PAGE_SECONDS, profile="bundled") + recorded.of(PAGE_SECONDS, profile="fake")) == 2


async def test_what_an_engine_logs_names_the_work(engine: SlowEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, object]] = []
    answer = Shard(span=SPAN, payload=np.zeros(1, np.uint8))

    def note(document: DocumentBytes, task: FileTask, span: PageSpan) -> Shard:
        seen.append(structlog.contextvars.get_contextvars())
        return answer

    monkeypatch.setattr(engine, "parse_pages", note)
    parser = Parser(ParserConfig(), lambda config: engine)
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await parser.parse_pages(DOCUMENT, replace(make_task(), request_id="r", traceparent=traceparent), SPAN)
    await parser.parse_pages(DOCUMENT, make_task(), SPAN)
    known = {"job": "job-1", "file": 0, "span": "1-1"}
    trace = {"request_id": "r", "trace_id": "0af7651916cd43dd8448eb211c80319c"}
    assert seen == [known | trace, known]


@pytest.mark.parametrize(("fresh", "limit", "fits", "too_much"), [(50, 500, 500, 501), (400, 500, 2400, 2401)])
async def test_a_parser_above_its_memory_asks_to_be_replaced_unless_a_new_one_were_hardly_smaller(
    engine: SlowEngine, monkeypatch: pytest.MonkeyPatch, fresh: int, limit: int, fits: int, too_much: int
) -> None:
    held = fresh
    monkeypatch.setattr("actors.parser.limited_engine._memory", lambda: held * MIB)
    parser = Parser(ParserConfig(max_memory=limit * MIB), lambda config: engine)
    held = fits
    await parser.check_health()
    held = too_much
    reason = f"holds {too_much} MiB; its limit is {limit} MiB, and it began with {fresh} MiB"
    with pytest.raises(RuntimeError, match=reason):
        await parser.check_health()


async def test_memory_is_looked_at_between_calls_only(engine: SlowEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    held = MIB
    monkeypatch.setattr("actors.parser.limited_engine._memory", lambda: held)
    parser = Parser(ParserConfig(max_memory=MIB), lambda config: engine)
    held = 100 * MIB
    call = asyncio.create_task(parser.parse_pages(DOCUMENT, make_task(), SPAN))
    await asyncio.to_thread(engine.begins.acquire)
    await parser.check_health()
    engine.go_on.release()
    await call
    with pytest.raises(RuntimeError, match="holds 100 MiB"):
        await parser.check_health()


async def test_a_call_without_memory_for_it_fails_and_its_parser_lives_on(
    parser: Parser, engine: SlowEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def derive(source: DocumentBytes, wanted: Derivation) -> Made:
        return {wanted.target: b"{}" * 4096 * MIB if wanted is AS_HTML else b"text"}

    monkeypatch.setattr(engine, "derive", derive)
    with pytest.raises(ParserOutOfMemory):
        await parser.derive(as_document(b"{}"), AS_HTML)
    assert await parser.derive(as_document(b"{}"), AS_TEXT) == {AS_TEXT.target: b"text"}


async def test_a_call_whose_watch_sees_it_pass_its_limit_is_answered(
    parser: Parser, engine: SlowEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def watch(limit: MemoryLimit, given: int, refuse: Callable[[], None]) -> Iterator[None]:
        refuse()
        engine.begins.acquire()
        yield

    monkeypatch.setattr(MemoryLimit, "watch", watch)
    with pytest.raises(ParserOutOfMemory, match="ran out of memory"):
        await parser.derive(as_document(b"{}"), AS_TEXT)
    engine.begins.release()


async def test_temporary_files_of_a_call_go_with_it(
    parser: Parser, engine: SlowEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[Path] = []

    def leave_files(document: DocumentBytes, task: FileTask, *, split_above: int) -> ParsedFile:
        left.append(Path(tempfile.mkdtemp()))
        (left[0] / "half").write_bytes(b"written")
        raise FileError(ErrorCode.INVALID_FILE, "damaged")

    monkeypatch.setattr(engine, "open", leave_files)
    with pytest.raises(FileError):
        await parser.open(DOCUMENT, make_task(), 1)
    assert not left[0].exists()


def test_a_configuration_can_be_sent_to_a_replica() -> None:
    config = ParserConfig(num_cpus=2)
    assert pickle.loads(pickle.dumps(config)) == config
