"""Attachments of a mail become further files of its job."""

from __future__ import annotations

import orjson
import pytest

from actors.blobs import BlobStore, open_blobs
from actors.dispatcher.files import Splitting
from actors.dispatcher.jobs import JobLimits, JobRun
from actors.dispatcher.parser_slots import ParserSlots
from actors.documents import Attachment
from actors.messages import InputFile, JobOutcome, JobSpec
from client.models import ParseOptions
from tests.fakes import NO_SOURCES
from tests.memory_parsers import MemoryParsers

LIMITS = JobLimits(files=2, splitting=Splitting(slots=2))


@pytest.fixture
def blobs() -> BlobStore:
    return open_blobs("memory://")


async def parsed(parsers: MemoryParsers, blobs: BlobStore, options: ParseOptions) -> tuple[JobRun, JobOutcome]:
    files = []
    for index, name in enumerate(("first.eml", "second.eml")):
        await blobs.put(f"inputs/j/{index}", b"1")
        files.append(InputFile(filename=name, blob=f"inputs/j/{index}", size=1, sha256=""))
    spec = JobSpec(job_id="j", files=tuple(files), options=options, submitted_at=0.0)
    run = JobRun(spec, parsers, blobs, ParserSlots(2), LIMITS, NO_SOURCES)
    return run, await run.run()


async def test_attachments_follow_the_files_that_were_sent_in_the_order_of_their_mails(
    parsers: MemoryParsers, blobs: BlobStore
) -> None:
    parsers.attachments = (Attachment(filename="a.pdf", data=b"2"), Attachment(filename="b.pdf", data=b"garbage"))
    run, outcome = await parsed(parsers, blobs, ParseOptions(attachments="parse"))
    assert [(file.filename, file.success) for file in outcome.files] == [
        ("first.eml", True),
        ("second.eml", True),
        ("first.eml/a.pdf", True),
        ("first.eml/b.pdf", False),
        ("second.eml/a.pdf", True),
        ("second.eml/b.pdf", False),
    ]
    stored = orjson.loads(await blobs.get(outcome.files[2].response))
    assert [node["text"] for node in stored["nodes"]] == ["Page 1", "Page 2"]
    assert (run.progress.files_total, run.progress.files_done) == (6, 6)


async def test_outcomes_name_the_blobs_of_files_and_attachments(parsers: MemoryParsers, blobs: BlobStore) -> None:
    parsers.attachments = (Attachment(filename="a.pdf", data=b"2"),)
    _, outcome = await parsed(parsers, blobs, ParseOptions(attachments="parse"))
    assert [await blobs.get(file.input) for file in outcome.files] == [b"1", b"1", b"2", b"2"]


async def test_attachments_inside_an_attachment_are_not_parsed(parsers: MemoryParsers, blobs: BlobStore) -> None:
    parsers.attachments = (Attachment(filename="inner.eml", data=b"1"),)
    _, outcome = await parsed(parsers, blobs, ParseOptions(attachments="parse"))
    assert len(outcome.files) == 4


async def test_without_the_option_a_job_has_the_files_that_were_sent(parsers: MemoryParsers, blobs: BlobStore) -> None:
    parsers.attachments = (Attachment(filename="a.pdf", data=b"2"),)
    run, outcome = await parsed(parsers, blobs, ParseOptions())
    assert [file.filename for file in outcome.files] == ["first.eml", "second.eml"]
    assert run.progress.files_total == 2


async def test_attachments_are_among_the_partial_files_of_a_job(parsers: MemoryParsers, blobs: BlobStore) -> None:
    parsers.attachments = (Attachment(filename="a.pdf", data=b"2"),)
    run, _ = await parsed(parsers, blobs, ParseOptions(attachments="parse"))
    assert [file.filename for file in await run.partial_files()][2:] == ["first.eml/a.pdf", "second.eml/a.pdf"]
