"""Runs one file through the parsers: open it, split it, parse the spans, assemble the document."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import orjson

from actors.dispatcher.budget import Budget
from actors.dispatcher.gather import gather_or_cancel
from actors.dispatcher.page_spans import Pace, bisect, plan_spans
from actors.dispatcher.parser_calls import FAILURES, Hung, ParserCalls
from actors.dispatcher.parser_slots import ParserSlots
from actors.dispatcher.partial_assembly import PartialAssembly
from actors.dispatcher.ports import Document, Parsers, ShardRef
from actors.errors import FileError, ParserDied, ParserFailed, ParserOutOfMemory, ResultLost, result_too_large
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, PartialFile
from actors.questions import Questions
from actors.telemetry.logs import get_logger
from actors.telemetry.metrics import PAGES_LOST, WORDS_LOST
from client.models import ErrorCode, PageFailure

log = get_logger()

#: Hears of pages found, parsed and lost, as increments.
OnPages = Callable[[int, int, int], None]

#: Spans of one file that wait for a slot or are parsed: more than any but a large fleet can work on. Further spans do
#: not exist yet, however many pages a file claims to have.
SPANS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitting:
    """How documents are cut: for `slots` parsers, `span_pages` pages each (None: suited to the document)."""

    slots: int
    span_pages: int | None = None
    budget: Budget = field(default_factory=Budget)

    @property
    def split_above(self) -> int:
        """Documents of more pages than this are split; below it, two spans would not be worth opening it twice."""
        if self.span_pages is not None:
            return self.span_pages
        return 7 if self.slots > 1 else 16

    @property
    def spans_at_once(self) -> int:
        """At least as many as the dispatcher has slots when the fleet is at its largest."""
        return max(SPANS_AT_ONCE, 2 * self.slots)


@dataclass(frozen=True, slots=True)
class Parsed:
    """Parsed spans in any order, and the pages that no replica survived."""

    shards: tuple[ShardRef, ...] = ()
    lost: tuple[PageFailure, ...] = ()

    def __add__(self, other: Parsed) -> Parsed:
        return Parsed(self.shards + other.shards, self.lost + other.lost)

    def in_order(self) -> Parsed:
        shards = sorted(self.shards, key=lambda shard: shard.span)
        return Parsed(tuple(shards), tuple(sorted(self.lost, key=lambda page: page.page_number)))


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
        self._budget = splitting.budget
        self._task = replace(task, max_result_bytes=self._budget.result_bytes(task.size))
        self._document = document
        self._on_pages = on_pages
        self._calls = ParserCalls(slots, self._task)
        self._span_calls = ParserCalls(slots, self._task, spans=True)
        self._turns = asyncio.Semaphore(splitting.spans_at_once)
        self._partial = PartialAssembly(0)
        self._pace = Pace()
        self._partial_is_risky = False
        self._broke_when_opened = False

    async def parse(self) -> ParsedFile:
        """The finished document. Raises FileError when the file cannot be parsed."""
        parsed = await self._parse()
        if parsed.questions:
            parsed = await self._describe_pictures(parsed, parsed.questions)
        if parsed.words_lost:
            WORDS_LOST.record(parsed.words_lost, profile=parsed.parser.profile)
        return parsed

    async def _parse(self) -> ParsedFile:
        opened = await self._open()
        if isinstance(opened, PagePlan):
            self._check_pages(len(opened.pages))
            if opened.apart:
                return await self._parse_split(opened)
            opened = await self._parse_whole(len(opened.pages))
        pages = max(1, opened.pages)
        self._on_pages(pages, pages - len(opened.lost), len(opened.lost))
        return opened

    async def partial_file(self) -> PartialFile:
        """The nodes of the pages that are done. Waits for a turn of its own at a parser, as another job would."""
        partial = self._partial
        nodes = await partial.nodes(self._task, self._assemble_partially)
        return PartialFile(
            filename=self._task.filename,
            nodes=orjson.dumps(nodes),
            num_nodes=len(nodes),
            pages_done=partial.pages_done,
            pages_total=partial.total_pages,
        )

    # -- opening ------------------------------------------------------------------------------------------------

    async def _open(self) -> ParsedFile | PagePlan:
        """Parse a short file, or plan a long one. Something that breaks a parser is not done again.

        The second try, in quarantine, is to split the file as far as it goes, so that only a bad page is lost.
        """
        split_above = self._splitting.split_above
        try:
            return await self._open_once(split_above, self._budget.opening_s(self._task, split_above))
        except FAILURES:
            self._broke_when_opened = True
        try:
            return await self._open_once(0, self._budget.opening_s(self._task, 0), suspect=True)
        except FAILURES as failure:
            raise _unparsable(failure) from failure

    async def _open_once(self, split_above: int, limit_s: float, *, suspect: bool = False) -> ParsedFile | PagePlan:
        return await self._calls.once(
            lambda task: self._parsers.open(self._document, task, split_above), limit_s, suspect=suspect
        )

    async def _parse_whole(self, pages: int) -> ParsedFile:
        """Parse a document whose pages cannot be parsed in separate calls."""
        try:
            opened = await self._calls.twice(
                lambda task: self._parsers.open(self._document, task, pages),
                self._budget.whole_s(self._task, pages),
                alone=True,
                tried=self._broke_when_opened,
            )
        except FAILURES as failure:
            raise _unparsable(failure) from failure
        assert isinstance(opened, ParsedFile)  # `pages` covers the whole document, so the parser did not split it
        return opened

    def _check_pages(self, pages: int) -> None:
        """Raises FileError for too many pages, or when they alone make the result too large."""
        if pages > self._budget.max_pages:
            most = self._budget.max_pages
            message = f"The document has {pages} pages; at most {most} are parsed. Choose some with page_range"
            raise FileError(ErrorCode.TOO_MANY_PAGES, message)
        copies = 1 if self._task.options.page_chunks is False else pages
        least = copies * len(orjson.dumps(self._task.metadata))  # every node holds a copy of the metadata
        if least > self._task.max_result_bytes:
            raise result_too_large(least, self._task.max_result_bytes)

    # -- pages --------------------------------------------------------------------------------------------------

    async def _parse_split(self, plan: PagePlan) -> ParsedFile:
        self._on_pages(len(plan.pages), 0, 0)
        try:
            return await self._assemble(await self._parse_pages(plan, self._on_pages))
        except ResultLost:  # parsed pages lie on the nodes where they were parsed, and one of those is gone
            return await self._assemble(await self._parse_pages(plan, _already_counted))

    async def _parse_pages(self, plan: PagePlan, count: OnPages) -> Parsed:
        self._partial = PartialAssembly(len(plan.pages))
        size = self._splitting.span_pages or plan.span_pages
        self._turns = asyncio.Semaphore(plan.calls_at_once or self._splitting.spans_at_once)
        spans = plan_spans(plan.pages, slots=self._splitting.slots, size=size, pace=self._pace)
        workers = (self._parse_spans(spans, count) for _ in range(self._spans_at_once(plan, size)))
        return sum(await gather_or_cancel(*workers), Parsed()).in_order()

    def _spans_at_once(self, plan: PagePlan, size: int | None) -> int:
        most = self._splitting.spans_at_once
        return min(most, -(-plan.pages_at_once // size)) if plan.pages_at_once and size else most

    async def _parse_spans(self, spans: Iterator[PageSpan], count: OnPages) -> Parsed:
        """Parse spans one after another, until there are no more. Several workers share the iterator."""
        parsed = Parsed()
        for span in spans:
            parsed += await self._parse_span(span, count)
        return parsed

    async def _parse_span(self, span: PageSpan, count: OnPages, *, suspect: bool = False) -> Parsed:
        try:
            shard = await self._parse_in_turn(span, suspect=suspect)
        except FAILURES as failure:
            return await self._parse_dangerous(span, count, failure)
        if shard.asks:
            try:
                shard = await self._calls.answered(lambda task: self._parsers.read(shard, task))
            except ResultLost:  # the pictures lay on a node that is gone
                return await self._parse_span(span, count, suspect=suspect)
        self._pace.took(len(span), shard.seconds)
        self._partial.add(shard)
        count(0, len(span) - len(shard.lost), len(shard.lost))
        return Parsed((shard,), shard.lost)

    async def _parse_in_turn(self, span: PageSpan, *, suspect: bool) -> ShardRef:
        async with self._turns:
            return await self._span_calls.twice(
                lambda task: self._parsers.parse_pages(self._document, task, span),
                self._budget.pages_s(self._task, len(span)),
                suspect=suspect,
                alone=len(span) == 1,
                tried=self._broke_when_opened and len(span) == self._partial.total_pages,
            )

    async def _parse_dangerous(self, span: PageSpan, count: OnPages, failure: ParserDied | ParserFailed) -> Parsed:
        """Cut a span that keeps breaking parsers until the bad page stands alone. That page is lost.

        Halves it; after a hang cuts it into pages at once, for each half would hang for its own time.
        """
        if len(span) == 1:
            log.warning("page_lost", job=self._task.job_id, page=span.first, reason=failure.message)
            PAGES_LOST.record()
            count(0, 0, 1)
            return Parsed(lost=(PageFailure(page_number=span.first, reason=failure.message),))
        pieces = plan_spans(span, slots=1, size=1) if isinstance(failure, Hung) else bisect(span)
        parsed = await gather_or_cancel(*(self._parse_span(piece, count, suspect=True) for piece in pieces))
        return sum(parsed, Parsed())

    # -- assembly -----------------------------------------------------------------------------------------------

    async def _assemble(self, parsed: Parsed) -> ParsedFile:
        if not parsed.shards:
            raise FileError(ErrorCode.PAGES_LOST, f"No page could be parsed: {parsed.lost[0].reason}")
        try:
            return await self._calls.twice(
                lambda task: self._parsers.assemble(self._document, task, parsed.lost, parsed.shards),
                self._budget.assembly_s(self._task, self._partial.total_pages),
                alone=True,
            )
        except ResultLost:
            raise
        except FAILURES as failure:
            raise _unparsable(failure) from failure

    async def _assemble_partially(self, shards: Sequence[ShardRef]) -> ParsedFile:
        """Assemble some pages, in quarantine once it broke a parser. Without a second try: no result depends on it."""
        turn = f"{self._task.job_id}/so-far"
        limit_s = self._budget.assembly_s(self._task, self._partial.total_pages)
        task = replace(self._task, time_limit_s=limit_s, results="")  # for a caller who waits, and not for the store
        quarantine = self._slots.suspect(turn) if self._partial_is_risky else nullcontext()
        async with quarantine, self._slots.slot(turn, owner=self._task.owner):
            try:
                return await self._parsers.assemble(self._document, task, (), shards)
            except FAILURES:
                self._partial_is_risky = True
                raise

    async def _describe_pictures(self, parsed: ParsedFile, questions: Questions) -> ParsedFile:
        """Have a remote model describe the pictures of a parsed file."""
        answers = await self._calls.answered(lambda task: self._parsers.ask(task, questions))
        bare = replace(parsed, questions=None)  # the pictures are in the document too
        try:
            return await self._calls.twice(
                lambda task: self._parsers.describe_pictures(bare, task, answers),
                self._budget.assembly_s(self._task, parsed.pages),
                alone=True,
            )
        except FAILURES as failure:
            raise _unparsable(failure) from failure


def _unparsable(failure: ParserDied | ParserFailed) -> Exception:
    """The failure of a file that breaks parsers. An error that a parser should not have raised stays what it is."""
    if isinstance(failure, ParserOutOfMemory):
        return FileError(ErrorCode.TOO_LARGE_TO_PARSE, f"The file cannot be parsed: {failure.message}")
    if isinstance(failure, ParserFailed):
        return failure
    return FileError(ErrorCode.INVALID_FILE, f"The file cannot be parsed: {failure.message}")


def _already_counted(total: int, done: int, failed: int) -> None:
    """Ignores pages that are parsed again."""
