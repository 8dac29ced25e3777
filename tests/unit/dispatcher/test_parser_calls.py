"""Who is blamed when a parser dies: a call that it worked on, and never one that waited behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from actors.dispatcher.parser_calls import Hung, ParserCalls
from actors.dispatcher.parser_slots import ParserSlots
from actors.errors import ParserDied, ResultLost
from actors.messages import FileTask
from client.models import ParseOptions


@pytest.fixture(autouse=True)
def deaths_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests depend on which calls failed together, so a loaded machine must not tear them apart."""
    monkeypatch.setattr("actors.scheduling.deaths.SAME_MOMENT_S", 0.2)


class OneParser:
    """A parser that works on its calls in the order of their arrival. When it dies, all of them fail at once."""

    def __init__(self) -> None:
        self.worked_on: list[str] = []
        self._waiting: list[tuple[str, asyncio.Future[str]]] = []
        self._worker: asyncio.Task[None] | None = None
        self._deaths = 0

    async def call(self, name: str) -> str:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((name, answer))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            name, answer = self._waiting[0]
            self.worked_on.append(name)
            await asyncio.sleep(0.01)
            if name.startswith("killer"):
                return self._die()
            self._waiting.pop(0)
            answer.set_result(name)
        return None

    def _die(self) -> None:
        lost, self._waiting = self._waiting, []
        self._deaths += 1
        for _, answer in lost:
            answer.set_exception(ParserDied("the parser process died", f"process {self._deaths}"))


@pytest.fixture
def slots() -> ParserSlots:
    return ParserSlots(8)


def calls(slots: ParserSlots, job_id: str) -> ParserCalls:
    task = FileTask(job_id=job_id, index=0, filename="a.pdf", size=1, options=ParseOptions(), metadata={})
    return ParserCalls(slots, task)


async def test_a_call_behind_killers_succeeds_however_many_they_are(slots: ParserSlots) -> None:
    parser = OneParser()

    def ask(name: str) -> Awaitable[str]:
        return calls(slots, name).twice(lambda _: parser.call(name), 60.0)

    names = ["killer 1", "killer 2", "innocent", "killer 3", "killer 4", "killer 5"]
    answers = await asyncio.gather(*map(ask, names), return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, ParserDied)] == ["innocent"]
    assert {name: parser.worked_on.count(name) for name in names} == {name: 2 if "k" in name else 1 for name in names}


async def test_a_call_that_waited_behind_a_killer_is_repeated_before_it(slots: ParserSlots) -> None:
    parser = OneParser()
    killer, innocent = (
        asyncio.create_task(calls(slots, name).twice(lambda _, name=name: parser.call(name), 60.0))
        for name in ("killer", "innocent")
    )
    assert await innocent == "innocent"
    with pytest.raises(ParserDied):
        await killer
    assert parser.worked_on == ["killer", "innocent", "killer"]


async def test_a_call_has_its_time_limit_in_its_task(slots: ParserSlots) -> None:
    limits: list[float] = []

    async def call(task: FileTask) -> None:
        limits.append(task.time_limit_s)

    await calls(slots, "job").once(call, 7.5)
    assert limits == [7.5]


def failing(error: Exception, after_s: float, tries: list[None]) -> Callable[[FileTask], Awaitable[None]]:
    async def call(_: FileTask) -> None:
        tries.append(None)
        await asyncio.sleep(after_s)
        raise error

    return call


@pytest.mark.parametrize(("alone", "expected"), [(True, 2), (False, 1)])
async def test_a_call_that_hangs_is_repeated_only_if_it_cannot_be_cut(
    slots: ParserSlots, alone: bool, expected: int
) -> None:
    tries: list[None] = []
    with pytest.raises(Hung, match="ended after 0 s without an answer"):
        await calls(slots, "job").twice(failing(ParserDied("died"), 0.02, tries), 0.01, alone=alone)
    assert len(tries) == expected


async def test_a_result_that_is_lost_is_nobodys_fault_and_no_hang(slots: ParserSlots) -> None:
    tries: list[None] = []
    with pytest.raises(ResultLost):
        await calls(slots, "job").twice(failing(ResultLost("lost"), 0.02, tries), 0.01)
    assert len(tries) == 2


async def test_parsers_that_die_at_the_same_moment_are_told_apart(slots: ParserSlots) -> None:
    tries: dict[str, int] = {"a": 0, "b": 0}

    async def ask(parser: str) -> None:
        async def call(_: FileTask) -> None:
            tries[parser] += 1
            raise ParserDied("the parser process died", parser)

        await calls(slots, parser).once(call, 60.0)

    ended = await asyncio.gather(ask("a"), ask("b"), return_exceptions=True)
    assert [str(error) for error in ended] == ["the parser process died"] * 2
    assert tries == {"a": 1, "b": 1}


async def test_a_second_try_has_a_parser_for_itself(slots: ParserSlots) -> None:
    sent: list[bool] = []

    async def call(task: FileTask) -> None:
        sent.append(task.alone)
        raise ParserDied("the parser process died")

    with pytest.raises(ParserDied):
        await calls(slots, "job").twice(call, 60.0)
    assert sent == [False, True]


async def test_a_call_that_waited_for_a_killer_does_not_wait_for_suspects(slots: ParserSlots) -> None:
    parser = OneParser()
    async with slots.suspect("a file that broke a parser"):
        killer = asyncio.create_task(calls(slots, "killer").once(lambda _: parser.call("killer"), 60.0))
        await asyncio.sleep(0)
        assert await calls(slots, "innocent").twice(lambda _: parser.call("innocent"), 60.0) == "innocent"
    with pytest.raises(ParserDied):
        await killer
    assert parser.worked_on == ["killer", "innocent"]
