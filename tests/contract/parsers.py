"""The contract of `Parsers`. Tests with the fake are only as good as the fake follows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import pytest

from actors.derivations import PagePicture
from actors.dispatcher.derivations import DerivingParsers
from actors.dispatcher.ports import Parsers
from actors.errors import FileError
from actors.messages import PagePlan, PageSpan, ParsedFile
from client.models import ErrorCode, PageFailure, ParseOptions
from tests.unit.parser.files import make_task

TASK = make_task("a.pdf", profile="native", metadata={"case": 7})


class EveryParser(Parsers, DerivingParsers, Protocol):
    """Parsers as all of the dispatcher sees them."""


@dataclass(frozen=True)
class Fleet:
    """Some parsers, and a function that makes a document of so many pages for them."""

    parsers: EveryParser
    document: Callable[[int], bytes]


class ParsersContract:
    async def test_a_short_document_comes_back_parsed(self, fleet: Fleet) -> None:
        document = await fleet.parsers.put(fleet.document(3))
        parsed = await fleet.parsers.open(document, TASK, 3)
        assert isinstance(parsed, ParsedFile)
        assert (parsed.pages, parsed.num_nodes, parsed.lost) == (3, 3, ())
        assert pages_of(parsed) == [1, 2, 3]
        assert parsed.parser.profile == "native"

    async def test_a_document_of_more_pages_than_asked_for_is_planned(self, fleet: Fleet) -> None:
        document = await fleet.parsers.put(fleet.document(4))
        assert await fleet.parsers.open(document, TASK, 3) == PagePlan(pages=PageSpan(1, 4))

    async def test_pages_parsed_apart_are_assembled_to_the_same_nodes(self, fleet: Fleet) -> None:
        document = await fleet.parsers.put(fleet.document(4))
        spans = [PageSpan(1, 2), PageSpan(3, 3), PageSpan(4, 4)]
        parts = [await fleet.parsers.parse_pages(document, TASK, span) for span in spans]
        assert [(part.span, part.lost) for part in parts] == [(span, ()) for span in spans]
        assembled = await fleet.parsers.assemble(document, TASK, (), parts)
        assert assembled == await fleet.parsers.open(document, TASK, 4)

    async def test_pages_that_were_lost_are_left_out_and_named(self, fleet: Fleet) -> None:
        document = await fleet.parsers.put(fleet.document(4))
        parts = [await fleet.parsers.parse_pages(document, TASK, span) for span in (PageSpan(1, 1), PageSpan(3, 4))]
        lost = [PageFailure(page_number=2, reason="the parser process died")]
        assembled = await fleet.parsers.assemble(document, TASK, lost, parts)
        assert (assembled.pages, assembled.num_nodes, assembled.lost) == (4, 3, tuple(lost))
        assert pages_of(assembled) == [1, 3, 4]

    async def test_a_file_that_is_not_a_document_is_a_file_error(self, fleet: Fleet) -> None:
        document = await fleet.parsers.put(b"garbage")
        with pytest.raises(FileError) as refused:
            await fleet.parsers.open(document, TASK, 3)
        assert refused.value.file_code is ErrorCode.INVALID_FILE

    async def test_a_page_is_drawn_under_the_key_of_its_picture(self, fleet: Fleet) -> None:
        document = await fleet.parsers.put(fleet.document(3))
        assert [*await fleet.parsers.derive(document, picture_of(3))] == [picture_of(3).target]

    async def test_a_page_that_does_not_exist_is_a_file_error(self, fleet: Fleet) -> None:
        document = await fleet.parsers.put(fleet.document(3))
        with pytest.raises(FileError) as refused:
            await fleet.parsers.derive(document, picture_of(4))
        assert refused.value.file_code is ErrorCode.PAGE_NOT_FOUND

    async def test_parsers_describe_themselves(self, fleet: Fleet) -> None:
        assert (await fleet.parsers.describe(ParseOptions(profile="native"))).profile == "native"
        assert fleet.parsers.running() >= 1


def picture_of(page: int) -> PagePicture:
    return PagePicture(
        job_id="j", folder="results/j/0", source="inputs/j/0", page=page, scale=0.5, box=None, form="png"
    )


def pages_of(parsed: ParsedFile) -> list[int]:
    nodes: list[dict[str, Any]] = orjson.loads(parsed.nodes)
    return [node["metadata"]["page_number"] for node in nodes]
