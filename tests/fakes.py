"""Stand-ins for what the ingress' tests do not run: the parsers, and whoever works on jobs."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from actors.blobs import BlobStore, open_blobs
from actors.derivations import Chunks, Derivation, Export, Made, PagePicture, PageScales, Pictures
from actors.dispatcher.derivations import Deriver
from actors.dispatcher.parser_slots import ParserSlots
from actors.dispatcher.sources import Sources
from actors.errors import FileError, FleetUnavailable
from actors.messages import Claim, Failure, FileOutcome, InputFile, JobOutcome, PartialFile
from actors.registry.registry import JobRegistry
from actors.sources import Fetched, NewSink
from client.models import ErrorCode, ExportFormat, FileConfidence, ParseOptions, ParserInfo, Progress
from client.options import ENRICHMENTS

PARSER = ParserInfo(profile="native", docling="0.0")

#: The pictures of every document.
LISTED: dict[str, object] = {
    "picture-1.jpg": None,
    "picture-2.png": {"page": 3, "scale": 2, "box": [1.0, 2.0, 30.0, 40.0]},
}


@dataclass
class FakeParsers:
    """`exports`, `pictures` and `chunked` are what was asked for. Every document has the chunks `chunk_texts`.

    `ready` is whether a replica lives, `busy` whether it cannot answer now.
    """

    ready: bool = True
    busy: bool = False
    exports: list[ExportFormat] = field(default_factory=list)
    pictures: list[PagePicture] = field(default_factory=list)
    listed: dict[str, object] = field(default_factory=lambda: dict(LISTED))
    chunked: list[Chunks] = field(default_factory=list)
    chunk_texts: Sequence[str] = ("one ü", "two")
    draws: bool = True
    fast_tables: bool = False
    enrichments: tuple[str, ...] = ()

    async def describe(self, options: ParseOptions | None = None) -> ParserInfo:
        if self.busy or not self.ready:
            raise FleetUnavailable("No parser replica is ready at present")
        if options and options.table_mode == "fast" and not self.fast_tables:
            raise FileError(ErrorCode.INVALID_OPTION, "This server does not have the table model of table_mode 'fast'")
        for name in ENRICHMENTS:
            if options and getattr(options, name) and name not in self.enrichments:
                raise FileError(ErrorCode.INVALID_OPTION, f"This server does not have the model of {name}")
        return PARSER

    def running(self) -> int:
        return int(self.ready)

    async def put(self, data: bytes | memoryview) -> bytes | memoryview:
        return data

    async def derive(self, source: bytes, wanted: Derivation) -> Made:
        if isinstance(wanted, PagePicture):
            return {wanted.target: self._picture(wanted)}
        if isinstance(wanted, Chunks):
            self.chunked.append(wanted)
            return {wanted.target: self._chunks(wanted)}
        if isinstance(wanted, PageScales):
            return {wanted.target: orjson.dumps({"1": wanted.scale, "3": 0.5})}
        if isinstance(wanted, Pictures):
            return {wanted.key_of("picture-1.jpg"): b"kept", wanted.target: orjson.dumps(self.listed)}
        assert isinstance(wanted, Export)
        self.exports.append(wanted.form)
        return {wanted.target: self._export(wanted, orjson.loads(source)["name"])}

    def _export(self, wanted: Export, name: str) -> bytes:
        """Every document has a picture that was kept and one that was not."""
        style = wanted.style
        if style.images == "embedded":
            raise FileError(ErrorCode.PICTURES_NOT_KEPT, "The pictures of this document were not kept")
        text = f"{wanted.form}: {name} ü" + "".join(filter(None, (style.images, style.page_break, style.links)))
        if wanted.form is not ExportFormat.JSON:
            return text.encode()
        links = {page: style.pages.link.replace("{page}", page) for page in ("1", "3")} if style.pages else {}
        pages = {page: {"image": {"uri": link}} for page, link in links.items()}
        return orjson.dumps({"text": text} | ({"pages": pages} if pages else {}))

    def _picture(self, wanted: PagePicture) -> bytes:
        """Every input has three pages."""
        self.pictures.append(wanted)
        if not self.draws:
            raise FileError(ErrorCode.NO_PAGE_PICTURE, "No page of this file can be drawn")
        if wanted.page > 3:
            raise FileError(ErrorCode.PAGE_NOT_FOUND, f"There is no page {wanted.page}: the file has 3")
        return f"{wanted.form} of page {wanted.page}".encode()

    def _chunks(self, wanted: Chunks) -> bytes:
        empty: dict[str, object] = {"headings": [], "captions": [], "page_numbers": [], "items": [], "pages": {}}
        chunks = [
            {"id": f"id-{index}", "index": index, "text": text, "raw_text": text, "num_tokens": 1} | empty
            for index, text in enumerate(self.chunk_texts)
        ]
        head = wanted.options.model_dump(include={"chunker", "tokenizer", "max_tokens"}) | {"pages": {}}
        return b"".join(orjson.dumps(line) + b"\n" for line in (head, *chunks))


@dataclass
class FakeFetcher:
    """`pages` has what is at each URL: the bytes, or the error that fetching it raises. `asked` is what was fetched,
    with its headers. A fetch waits for `gate`, if there is one."""

    pages: dict[str, bytes | Exception] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def fetch(self, url: str, headers: Mapping[str, str], new_sink: NewSink) -> Fetched:
        self.asked.append((url, headers))
        if self.gate:
            await self.gate.wait()
        page = self.pages[url]
        if isinstance(page, Exception):
            raise page
        async with new_sink() as sink:
            await sink.write(page)
        return Fetched(size=len(page), sha256=hashlib.sha256(page).hexdigest())


#: For jobs whose files are all uploaded.
NO_SOURCES = Sources(FakeFetcher(), open_blobs("memory://"))


@dataclass
class FakeDispatchers:
    """`files` is what there is of each job. Derivations are made as by a dispatcher, from `blobs` with `parsers`."""

    parsers: FakeParsers
    blobs: BlobStore
    files: dict[str, list[PartialFile]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._deriver = Deriver(self.parsers, self.blobs, ParserSlots(1))

    async def partial_files(self, job_id: str, holder: str) -> list[PartialFile] | None:
        return self.files.get(job_id)

    async def derive(self, wanted: Derivation) -> bytes | None:
        return await self._deriver.derive(wanted)


@dataclass
class FakeWorker:
    """Does what a dispatcher does, in one step: claims every queued job and ends it.

    A file whose text begins with "bad" is a failed entry; every other file has a node for each of its `pages`, or one
    without a page when there are none. `node_text` is their text. The pages `lost` are missing.
    """

    registry: JobRegistry
    blobs: BlobStore
    node_text: str = "text"
    pages: int = 0
    lost: tuple[int, ...] = ()
    confidence: FileConfidence = field(default_factory=FileConfidence)

    async def work(self, failure: Failure | None = None) -> None:
        """End all queued jobs; with `failure`, as jobs that could not run as a whole."""
        for claim in await self.registry.claim("worker", 100, 0.0):
            outcome = JobOutcome(failure=failure) if failure else await self._parse(claim)
            await self.registry.finish(claim.spec.job_id, claim.lease, outcome)

    async def _parse(self, claim: Claim) -> JobOutcome:
        files = claim.spec.files
        outcomes = tuple([await self._parse_file(claim, index, file) for index, file in enumerate(files)])
        count = len(files)
        done = Progress(
            files_total=count, files_done=count, pages_total=count, pages_done=count, pages_failed=len(self.lost)
        )
        return JobOutcome(files=outcomes, progress=done)

    async def _parse_file(self, claim: Claim, index: int, file: InputFile) -> FileOutcome:
        failure = file.rejected
        if failure is None and not file.remote and (await self.blobs.get(file.blob)).startswith(b"bad"):
            failure = Failure(code=ErrorCode.INVALID_FILE, message="The file cannot be parsed")
        folder = f"results/{claim.spec.job_id}/{index}"
        metadata = claim.spec.metadata
        paged = [metadata | {"page_number": number} for number in range(1, self.pages + 1)]
        nodes = [] if failure else [{"text": self.node_text, "metadata": own} for own in paged or [metadata]]
        response = {"filename": file.filename, "success": not failure, "nodes": nodes, "num_nodes": len(nodes)}
        response["pages_failed"] = [{"page_number": page, "reason": "The page broke its parser"} for page in self.lost]
        response["confidence"] = None if failure else self.confidence.model_dump()
        errors = {"error": failure.message, "error_code": failure.code} if failure else {}
        await self.blobs.put(f"{folder}/response.json", orjson.dumps(response | errors))
        if not failure:
            await self.blobs.put(f"{folder}/document.json", orjson.dumps({"name": file.filename}))
        return FileOutcome(
            filename=file.filename,
            response=f"{folder}/response.json",
            document=None if failure else f"{folder}/document.json",
            success=not failure,
            num_nodes=len(nodes),
            pages=1,
            processing_time_ms=1.0,
            grade="unspecified" if failure else self.confidence.low_grade,
        )
