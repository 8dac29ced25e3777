"""Exports of stored documents: converted by a parser in a fair turn, and kept beside the document."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

import pytest

from actors.blobs import BlobStore, open_blobs
from actors.dispatcher.exports import Exporter
from actors.dispatcher.fair_semaphore import FairSemaphore
from actors.errors import BlobMissing, FleetUnavailable, ParserDied, StoreUnavailable
from client.models import DEFAULT_CONTENT, Content, ExportFormat

WANTED = ("job", "results/job/0/document.json", "results/job/0/html", ExportFormat.HTML, DEFAULT_CONTENT)


class Parsers:
    """Converts a document once it may; `dies` instead, if told so."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.dies = False

    async def export(self, document: bytes, form: ExportFormat, content: Collection[Content]) -> bytes:
        self.asked.set()
        await self.may_answer.wait()
        if self.dies:
            raise ParserDied("the parser process died")
        return f"{form} of {document.decode()}".encode()


@pytest.fixture
async def blobs(tmp_path: Path) -> BlobStore:
    blobs = open_blobs(str(tmp_path))
    await blobs.put(WANTED[1], b"a document")
    return blobs


async def test_an_export_is_stored_and_not_returned(blobs: BlobStore) -> None:
    assert await Exporter(Parsers(), blobs, FairSemaphore(1)).export(*WANTED) is None
    assert await blobs.get(WANTED[2]) == b"html of a document"


async def test_an_export_that_the_store_cannot_keep_is_returned(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(key: str, data: bytes) -> None:
        raise StoreUnavailable("The blob store is full")

    monkeypatch.setattr(blobs, "put", refuse)
    assert await Exporter(Parsers(), blobs, FairSemaphore(1)).export(*WANTED) == b"html of a document"


async def test_an_export_waits_for_its_turn_among_jobs(blobs: BlobStore) -> None:
    parsers, slots = Parsers(), FairSemaphore(1)
    async with asyncio.timeout(30):
        async with slots.slot("another job"):
            exporting = asyncio.create_task(Exporter(parsers, blobs, slots).export(*WANTED))
            await blobs.get(WANTED[1])
            assert not parsers.asked.is_set()
        await exporting
    assert parsers.asked.is_set()


async def test_a_parser_that_dies_makes_the_export_unavailable_for_now(blobs: BlobStore) -> None:
    parsers = Parsers()
    parsers.dies = True
    with pytest.raises(FleetUnavailable, match="Send the request again"):
        await Exporter(parsers, blobs, FairSemaphore(1)).export(*WANTED)


async def test_an_export_of_a_document_that_is_gone_is_missing(blobs: BlobStore) -> None:
    await blobs.delete_prefix("results/job")
    with pytest.raises(BlobMissing):
        await Exporter(Parsers(), blobs, FairSemaphore(1)).export(*WANTED)
