"""The contract of parsers, over the fake of the dispatcher's tests and over a Parser with its real engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from actors.derivations import Derivation, Made
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from actors.parser.parser import Parser, ParserConfig
from client.models import PageFailure, ParseOptions, ParserInfo
from tests.contract.parsers import Fleet, ParsersContract
from tests.memory_parsers import MemoryParsers
from tests.unit.parser.files import as_document, make_pdf


@dataclass
class OneParser:
    """A Parser in this process, as its replicas are to the dispatcher."""

    parser: Parser

    async def put(self, data: bytes | memoryview) -> Any:
        return as_document(bytes(data))

    async def open(self, document: Any, task: FileTask, split_above: int) -> ParsedFile | PagePlan:
        return await self.parser.open(document, task, split_above)

    async def parse_pages(self, document: Any, task: FileTask, span: PageSpan) -> Shard:
        return await self.parser.parse_pages(document, task, span)

    async def assemble(
        self, document: Any, task: FileTask, lost: Sequence[PageFailure], parts: Sequence[Any]
    ) -> ParsedFile:
        return await self.parser.assemble(document, task, lost, *parts)

    async def derive(self, source: Any, wanted: Derivation) -> Made:
        return await self.parser.derive(source, wanted)

    async def describe(self, options: ParseOptions) -> ParserInfo:
        return await self.parser.describe(options)

    def running(self) -> int:
        return 1


@pytest.fixture(scope="module")
def parser() -> Parser:
    return Parser(ParserConfig(defaults=ParseOptions(profile="native")))


class TestMemoryParsers(ParsersContract):
    @pytest.fixture
    def fleet(self) -> Fleet:
        return Fleet(MemoryParsers(), lambda pages: str(pages).encode())


@pytest.mark.models
class TestParser(ParsersContract):
    @pytest.fixture
    def fleet(self, parser: Parser) -> Fleet:
        return Fleet(OneParser(parser), make_pdf)
