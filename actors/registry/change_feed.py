"""The newest changes of jobs, for readers who follow all jobs of an owner."""

from __future__ import annotations

import asyncio
import pickle
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from secrets import randbelow
from uuid import uuid4

from actors.errors import JobExpired
from actors.messages import JobView
from actors.registry.change_clock import ChangeClock
from actors.registry_answers import JobChanges
from actors.telemetry.logs import get_logger

log = get_logger()

#: Changes that are remembered. A reader that missed more has to list its jobs again.
REMEMBERED = 10_000


#: Feeds begin to count below this number, each at another one, so that a clock never shows the same number twice.
FIRST_BELOW = 10**18


class ChangeFeed:
    """Says which jobs changed after a cursor. A cursor names a moment in the life of this feed."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._life = uuid4().hex[:12]  # cursors of an earlier process mean nothing here
        self._last = 1 + randbelow(FIRST_BELOW)
        self._changes: deque[tuple[int, str | None, str]] = deque(maxlen=remembered)  # number, owner, job id
        self._clock: ChangeClock | None = None
        self._waiters: dict[str, asyncio.Future[None]] = {}

    @property
    def cursor(self) -> str:
        """Now."""
        return f"{self._life}-{self._last}"

    @property
    def number(self) -> int:
        """The number of the newest change."""
        return self._last

    def show_in(self, file: Path) -> None:
        """Let a file show the number of the newest change from now on. Where that fails, readers ask the registry."""
        try:
            self._clock = ChangeClock(file)
        except OSError as error:
            log.warning("change_clock_missing", reason=str(error))
        else:
            self._clock.set(self._last)

    def note(self, owner: str | None, job_id: str, view: JobView | None = None) -> None:
        """A job has changed to `view`, or is gone. Without an owner, only readers of all owners' changes are told."""
        self._count((job_id, view))
        self._changes.append((self._last, owner, job_id))
        if owner is not None and (waiter := self._waiters.pop(owner, None)):
            waiter.set_result(None)

    def forget(self) -> None:
        """Any job may have changed."""
        self._count()
        self._changes.clear()
        waiters, self._waiters = self._waiters, {}
        for waiter in waiters.values():
            waiter.set_result(None)

    def _count(self, change: tuple[str, JobView | None] | None = None) -> None:
        self._last += 1
        if self._clock:
            self._clock.set(self._last, pickle.dumps((self._last, *change)) if change else None)

    def remembers(self, cursor: str | None) -> bool:
        """Whether every change after `cursor` is still known."""
        number = self._number(cursor)
        return number is not None and self._remembers(number)

    def _remembers(self, number: int) -> bool:
        forgotten = self._changes[0][0] - 1 if self._changes else self._last
        return forgotten <= number <= self._last

    def changed(self, owner: str, cursor: str) -> list[str]:
        """The jobs of `owner` that changed after a remembered `cursor`, each once, the latest change first."""
        newer = self._after(self._number(cursor) or 0)
        return list(dict.fromkeys(job_id for _, of, job_id in newer if of == owner))

    def changed_after(self, number: int) -> tuple[str, ...] | None:
        """The jobs of all owners that changed after this change; None when that is no longer known."""
        return tuple({job_id for _, _, job_id in self._after(number)}) if self._remembers(number) else None

    def _after(self, number: int) -> Iterator[tuple[int, str | None, str]]:
        return takewhile(lambda change: change[0] > number, reversed(self._changes))

    async def next_change(self, owner: str, timeout_s: float) -> None:
        """Return when a job of `owner` changes, or after `timeout_s` seconds."""
        waiter = self._waiters.get(owner)
        if waiter is None:
            waiter = self._waiters[owner] = asyncio.get_running_loop().create_future()
        await asyncio.wait([waiter], timeout=timeout_s)  # all who wait for an owner share one future

    def _number(self, cursor: str | None) -> int | None:
        life, _, number = (cursor or "").partition("-")
        return int(number) if life == self._life and number.isdecimal() and len(number) < 20 else None


async def changes_after(
    cursor: str | None,
    owner: str,
    feed: ChangeFeed,
    read: Callable[[Sequence[str]], Awaitable[Sequence[JobView | JobExpired | None]]],
    timeout_s: float,
) -> JobChanges:
    """What happened to an owner's jobs after `cursor`; waits up to `timeout_s` for the first change."""
    if cursor is None or not feed.remembers(cursor):
        return JobChanges(cursor=feed.cursor, complete=False)
    if not feed.changed(owner, cursor):
        await feed.next_change(owner, timeout_s)
        if not feed.remembers(cursor):
            return JobChanges(cursor=feed.cursor, complete=False)
    now, changed = feed.cursor, feed.changed(owner, cursor)
    views = dict(zip(changed, await read(changed), strict=True))
    return JobChanges(
        cursor=now,
        jobs=tuple(view for view in reversed(views.values()) if isinstance(view, JobView)),
        removed=tuple(job_id for job_id, view in views.items() if not isinstance(view, JobView)),
    )
