"""A parser's spare process over an engine that breaks where a document tells it to."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from actors.documents import DocumentBytes
from actors.errors import ParserDied, ParserFailed
from actors.messages import FileTask, PageSpan, ParsedFile, Shard
from actors.parser.limited_engine import EngineCall
from actors.parser.parser import Parser, ParserConfig
from actors.parser.spare import Spare
from actors.telemetry.metrics import PAGES, SPARES_STARTED
from client.models import PageFailure
from tests.faults.engine import FaultyEngine
from tests.recorded import Recorded
from tests.unit.parser.files import as_document, make_task
from tests.waiting import eventually_async as eventually

PATIENCE_S = 60.0  # for a busy machine


def task_of(owner: str) -> FileTask:
    return replace(make_task("a.txt"), owner=owner, time_limit_s=10 * PATIENCE_S)


def call(document: str) -> EngineCall[ParsedFile]:
    task = task_of("neighbour")
    arguments = {"document": as_document(document.encode()), "task": task, "split_above": 1}
    return EngineCall(
        method="open", arguments=arguments, given=1, limit_s=task.time_limit_s, owner=task.owner, task=task
    )


@pytest.fixture
def spare(monkeypatch: pytest.MonkeyPatch) -> Spare:
    monkeypatch.setenv("SLEEP_PER_PAGE_S", "0")
    return Spare((ParserConfig(), FaultyEngine))


async def pages(spare: Spare, document: str) -> int:
    await eventually(spare.is_ready, within_s=PATIENCE_S)
    parsed, _ = await asyncio.wait_for(spare.run(call(document)), PATIENCE_S)
    return parsed.pages


async def test_one_process_makes_one_call_after_the_other(spare: Spare, recorded: Recorded) -> None:
    assert [await pages(spare, document) for document in ("1", "1")] == [1, 1]
    assert recorded.of(SPARES_STARTED) == [1]


async def test_a_process_that_dies_fails_its_call_and_another_one_starts(spare: Spare) -> None:
    with pytest.raises(ParserDied, match="the parser process died") as died:
        await pages(spare, "1 crash@1")
    assert died.value.parser  # tells this death from that of the parser
    assert await pages(spare, "1") == 1


async def test_an_unexpected_error_is_that_of_a_parser_and_the_process_lives_on(
    spare: Spare, recorded: Recorded
) -> None:
    with pytest.raises(ParserFailed, match="the parser failed with ZeroDivisionError"):
        await pages(spare, "1 raise@1")
    assert await pages(spare, "1") == 1
    assert recorded.of(SPARES_STARTED) == [1]


async def test_a_cancelled_call_stops_and_leaves_room_for_the_next(spare: Spare) -> None:
    await eventually(spare.is_ready, within_s=PATIENCE_S)
    hangs = asyncio.create_task(spare.run(call("1 hang@1")))
    await asyncio.sleep(0)  # it begins
    assert not spare.is_ready()
    hangs.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hangs
    assert await pages(spare, "1") == 1


async def test_a_process_without_work_ends(spare: Spare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.parser.spare.IDLE_S", 0.01)
    await eventually(spare.is_ready, within_s=PATIENCE_S)
    (process,) = map(psutil.Process, spare.pids)
    await eventually(lambda: process.status() == psutil.STATUS_ZOMBIE, within_s=PATIENCE_S)
    assert not spare.pids


@pytest.fixture
def of_parsers(spare: Spare, monkeypatch: pytest.MonkeyPatch) -> Spare:
    """The spare process of the parsers of a test."""
    monkeypatch.setattr("actors.parser.parser.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("actors.parser.parser.Spare", lambda setup: spare)
    return spare


@pytest.fixture
def parser(of_parsers: Spare, monkeypatch: pytest.MonkeyPatch) -> Parser:
    """Its calls are stuck as soon as they begin."""
    monkeypatch.setattr("actors.parser.limited_engine.STUCK_AFTER_S", 0.0)
    return Parser(ParserConfig(), FaultyEngine)


@pytest.fixture
async def stuck(parser: Parser) -> AsyncIterator[asyncio.Task[Shard]]:
    """A call of `hostile` that occupies the parser until it is cancelled."""
    document, span = as_document(b"1 wait@1"), PageSpan(1, 1)
    call = asyncio.create_task(parser.parse_pages(document, task_of("hostile"), span))
    yield call
    call.cancel()
    with suppress(asyncio.CancelledError):
        await call


def parse(parser: Parser, owner: str) -> asyncio.Task[object]:
    return asyncio.create_task(asyncio.wait_for(parser.open(as_document(b"1"), task_of(owner), 1), PATIENCE_S))


async def test_a_call_passes_the_stuck_call_of_another_owner(
    parser: Parser, stuck: asyncio.Task[Shard], recorded: Recorded
) -> None:
    own = parse(parser, "hostile")
    await parse(parser, "neighbour")
    assert not stuck.done()
    assert not own.done()  # an owner who could take the spare process too would leave nothing to the others
    assert recorded.of(PAGES, profile="native", outcome="parsed") == [1]
    stuck.cancel()
    await own


async def test_a_call_waits_where_no_spare_process_can_start(
    parser: Parser, stuck: asyncio.Task[Shard], recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.parser.spare.PROGRAM", "actors.parser.no_such_program")
    waits = parse(parser, "neighbour")
    await eventually(lambda: recorded.of(SPARES_STARTED), within_s=PATIENCE_S)
    stuck.cancel()
    await waits
    assert recorded.of(SPARES_STARTED) == [1]  # it is not tried again and again


async def test_a_call_that_is_not_stuck_yet_lets_no_other_pass(
    parser: Parser, stuck: asyncio.Task[Shard], recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.parser.limited_engine.STUCK_AFTER_S", math.inf)
    monkeypatch.setattr("actors.parser.limited_engine.HANGS_AFTER_S", math.inf)
    waits = parse(parser, "neighbour")
    done, _ = await asyncio.wait([waits], timeout=0.1)
    assert not done
    stuck.cancel()
    await waits
    assert not recorded.of(SPARES_STARTED)


class AssemblesUntilStopped(FaultyEngine):
    def assemble(
        self, document: DocumentBytes, task: FileTask, shards: Sequence[Shard], lost: Sequence[PageFailure]
    ) -> ParsedFile:
        self._stop.wait(PATIENCE_S)
        raise InterruptedError("the call was stopped")


@pytest.mark.usefixtures("of_parsers")
async def test_a_call_passes_a_long_assembly_that_is_not_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.parser.limited_engine.STUCK_AFTER_S", math.inf)
    monkeypatch.setattr("actors.parser.limited_engine.HANGS_AFTER_S", math.inf)
    document, task = as_document(b"1"), task_of("author")
    monkeypatch.setattr("actors.parser.parser.LONG_ASSEMBLY", document.nbytes)
    parser = Parser(ParserConfig(), AssemblesUntilStopped)
    assembly = asyncio.create_task(parser.assemble(document, task, ()))
    await parse(parser, "neighbour")
    assert not assembly.done()
    assembly.cancel()
    with suppress(asyncio.CancelledError):
        await assembly


@pytest.mark.usefixtures("of_parsers")
@pytest.mark.parametrize(("is_only", "started"), [(True, [1]), (False, [])])
async def test_the_only_parser_starts_its_spare_process_before_it_assembles_a_long_document(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, is_only: bool, started: list[int]
) -> None:
    monkeypatch.setattr("actors.parser.parser.LONG_DOCUMENT_PAGES", 6)
    parser = Parser(ParserConfig(is_only=is_only), FaultyEngine)
    await parser.parse_pages(as_document(b"12"), task_of("author"), PageSpan(1, 6))
    assert recorded.of(SPARES_STARTED) == []
    await parser.parse_pages(as_document(b"12"), task_of("author"), PageSpan(7, 12))
    assert recorded.of(SPARES_STARTED) == started


async def test_a_process_that_is_kept_ready_takes_calls_and_is_not_started_again(
    spare: Spare, recorded: Recorded
) -> None:
    spare.keep_ready()
    await eventually(spare.is_ready, within_s=PATIENCE_S)
    spare.keep_ready()
    assert await pages(spare, "1") == 1
    assert recorded.of(SPARES_STARTED) == [1]


def test_the_process_ends_with_its_parser_however_that_ends(tmp_path: Path) -> None:
    program = (
        "import asyncio\n"
        "from actors.parser.parser import ParserConfig\n"
        "from actors.parser.spare import Spare\n"
        "from tests.faults.engine import FaultyEngine\n"
        "from tests.unit.parser.test_spare import call, eventually\n"
        "async def hang():\n"
        "    spare = Spare((ParserConfig(), FaultyEngine))\n"
        "    await eventually(spare.is_ready, within_s=60)\n"
        "    print(*spare.pids, flush=True)\n"
        "    await spare.run(call('1 freeze@1'))\n"
        "asyncio.run(hang())"
    )
    own = os.environ | {"TMPDIR": str(tmp_path)}  # a killed process leaves its temporary folder to the next parser
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=own) as parent:
        assert parent.stdout
        process = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    assert psutil.wait_procs([process], timeout=PATIENCE_S)[1] == []
