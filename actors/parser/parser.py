"""The Parser: a warm engine behind async calls. `serve_app.app` wraps it as a Serve deployment."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

import psutil

from actors.derivations import Derivation, Made
from actors.documents import DocumentBytes
from actors.endpoints import Endpoints
from actors.errors import ParserFailed, ParserOutOfMemory, result_too_large
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from actors.parser.child_processes import ended_before
from actors.parser.instrumentation import count_pages, step, timed
from actors.parser.low_priority import at_low_priority
from actors.parser.memory_limit import MIB, MemoryLimit
from actors.parser.scratch import Scratch
from actors.parser.watchdog import Watchdog
from actors.questions import Answers
from actors.telemetry.logs import get_logger
from actors.telemetry.metrics import PARSERS_RECYCLED
from client.models import PageFailure, ParseOptions, ParserInfo

T = TypeVar("T")
log = get_logger()

#: A process may always hold this many times its first size: a new one would soon be as large again.
LEAST_GROWTH = 6  # healthy ones reached 4.3 after 242 documents, and grew slowly by then (docs/reliability.md)

#: So many more objects than before make the collector look for cycles. A document is a large tree: at Python's 700 the
#: collector would walk through it over and over, for an eighth of the time of an HTML file and a fifth of an assembly.
COLLECT_AFTER = 100_000

#: How many page deadlines a derivation may take: one, and one for each MiB of its source, up to this many.
PAGES_OF_A_DERIVATION = 16


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

    def check_health(self) -> None:
        """Called between conversions. Raises RuntimeError when the process is not fit for the next one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserConfig:
    """`num_cpus` and `num_gpus` are the shares of the machine that Ray gave the replica.
    `artifacts_path` is a folder with docling's own models; None uses docling's own setting. `tokenizers_dir` is a
    folder with more tokenizers for chunks. `endpoints` are the remote models that a request may name.

    A call that was cancelled may go on for `page_deadline_s`; then the process ends itself. It asks to be replaced
    after `max_pages` pages, and when it holds more than `max_memory` bytes between two calls; None is no limit. A call
    that would go far beyond `max_memory` fails with ParserOutOfMemory."""

    defaults: ParseOptions = field(default_factory=ParseOptions)
    num_cpus: float = 1
    num_gpus: float = 0
    artifacts_path: str | None = None
    tokenizers_dir: str | None = None
    endpoints: Endpoints = field(default_factory=dict)
    page_deadline_s: float = 60.0
    max_pages: int | None = None
    max_memory: int | None = None


EngineFactory = Callable[[ParserConfig], ParsingEngine]


def docling_engine(config: ParserConfig) -> ParsingEngine:
    """The real engine. Imports docling, which takes seconds and belongs to replicas alone."""
    from actors.parser.engine.device import hardware_for
    from actors.parser.engine.engine import Engine

    hardware = hardware_for(num_cpus=config.num_cpus, num_gpus=config.num_gpus)
    artifacts_path, tokenizers_dir = (
        Path(folder) if folder else None for folder in (config.artifacts_path, config.tokenizers_dir)
    )
    return Engine(config.defaults, hardware, artifacts_path, tokenizers_dir, config.endpoints)


class Parser:
    """Its models are loaded when the constructor returns. It works on one call at a time.

    A thread cannot be stopped, so the next call waits until the thread is free. When a caller goes away, the engine
    ends its call at the next page. A call that goes on for `page_deadline_s` ends the process."""

    def __init__(self, config: ParserConfig, make_engine: EngineFactory = docling_engine) -> None:
        self.config = config
        self._pages = 0
        self._unfit = False
        self._watchdog = Watchdog()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="parser")
        self._engine = at_low_priority(lambda: make_engine(config))
        self._worker.submit(self._engine.warm_up).result()
        self._fresh = _memory()
        self._ceiling = max(config.max_memory, LEAST_GROWTH * self._fresh) if config.max_memory else sys.maxsize
        self._memory = MemoryLimit(self._ceiling, kernel_limit=config.num_gpus == 0)
        self._scratch = Scratch()
        gc.freeze()  # libraries and models stay for good, so the collector need not visit them
        gc.set_threshold(COLLECT_AFTER, 10, 10)
        self._at_work = threading.Lock()

    async def describe(self, options: ParseOptions | None = None) -> ParserInfo:
        """The profile and models that parse a PDF with `options`. None: with the server's defaults.

        Raises FileError when this server cannot parse with them."""
        return self._engine.describe(options)

    async def open(self, document: DocumentBytes, task: FileTask, split_above: int) -> ParsedFile | PagePlan:
        """The parsed file; or, for a document of more than `split_above` pages, the pages to parse separately."""
        call = step("open", task, lambda: self._engine.open(document, task, split_above=split_above))
        opened, seconds = await self._run(timed(call), document.nbytes, task.time_limit_s)
        if isinstance(opened, ParsedFile):
            _check_size(opened, task)
            pages = max(1, opened.pages)
            self._pages += pages
            count_pages(opened.parser.profile, pages, len(opened.lost), seconds)
        return opened

    async def parse_pages(self, document: DocumentBytes, task: FileTask, span: PageSpan) -> Shard:
        pages = f"{span.first}-{span.last}"
        call = step("parse_pages", task, lambda: self._engine.parse_pages(document, task, span), pages)
        shard, seconds = await self._run(timed(call), document.nbytes, task.time_limit_s)
        if not isinstance(shard, Shard) or shard.span != span:
            raise ParserFailed("the parser returned other pages than the ones requested")
        self._pages += len(span)
        count_pages(shard.profile, len(span), len(shard.lost), seconds)
        return shard

    async def assemble(
        self, document: DocumentBytes, task: FileTask, lost: Sequence[PageFailure], *shards: Shard
    ) -> ParsedFile:
        """The finished document. Each shard is an argument of its own, so that Ray resolves the references to them."""
        call = step("assemble", task, lambda: self._engine.assemble(document, task, shards, lost))
        given = document.nbytes + sum(shard.payload.nbytes for shard in shards)
        parsed = await self._run(call, given, task.time_limit_s)
        _check_size(parsed, task)
        return parsed

    async def describe_pictures(self, parsed: ParsedFile, task: FileTask, answers: Answers) -> ParsedFile:
        """The file with the answers to its questions about pictures."""
        call = step("describe_pictures", task, lambda: self._engine.describe_pictures(parsed, task, answers))
        described = await self._run(call, parsed.size, task.time_limit_s)
        _check_size(described, task)
        return described

    async def derive(self, source: DocumentBytes, wanted: Derivation) -> Made:
        """The blobs of a derivation. Raises FileError when the source cannot give them."""
        limit_s = self.config.page_deadline_s * min(1 + source.nbytes / MIB, PAGES_OF_A_DERIVATION)
        return await self._run(lambda: self._engine.derive(source, wanted), source.nbytes, limit_s)

    async def check_health(self) -> None:
        """Raises RuntimeError when this replica should be replaced. Serve lets it finish its calls first.

        A coroutine, because Serve would start a thread for a function. A thread that starts while a call has used up
        the memory can fail before it says so, and the event loop would wait for it for ever.
        """
        try:
            self._check_fitness()
            self._unfit = False
        except RuntimeError as error:
            if not self._unfit:  # Serve asks several times before it acts
                self._unfit = True
                PARSERS_RECYCLED.record()
                log.info("parser_recycled", reason=str(error))
            raise

    def _check_fitness(self) -> None:
        if self.config.max_pages and self._pages >= self.config.max_pages:
            raise RuntimeError(f"parsed {self._pages} pages, the most that one process may parse")
        if self._at_work.acquire(blocking=False):  # while a call runs, leave it to the next check
            try:
                self._check_memory()
                self._engine.check_health()
            finally:
                self._at_work.release()

    def _check_memory(self) -> None:
        """Called between two calls only: the memory that one document needs for a moment is no leak."""
        if (held := _memory()) > self._ceiling:
            limit, fresh = (self.config.max_memory or 0) // MIB, self._fresh // MIB
            raise RuntimeError(f"holds {held // MIB} MiB; its limit is {limit} MiB, and it began with {fresh} MiB")

    async def _run(self, call: Callable[[], T], given: int, limit_s: float) -> T:
        """Run `call` on the one worker thread. Calls run in order; one that is cancelled while it waits never runs.

        `given` is the number of bytes it works on, which limits its memory. `limit_s` limits its time.
        """

        def refuse() -> None:
            answer.set_exception(_out_of_memory())

        answer = self._worker.submit(self._work, call, given, limit_s, refuse)
        try:
            return await asyncio.wrap_future(answer)
        except asyncio.CancelledError:
            self._watchdog.hurry(call, self.config.page_deadline_s, self._engine.stop)
            raise

    def _work(self, call: Callable[[], T], given: int, limit_s: float, refuse: Callable[[], None]) -> T:
        deadline, memory = self._watchdog.watch(call, limit_s), self._memory.watch(given, refuse)
        # The error holds the frames that raised it, and they hold the memory. It must be gone when the watch ends.
        out_of_memory = suppress(MemoryError, ParserOutOfMemory)
        with self._at_work, deadline, ended_before(limit_s), memory, self._scratch.folder(), out_of_memory:
            return call()
        raise _out_of_memory()


def _check_size(parsed: ParsedFile, task: FileTask) -> None:
    """Raises FileError for a result that is too large, here, so that it need not leave this process."""
    if parsed.size > task.max_result_bytes:
        raise result_too_large(parsed.size, task.max_result_bytes)


def _out_of_memory() -> ParserOutOfMemory:
    return ParserOutOfMemory("the parser ran out of memory")


def _memory() -> int:
    """The resident memory of this process, in bytes."""
    return int(psutil.Process().memory_info().rss)
