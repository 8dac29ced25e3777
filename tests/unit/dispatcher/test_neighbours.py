"""Two owners share two parsers. The files of one kill parsers; the other is answered meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from actors.dispatcher.parser_calls import ParserCalls
from actors.dispatcher.parser_slots import ParserSlots
from actors.errors import ParserDied
from actors.messages import FileTask
from client.models import ParseOptions

START_S = 0.1


class Fleet:
    """Parsers that work on one call at a time. A killer ends its parser, and another one starts in its place."""

    def __init__(self, size: int) -> None:
        self.living = self.fewest = size
        self.tries: Counter[str] = Counter()
        self._free = asyncio.Semaphore(size)

    async def parse(self, name: str) -> str:
        await self._free.acquire()
        self.tries[name] += 1
        await asyncio.sleep(0.001)
        if not name.startswith("killer"):
            self._free.release()
            return name
        self.living -= 1
        self.fewest = min(self.fewest, self.living)
        asyncio.get_running_loop().call_later(START_S, self._started)
        raise ParserDied("the parser process died", parser=f"{name} {self.tries[name]}")

    def _started(self) -> None:
        self.living += 1
        self._free.release()


@pytest.fixture
def fleet() -> Fleet:
    return Fleet(2)


@pytest.fixture
async def slots(fleet: Fleet) -> AsyncIterator[ParserSlots]:
    async def look() -> None:
        while True:
            slots.look_at_fleet()
            await asyncio.sleep(START_S / 10)

    slots = ParserSlots(4, running=lambda: fleet.living)
    looking = asyncio.create_task(look())
    yield slots
    looking.cancel()


async def parse(fleet: Fleet, slots: ParserSlots, owner: str, name: str) -> None:
    task = FileTask(job_id=name, index=0, filename="a.pdf", size=1, options=ParseOptions(), metadata={}, owner=owner)
    await ParserCalls(slots, task).twice(lambda _: fleet.parse(name), 60.0)


async def killed(fleet: Fleet, slots: ParserSlots, name: str) -> None:
    with pytest.raises(ParserDied):
        await parse(fleet, slots, "hostile", name)


async def test_one_file_after_the_other_never_ends_both_parsers(fleet: Fleet, slots: ParserSlots) -> None:
    names = [f"killer {number}" for number in range(4)]
    for name in names:
        await killed(fleet, slots, name)
    assert fleet.fewest == 1
    assert [fleet.tries[name] for name in names] == [2] * 4


async def test_a_file_of_another_owner_is_parsed_at_each_moment(fleet: Fleet, slots: ParserSlots) -> None:
    async def attack() -> None:
        for number in range(3):
            await killed(fleet, slots, f"killer {number}")

    attacking, answered = asyncio.create_task(attack()), 0
    while not attacking.done():
        await asyncio.wait_for(parse(fleet, slots, "neighbour", f"tiny {answered}"), timeout=10)
        answered += 1
    await attacking
    assert fleet.fewest == 1
    assert set(fleet.tries.values()) == {1, 2}
    assert all(fleet.tries[f"tiny {number}"] == 1 for number in range(answered))


async def test_other_files_of_the_hostile_owner_are_parsed_when_both_parsers_live(
    fleet: Fleet, slots: ParserSlots
) -> None:
    await asyncio.gather(killed(fleet, slots, "killer"), parse(fleet, slots, "hostile", "good"))
    await parse(fleet, slots, "hostile", "another good")
    assert fleet.tries["good"] == fleet.tries["another good"] == 1
