"""When calls that may break a parser are made: not while another parser is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from actors.dispatcher.parser_slots import ParserSlots

Living = list[int]


@pytest.fixture
def living() -> Living:
    """How many parsers live: the one entry."""
    return [2]


@pytest.fixture
def slots(living: Living) -> ParserSlots:
    slots = ParserSlots(4, running=lambda: living[0])
    slots.look_at_fleet()
    return slots


@pytest.fixture
def order() -> list[str]:
    return []


async def hold(slots: ParserSlots, job: str, order: list[str]) -> None:
    async with slots.slot(job):
        order.append(job)


async def risk(slots: ParserSlots, job: str, order: list[str]) -> None:
    async with slots.suspect(job):
        await hold(slots, job, order)


async def admitted(slots: ParserSlots, job: str, order: list[str]) -> None:
    await slots.admit(job)
    await hold(slots, job, order)


async def within_time(*works: asyncio.Future[None]) -> None:
    await asyncio.wait_for(asyncio.gather(*works), timeout=10)


async def test_a_suspect_waits_until_two_parsers_live_and_others_do_not(
    slots: ParserSlots, living: Living, order: list[str]
) -> None:
    await risk(slots, "first", order)
    living[0] = 1
    second = asyncio.create_task(risk(slots, "second", order))
    await hold(slots, "another", order)
    slots.look_at_fleet()
    await hold(slots, "yet another", order)
    assert order == ["first", "another", "yet another"]
    living[0] = 2
    slots.look_at_fleet()
    await within_time(second)


async def test_the_only_parser_works_on_what_waited_before_it_works_on_a_suspect(
    living: Living, order: list[str]
) -> None:
    living[0] = 1
    slots = ParserSlots(2, running=lambda: living[0])
    slots.look_at_fleet()
    living[0] = 0
    suspect = asyncio.create_task(risk(slots, "suspect", order))
    await asyncio.sleep(0)
    await hold(slots, "innocent", order)
    living[0] = 1
    slots.look_at_fleet()
    await within_time(suspect)
    assert order == ["innocent", "suspect"]


@pytest.mark.parametrize("enter", [risk, admitted])
async def test_nobody_waits_for_a_fleet_that_is_not_watched(
    enter: Callable[[ParserSlots, str, list[str]], asyncio.Future[None]], order: list[str]
) -> None:
    slots = ParserSlots(4)
    slots.broken_by("owner")
    await within_time(asyncio.ensure_future(enter(slots, "owner", order)))


async def test_the_owner_of_a_file_that_broke_a_parser_does_not_get_the_last_one(
    slots: ParserSlots, living: Living, order: list[str]
) -> None:
    slots.broken_by("hostile")
    living[0] = 1
    hostile = asyncio.create_task(admitted(slots, "hostile", order))
    await asyncio.sleep(0)
    await admitted(slots, "neighbour", order)
    living[0] = 2
    slots.look_at_fleet()
    await within_time(hostile)
    assert order == ["neighbour", "hostile"]


async def test_without_keys_a_file_that_broke_a_parser_delays_no_other(
    slots: ParserSlots, living: Living, order: list[str]
) -> None:
    slots.broken_by("")
    living[0] = 1
    await within_time(asyncio.ensure_future(admitted(slots, "", order)))
    assert order == [""]


@pytest.mark.parametrize(("size", "reserved"), [(0, 0), (2, 0), (4, 1), (16, 1), (18, 2), (64, 4)])
def test_one_parser_of_eight_is_left_without_a_second_span_where_there_are_several(size: int, reserved: int) -> None:
    assert ParserSlots(size).reserved == reserved
