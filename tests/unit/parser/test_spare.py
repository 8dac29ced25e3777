"""A parser's spare process over an engine that breaks where a document tells it to."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from actors.errors import ParserDied, ParserFailed
from actors.messages import FileTask, PageSpan, ParsedFile, Shard
from actors.parser.limited_engine import EngineCall
from actors.parser.parser import Parser, ParserConfig
from actors.parser.spare import Spare
from actors.telemetry.metrics import PAGES, SPARES_STARTED
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
def parser(spare: Spare, monkeypatch: pytest.MonkeyPatch) -> Parser:
    """Its calls are stuck as soon as they begin."""
    monkeypatch.setattr("actors.parser.limited_engine.STUCK_AFTER_S", 0.0)
    monkeypatch.setattr("actors.parser.parser.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("actors.parser.parser.Spare", lambda setup: spare)
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
