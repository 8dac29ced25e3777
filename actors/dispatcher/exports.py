"""Makes exports of stored documents, so that the processes that answer requests never hold a whole document."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from actors.blobs import BlobStore
from actors.dispatcher.fair_semaphore import FairSemaphore
from actors.errors import FleetUnavailable, ParserDied, StoreUnavailable
from actors.telemetry.logs import get_logger
from client.models import Content, ExportFormat

log = get_logger()


class ExportParsers(Protocol):
    """The parsers. Calls raise FleetUnavailable when no replica is ready."""

    async def export(self, document: bytes, form: ExportFormat, content: Collection[Content]) -> bytes:
        """Convert a stored DoclingDocument, with `content`. Raises ParserDied when the replica dies."""
        ...


class Exporter:
    """Reads a document from the store, has a parser convert it in a fair turn, and stores the export."""

    def __init__(self, parsers: ExportParsers, blobs: BlobStore, slots: FairSemaphore) -> None:
        self._parsers = parsers
        self._blobs = blobs
        self._slots = slots

    async def export(
        self, job_id: str, document: str, target: str, form: ExportFormat, content: Collection[Content]
    ) -> bytes | None:
        """Convert the blob `document` and store the result as the blob `target`.

        Returns None, or the export itself when the store cannot keep it. Raises BlobMissing without the document,
        FleetUnavailable, and StoreUnavailable when the document cannot be read.
        """
        async with self._slots.slot(job_id):
            exported = await self._convert(await self._blobs.get(document), form, content)
        try:
            await self._blobs.put(target, exported)
        except StoreUnavailable as error:
            log.warning("export_not_kept", blob=target, reason=error.message)
            return exported
        return None

    async def _convert(self, document: bytes, form: ExportFormat, content: Collection[Content]) -> bytes:
        try:
            return await self._parsers.export(document, form, content)
        except ParserDied as died:
            raise FleetUnavailable("The parser died while it made this export. Send the request again") from died
