"""Calls the parsers for one file: in fair turns, within a time limit, and with a second try in quarantine."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from typing import TypeVar

from actors.dispatcher.parser_slots import ParserSlots
from actors.errors import FleetUnavailable, ParserDied, ParserFailed, ResultLost
from actors.messages import FileTask
from actors.telemetry.logs import get_logger
from actors.telemetry.metrics import SPAN_RETRIES
from actors.telemetry.retries import retry

T = TypeVar("T")
log = get_logger()

#: Sends a task, with the time limit of this call in it, to a parser.
Call = Callable[[FileTask], Awaitable[T]]

#: What a bad page does to its parser. A hang looks like a death: the replica ends its own process.
FAILURES = (ParserDied, ParserFailed)


class Hung(ParserDied):
    """The call passed its time limit. A second try would take as long again."""


class WaitedInVain(ParserDied):
    """The parser died of another call. This one only waited for its turn there."""


class ParserCalls:
    """The calls of one file. Those that are spans yield to other jobs."""

    def __init__(self, slots: ParserSlots, task: FileTask, *, spans: bool = False) -> None:
        self._slots = slots
        self._task = task
        self._spans = spans

    async def twice(
        self, call: Call[T], limit_s: float, *, suspect: bool = False, alone: bool = False, tried: bool = False
    ) -> T:
        """Make a call, and repeat it in quarantine when a parser fails under it.

        A call that hangs is repeated only if it stands `alone`: any other can be cut into less. `tried`: the same work
        has broken a parser before, in another call, so this is the second try.
        """
        if tried:
            return await self.once(call, limit_s, suspect=True)
        try:
            return await self.once(call, limit_s, suspect=suspect)
        except Hung:
            if not alone:
                raise
        except FAILURES:
            pass
        return await self.once(call, limit_s, suspect=True)

    async def once(self, call: Call[T], limit_s: float, *, suspect: bool = False) -> T:
        """Make a call. One that only waited when its parser died is repeated at once: that try does not count.

        A `suspect` may break its parser. Suspects run one at a time, the jobs in turn, while other parsers live. So
        they do not endanger the whole fleet. Raises Hung when the call passed `limit_s`.
        """
        waited = False
        while True:
            try:
                async with self._turn(suspect=suspect, waited=waited):
                    return await self._in_slot(call, limit_s, alone=suspect or waited)
            except WaitedInVain as failure:
                log.info("call_repeated", job=self._task.job_id, reason=failure.message)
                waited = True

    @asynccontextmanager
    async def _turn(self, *, suspect: bool, waited: bool) -> AsyncIterator[None]:
        """What a call holds besides the slot of its parser."""
        job_id = self._task.job_id
        if suspect:
            async with self._slots.suspect(job_id):
                yield
        else:
            await self._slots.admit(self._task.owner)
            async with self._slots.repeated.slot(job_id, owner=self._task.owner) if waited else nullcontext():
                yield

    @retry(on=FleetUnavailable, attempts=None, timeout=None, wait_max=5.0)
    async def _in_slot(self, call: Call[T], limit_s: float, *, alone: bool) -> T:
        """Make a call in a slot. Waits for a fleet without replicas."""
        async with self._slots.slot(self._task.job_id, yields=self._spans, owner=self._task.owner):
            sent_at = time.monotonic()
            try:
                return await call(replace(self._task, time_limit_s=limit_s, alone=alone))
            except FAILURES as failure:
                raise await self._failure(failure, sent_at, limit_s) from failure

    @retry(on=FleetUnavailable, attempts=None, timeout=None, wait_max=5.0)
    async def answered(self, call: Call[T]) -> T:
        """Have a remote model answer, without a parser's slot: no parser waits for a model. Repeats a call that nobody
        took, or that died with the process that asks. Raises ModelUnavailable."""
        return await call(self._task)

    async def _failure(self, failure: Exception, sent_at: float, limit_s: float) -> Exception:
        """What a failed call is to its caller: itself, hung, or not to blame."""
        elapsed = time.monotonic() - sent_at
        died = failure if isinstance(failure, ParserDied) and not isinstance(failure, ResultLost) else None
        if died and await self._slots.deaths.was_waiting(sent_at, died.parser):
            SPAN_RETRIES.record(reason="died")
            return WaitedInVain("the parser died of another call")
        if died:
            self._slots.broken_by(self._task.owner)
        log.warning("parser_failed", job=self._task.job_id, reason=str(failure), after_s=round(elapsed, 1))
        if died and elapsed >= limit_s:
            SPAN_RETRIES.record(reason="hung")
            return Hung(f"the parser hung: it was ended after {elapsed:.0f} s without an answer")
        SPAN_RETRIES.record(reason="died" if isinstance(failure, ParserDied) else "failed")
        return failure
