"""What the registry answers to those who follow jobs, or count them."""

from __future__ import annotations

from dataclasses import dataclass

from actors.errors import DocfleetError
from actors.messages import JobView


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReading:
    """Jobs as they are at change number `clock` or later, and the ids of those that changed since an earlier reading.

    `changed` is None when that is not known, so that any job may have changed. In `jobs`, None stands for an unknown
    job, and JobExpired for a removed one.
    """

    clock: int
    changed: tuple[str, ...] | None
    jobs: list[JobView | DocfleetError | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChanges:
    """The jobs of an owner that changed since a cursor, as they are now, and the ids of those that are gone.

    `cursor` is where the next call goes on. With `complete` false, changes were missed: list the jobs again.
    """

    cursor: str
    complete: bool = True
    jobs: tuple[JobView, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStats:
    """Counts over unfinished jobs."""

    queued: int
    running: int
