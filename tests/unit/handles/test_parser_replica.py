"""What a parser's process takes over while it goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from actors.handles.parser_replica import ParserReplica
from actors.parser.parser import ParserConfig
from tests.faults.engine import FaultyEngine
from tests.unit.parser.files import as_document, make_task

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


async def waiting_check(replica: ParserReplica) -> asyncio.Task[None]:
    """Serve's second question. Serve sends no call before the first answer, which comes at once."""
    await replica.check_health()
    asked = asyncio.create_task(replica.check_health())
    await asyncio.sleep(0)
    return asked


async def test_serve_waits_at_a_healthy_replica_and_so_hears_of_its_death_at_once(replica: ParserReplica) -> None:
    asked = await waiting_check(replica)
    assert not asked.done()
    asked.cancel()


async def test_a_replica_that_becomes_unfit_says_so_while_serve_waits(
    replica: ParserReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.handles.parser_replica.LOOK_EVERY_S", 0.001)
    await replica.open(as_document(b"1"), make_task("a.txt"), 1)
    asked = await waiting_check(replica)
    replica.reconfigure({"parser_max_pages": 1})
    with pytest.raises(RuntimeError, match="parsed 1 pages"):
        await asked


async def test_a_healthy_replica_answers_in_the_end(replica: ParserReplica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.handles.parser_replica.LOOK_EVERY_S", 0.001)
    await (await waiting_check(replica))
