"""A fleet of parsers in memory: pages are numbers, and chosen pages kill the replica that parses them."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from actors.derivations import Chunks, Derivation, Made, PagePicture
from actors.documents import Attachment
from actors.errors import FileError, ParserDied, ParserFailed, ResultLost
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile
from actors.nodes import make_node
from actors.questions import Answer, Answers, Questions
from client.models import ErrorCode, FileWarning, PageFailure, ParseOptions, ParserInfo


class CountedPages:
    """The sums of what a file reports about its pages."""

    def __init__(self) -> None:
        self.total = self.done = self.failed = 0

    def __call__(self, total: int, done: int, failed: int) -> None:
        self.total += total
        self.done += done
        self.failed += failed


@dataclass
class MemoryShardRef:
    span: PageSpan
    lost: tuple[PageFailure, ...] = ()
    asks: bool = False
    seconds: float = 0.0


@dataclass
class MemoryParsers:
    """A document is its page count as text. "garbage" is no document, and "killer" has no pages and kills its parser.

    `deadly` pages kill their parser, after `hang_s` for each page of the span, and `broken` ones raise. `at_risk` is
    the most spans with such pages that ran at once. With `apart` unset, one call parses all pages of a
    document. `limits_s` are the time limits of the calls of `open`.
    """

    deadly: set[int] = field(default_factory=set)
    broken: set[int] = field(default_factory=set)
    hang_s: float = 0.0
    page_s: float = 0.0  # what the parser tells that a page took
    losses: int = 0  # how many more assemblies find that shards of theirs are gone
    assembly_deaths: int = 0  # how many more assemblies kill their parser
    assembly_s: float = 0.0  # how long they take to fail
    endangering: int = 0
    at_risk: int = 0
    deaths_left: dict[int, int] = field(default_factory=dict)  # page -> how often it still kills
    death_s: float = 0.0  # how long that takes
    spans: list[PageSpan] = field(default_factory=list)
    opened: Counter[str] = field(default_factory=Counter)
    limits_s: list[float] = field(default_factory=list)
    apart: bool = True
    span_pages: int | None = None
    calls_at_once: int | None = None
    pages_at_once: int | None = None
    parsing: int = 0  # how many calls parse pages now
    most_parsing: int = 0
    asks: bool = False  # whether a remote model has to read the pages
    unread: set[int] = field(default_factory=set)  # the pages that it fails to read
    model: list[Exception] = field(default_factory=list)  # what the next calls of the model raise
    pictures: int = 0  # how many of each file a remote model has to describe
    description_deaths: int = 0  # how many more calls that put descriptions in kill their parser
    read_gate: asyncio.Event | None = None
    reading: int = 0  # how many calls have reached that gate
    no_chunks: Exception | None = None
    gate: asyncio.Event | None = None
    waiting: int = 0  # how many calls have reached the gate
    parser: ParserInfo = field(default_factory=lambda: ParserInfo(profile="native", docling="0"))
    warnings: tuple[FileWarning, ...] = ()
    attachments: tuple[Attachment, ...] = ()  # of each file whose attachments are wanted

    async def put(self, data: bytes) -> bytes:
        return data

    async def open(self, document: bytes, task: FileTask, split_above: int) -> ParsedFile | PagePlan:
        self.opened[task.filename] += 1
        self.limits_s.append(task.time_limit_s)
        if document == b"garbage":
            raise FileError(ErrorCode.INVALID_FILE, "not a document")
        if document == b"killer":
            raise ParserDied("the parser process died")
        if document == b"bug":
            raise ZeroDivisionError
        pages = PageSpan(1, int(document))
        if len(pages) > split_above:
            return PagePlan(
                pages=pages,
                apart=self.apart,
                span_pages=self.span_pages,
                calls_at_once=self.calls_at_once,
                pages_at_once=self.pages_at_once,
            )
        await self._parse(pages)
        return self._file(task, document, range(1, len(pages) + 1), ())

    async def parse_pages(self, document: bytes, task: FileTask, span: PageSpan) -> MemoryShardRef:
        self.parsing += 1
        self.most_parsing = max(self.most_parsing, self.parsing)
        try:
            await self._parse(span)
        finally:
            self.parsing -= 1
        return MemoryShardRef(span, asks=self.asks, seconds=self.page_s * len(span))

    async def read(self, shard: MemoryShardRef, task: FileTask) -> MemoryShardRef:
        self.reading += 1
        if self.read_gate:
            await self.read_gate.wait()
        if self.model:
            raise self.model.pop()
        pages = range(shard.span.first, shard.span.last + 1)
        lost = tuple(PageFailure(page_number=page, reason="cut off") for page in pages if page in self.unread)
        return MemoryShardRef(shard.span, lost)

    async def ask(self, task: FileTask, questions: Questions) -> Answers:
        if self.model:
            raise self.model.pop()
        return {number: Answer(text=f"picture {number}") for number in questions.pictures}

    async def describe_pictures(self, parsed: ParsedFile, task: FileTask, answers: Answers) -> ParsedFile:
        if self.description_deaths:
            self.description_deaths -= 1
            raise ParserDied("the parser process died")
        return replace(parsed, document=repr([answer.text for answer in answers.values()]).encode())

    async def assemble(
        self, document: bytes, task: FileTask, lost: Sequence[PageFailure], shards: Sequence[Any]
    ) -> ParsedFile:
        if self.losses:
            self.losses -= 1
            raise ResultLost("a parser's result was lost")
        if self.assembly_deaths:
            self.assembly_deaths -= 1
            await asyncio.sleep(self.assembly_s)
            raise ParserDied("the parser process died")
        pages = [page for shard in shards for page in range(shard.span.first, shard.span.last + 1)]
        return self._file(task, document, pages, tuple(lost))

    async def derive(self, source: bytes, wanted: Derivation) -> Made:
        """Draws pages, and makes chunks unless `no_chunks` says why not."""
        if isinstance(wanted, Chunks):
            if self.no_chunks:
                raise self.no_chunks
            return {wanted.target: b"chunks of " + source}
        assert isinstance(wanted, PagePicture)
        if wanted.page > int(source):
            raise FileError(ErrorCode.PAGE_NOT_FOUND, f"There is no page {wanted.page}: the file has {int(source)}")
        return {wanted.target: b"a page"}

    async def describe(self, options: ParseOptions) -> ParserInfo:
        return self.parser

    def running(self) -> int:
        return 2

    async def _parse(self, span: PageSpan) -> None:
        if self.gate:
            self.waiting += 1
            await self.gate.wait()
        await asyncio.sleep(0)
        self.spans.append(span)
        pages = range(span.first, span.last + 1)
        if self.broken.intersection(pages):
            raise ParserFailed("the parser failed")
        if self.deadly.intersection(pages):
            self.endangering += 1
            self.at_risk = max(self.at_risk, self.endangering)
            await asyncio.sleep(self.hang_s * len(span))
            self.endangering -= 1
        for page in pages:
            if page in self.deadly or self.deaths_left.get(page, 0) > 0:
                self.deaths_left[page] = self.deaths_left.get(page, 0) - 1
                await asyncio.sleep(self.death_s)
                raise ParserDied("the parser process died", parser=uuid.uuid4().hex)  # each call has its own parser

    def _questions(self) -> Questions | None:
        pictures = dict.fromkeys(range(self.pictures), b"png")
        return Questions(endpoint="pictures", prompt="?", pictures=pictures) if pictures else None

    def _file(self, task: FileTask, document: bytes, pages: Sequence[int], lost: tuple[PageFailure, ...]) -> ParsedFile:
        own = {"total_pages": int(document), "__keys": ["source", "page_number"]}
        nodes = [make_node(task, f"Page {page}", own | {"page_number": page}, page=page) for page in pages]
        return ParsedFile(
            nodes=orjson.dumps(nodes),
            num_nodes=len(nodes),
            document=b"{}",
            pages=len(pages) + len(lost),
            parser=self.parser,
            lost=lost,
            questions=self._questions(),
            warnings=self.warnings,
            attachments=self.attachments if task.options.attachments == "parse" else (),
        )
