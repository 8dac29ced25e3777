"""The contract of parsers, over the replicas of a running service."""

from __future__ import annotations

import pytest
from ray import serve

from actors.handles.parsers import ParserHandle
from tests.contract.parsers import Fleet, ParsersContract
from tests.unit.parser.files import make_pdf


class TestParserHandle(ParsersContract):
    @pytest.fixture
    def fleet(self, url: str) -> Fleet:
        return Fleet(ParserHandle(serve.get_deployment_handle("Parser", "docfleet")), make_pdf)
