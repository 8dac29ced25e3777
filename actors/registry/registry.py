"""The JobRegistry: owner of every job's state. An async shell around the ledger that runs its effects.

Readers see durable state only, and a call returns after its change is durable. Every method may be repeated: Ray
retries calls that were in progress when the process died.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from actors.delivery_messages import DeliveryReport, DueDelivery
from actors.errors import DocfleetError, JobEnded, JobExpired, JobNotFound, StaleLease
from actors.messages import Claim, Heartbeat, InputFile, JobOutcome, JobSpec, JobView
from actors.registry.change_feed import changes_after
from actors.registry.config import RegistryConfig as RegistryConfig
from actors.registry.journal import Journal
from actors.registry.journaled_ledger import JournaledLedger
from actors.registry.ledger import Ledger
from actors.registry.lookup import Lookup
from actors.registry.outbox import Outbox
from actors.registry.peers import Peers
from actors.registry.record import Effect
from actors.registry.submits import Submits
from actors.registry.version import version_of
from actors.registry_answers import JobChanges, JobReading, QueueStats
from actors.scheduling.deaths import Deaths
from client.models import Delivery, ErrorCode, JobStatusEnum

#: Within this time, all dispatchers have told of the calls that failed with a parser.
DEATHS_TOLD_WITHIN_S = 0.5


class JobRegistry:
    """Plain Python, so that it is tested without Ray; `actors.handles` wraps it as a detached actor."""

    def __init__(self, config: RegistryConfig, clock: Callable[[], float] = time.time) -> None:
        """Load the journal. Raises JournalUnusable rather than start without the jobs in it."""
        self._config = config
        self._clock = clock
        self._journal = Journal(config.database_url, config.shard)
        self._outbox = Outbox(self._journal)
        self._journaled = JournaledLedger(self._journal, config.limits(), clock)
        self._read_model = self._journaled.read_model
        self._lookup = Lookup(self._journaled, self._journal)
        self._submits = Submits(self._journaled, self._journal, clock)
        if config.clock_file:
            self._read_model.feed.show_in(Path(config.clock_file))
        #: Dispatchers that have left, 100 bytes each. Ray does not end a claim whose caller is gone.
        self._left: set[str] = set()
        self._peers = Peers()
        self._deaths = Deaths(DEATHS_TOLD_WITHIN_S)

    # -- clients ------------------------------------------------------------------------------------------------

    async def submit(self, spec: JobSpec) -> JobView:
        """Add a job; durable on return. A known job id, or a known key of the same owner, returns the existing job.

        Raises IdempotencyConflict, IdempotencyMismatch, QueueFull, OwnerOverLimit, StoreUnavailable.
        """
        (view,) = await self.submit_many([spec])
        if isinstance(view, DocfleetError):
            raise view
        return view

    async def submit_many(self, specs: Sequence[JobSpec]) -> list[JobView | DocfleetError]:
        """`submit` for each job; an error that `submit` would raise is returned in the job's place."""
        return await self._submits.submit_many(specs)

    async def hold_key(self, owner: str, key: str, job_id: str) -> None:
        """Reserve an idempotency key for the upload of `job_id`, for HOLD_S seconds or until its submit.

        Raises IdempotencyConflict while another upload holds the key.
        """
        self._submits.reservations.take(owner, key, job_id, self._clock())

    async def release_key(self, owner: str, key: str, job_id: str) -> None:
        """The upload failed: release its key for others."""
        self._submits.reservations.release(owner, key, job_id)

    async def get_many(self, job_ids: Sequence[str]) -> list[JobView | JobExpired | None]:
        """The jobs, in the order of `job_ids`. None stands for an unknown job, JobExpired for a removed one."""
        return await self._lookup.get_many(job_ids)

    async def read(self, job_ids: Sequence[str], seen: int) -> JobReading:
        """The jobs as in `get_many`, and which jobs have changed after change number `seen`."""
        feed = self._read_model.feed
        clock, changed = feed.number, feed.changed_after(seen)  # first: later changes are for the next reading
        return JobReading(clock=clock, changed=changed, jobs=list(await self.get_many(job_ids)))

    async def get(self, job_id: str) -> JobView:
        """One job. Raises JobNotFound, JobExpired."""
        return await self._lookup.get(job_id)

    async def inputs(self, job_id: str) -> tuple[InputFile, ...]:
        """The files that were submitted as a job, without their sources. Empty for an unknown job."""
        return await self._lookup.inputs(job_id)

    async def wait(self, job_id: str, version: int, timeout_s: float) -> JobView:
        """The job once its version differs from `version` or it has ended; at the latest after `timeout_s`.

        Raises JobNotFound, JobExpired.
        """
        return await self._lookup.wait_until(lambda job: job.version != version, job_id, timeout_s)

    async def wait_ended(self, job_id: str, timeout_s: float, owner: str | None = None) -> JobView:
        """The job once it has ended, at the latest after `timeout_s`. Raises JobNotFound, JobExpired.

        With `owner`, another owner's job is not found, at once.
        """
        return await self._lookup.wait_ended(job_id, timeout_s, owner)

    async def cancel(self, job_id: str, owner: str) -> JobView:
        """Stop a job: a queued one at once, a running one after its dispatcher's next heartbeat.

        Raises JobNotFound (also for another owner's job), JobExpired, and JobEnded unless it was already cancelled.
        """
        ledger = self._journaled.ledger
        job = ledger.get(job_id)
        if job is None:
            return await self._cancel_ended(job_id, owner)
        if job.spec.owner != owner:
            raise JobNotFound.of(job_id)
        job, effects = ledger.cancel(job_id, self._clock())
        self._journaled.run(effects)
        await self._journaled.settled()
        return self._journaled.view(job)

    async def _cancel_ended(self, job_id: str, owner: str) -> JobView:
        await self._journaled.settled()  # its end may not be in the journal yet
        try:
            view = await self.get(job_id)
        except JobExpired as expired:
            raise (expired if expired.owner == owner else JobNotFound.of(job_id)) from None
        if view.owner != owner:
            raise JobNotFound.of(job_id)
        if not (view.failure and view.failure.code is ErrorCode.CANCELLED):
            raise JobEnded(f"Job {job_id} has ended already")
        return view

    async def list_jobs(
        self, owner: str, status: JobStatusEnum | None, limit: int, cursor: str | None
    ) -> tuple[list[JobView], str | None]:
        """An owner's jobs, newest first, and the cursor of the next page (None on the last page)."""
        return await self._lookup.newest(owner, status, limit, cursor)

    async def changes(self, owner: str, cursor: str | None, timeout_s: float) -> JobChanges:
        """What happened to an owner's jobs after `cursor`, waiting up to `timeout_s` for the first change.

        An unknown or outdated cursor gets the present one, and no jobs.
        """
        return await changes_after(cursor, owner, self._read_model.feed, self.get_many, timeout_s)

    async def stats(self) -> QueueStats:
        ledger = self._journaled.ledger
        return QueueStats(queued=ledger.queued, running=ledger.running)

    async def version(self) -> str:
        """The version of the code and settings that run here; a deployment compares it with its own."""
        return version_of(self._config)

    # -- dispatchers --------------------------------------------------------------------------------------------

    async def claim(
        self,
        dispatcher_id: str,
        limit: int,
        timeout_s: float,
        held: Sequence[tuple[str, str]] = (),
        *,
        newcomers: bool = False,
    ) -> list[Claim]:
        """Lease up to `limit` jobs, waiting up to `timeout_s` for the first.

        `held` are the (job id, lease) pairs that the dispatcher knows it holds. If a claim's response was lost, its
        jobs are sent again under the same lease. With `newcomers`, only jobs of owners whose jobs all wait are leased.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        known = {(job_id, lease) for job_id, lease in held}
        turns = self._journaled.claim_turns
        while dispatcher_id not in self._left:
            ledger = self._journaled.ledger  # a new one after a failed write
            claims, effects = ledger.claim(dispatcher_id, limit, self._clock(), known, newcomers=newcomers)
            self._journaled.run(effects)
            turns.claimed(some_left=bool(ledger.queued))
            if claims:
                await self._journaled.settled()
                return claims
            try:
                async with asyncio.timeout_at(deadline):
                    await turns.wait(dispatcher_id)
            except TimeoutError:
                break
        return []

    async def claimable(self, timeout_s: float) -> bool:
        """Whether a job waits to be claimed, at the latest after `timeout_s`. One caller at a time hears of it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._journaled.claim_turns.wait_for_jobs(lambda: self._journaled.ledger.queued)
        return bool(self._journaled.ledger.queued)

    async def heartbeat(self, beats: Sequence[Heartbeat]) -> list[str]:
        """Renew leases and report progress. Returns the ids of jobs to stop: cancelled, or taken over by another."""
        ledger = self._journaled.ledger
        stop, effects = ledger.heartbeat(beats)
        self._journaled.run(effects)
        # A job that has left the ledger but not the read model is being committed: its own dispatcher has ended it.
        return [job_id for job_id in stop if ledger.get(job_id) or not self._read_model.get(job_id)]

    async def finish(self, job_id: str, lease: str, outcome: JobOutcome) -> None:
        """End a job. A repeat is accepted. Raises StaleLease when this lease no longer holds the job."""
        (refusal,) = await self.finish_many([(job_id, lease, outcome)])
        if refusal:
            raise refusal

    async def finish_many(self, ends: Sequence[tuple[str, str, JobOutcome]]) -> list[StaleLease | None]:
        """`finish` for each (job id, lease, outcome); an error that `finish` would raise is returned in its place."""
        ledger = self._journaled.ledger
        refusals = [self._finish(ledger, *end) for end in ends]
        await self._journaled.settled()
        refused = [job_id for (job_id, _, _), refusal in zip(ends, refusals, strict=True) if refusal]
        jobs = await self._journaled.read(self._journal.get, refused) if refused else {}
        repeats = {(job.job_id, job.lease) for job in jobs.values() if job.ended}
        return [None if end[:2] in repeats else refusal for end, refusal in zip(ends, refusals, strict=True)]

    def _finish(self, ledger: Ledger, job_id: str, lease: str, outcome: JobOutcome) -> StaleLease | None:
        try:
            _, effects = ledger.finish(job_id, lease, outcome, self._clock())
        except StaleLease as refusal:
            return refusal
        self._journaled.run(effects)
        return None

    async def release(self, leases: Sequence[tuple[str, str]]) -> None:
        """End these (job id, lease) pairs' leases now, because work on the jobs has stopped."""
        await self._take_back(self._journaled.ledger.release(leases, self._clock()))

    async def leave(self, dispatcher_id: str) -> None:
        """Queue all of a leaving dispatcher's jobs in their old places, and give it no more.

        These deliveries do not count towards `max_deliveries`.
        """
        self._left.add(dispatcher_id)
        self._peers.leave(dispatcher_id)
        await self._take_back(self._journaled.ledger.leave(dispatcher_id, self._clock()))

    async def meet(self, dispatcher_id: str, wanted: int) -> dict[str, int]:
        """Note how many slots of parsers a dispatcher could use now. Returns what each dispatcher wants."""
        return self._peers.meet(dispatcher_id, wanted, self._clock())

    async def was_waiting(self, parser: str, sent_at: float) -> bool:
        """Whether an older call than the one sent at `sent_at` (Unix seconds) failed with the same parser just now."""
        return await self._deaths.was_waiting(sent_at, parser)

    async def _take_back(self, effects: Sequence[Effect]) -> None:
        self._journaled.run(effects)
        self._journaled.claim_turns.wake()
        await self._journaled.settled()

    # -- deliveries ---------------------------------------------------------------------------------------------

    async def due_deliveries(self, limit: int) -> list[DueDelivery]:
        """Lease up to `limit` due deliveries to the caller."""
        return await self._journaled.write(self._outbox.take, limit, self._clock())

    async def delivery_progress(self, report: DeliveryReport) -> None:
        """Record a delivery's progress. Raises StaleLease when the report's lease no longer holds the delivery."""
        await self._journaled.write(self._outbox.record, report, self._clock())

    async def deliveries(self, job_id: str) -> list[Delivery]:
        """A job's deliveries, sent and pending. Empty for an unfinished or unknown job."""
        return await self._journaled.read(self._outbox.of, job_id)

    async def redeliver(self, job_id: str) -> None:
        """Send a job's deliveries again now, except those being sent. Does nothing for an unfinished or unknown job."""
        await self._journaled.write(self._outbox.again, job_id, self._clock())

    # -- garbage collection -------------------------------------------------------------------------------------

    async def expired(self, limit: int) -> list[str]:
        """Ids of jobs past their time to live, oldest first. Remove their blobs, then `forget` them."""
        return await self._journaled.read(self._journal.expired, self._clock() - self._config.job_ttl_s, limit)

    async def journal_ids(self) -> list[str]:
        """The id of each registry's journal, here of this one: a store of blobs remembers whose it is."""
        return [await self._journaled.read(self._journal.identity)]

    async def forget(self, job_ids: Sequence[str]) -> None:
        """Remove ended jobs; for `tombstone_ttl_s` they raise JobExpired. Other jobs are skipped."""
        await self._journaled.write(self._journal.bury, job_ids, self._clock())
        for job_id in job_ids:
            self._read_model.feed.note(None, job_id)
        await self._journaled.write(self._journal.forget_buried, self._clock() - self._config.tombstone_ttl_s)

    async def delete(self, job_id: str, owner: str) -> None:
        """Remove an ended job without a trace. Unfinished, unknown and other owners' jobs are skipped."""
        job = (await self._journaled.read(self._journal.get, [job_id])).get(job_id)
        if job and job.spec.owner == owner:
            await self._journaled.write(self._journal.delete, [job_id])
            self._read_model.feed.note(owner, job_id)

    async def close(self) -> None:
        """Close the journal once everything acknowledged is in it. The registry cannot be used afterwards."""
        await self._journaled.close()
