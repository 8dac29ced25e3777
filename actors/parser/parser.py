"""The Parser: a warm engine behind calls that may be made from an event loop. Wrapped as a deployment elsewhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from actors.messages import DocumentBytes, FileTask, PagePlan, PageSpan, ParsedFile, Shard
from client.models import ExportFormat, PageFailure, ParseOptions, ParserInfo

T = TypeVar("T")


class ParsingEngine(Protocol):
    """What parses. Called from one thread at a time; raises FileError for what is wrong with a file."""

    def warm_up(self) -> None: ...

    def describe(self) -> ParserInfo: ...

    def open(self, document: DocumentBytes, task: FileTask, *, split_above: int) -> ParsedFile | PagePlan: ...

    def parse_pages(self, document: DocumentBytes, task: FileTask, span: PageSpan) -> Shard: ...

    def assemble(
        self, document: DocumentBytes, task: FileTask, shards: Sequence[Shard], lost: Sequence[PageFailure]
    ) -> ParsedFile: ...

    def export(self, document_json: bytes, form: ExportFormat) -> bytes: ...

    def check_health(self) -> None:
        """Called between conversions. Raises when the process is no longer fit for the next one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserConfig:
    """`num_cpus` and `num_gpus` are the replica's shares of its machine, as it was scheduled with them.
    `artifacts_path` is a folder of docling's own models; None means the one that docling itself is set to."""

    defaults: ParseOptions = field(default_factory=ParseOptions)
    num_cpus: float = 1
    num_gpus: float = 0
    artifacts_path: str | None = None


EngineFactory = Callable[[ParserConfig], ParsingEngine]


def docling_engine(config: ParserConfig) -> ParsingEngine:
    """The real engine. Imports docling, which takes seconds and belongs to replicas alone."""
    from actors.parser.engine.device import hardware_for
    from actors.parser.engine.engine import Engine

    hardware = hardware_for(num_cpus=config.num_cpus, num_gpus=config.num_gpus)
    return Engine(config.defaults, hardware, Path(config.artifacts_path) if config.artifacts_path else None)


class Parser:
    """Warm once constructed. Works on one call at a time, and on the next only when the thread is really free:
    a caller that went away leaves its conversion running, for a thread cannot be stopped."""

    def __init__(self, config: ParserConfig, make_engine: EngineFactory = docling_engine) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="parser")
        self._engine = self._worker.submit(make_engine, config).result()
        self._worker.submit(self._engine.warm_up).result()
        self._idle = threading.Event()
        self._idle.set()

    async def describe(self) -> ParserInfo:
        return self._engine.describe()

    async def open(self, document: DocumentBytes, task: FileTask, split_above: int) -> ParsedFile | PagePlan:
        """The parsed file; or the pages of a document of more than `split_above` that may be parsed apart."""
        return await self._run(lambda: self._engine.open(document, task, split_above=split_above))

    async def parse_pages(self, document: DocumentBytes, task: FileTask, span: PageSpan) -> Shard:
        return await self._run(lambda: self._engine.parse_pages(document, task, span))

    async def assemble(
        self, document: DocumentBytes, task: FileTask, lost: Sequence[PageFailure], *shards: Shard
    ) -> ParsedFile:
        """Shards are arguments of their own, so that references to them are resolved before the call."""
        return await self._run(lambda: self._engine.assemble(document, task, shards, lost))

    async def export(self, document_json: DocumentBytes, form: ExportFormat) -> bytes:
        return await self._run(lambda: self._engine.export(document_json.tobytes(), form))

    def check_health(self) -> None:
        """Raises when this replica should be replaced."""
        if self._idle.is_set():
            self._engine.check_health()

    async def _run(self, call: Callable[[], T]) -> T:
        """On the one worker thread, in the order of the calls. A call that is cancelled while it waits never runs."""
        return await asyncio.wrap_future(self._worker.submit(self._work, call))

    def _work(self, call: Callable[[], T]) -> T:
        self._idle.clear()
        try:
            return call()
        finally:
            self._idle.set()
