"""A second process of a parser, for calls that would wait behind one that is stuck.

A parser works on one call at a time, and a call cannot be interrupted. The spare process starts when it is needed, and
ends when it has had no work for a while: its memory is only lent.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import Pipe
from typing import Any, TypeVar

from actors.errors import ParserDied
from actors.parser.limited_engine import EngineCall
from actors.telemetry.logs import get_logger
from actors.telemetry.metrics import SPARES_STARTED

T = TypeVar("T")
log = get_logger()

#: What the process runs. It imports no Ray, and nothing of the program that started it.
PROGRAM = "actors.parser.spare_process"

#: How long a process without work lives on, in seconds.
IDLE_S = 60.0

#: How long after a failed start the next one is tried, in seconds.
START_AGAIN_AFTER_S = 60.0

#: How long a process that is no longer needed may take to send its last spans, in seconds.
END_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class SpareAnswer:
    """What came of a call: its result and its seconds, or an error. The process takes another call if it is `fit`."""

    result: tuple[Any, float] | None = None
    error: Exception | None = None
    fit: bool = True


class SpareProcess:
    """A process with an engine of its own. It ends with this object, and with this process, however that ends."""

    def __init__(self, setup: object, environment: Mapping[str, str]) -> None:
        """Start it. Raises OSError. `setup` is what it makes its engine from.

        The kernel also ends it with the thread that calls this.
        """
        self._connection, theirs = Pipe()
        command = [sys.executable, "-P", "-m", PROGRAM, str(theirs.fileno()), str(os.getpid())]
        process = subprocess.Popen(command, env=environment, pass_fds=[theirs.fileno()])
        theirs.close()
        self.pid = process.pid
        self._end = weakref.finalize(self, _kill, process)
        self._connection.send(setup)

    def wait_until_ready(self) -> None:
        """Raises EOFError or OSError when it ends before that."""
        self._connection.recv()

    def answer(self, call: EngineCall[Any]) -> SpareAnswer:
        """Raises EOFError or OSError when the process ends in the call."""
        self._connection.send(call)
        answer: SpareAnswer = self._connection.recv()
        return answer

    def leave(self) -> None:
        """Let it end by itself. It must not work on a call."""
        self._connection.close()

    def kill(self) -> None:
        self._end()


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


class Spare:
    """The spare process of this one, which has at most one. All methods belong to the thread of one event loop."""

    def __init__(self, setup: object) -> None:
        """`setup` is what the process makes its engine from."""
        #: The ids of the processes that live.
        self.pids: set[int] = set()
        # Calls change the limits and the environment of this process while they run.
        self._setup = setup, resource.getrlimit(resource.RLIMIT_DATA)
        self._environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        self._process: SpareProcess | None = None
        self._is_ready = False
        self._start_after = 0.0
        self._starting: asyncio.Task[None] | None = None
        self._end_later: asyncio.TimerHandle | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spare")
        self._thread.submit(int).result()  # a thread that starts while a call has used up the memory may fail

    def is_ready(self) -> bool:
        """Whether the process can take a call now. If there is none, it begins to start."""
        if self._process is None and time.monotonic() >= self._start_after:
            self._start()
        return self._is_ready

    def keep_ready(self) -> None:
        """Have a process start, or let the one that waits for work wait on for IDLE_S."""
        if self.is_ready():
            self._borrow()
            self._lend()

    async def run(self, call: EngineCall[T]) -> tuple[T, float]:
        """The result of a call, and how many seconds it took. The process must be ready.

        Raises what the call raises, and ParserDied when the process ends in it. A cancelled call ends the process.
        """
        assert self._process is not None
        assert self._is_ready
        self._borrow()
        process, answer = self._process, None
        try:
            answer = await self._in_thread(lambda: process.answer(call))
        except (EOFError, OSError) as ended:
            raise ParserDied("the parser process died", f"spare process {process.pid}") from ended
        finally:
            if answer and answer.fit:
                self._lend()
            else:
                self._kill()
        if answer.error:
            raise answer.error
        assert answer.result is not None
        return answer.result

    def _start(self) -> None:
        try:
            self._process = SpareProcess(self._setup, self._environment)
        except OSError as error:
            self._give_up(error)
            return
        log.info("spare_process_started", pid=self._process.pid)
        SPARES_STARTED.record()
        self.pids.add(self._process.pid)
        self._starting = asyncio.create_task(self._wait_until_ready(self._process))

    async def _wait_until_ready(self, process: SpareProcess) -> None:
        try:
            await self._in_thread(process.wait_until_ready)
        except (EOFError, OSError) as error:
            self._kill()
            self._give_up(error)
        else:
            self._lend()

    def _give_up(self, error: Exception) -> None:
        log.warning("spare_process_not_started", reason=repr(error))
        self._start_after = time.monotonic() + START_AGAIN_AFTER_S

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _lend(self) -> None:
        """Let the process take a call, and end it when none comes."""
        self._is_ready = True
        self._end_later = asyncio.get_running_loop().call_later(IDLE_S, self._end)

    def _borrow(self) -> None:
        self._is_ready = False
        if self._end_later:
            self._end_later.cancel()

    def _end(self) -> None:
        """End a process that has had no work for a while."""
        process = self._removed()
        process.leave()
        asyncio.get_running_loop().call_later(END_WITHIN_S, process.kill)
        log.info("spare_process_ended", pid=process.pid)

    def _kill(self) -> None:
        process = self._removed()
        process.kill()
        log.warning("spare_process_killed", pid=process.pid)

    def _removed(self) -> SpareProcess:
        assert self._process is not None
        process, self._process, self._is_ready = self._process, None, False
        self.pids.discard(process.pid)
        return process
