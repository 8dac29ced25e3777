"""The Parser: a warm engine behind async calls. `serve_app.app` wraps it as a Serve deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from actors.derivations import Derivation, Made
from actors.documents import DocumentBytes
from actors.endpoints import Endpoints
from actors.errors import ParserFailed, result_too_large
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from actors.parser.instrumentation import count_pages
from actors.parser.limited_engine import EngineCall, LimitedEngine, ParsingEngine, out_of_memory
from actors.parser.low_priority import at_low_priority
from actors.parser.memory_limit import MIB
from actors.parser.spare import Spare
from actors.questions import Answers
from actors.telemetry.logs import get_logger
from actors.telemetry.metrics import PARSERS_RECYCLED
from client.models import PageFailure, ParseOptions, ParserInfo

T = TypeVar("T")
log = get_logger()

#: How many page deadlines a derivation may take: one, and one for each MiB of its source, up to this many.
PAGES_OF_A_DERIVATION = 16

#: What takes three seconds of the processor or more: an assembly of so many bytes, such as 1,300 pages of text, and a
#: derivation of so large a document.
LONG_ASSEMBLY = 32 * MIB
LONG_DERIVATION = 6 * MIB

#: Whoever parses a page beyond this number will assemble a long document soon.
LONG_DOCUMENT_PAGES = 1_000

#: How often a call that waits looks whether the one that runs is stuck, in seconds.
LOOK_EVERY_S = 0.25

#: After so many seconds, a cancelled call that goes on is asked to stop once more.
ASK_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserConfig:
    """`num_cpus` and `num_gpus` are the shares of the machine that Ray gave the replica.
    `artifacts_path` is a folder with docling's own models; None uses docling's own setting. `tokenizers_dir` is a
    folder with more tokenizers for chunks. `endpoints` are the remote models that a request may name.

    `is_only` tells that the fleet never has another parser.

    A call that was cancelled may go on for `page_deadline_s`; then the process ends itself. It asks to be replaced
    after `max_pages` pages, and when it holds more than `max_memory` bytes between two calls; None is no limit. A call
    that would go far beyond `max_memory` fails with ParserOutOfMemory."""

    defaults: ParseOptions = field(default_factory=ParseOptions)
    num_cpus: float = 1
    num_gpus: float = 0
    artifacts_path: str | None = None
    tokenizers_dir: str | None = None
    endpoints: Endpoints = field(default_factory=dict)
    is_only: bool = False
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


def limited_engine(config: ParserConfig, engine: ParsingEngine, apart: Collection[int] = ()) -> LimitedEngine:
    """Load the models of an engine, and give its calls the limits of the configuration."""
    engine.warm_up()
    return LimitedEngine(engine, max_memory=config.max_memory, kernel_limit=config.num_gpus == 0, apart=apart)


class Parser:
    """Its models are loaded when the constructor returns. It works on one call at a time.

    A thread cannot be stopped, so the next call waits until the thread is free. When a caller goes away, the engine
    ends its call at the next page. A call that goes on for `page_deadline_s` ends the process.

    A call that is stuck or long keeps no other owner waiting: a spare process makes their calls meanwhile. The only
    parser of a fleet has it ready when the assembly of a long document begins. With a GPU there is none, because a
    second set of models may not fit into its memory."""

    def __init__(self, config: ParserConfig, make_engine: EngineFactory = docling_engine) -> None:
        self.config = config
        self._pages = 0
        self._unfit = False
        self._spare = None if config.num_gpus else Spare((config, make_engine))
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="parser")
        self._engine = at_low_priority(lambda: make_engine(config))
        apart = self._spare.pids if self._spare else ()
        self._limited = self._worker.submit(limited_engine, config, self._engine, apart).result()

    async def describe(self, options: ParseOptions | None = None) -> ParserInfo:
        """The profile and models that parse a PDF with `options`. None: with the server's defaults.

        Raises FileError when this server cannot parse with them."""
        return self._engine.describe(options)

    async def open(self, document: DocumentBytes, task: FileTask, split_above: int) -> ParsedFile | PagePlan:
        """The parsed file; or, for a document of more than `split_above` pages, the pages to parse separately."""
        arguments = {"document": document, "task": task, "split_above": split_above}
        call: EngineCall[ParsedFile | PagePlan] = _call_of(task, "open", arguments, document.nbytes)
        opened, seconds = await self._run(call)
        if isinstance(opened, ParsedFile):
            _check_size(opened, task)
            pages = max(1, opened.pages)
            self._pages += pages
            count_pages(opened.parser.profile, pages, len(opened.lost), seconds)
        return opened

    async def parse_pages(self, document: DocumentBytes, task: FileTask, span: PageSpan) -> Shard:
        arguments = {"document": document, "task": task, "span": span}
        pages = f"{span.first}-{span.last}"
        call: EngineCall[Shard] = _call_of(task, "parse_pages", arguments, document.nbytes, pages)
        if self._spare and self.config.is_only and span.first > LONG_DOCUMENT_PAGES:
            self._spare.keep_ready()
        shard, seconds = await self._run(call)
        if not isinstance(shard, Shard) or shard.span != span:
            raise ParserFailed("the parser returned other pages than the ones requested")
        self._pages += len(span)
        count_pages(shard.profile, len(span), len(shard.lost), seconds)
        return replace(shard, seconds=seconds)

    async def assemble(
        self, document: DocumentBytes, task: FileTask, lost: Sequence[PageFailure], *shards: Shard
    ) -> ParsedFile:
        """The finished document. Each shard is an argument of its own, so that Ray resolves the references to them."""
        arguments = {"document": document, "task": task, "shards": shards, "lost": lost}
        given = document.nbytes + sum(shard.payload.nbytes for shard in shards)
        call: EngineCall[ParsedFile] = _call_of(task, "assemble", arguments, given, long=given >= LONG_ASSEMBLY)
        parsed, _ = await self._run(call)
        _check_size(parsed, task)
        return parsed

    async def describe_pictures(self, parsed: ParsedFile, task: FileTask, answers: Answers) -> ParsedFile:
        """The file with the answers to its questions about pictures."""
        arguments = {"parsed": parsed, "task": task, "answers": answers}
        call: EngineCall[ParsedFile] = _call_of(task, "describe_pictures", arguments, parsed.size)
        described, _ = await self._run(call)
        _check_size(described, task)
        return described

    async def derive(self, source: DocumentBytes, wanted: Derivation) -> Made:
        """The blobs of a derivation. Raises FileError when the source cannot give them."""
        call: EngineCall[Made] = EngineCall(
            method="derive",
            arguments={"source": source, "wanted": wanted},
            given=source.nbytes,
            limit_s=self.config.page_deadline_s * min(1 + source.nbytes / MIB, PAGES_OF_A_DERIVATION),
            owner=wanted.job_id,
            long=source.nbytes >= LONG_DERIVATION,
        )
        made, _ = await self._run(call)
        return made

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
        self._limited.check_fitness()

    async def _run(self, call: EngineCall[T]) -> tuple[T, float]:
        """Run `call` on the one worker thread. Calls run in order; one that is cancelled while it waits never runs.

        The spare process makes it when it would wait behind a call that is stuck or long.
        """

        def refuse() -> None:
            answer.set_exception(out_of_memory())

        answer = self._worker.submit(self._limited.run, call, refuse)
        result = asyncio.wrap_future(answer)
        try:
            while self._spare and not (answer.running() or answer.done()):
                if self._limited.gives_way_to(call) and self._spare.is_ready() and answer.cancel():
                    return await self._spare.run(call)
                await asyncio.wait([result], timeout=LOOK_EVERY_S)
            return await result
        except asyncio.CancelledError:
            result.cancel()
            self._hurry(call)
            raise

    def _hurry(self, call: EngineCall[Any]) -> None:
        """Ask a call that was cancelled to stop, and again when it goes on: one that has just begun may not hear it."""
        self._limited.hurry(call, self.config.page_deadline_s)
        asyncio.get_running_loop().call_later(ASK_AGAIN_S, self._limited.hurry, call, self.config.page_deadline_s)


def _call_of(
    task: FileTask, method: str, arguments: Mapping[str, Any], given: int, pages: str = "", *, long: bool = False
) -> EngineCall[Any]:
    """A call for a file, which waits for the owner of its job. Without owners every job stands for itself."""
    return EngineCall(
        method=method,
        arguments=arguments,
        given=given,
        limit_s=task.time_limit_s,
        owner=task.owner or task.job_id,
        task=task,
        pages=pages,
        long=long,
    )


def _check_size(parsed: ParsedFile, task: FileTask) -> None:
    """Raises FileError for a result that is too large, here, so that it need not leave this process."""
    if parsed.size > task.max_result_bytes:
        raise result_too_large(parsed.size, task.max_result_bytes)
