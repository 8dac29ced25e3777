"""An engine whose calls have limits: of time, of memory, and for the programs and files that they leave behind."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import psutil

from actors.derivations import Derivation, Made
from actors.documents import DocumentBytes
from actors.errors import ParserOutOfMemory
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from actors.parser.child_processes import ended_before
from actors.parser.instrumentation import step, timed
from actors.parser.memory_limit import MIB, MemoryLimit
from actors.parser.scratch import Scratch
from actors.parser.watchdog import Watchdog
from actors.questions import Answers
from client.models import PageFailure, ParseOptions, ParserInfo

T = TypeVar("T")

#: A process may always hold this many times its first size: a new one would soon be as large again.
LEAST_GROWTH = 6  # healthy ones reached 4.3 after 242 documents, and grew slowly by then (docs/reliability.md)

#: So many more objects than before make the collector look for cycles. A document is a large tree: at Python's 700 the
#: collector would walk through it over and over, for an eighth of the time of an HTML file and a fifth of an assembly.
COLLECT_AFTER = 100_000

#: How long a process with a stuck call lives on at least, in seconds: its spare process ends with it, and needs some
#: seconds to start and to answer.
LIVES_ON_S = 10.0

#: A call is stuck when it has finished no page in so many seconds of the processor. Healthy pages take less, also in
#: OCR. On a busy machine they take long by the clock.
STUCK_AFTER_S = 3.0

#: A call that only waits uses no processor. It is stuck after so many seconds by the clock.
HANGS_AFTER_S = 5.0


class ParsingEngine(Protocol):
    """The engine that parses. One thread calls it at a time. It raises FileError when the file is at fault."""

    def warm_up(self) -> None: ...

    def describe(self, options: ParseOptions | None) -> ParserInfo: ...

    def open(self, document: DocumentBytes, task: FileTask, *, split_above: int) -> ParsedFile | PagePlan: ...

    def parse_pages(self, document: DocumentBytes, task: FileTask, span: PageSpan) -> Shard: ...

    def assemble(
        self, document: DocumentBytes, task: FileTask, shards: Sequence[Shard], lost: Sequence[PageFailure]
    ) -> ParsedFile: ...

    def describe_pictures(self, parsed: ParsedFile, task: FileTask, answers: Answers) -> ParsedFile: ...

    def derive(self, source: DocumentBytes, wanted: Derivation) -> Made: ...

    def stop(self) -> None:
        """Called from another thread: the running call should raise as soon as it can. Nobody waits for it."""
        ...

    def progressed_at(self) -> tuple[float, float]:
        """When a stage last took a page: in monotonic time, and in the processor time of this process. 0 before the
        first page. Any thread may call this."""
        ...

    def check_health(self) -> None:
        """Called between conversions. Raises RuntimeError when the process is not fit for the next one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EngineCall(Generic[T]):
    """A call of one of the engine's methods, in this process or in another.

    It works on `given` bytes, which limits its memory, and may take `limit_s` seconds. `owner` waits for it: the owner
    of a job, or the job where there are no owners. Logs and traces name its `task` and its `pages`. A call that is
    `long` takes several seconds and cannot make progress in between.
    """

    method: str
    arguments: Mapping[str, Any]
    given: int
    limit_s: float
    owner: str
    task: FileTask | None = None
    pages: str = ""
    long: bool = False

    def made_by(self, engine: ParsingEngine) -> T:
        result: T = getattr(engine, self.method)(**self.arguments)
        return result


class LimitedEngine:
    """Works on one call at a time. Make it when the models are loaded: its process is then as small as it will be.

    The process ends itself when a call passes its time limit. A call that would pass its memory limit raises
    ParserOutOfMemory. `max_memory` is how many bytes the process should hold between two calls; None is no limit.
    `apart` are the ids of child processes that no call has started.
    """

    def __init__(
        self, engine: ParsingEngine, *, max_memory: int | None, kernel_limit: bool, apart: Collection[int] = ()
    ) -> None:
        self._engine = engine
        self._max_memory = max_memory
        self._apart = apart
        self._fresh = _memory()
        self._ceiling = max(max_memory, LEAST_GROWTH * self._fresh) if max_memory else sys.maxsize
        self._memory = MemoryLimit(self._ceiling, kernel_limit=kernel_limit)
        self._watchdog = Watchdog()
        self._scratch = Scratch()
        self._at_work = threading.Lock()
        self._running: tuple[EngineCall[Any], tuple[float, float]] | None = None  # the call, and when it began
        gc.freeze()  # libraries and models stay for good, so the collector need not visit them
        gc.set_threshold(COLLECT_AFTER, 10, 10)

    def run(self, call: EngineCall[T], refuse: Callable[[], None]) -> tuple[T, float]:
        """The result of a call, and how many seconds it took.

        `refuse` must tell the caller that a call has passed its memory limit. Then the process ends.
        """
        deadline, memory = self._watchdog.watch(call, call.limit_s), self._memory.watch(call.given, refuse)
        children = ended_before(call.limit_s, self._apart)
        # The error holds the frames that raised it, and they hold the memory. It must be gone when the watch ends.
        no_memory = suppress(MemoryError, ParserOutOfMemory)
        with self._at_work, self._noted(call), deadline, children, memory, self._scratch.folder(), no_memory:
            return self._observed(call)()
        raise out_of_memory()

    def hurry(self, call: EngineCall[Any], seconds: float) -> None:
        """Ask a call to stop, and give it at most `seconds` from now. Does nothing when it is not running."""
        self._watchdog.hurry(call, seconds, self._engine.stop)

    def gives_way_to(self, call: EngineCall[Any]) -> bool:
        """Whether a call of another owner runs, and is long or stuck. Any thread may ask.

        When it is stuck, this process lives on for LIVES_ON_S, even when that call passes its time limit.
        """
        running = self._running
        if running is None or running[0].owner == call.owner:
            return False
        pairs = zip(_now(), running[1], self._engine.progressed_at(), strict=True)
        by_the_clock, used = (now - max(began, progressed) for now, began, progressed in pairs)
        is_stuck = used > STUCK_AFTER_S or by_the_clock > HANGS_AFTER_S
        if is_stuck:
            self._watchdog.extend(running[0], LIVES_ON_S)
        return is_stuck or running[0].long

    def check_fitness(self) -> None:
        """Raises RuntimeError when the process should be replaced. While a call runs, it is left to the next check."""
        if self._at_work.acquire(blocking=False):
            try:
                self._check_memory()
                self._engine.check_health()
            finally:
                self._at_work.release()

    def _check_memory(self) -> None:
        """Called between two calls only: the memory that one document needs for a moment is no leak."""
        if (held := _memory()) > self._ceiling:
            limit, fresh = (self._max_memory or 0) // MIB, self._fresh // MIB
            raise RuntimeError(f"holds {held // MIB} MiB; its limit is {limit} MiB, and it began with {fresh} MiB")

    @contextmanager
    def _noted(self, call: EngineCall[Any]) -> Iterator[None]:
        self._running = call, _now()
        try:
            yield
        finally:
            self._running = None

    def _observed(self, call: EngineCall[T]) -> Callable[[], tuple[T, float]]:
        made = partial(call.made_by, self._engine)
        return timed(step(call.method, call.task, made, call.pages) if call.task else made)


def _now() -> tuple[float, float]:
    """The time by the clock, and the processor time of this process, in seconds."""
    return time.monotonic(), time.process_time()


def out_of_memory() -> ParserOutOfMemory:
    return ParserOutOfMemory("the parser ran out of memory")


def _memory() -> int:
    """The resident memory of this process, in bytes."""
    return int(psutil.Process().memory_info().rss)
