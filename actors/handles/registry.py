"""The registry actor as a typed facade."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from ray.actor import ActorHandle
from ray.exceptions import ActorDiedError, RayActorError, RayError, RayTaskError

from actors.delivery_messages import DeliveryReport, DueDelivery
from actors.errors import DocfleetError, FleetUnavailable
from actors.handles.batching import Batched
from actors.handles.error_mapping import own_error
from actors.handles.job_waits import JobWaits
from actors.handles.known_jobs import NO_CLOCK, Clock, KnownJobs
from actors.messages import Claim, Heartbeat, InputFile, JobOutcome, JobSpec, JobView
from actors.registry_answers import JobChanges, QueueStats
from actors.telemetry.logs import get_logger
from client.models import Delivery, JobStatusEnum

log = get_logger()

ANSWER_WITHIN_S = 2.0  # how long a call waits for a registry that may be restarting
REOPEN_AFTER_S = 3.0  # by then, a deployment with other code has created its own registry


class RegistryHandle:
    """The JobRegistry, for ingress replicas and dispatchers alike; its methods are documented there.

    It is created again when Ray has given it up. That happens when it cannot start, for example because its database
    stayed away too long.
    """

    def __init__(
        self, actor: ActorHandle[Any], reopen: Callable[[], ActorHandle[Any]], clock: Clock = NO_CLOCK
    ) -> None:
        self._actor = actor
        self._reopen = reopen
        self._reopening: asyncio.Task[None] | None = None
        self._known = KnownJobs(clock)
        self._reads: Batched[str, JobView | None] = Batched(self._get_many)
        self._waits = JobWaits(self._known, self._reads.get)
        self._submits: Batched[JobSpec, JobView] = Batched(self._submit_many)
        self._finishes: Batched[tuple[str, str, JobOutcome], None] = Batched(self._finish_many)

    async def submit(self, spec: JobSpec) -> JobView:
        """Durable on return. Repeating it with the same job id or idempotency key gives the same job."""
        return await self._submits.get(spec)

    async def hold_key(self, owner: str, key: str, job_id: str) -> None:
        await self._ask(self._actor.hold_key.remote(owner, key, job_id))

    async def release_key(self, owner: str, key: str, job_id: str) -> None:
        await self._ask(self._actor.release_key.remote(owner, key, job_id))

    async def get(self, job_id: str) -> JobView | None:
        """The job, or None when it is unknown. Raises JobExpired when it was removed."""
        return self._known.get(job_id) or await self._reads.get(job_id)

    async def inputs(self, job_id: str) -> tuple[InputFile, ...]:
        return await self._ask(self._actor.inputs.remote(job_id))

    async def wait(self, job_id: str, version: int, timeout_s: float) -> JobView:
        """The job once its version differs from `version`, at the latest after `timeout_s`."""
        if self._known.hears_of_changes:
            return await self._waits.until(lambda job: job.version != version, job_id, timeout_s)
        return await self._ask(self._actor.wait.remote(job_id, version, timeout_s), timeout_s)

    async def wait_ended(self, job_id: str, timeout_s: float, owner: str | None = None) -> JobView:
        """The job once it has ended, at the latest after `timeout_s`. With `owner`, only a job of that owner."""
        if self._known.hears_of_changes:
            return await self._waits.ended(job_id, timeout_s, owner)
        return await self._ask(self._actor.wait_ended.remote(job_id, timeout_s, owner), timeout_s)

    async def cancel(self, job_id: str, owner: str) -> JobView:
        return await self._ask(self._actor.cancel.remote(job_id, owner))

    async def list_jobs(
        self, owner: str, status: JobStatusEnum | None, limit: int, cursor: str | None
    ) -> tuple[list[JobView], str | None]:
        return await self._ask(self._actor.list_jobs.remote(owner, status, limit, cursor))

    async def changes(self, owner: str, cursor: str | None, timeout_s: float) -> JobChanges:
        return await self._ask(self._actor.changes.remote(owner, cursor, timeout_s), timeout_s)

    async def stats(self) -> QueueStats:
        return await self._ask(self._actor.stats.remote())

    async def claim(
        self,
        dispatcher_id: str,
        limit: int,
        timeout_s: float,
        held: Sequence[tuple[str, str]],
        *,
        newcomers: bool = False,
    ) -> list[Claim]:
        asked = (dispatcher_id, limit, timeout_s, list(held))
        return await self._ask(self._actor.claim.remote(*asked, newcomers=newcomers), timeout_s)

    async def claimable(self, timeout_s: float) -> bool:
        """Whether a job waits to be claimed, at the latest after `timeout_s`."""
        return bool(await self._ask(self._actor.claimable.remote(timeout_s), timeout_s))

    async def heartbeat(self, beats: Sequence[Heartbeat]) -> list[str]:
        return await self._ask(self._actor.heartbeat.remote(list(beats)))

    async def finish(self, job_id: str, lease: str, outcome: JobOutcome) -> None:
        await self._finishes.get((job_id, lease, outcome))

    async def release(self, leases: Sequence[tuple[str, str]]) -> None:
        await self._ask(self._actor.release.remote(list(leases)))

    async def leave(self, dispatcher_id: str) -> None:
        await self._ask(self._actor.leave.remote(dispatcher_id))

    async def meet(self, dispatcher_id: str, wanted: int) -> dict[str, int]:
        found: dict[str, int] = await self._ask(self._actor.meet.remote(dispatcher_id, wanted))
        return found

    async def was_waiting(self, parser: str, sent_at: float) -> bool:
        return bool(await self._ask(self._actor.was_waiting.remote(parser, sent_at)))

    async def due_deliveries(self, limit: int) -> list[DueDelivery]:
        return await self._ask(self._actor.due_deliveries.remote(limit))

    async def delivery_progress(self, report: DeliveryReport) -> None:
        await self._ask(self._actor.delivery_progress.remote(report))

    async def deliveries(self, job_id: str) -> list[Delivery]:
        return await self._ask(self._actor.deliveries.remote(job_id))

    async def redeliver(self, job_id: str) -> None:
        await self._ask(self._actor.redeliver.remote(job_id))

    async def delete(self, job_id: str, owner: str) -> None:
        """Remove an ended job. Delete its blobs first, so that an interrupted deletion can be repeated."""
        await self._ask(self._actor.delete.remote(job_id, owner))

    async def expired(self, limit: int) -> list[str]:
        return await self._ask(self._actor.expired.remote(limit))

    async def journal_ids(self) -> list[str]:
        return await self._ask(self._actor.journal_ids.remote())

    async def forget(self, job_ids: Sequence[str]) -> None:
        await self._ask(self._actor.forget.remote(list(job_ids)))

    async def _get_many(self, job_ids: list[str]) -> Sequence[JobView | DocfleetError | None]:
        seen, asked = self._known.seen, [*job_ids, *self._known.without_place()]
        answers = self._known.learn(await self._ask(self._actor.read.remote(asked, seen)), seen)
        return answers[: len(job_ids)]

    async def _submit_many(self, specs: list[JobSpec]) -> list[JobView | DocfleetError]:
        return await self._ask(self._actor.submit_many.remote(specs))

    async def _finish_many(self, ends: list[tuple[str, str, JobOutcome]]) -> list[DocfleetError | None]:
        return await self._ask(self._actor.finish_many.remote(ends))

    async def _ask(self, call: Any, patience_s: float = 0.0) -> Any:
        """Await a call that may itself wait for `patience_s`. Ray retries calls across a restart of the registry, but
        the caller gets FleetUnavailable instead of hanging."""
        try:
            async with asyncio.timeout(patience_s + ANSWER_WITHIN_S):  # 3.11's wait_for can swallow a cancellation
                return await call
        except RayTaskError as error:
            raise own_error(error) from None
        except (TimeoutError, RayActorError) as error:
            if isinstance(error, ActorDiedError) and (self._reopening is None or self._reopening.done()):
                self._reopening = asyncio.create_task(self._open_again())
            raise FleetUnavailable("The job registry does not answer at present; please try again") from error

    async def _open_again(self) -> None:
        await asyncio.sleep(REOPEN_AFTER_S)
        try:
            self._actor = await asyncio.to_thread(self._reopen)
        except (RayError, FleetUnavailable) as error:  # the next failing call tries again
            log.warning("registry_not_opened", reason=str(error))
