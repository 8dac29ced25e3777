"""A parser that reads documents from the blob store and puts results there.

So they do not pass through the dispatcher. Only an object store is reached from every node.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from actors.blobs import open_blobs
from actors.blobs.keys import DOCUMENT, RESPONSE
from actors.derivations import Derivation, Made
from actors.dispatcher.responses import response_body
from actors.documents import DocumentBytes, StoredBlob
from actors.errors import StoreUnavailable
from actors.handles.parser_replica import ParserReplica
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from actors.parser.parser import EngineFactory, ParserConfig
from actors.questions import Answers
from actors.telemetry.retries import retry
from client.models import PageFailure

#: Waits for a store that is away; the job's deadline cancels the call.
_retry_while_away = retry(on=StoreUnavailable, attempts=None, timeout=None, wait_max=5.0)


class StoringParserReplica(ParserReplica):
    """A ParserReplica that also takes documents as StoredBlobs, and stores the results of tasks that say where."""

    def __init__(self, config: ParserConfig, make_engine: EngineFactory, blob_url: str) -> None:
        super().__init__(config, make_engine)
        self._blobs = open_blobs(blob_url)
        self._newest: tuple[str, DocumentBytes] | None = None  # a document's spans come one after another

    async def open(
        self, document: DocumentBytes | StoredBlob, task: FileTask, split_above: int
    ) -> ParsedFile | PagePlan:
        opened = await super().open(await self._loaded(document), task, split_above)
        return await self._stored(opened, task) if isinstance(opened, ParsedFile) else opened

    async def parse_pages(self, document: DocumentBytes | StoredBlob, task: FileTask, span: PageSpan) -> Shard:
        return await super().parse_pages(await self._loaded(document), task, span)

    async def assemble(
        self, document: DocumentBytes | StoredBlob, task: FileTask, lost: Sequence[PageFailure], *shards: Shard
    ) -> ParsedFile:
        return await self._stored(await super().assemble(await self._loaded(document), task, lost, *shards), task)

    async def describe_pictures(self, parsed: ParsedFile, task: FileTask, answers: Answers) -> ParsedFile:
        return await self._stored(await super().describe_pictures(parsed, task, answers), task)

    async def derive(self, source: DocumentBytes | StoredBlob, wanted: Derivation) -> Made:
        return await super().derive(await self._loaded(source), wanted)

    @_retry_while_away
    async def _loaded(self, document: DocumentBytes | StoredBlob) -> DocumentBytes:
        if not isinstance(document, StoredBlob):
            return document
        if self._newest is None or self._newest[0] != document.key:
            self._newest = document.key, np.frombuffer(await self._blobs.get(document.key), np.uint8)
        return self._newest[1]

    async def _stored(self, parsed: ParsedFile, task: FileTask) -> ParsedFile:
        if not task.results or parsed.questions:  # a file with questions comes back with their answers
            return parsed
        response = response_body(task.filename, parsed, (time.time() - task.started_at) * 1000)
        await asyncio.gather(
            self._put(f"{task.results}/{RESPONSE}", response), self._put(f"{task.results}/{DOCUMENT}", parsed.document)
        )
        return replace(parsed, nodes=b"", document=b"", stored=True)

    @_retry_while_away
    async def _put(self, key: str, data: bytes) -> None:
        await self._blobs.put(key, data)
