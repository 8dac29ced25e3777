"""Several registries behind the interface of one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from heapq import merge
from typing import TypeVar

from actors.delivery_messages import DeliveryReport, DueDelivery
from actors.errors import AWAY
from actors.handles.registry import RegistryHandle
from actors.handles.shard_claims import ShardClaims
from actors.job_ids import shard_of
from actors.messages import Claim, Heartbeat, InputFile, JobOutcome, JobSpec, JobView
from actors.registry_answers import JobChanges, QueueStats
from client.models import Delivery, JobStatusEnum

T = TypeVar("T")
R = TypeVar("R")

CHANGES_WAIT_S = 5.0  # a registry goes on with a wait for this long although nobody listens any more


#: The cursor of a list that begins with the newest job.
NEWEST = "9" * 18


class RegistryShards:
    """Sends each call to the registry that has its job, as the job's id says, or to all of them.

    A call to all raises one of AWAY when one of them is away, unless it says otherwise.
    """

    def __init__(self, shards: Sequence[RegistryHandle]) -> None:
        self._shards = shards
        self._claims = ShardClaims(shards)

    # -- one job ------------------------------------------------------------------------------------------------

    async def submit(self, spec: JobSpec) -> JobView:
        return await self._of(spec.job_id).submit(spec)

    async def hold_key(self, owner: str, key: str, job_id: str) -> None:
        await self._of(job_id).hold_key(owner, key, job_id)

    async def release_key(self, owner: str, key: str, job_id: str) -> None:
        await self._of(job_id).release_key(owner, key, job_id)

    async def get(self, job_id: str) -> JobView | None:
        return await self._of(job_id).get(job_id)

    async def inputs(self, job_id: str) -> tuple[InputFile, ...]:
        return await self._of(job_id).inputs(job_id)

    async def wait(self, job_id: str, version: int, timeout_s: float) -> JobView:
        return await self._of(job_id).wait(job_id, version, timeout_s)

    async def wait_ended(self, job_id: str, timeout_s: float, owner: str | None = None) -> JobView:
        return await self._of(job_id).wait_ended(job_id, timeout_s, owner)

    async def cancel(self, job_id: str, owner: str) -> JobView:
        return await self._of(job_id).cancel(job_id, owner)

    async def finish(self, job_id: str, lease: str, outcome: JobOutcome) -> None:
        await self._of(job_id).finish(job_id, lease, outcome)

    async def delivery_progress(self, report: DeliveryReport) -> None:
        await self._of(report.job_id).delivery_progress(report)

    async def deliveries(self, job_id: str) -> list[Delivery]:
        return await self._of(job_id).deliveries(job_id)

    async def redeliver(self, job_id: str) -> None:
        await self._of(job_id).redeliver(job_id)

    async def delete(self, job_id: str, owner: str) -> None:
        await self._of(job_id).delete(job_id, owner)

    # -- jobs of several registries -----------------------------------------------------------------------------

    async def claim(
        self,
        dispatcher_id: str,
        limit: int,
        timeout_s: float,
        held: Sequence[tuple[str, str]],
        *,
        newcomers: bool = False,
    ) -> list[Claim]:
        return await self._claims.claim(dispatcher_id, limit, timeout_s, held, newcomers=newcomers)

    async def heartbeat(self, beats: Sequence[Heartbeat]) -> list[str]:
        stop = await self._to_each(beats, lambda beat: beat.job_id, lambda shard, some: shard.heartbeat(some))
        return [job_id for ids in stop for job_id in ids]

    async def release(self, leases: Sequence[tuple[str, str]]) -> None:
        await self._to_each(leases, lambda lease: lease[0], lambda shard, some: shard.release(some))

    async def forget(self, job_ids: Sequence[str]) -> None:
        await self._to_each(job_ids, lambda job_id: job_id, lambda shard, some: shard.forget(some))

    async def leave(self, dispatcher_id: str) -> None:
        await _all(shard.leave(dispatcher_id) for shard in self._shards)

    async def expired(self, limit: int) -> list[str]:
        """Up to `limit` jobs of each registry that answers."""
        found = await _answered(shard.expired(limit) for shard in self._shards)
        return [job_id for ids in found for job_id in ids]

    async def journal_ids(self) -> list[str]:
        """In the order of the registries. All must answer."""
        return [each for ids in await _all(shard.journal_ids() for shard in self._shards) for each in ids]

    async def due_deliveries(self, limit: int) -> list[DueDelivery]:
        """Of each registry at most its even part, and at least one, so that none waits behind another."""
        part = -(-limit // len(self._shards))
        found = await _answered(shard.due_deliveries(part) for shard in self._shards)
        return [delivery for some in found for delivery in some]

    async def stats(self) -> QueueStats:
        """The counts of the registries that answer."""
        found = await _answered(shard.stats() for shard in self._shards)
        return QueueStats(queued=sum(each.queued for each in found), running=sum(each.running for each in found))

    async def list_jobs(
        self, owner: str, status: JobStatusEnum | None, limit: int, cursor: str | None
    ) -> tuple[list[JobView], str | None]:
        """Newest first by the time of submission. The cursor has one of each registry, joined by hyphens."""
        cursors = _split(cursor, "-", len(self._shards), NEWEST)
        pages = await _all(
            shard.list_jobs(owner, status, limit, place) for shard, place in zip(self._shards, cursors, strict=True)
        )
        in_order = list(merge(*(page for page, _ in pages), key=lambda view: -view.submitted_at))
        shown = in_order[:limit]
        for view in shown:
            cursors[shard_of(view.job_id)] = str(view.seq)
        is_last = len(in_order) <= limit and all(following is None for _, following in pages)
        return shown, None if is_last else "-".join(cursors)

    async def changes(self, owner: str, cursor: str | None, timeout_s: float) -> JobChanges:
        """The cursor has one of each registry, joined by dots."""
        cursors = _split(cursor, ".", len(self._shards), "")
        found = dict(
            enumerate(await _all(self._changes(number, owner, cursors, 0.0) for number in range(len(cursors))))
        )
        if not any(each.jobs or each.removed or not each.complete for each in found.values()):
            found = await self._next_changes(owner, cursors, min(timeout_s, CHANGES_WAIT_S))
        for number, each in found.items():
            cursors[number] = each.cursor
        return JobChanges(
            cursor=".".join(cursors),
            complete=all(each.complete for each in found.values()),
            jobs=tuple(view for each in found.values() for view in each.jobs),
            removed=tuple(job_id for each in found.values() for job_id in each.removed),
        )

    async def _next_changes(self, owner: str, cursors: Sequence[str], timeout_s: float) -> dict[int, JobChanges]:
        """Of the registries that are first to have a change."""
        waits = {
            asyncio.ensure_future(self._changes(number, owner, cursors, timeout_s)): number
            for number in range(len(cursors))
        }
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return {waits[each]: each.result() for each in done}
        finally:
            for each in waits:
                each.cancel()

    def _changes(self, number: int, owner: str, cursors: Sequence[str], timeout_s: float) -> Awaitable[JobChanges]:
        return self._shards[number].changes(owner, cursors[number] or None, timeout_s)

    # -- dispatchers among themselves: they meet in the first registry ------------------------------------------

    async def meet(self, dispatcher_id: str, wanted: int) -> dict[str, int]:
        return await self._shards[0].meet(dispatcher_id, wanted)

    async def was_waiting(self, parser: str, sent_at: float) -> bool:
        return await self._shards[0].was_waiting(parser, sent_at)

    # -- routing ------------------------------------------------------------------------------------------------

    def _of(self, job_id: str) -> RegistryHandle:
        """The registry that has a job. No registry has the job of an invalid id, so any may say so."""
        number = shard_of(job_id)
        return self._shards[number if number < len(self._shards) else 0]

    async def _to_each(
        self,
        items: Sequence[T],
        job_id_of: Callable[[T], str],
        call: Callable[[RegistryHandle, Sequence[T]], Awaitable[R]],
    ) -> list[R]:
        """Give each registry the items of its jobs. All get them, also when one is away."""
        of: dict[RegistryHandle, list[T]] = defaultdict(list)
        for item in items:
            of[self._of(job_id_of(item))].append(item)
        return await _all(call(shard, some) for shard, some in of.items())


async def _all(calls: Iterable[Awaitable[T]]) -> list[T]:
    """All answers. Waits for every call; then raises the first error."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


async def _answered(calls: Iterable[Awaitable[T]]) -> list[T]:
    """The answers of those that are not away. Raises one of AWAY when all are."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    found = [answer for answer in answers if not isinstance(answer, BaseException)]
    for error in answers:
        if isinstance(error, BaseException) and not (found and isinstance(error, AWAY)):
            raise error
    return found


def _split(cursor: str | None, separator: str, count: int, start: str) -> list[str]:
    """The cursors of `count` registries in one; `start` where there is none."""
    cursors = cursor.split(separator) if cursor else []
    return [*cursors[:count], *[start] * (count - len(cursors))]
