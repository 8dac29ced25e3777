"""What a parser's process takes over while it goes on."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from actors.handles.parser_replica import ParserReplica
from actors.parser.parser import ParserConfig
from tests.faults.engine import FaultyEngine

CONFIG = ParserConfig(page_deadline_s=60.0, max_pages=2000, max_memory=1 << 40)


@pytest.fixture
def replica(monkeypatch: pytest.MonkeyPatch) -> ParserReplica:
    monkeypatch.setattr("actors.handles.parser_replica.observe", lambda room: None)
    return ParserReplica(CONFIG, FaultyEngine)


@pytest.mark.parametrize(
    ("changes", "deadline_s", "pages"),
    [
        ({}, 60.0, 2000),
        ({"page_deadline_s": 5}, 5.0, 2000),
        ({"parser_max_pages": 7}, 60.0, 7),
        ({"parser_max_pages": 0}, 60.0, None),
    ],
)
def test_a_user_config_changes_what_it_names(
    replica: ParserReplica, changes: dict[str, Any], deadline_s: float, pages: int | None
) -> None:
    replica.reconfigure(changes)
    assert (replica.config.page_deadline_s, replica.config.max_pages) == (deadline_s, pages)


def test_what_a_later_user_config_leaves_out_is_as_at_the_start(replica: ParserReplica) -> None:
    replica.reconfigure({"page_deadline_s": 5, "parser_max_pages": 7})
    replica.reconfigure({"parser_max_pages": 9})
    assert (replica.config.page_deadline_s, replica.config.max_pages) == (60.0, 9)


@pytest.mark.parametrize("changes", [{"page_deadline_s": 0}, {"parser_max_pages": -1}, {"profile": "native"}])
def test_an_invalid_user_config_is_refused_and_changes_nothing(replica: ParserReplica, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        replica.reconfigure(changes)
    assert (replica.config.page_deadline_s, replica.config.max_pages) == (60.0, 2000)
