"""One file's way through the parsers: open, split, parse the spans, retry what died, assemble."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import stamina

from actors.dispatcher.fair_semaphore import ParserSlots
from actors.dispatcher.page_spans import bisect, plan_spans
from actors.dispatcher.partial_assembly import PartialAssembly
from actors.dispatcher.ports import Document, Parsers, ShardRef
from actors.errors import FileError, FleetUnavailable, ParserDied, ParserFailed, ParserOutOfMemory
from actors.messages import PAGES_OF_A_WHOLE_FILE, FileTask, PagePlan, PageSpan, ParsedFile, PartialFile
from actors.telemetry.logs import get_logger
from actors.telemetry.metrics import PAGES_LOST, SPAN_RETRIES, WORDS_LOST
from client.models import ErrorCode, PageFailure

T = TypeVar("T")
log = get_logger()

#: Hears of pages found, parsed and lost, as increments.
OnPages = Callable[[int, int, int], None]

#: What a bad page does to the parser that meets it. A hang ends as a death: the replica ends its own process.
FAILURES = (ParserDied, ParserFailed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitting:
    """How documents are cut: for `slots` parsers, `span_pages` pages each (None: whatever suits the document).
    A parser ends itself in a call that takes longer than `page_deadline_s` for each page."""

    slots: int
    span_pages: int | None = None
    page_deadline_s: float = 60.0

    @property
    def split_above(self) -> int:
        """Documents of more pages than this are split; below it, two spans would not be worth opening it twice."""
        if self.span_pages is not None:
            return self.span_pages
        return 7 if self.slots > 1 else 16


@dataclass(frozen=True, slots=True)
class Parsed:
    """The pieces of a span: what was parsed, and the pages that no replica survived."""

    shards: tuple[ShardRef, ...] = ()
    lost: tuple[PageFailure, ...] = ()

    def __add__(self, other: Parsed) -> Parsed:
        return Parsed(self.shards + other.shards, self.lost + other.lost)


class Hung(ParserDied):
    """The replica took longer than it may. Trying the same again would take as long again."""


class FileRun:
    """Parses one file."""

    def __init__(
        self,
        parsers: Parsers,
        slots: ParserSlots,
        splitting: Splitting,
        task: FileTask,
        document: Document,
        on_pages: OnPages,
    ) -> None:
        self._parsers = parsers
        self._slots = slots
        self._splitting = splitting
        self._task = task
        self._document = document
        self._on_pages = on_pages
        self._partial = PartialAssembly(0)
        self._partial_is_risky = False

    async def parse(self) -> ParsedFile:
        """The finished document. Raises FileError when the file cannot be parsed."""
        parsed = await self._parse()
        if parsed.words_lost:
            WORDS_LOST.record(parsed.words_lost, profile=parsed.parser.profile)
        return parsed

    async def _parse(self) -> ParsedFile:
        try:
            opened = await self._open(self._splitting.split_above)
        except FAILURES as failure:
            # Something in it breaks parsers: split it as far as it goes, so that only the bad page is lost.
            opened = await self._open_in_parts(failure)
        if isinstance(opened, ParsedFile):
            pages = max(1, opened.pages)
            self._on_pages(pages, pages - len(opened.lost), len(opened.lost))
            return opened
        return await self._parse_split(opened)

    async def partial_file(self) -> PartialFile:
        """The nodes of the pages that are done. Takes a turn at a parser of its own, as another job would."""
        partial = self._partial
        nodes = await partial.nodes(self._task, self._assemble_for_now)
        return PartialFile(
            filename=self._task.filename,
            nodes=orjson.dumps(nodes),
            num_nodes=len(nodes),
            pages_done=partial.pages_done,
            pages_total=partial.total_pages,
        )

    async def _parse_split(self, plan: PagePlan) -> ParsedFile:
        self._on_pages(len(plan.pages), 0, 0)
        try:
            return await self._assemble(await self._parse_pages(plan.pages, self._on_pages))
        except Hung:
            raise
        except ParserDied:
            # Parsed pages lie on the nodes where they were parsed, and one of those may be gone.
            return await self._assemble(await self._parse_pages(plan.pages, counted_before))

    async def _parse_pages(self, pages: PageSpan, count: OnPages) -> Parsed:
        self._partial = PartialAssembly(len(pages))
        spans = plan_spans(pages, slots=self._splitting.slots, size=self._splitting.span_pages)
        return sum(await together(*(self._parse_span(span, count) for span in spans)), Parsed())

    async def _assemble(self, parsed: Parsed) -> ParsedFile:
        if not parsed.shards:
            raise FileError(ErrorCode.PAGES_LOST, f"No page could be parsed: {parsed.lost[0].reason}")
        return await self._call(
            lambda: self._parsers.assemble(self._document, self._task, parsed.lost, parsed.shards), alone=True
        )

    async def _assemble_for_now(self, shards: Sequence[ShardRef]) -> ParsedFile:
        """In quarantine once it has broken a parser, and without a second try: no document depends on it."""
        turn = f"{self._task.job_id}/so-far"
        quarantine = self._slots.quarantine.slot(turn) if self._partial_is_risky else nullcontext()
        async with quarantine, self._slots.slot(turn):
            try:
                return await self._parsers.assemble(self._document, self._task, (), shards)
            except FAILURES:
                self._partial_is_risky = True
                raise

    async def _parse_span(self, span: PageSpan, count: OnPages, *, suspect: bool = False) -> Parsed:
        try:
            shard = await self._call(
                lambda: self._parsers.parse_pages(self._document, self._task, span),
                pages=len(span),
                suspect=suspect,
                alone=len(span) == 1,
            )
        except FAILURES as failure:
            return await self._parse_dangerous(span, count, failure)
        self._partial.add(shard)
        count(0, len(span) - len(shard.lost), len(shard.lost))
        return Parsed((shard,), shard.lost)

    async def _parse_dangerous(self, span: PageSpan, count: OnPages, failure: ParserDied | ParserFailed) -> Parsed:
        """Cut a span that keeps breaking parsers until the bad page stands alone; that page is lost.

        In halves; at once into pages after a hang, for each half would hang for its own time.
        """
        if len(span) == 1:
            log.warning("page_lost", job=self._task.job_id, page=span.first, reason=failure.message)
            PAGES_LOST.record()
            count(0, 0, 1)
            return Parsed(lost=(PageFailure(page_number=span.first, reason=failure.message),))
        pieces = plan_spans(span, slots=1, size=1) if isinstance(failure, Hung) else bisect(span)
        return sum(await together(*(self._parse_span(piece, count, suspect=True) for piece in pieces)), Parsed())

    async def _open(self, split_above: int, *, suspect: bool = False) -> ParsedFile | PagePlan:
        return await self._call(
            lambda: self._parsers.open(self._document, self._task, split_above),
            pages=max(split_above, PAGES_OF_A_WHOLE_FILE),
            suspect=suspect,
        )

    async def _open_in_parts(self, failure: ParserDied | ParserFailed) -> ParsedFile | PagePlan:
        try:
            return await self._open(0, suspect=True)
        except FAILURES as again:
            if isinstance(again, ParserOutOfMemory):
                raise FileError(ErrorCode.TOO_LARGE_TO_PARSE, f"The file cannot be parsed: {again.message}") from again
            if isinstance(again, ParserFailed):  # a defect of ours, as far as anybody knows
                raise
            raise FileError(ErrorCode.INVALID_FILE, f"The file cannot be parsed: {failure.message}") from again

    async def _call(
        self,
        call: Callable[[], Awaitable[T]],
        *,
        pages: int = PAGES_OF_A_WHOLE_FILE,
        suspect: bool = False,
        alone: bool = False,
    ) -> T:
        """Run `call`, and once more when a parser fails under it: a call that waited behind the guilty one dies too.

        What has failed once is suspect, and suspects run one at a time, the jobs in turn: so none takes another's
        blame, and not the whole fleet is at risk. It hangs when it takes longer than `pages` may. Then there is no
        second try, unless it stands `alone`, and cannot be cut into less.
        """
        limit_s = pages * self._splitting.page_deadline_s
        try:
            async with self._slots.quarantine.slot(self._task.job_id) if suspect else nullcontext():
                return await self._call_once(call, limit_s)
        except Hung:
            if not alone:
                raise
        except FAILURES:
            pass
        async with self._slots.quarantine.slot(self._task.job_id):
            return await self._call_once(call, limit_s)

    @stamina.retry(on=FleetUnavailable, attempts=None, timeout=None, wait_max=5.0)
    async def _call_once(self, call: Callable[[], Awaitable[T]], limit_s: float) -> T:
        """Run `call` in a slot; a fleet without a replica is waited for."""
        async with self._slots.slot(self._task.job_id):
            began = time.monotonic()
            try:
                return await call()
            except FAILURES as failure:
                elapsed = time.monotonic() - began
                log.warning("parser_failed", job=self._task.job_id, reason=failure.message, after_s=round(elapsed, 1))
                if isinstance(failure, ParserDied) and elapsed >= limit_s:
                    SPAN_RETRIES.record(reason="hung")
                    raise Hung(f"the parser hung: no answer after {elapsed:.0f} s, and it was ended") from failure
                SPAN_RETRIES.record(reason="died" if isinstance(failure, ParserDied) else "failed")
                raise


def counted_before(total: int, done: int, failed: int) -> None:
    """Pages that are parsed again are no news."""


async def together(*work: Coroutine[Any, Any, T]) -> list[T]:
    """The results of `work` in order. The first failure cancels the rest and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
