"""Pictures of a parsed file that a remote model describes."""

from __future__ import annotations

import pytest

from actors.dispatcher.files import FileRun, Splitting
from actors.dispatcher.parser_slots import ParserSlots
from actors.errors import FileError, FleetUnavailable, ModelUnavailable
from actors.messages import FileTask, ParsedFile
from client.models import ErrorCode, ParseOptions
from tests.memory_parsers import MemoryParsers


@pytest.fixture
def parsers() -> MemoryParsers:
    return MemoryParsers(pictures=2)


async def parse(parsers: MemoryParsers, pages: int = 1) -> ParsedFile:
    task = FileTask(job_id="job", index=0, filename="a.pdf", size=1, options=ParseOptions(), metadata={})
    ignored = FileRun(parsers, ParserSlots(2), Splitting(slots=2), task, str(pages).encode(), lambda *_: None)
    return await ignored.parse()


@pytest.mark.parametrize("pages", [1, 30], ids=["in one call", "in spans"])
async def test_answers_come_into_the_document(parsers: MemoryParsers, pages: int) -> None:
    parsed = await parse(parsers, pages)
    assert parsed.document == b"['picture 0', 'picture 1']"
    assert parsed.questions is None


async def test_file_without_questions_asks_nobody(parsers: MemoryParsers) -> None:
    parsers.pictures = 0
    parsers.model = [ModelUnavailable("down")]
    assert (await parse(parsers)).document == b"{}"


async def test_call_that_nobody_took_is_made_again(parsers: MemoryParsers) -> None:
    parsers.model = [FleetUnavailable("away")]
    assert (await parse(parsers)).document == b"['picture 0', 'picture 1']"


async def test_model_that_is_down_fails_the_file(parsers: MemoryParsers) -> None:
    parsers.model = [ModelUnavailable("The model endpoint 'pictures' cannot be reached")]
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        await parse(parsers)


async def test_descriptions_are_put_in_again_when_their_parser_died(parsers: MemoryParsers) -> None:
    parsers.description_deaths = 1
    assert (await parse(parsers)).document == b"['picture 0', 'picture 1']"


async def test_file_whose_descriptions_break_every_parser_fails(parsers: MemoryParsers) -> None:
    parsers.description_deaths = 2
    with pytest.raises(FileError) as failed:
        await parse(parsers)
    assert failed.value.file_code is ErrorCode.INVALID_FILE
