"""Derivations of stored blobs: made by a parser in a fair turn, once, and kept beside the results."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from actors.blobs import BlobStore, open_blobs
from actors.derivations import Derivation, Export, ExportStyle, Made
from actors.dispatcher import chosen_blobs
from actors.dispatcher.derivations import UNSTORED_BYTES, Deriver
from actors.dispatcher.parser_slots import ParserSlots
from actors.errors import BlobMissing, FileError, FleetUnavailable, ParserDied, ParserFailed, StoreUnavailable
from client.models import ErrorCode, ExportFormat

WANTED = Export(job_id="job", folder="results/job/0", source="results/job/0/document.json", form=ExportFormat.HTML)
TEXT = replace(WANTED, form=ExportFormat.TEXT)


class Parsers:
    """Converts a document once it may. Its first calls raise `failures`, in their order."""

    def __init__(self, *failures: Exception, size: int = 0) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.failures = list(failures)
        self.size = size
        self.calls: list[str] = []
        self.left = 0

    async def put(self, data: bytes | memoryview) -> bytes:
        return bytes(data)

    async def derive(self, source: bytes, wanted: Derivation) -> Made:
        self.asked.set()
        self.calls.append(wanted.name)
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.left += 1
            raise
        if self.failures:
            raise self.failures.pop(0)
        return {wanted.target: f"{wanted.name} of {source.decode()}".encode().ljust(self.size)}


@pytest.fixture
async def blobs(tmp_path: Path) -> BlobStore:
    blobs = open_blobs(str(tmp_path))
    await blobs.put(WANTED.source, b"a document")
    return blobs


@pytest.fixture
def full(blobs: BlobStore, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
    async def refuse(key: str, data: bytes) -> None:
        raise StoreUnavailable("The blob store is full")

    monkeypatch.setattr(blobs, "put", refuse)
    return blobs


async def test_an_export_is_stored_and_not_returned(blobs: BlobStore) -> None:
    assert await Deriver(Parsers(), blobs, ParserSlots(1)).derive(WANTED) is None
    assert await blobs.get(WANTED.target) == b"html of a document"


async def test_an_export_that_the_store_cannot_keep_is_returned(full: BlobStore) -> None:
    assert await Deriver(Parsers(), full, ParserSlots(1)).derive(WANTED) == b"html of a document"


async def test_a_large_export_that_the_store_cannot_keep_does_not_pass_through_the_ingress(full: BlobStore) -> None:
    with pytest.raises(StoreUnavailable, match="full"):
        await Deriver(Parsers(size=UNSTORED_BYTES + 1), full, ParserSlots(1)).derive(WANTED)


async def test_an_export_waits_for_its_turn_among_jobs(blobs: BlobStore) -> None:
    parsers, slots = Parsers(), ParserSlots(1)
    async with asyncio.timeout(30):
        async with slots.slot("another job"):
            exporting = asyncio.create_task(Deriver(parsers, blobs, slots).derive(WANTED))
            await blobs.get(WANTED.source)
            assert not parsers.asked.is_set()
        await exporting
    assert parsers.asked.is_set()


async def test_an_export_waits_for_one_span_of_a_long_document_and_not_for_all(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsers, slots, go_on, looked = Parsers(), ParserSlots(1), asyncio.Event(), asyncio.Event()
    look = blobs.size
    done: list[int] = []

    async def size(key: str) -> int | None:
        found = await look(key)
        looked.set()  # without another pause, the deriver now asks for its turn
        return found

    async def span(number: int) -> None:
        async with slots.slot("long"):
            await go_on.wait()
            done.append(number)

    monkeypatch.setattr(blobs, "size", size)
    parsers.may_answer.clear()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for number in range(250):  # a document of 1,000 pages
            group.create_task(span(number))
        group.create_task(Deriver(parsers, blobs, slots).derive(WANTED))
        await looked.wait()
        go_on.set()
        await parsers.asked.wait()
        assert done == [0]
        parsers.may_answer.set()
    assert len(done) == 250


async def test_callers_at_the_same_time_share_one_making(blobs: BlobStore) -> None:
    parsers = Parsers()
    parsers.may_answer.clear()
    deriver = Deriver(parsers, blobs, ParserSlots(4))
    readers = [asyncio.create_task(deriver.derive(WANTED)) for _ in range(3)]
    other = asyncio.create_task(deriver.derive(TEXT))
    await parsers.asked.wait()
    parsers.may_answer.set()
    assert await asyncio.gather(*readers, other) == [None] * 4
    assert sorted(parsers.calls) == ["html", "text"]


async def test_of_what_callers_choose_freely_only_the_newest_is_kept(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chosen_blobs, "KEPT_BLOBS", 2)
    parsers = Parsers()
    deriver = Deriver(parsers, blobs, ParserSlots(1))
    chosen = [replace(WANTED, style=ExportStyle(page_break=str(number))) for number in range(5)]
    for wanted in (TEXT, *chosen):
        await deriver.derive(wanted)
    assert [await blobs.size(wanted.target) is not None for wanted in chosen] == [False, False, True, True, True]
    assert await blobs.size(TEXT.target)
    assert await blobs.get(WANTED.source) == b"a document"
    await deriver.derive(chosen[0])
    assert parsers.calls.count(chosen[0].name) == 2


@pytest.mark.parametrize("size", [10, 20])
async def test_a_large_derivation_takes_the_place_of_older_ones(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(chosen_blobs, "KEPT_BYTES", size)
    deriver = Deriver(Parsers(), blobs, ParserSlots(1))
    old, new = (replace(WANTED, style=ExportStyle(page_break=mark)) for mark in ("---", "==="))
    for wanted in (old, new):
        await deriver.derive(wanted)
    assert (await blobs.size(old.target), bool(await blobs.size(new.target))) == (None, True)


async def test_an_export_that_was_made_meanwhile_is_not_made_again(blobs: BlobStore) -> None:
    parsers = Parsers()
    await Deriver(parsers, blobs, ParserSlots(1)).derive(WANTED)
    await Deriver(parsers, blobs, ParserSlots(1)).derive(WANTED)
    assert parsers.calls == ["html"]


async def test_a_making_goes_on_while_one_caller_waits_and_stops_without_any(blobs: BlobStore) -> None:
    parsers = Parsers()
    parsers.may_answer.clear()
    deriver = Deriver(parsers, blobs, ParserSlots(1))
    first, second = [asyncio.create_task(deriver.derive(WANTED)) for _ in range(2)]
    await parsers.asked.wait()
    first.cancel()
    await asyncio.wait([first])
    assert parsers.left == 0
    second.cancel()
    await asyncio.wait([second])
    parsers.may_answer.set()
    assert await asyncio.wait_for(deriver.derive(WANTED), 30) is None  # its slot is free, and it is made anew
    assert (parsers.left, parsers.calls) == (1, ["html", "html"])


async def test_a_parser_that_is_killed_in_the_middle_costs_a_second_try(blobs: BlobStore) -> None:
    parsers = Parsers(ParserDied("the parser process died"))
    assert await Deriver(parsers, blobs, ParserSlots(1)).derive(WANTED) is None
    assert await blobs.get(WANTED.target) == b"html of a document"
    assert parsers.calls == ["html", "html"]


async def test_the_second_try_runs_in_quarantine(blobs: BlobStore) -> None:
    parsers, slots = Parsers(ParserDied("the parser process died")), ParserSlots(2)
    async with asyncio.timeout(30):
        async with slots.quarantine.slot("another suspect"):
            exporting = asyncio.create_task(Deriver(parsers, blobs, slots).derive(WANTED))
            await parsers.asked.wait()
            await blobs.get(WANTED.source)
            assert parsers.calls == ["html"]
        await exporting
    assert parsers.calls == ["html", "html"]


async def test_a_parser_that_dies_makes_the_export_unavailable_for_now(blobs: BlobStore) -> None:
    deaths = [ParserDied("the parser process died") for _ in range(2)]
    with pytest.raises(FleetUnavailable, match="Send the request again"):
        await Deriver(Parsers(*deaths), blobs, ParserSlots(1)).derive(WANTED)


@pytest.mark.parametrize(
    "failure", [ParserFailed("a bug"), FileError(ErrorCode.NO_PAGES, "no pages")], ids=["bug", "file"]
)
async def test_every_caller_hears_why_it_cannot_be_made(blobs: BlobStore, failure: Exception) -> None:
    deriver = Deriver(Parsers(failure, failure), blobs, ParserSlots(1))
    results = await asyncio.gather(deriver.derive(WANTED), deriver.derive(WANTED), return_exceptions=True)
    assert results == [failure, failure]


async def test_an_export_of_a_document_that_is_gone_is_missing(blobs: BlobStore) -> None:
    await blobs.delete_prefix("results/job")
    with pytest.raises(BlobMissing):
        await Deriver(Parsers(), blobs, ParserSlots(1)).derive(WANTED)
