"""Chunks that a job asks for are there when it ends."""

from __future__ import annotations

from typing import Any

import pytest

from actors.blobs import BlobStore, open_blobs
from actors.derivations import Chunks
from actors.dispatcher.files import Splitting
from actors.dispatcher.jobs import JobLimits, JobRun
from actors.dispatcher.parser_slots import ParserSlots
from actors.errors import DocfleetError, FileError, ParserDied
from actors.messages import InputFile, JobOutcome, JobSpec
from client.models import ChunkOptions, ErrorCode, ParseOptions
from tests.fakes import NO_SOURCES
from tests.memory_parsers import MemoryParsers

OPTIONS = ChunkOptions(max_tokens=64, tokenizer="a/b")


async def run(parsers: MemoryParsers, blobs: BlobStore, document: bytes = b"3", **options: Any) -> JobOutcome:
    await blobs.put("inputs/j/0", document)
    file = InputFile(filename="a.pdf", blob="inputs/j/0", size=len(document), sha256="x")
    spec = JobSpec(job_id="j", files=(file,), options=ParseOptions(**options), submitted_at=0.0)
    return await JobRun(
        spec, parsers, blobs, ParserSlots(1), JobLimits(files=1, splitting=Splitting(slots=1)), NO_SOURCES
    ).run()


def target(outcome: JobOutcome) -> str:
    """Where a later request looks for these chunks."""
    document = outcome.files[0].document
    assert document
    return Chunks(job_id="j", folder="results/j/0", source=document, options=OPTIONS).target


@pytest.fixture
def blobs() -> BlobStore:
    return open_blobs("memory://")


async def test_chunks_are_stored_where_a_request_for_them_looks(parsers: MemoryParsers, blobs: BlobStore) -> None:
    outcome = await run(parsers, blobs, chunks=OPTIONS)
    assert (await blobs.get(target(outcome))).startswith(b"chunks of ")


async def test_job_that_asks_for_none_has_no_chunks(parsers: MemoryParsers, blobs: BlobStore) -> None:
    outcome = await run(parsers, blobs)
    assert await blobs.size(target(outcome)) is None


async def test_failed_file_has_no_chunks(parsers: MemoryParsers, blobs: BlobStore) -> None:
    outcome = await run(parsers, blobs, b"garbage", chunks=OPTIONS)
    assert not outcome.files[0].success


@pytest.mark.parametrize(
    "failure", [FileError(ErrorCode.INVALID_FILE, "cannot be cut"), ParserDied("the parser process died")]
)
async def test_job_ends_well_without_its_chunks(
    parsers: MemoryParsers, blobs: BlobStore, failure: DocfleetError
) -> None:
    parsers.no_chunks = failure
    outcome = await run(parsers, blobs, chunks=OPTIONS)
    assert outcome.files[0].success
    assert await blobs.size(target(outcome)) is None
