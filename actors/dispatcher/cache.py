"""Answers a document that its caller had parsed before from the results of that job."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time

import orjson

from actors.blobs import BlobStore
from actors.code_digest import digest_of
from actors.dispatcher.ports import Parsers
from actors.endpoints import NO_ENDPOINTS, Endpoints, models_of
from actors.errors import BlobMissing, DocfleetError
from actors.messages import FileOutcome, FileTask, InputFile, ParsedFile
from actors.nodes import CONTENT_KEYS, rebuild_node
from actors.telemetry.logs import get_logger
from client.models import FileConfidence, FileWarning, ParseOptions, ParserInfo, WarningCode

log = get_logger()

SWEEP_AT_ONCE = 500  # entries

#: Options that do not change the result.
_NOT_IN_KEY = {"cache", "password", "chunks"}

#: Options that do not change which models run. Many have endlessly many values.
_NOT_ABOUT_MODELS = (
    "page_range", "password", "cache", "page_chunks", "chunks", "content", "encoding", "attachments", "ocr_lang",
    "images_scale", "picture_area", "picture_allow", "picture_deny", "picture_min_confidence",
)  # fmt: skip

#: Warnings of models that were away, or failed on something.
MODEL_FAILED = {
    WarningCode.LAYOUT_FAILED,
    WarningCode.TABLE_FAILED,
    WarningCode.OCR_FAILED,
    WarningCode.PICTURE_NOT_DESCRIBED,
    WarningCode.NOT_ENRICHED,
}

#: Raised when decoding a corrupt entry or result: a store may lose half of a blob.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)


class ResultCache:
    """Entries that point to the results of earlier jobs. An entry is useless once those results are removed.

    Each owner has entries of its own: the time of an answer must not tell whether somebody else parsed the document.
    """

    def __init__(self, blobs: BlobStore, parsers: Parsers, endpoints: Endpoints = NO_ENDPOINTS) -> None:
        self._blobs = blobs
        self._endpoints = endpoints
        self._parsers = parsers
        #: Digest of the code that affects parse output. A parser names the versions of docling and of the models.
        self._parser_code = digest_of("actors.parser")
        self._described: dict[bytes, ParserInfo] = {}  # does not change while this process lives

    async def find(self, owner: str, file: InputFile, task: FileTask) -> ParsedFile | None:
        """The result of an earlier job with the same file, made again for `task`; None when it must be parsed."""
        if not _is_cacheable(task):
            return None
        try:
            entry = orjson.loads(await self._blobs.get(await self._entry(owner, file, task.options)))
            response, document = await asyncio.gather(*map(self._blobs.get, (entry["response"], entry["document"])))
            return await asyncio.to_thread(_as_result_of, task, response, document, entry["pages"])
        except BlobMissing:  # never parsed, or the results were removed
            return None
        except DocfleetError as error:  # parse instead: that reports what is wrong
            log.info("cache_not_read", job=task.job_id, reason=error.message)
        except UNREADABLE as error:  # parse again, which overwrites the entry
            log.warning("cache_entry_unreadable", job=task.job_id, reason=repr(error))
        return None

    async def remember(
        self, owner: str, file: InputFile, task: FileTask, result: ParsedFile, outcome: FileOutcome
    ) -> None:
        """Let `find` answer from this outcome, unless the next parse may do better: it may have the lost pages, and
        the model that failed."""
        failed = any(warning.code in MODEL_FAILED for warning in result.warnings)
        if result.lost or failed or not _is_cacheable(task):
            return
        entry = {"response": outcome.response, "document": outcome.document, "pages": outcome.pages}
        try:
            await self._blobs.put(await self._entry(owner, file, task.options), orjson.dumps(entry))
        except DocfleetError as error:
            log.info("cache_not_written", job=task.job_id, reason=error.message)

    async def _entry(self, owner: str, file: InputFile, options: ParseOptions) -> str:
        """The blob key of an entry: a digest of everything that the result depends on, including the file name."""
        asked = options.model_dump(mode="json", exclude=_NOT_IN_KEY)
        parser = (await self._described_for(options)).model_dump(exclude={"device"})
        models = models_of(options, self._endpoints)
        facts = [
            owner,
            file.filename,
            file.trust_name,
            file.size,
            file.sha256,
            asked,
            parser,
            self._parser_code,
            models,
        ]
        return f"cache/{hashlib.sha256(json.dumps(facts).encode()).hexdigest()}/entry.json"

    async def _described_for(self, options: ParseOptions) -> ParserInfo:
        recipe = options.model_copy(update=dict.fromkeys(_NOT_ABOUT_MODELS))
        known = recipe.model_dump_json().encode()
        if known not in self._described:
            self._described[known] = await self._parsers.describe(recipe)
        return self._described[known]


async def sweep(blobs: BlobStore, ttl_s: float) -> None:
    """Remove entries that are older than any result."""
    old = await blobs.unchanged_since("cache", time.time() - ttl_s)
    for start in range(0, len(old), SWEEP_AT_ONCE):
        await blobs.delete_prefixes([f"cache/{name}" for name in old[start : start + SWEEP_AT_ONCE]])


def _is_cacheable(task: FileTask) -> bool:
    """Not for an encrypted file, a file with attachments to parse, or metadata with keys that the content uses too."""
    options = task.options
    if options.cache is False or options.password is not None or options.attachments == "parse":
        return False
    return not CONTENT_KEYS.intersection(task.metadata)


def _as_result_of(task: FileTask, response: bytes, document: bytes, pages: int) -> ParsedFile:
    earlier = orjson.loads(response)
    nodes = [rebuild_node(task, node) for node in earlier["nodes"]]
    return ParsedFile(
        nodes=orjson.dumps(nodes),
        num_nodes=len(nodes),
        document=document,
        pages=pages,
        parser=ParserInfo(**earlier["parser"]),
        warnings=tuple(FileWarning(**warning) for warning in earlier["warnings"]),
        confidence=FileConfidence(**earlier["confidence"]),
        cached=True,
    )
