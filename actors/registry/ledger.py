"""The registry's decisions: what each event does to the jobs. Plain Python without I/O; the caller passes the time.

Leases are counted in ticks, not in clock time, so a clock that jumps or a suspended process ends no lease.

Every method handles one event and returns its answer together with effects: `Save` must be in the journal before
anybody is told, `Show` may be shown to readers. The ledger holds unfinished jobs only, so it does not grow with the
number of jobs ever run.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from actors.errors import IdempotencyMismatch, OwnerOverLimit, QueueFull, StaleLease
from actors.messages import Claim, Failure, Heartbeat, JobOutcome, JobSpec
from actors.registry.lifecycle import Event, State
from actors.registry.queue import FairQueue
from actors.registry.record import Effect, JobRecord, Recovered, Save, Show
from client.models import ErrorCode, Progress

_EPOCH = 2**32  # versions per epoch; all versions stay below 2**53, which a JSON reader's double can hold

CANCELLED = Failure(code=ErrorCode.CANCELLED, message="The job was cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`lease_ticks`: how long a lease lasts without a heartbeat. `max_deliveries`: how often a job is handed to a
    dispatcher before it fails as poison. A limit per owner is None when there is no limit.
    """

    lease_ticks: int
    max_deliveries: int
    max_queued_jobs: int
    max_queued_bytes: int
    max_queued_jobs_of_owner: int | None = None
    max_queued_bytes_of_owner: int | None = None


class Ledger:
    """All unfinished jobs."""

    def __init__(self, recovered: Recovered, limits: Limits) -> None:
        """Continue from a journal. Running jobs keep their lease, for its full time: their dispatcher may be alive."""
        self._limits = limits
        self._first_version = recovered.epoch * _EPOCH
        self._last_seq = recovered.last_seq
        self._jobs: dict[str, JobRecord] = {}
        self._keys: dict[tuple[str, str], str] = {}  # (owner, idempotency key) to job id
        self._queue = FairQueue()
        self._ticks = 0
        self._terms: dict[str, int] = {}  # running job's id to the tick when its lease ends; the first ends first
        self._given: dict[str, dict[str, None]] = {}  # the ids of each dispatcher's jobs, in the order of the claims
        self._expired: dict[str, str | None] = {}  # the newest lease of a job that expired, by job id
        self._unheard: set[str] = set()  # jobs from the journal whose dispatcher has not been heard from since
        for job in recovered.unfinished:
            self._take_in(replace(job, version=self._first_version))
            if job.state is State.RUNNING:
                self._renew(job)
                self._unheard.add(job.job_id)

    def _take_in(self, job: JobRecord) -> None:
        self._jobs[job.job_id] = job
        if job.spec.idempotency_key is not None:
            self._keys[job.spec.owner, job.spec.idempotency_key] = job.job_id
        if job.state is State.QUEUED:
            self._queue.add(job)
        else:
            self._give(job)

    # -- queries ------------------------------------------------------------------------------------------------

    @property
    def jobs(self) -> Sequence[JobRecord]:
        return tuple(self._jobs.values())

    @property
    def queued(self) -> int:
        return self._queue.queued

    @property
    def running(self) -> int:
        return self._queue.running

    @property
    def oldest_queued_at(self) -> float | None:
        """When the oldest queued job was submitted; None when the queue is empty."""
        return self._queue.oldest_at

    def get(self, job_id: str) -> JobRecord | None:
        return self._jobs.get(job_id)

    def position(self, job_id: str) -> int | None:
        """The job's place in the queue, from 1, or None when it is not queued."""
        job = self._jobs.get(job_id)
        return self._queue.position(job) if job and job.state is State.QUEUED else None

    # -- events -------------------------------------------------------------------------------------------------

    def submit(self, spec: JobSpec) -> tuple[JobRecord, list[Effect]]:
        """Add a job. A known job id, or a known key of the same owner, returns the existing job.

        Keys of ended jobs are in the journal; the caller looks there first. Raises IdempotencyMismatch, QueueFull,
        and OwnerOverLimit.
        """
        if known := self._find(spec):
            if known.spec.fingerprint != spec.fingerprint:
                raise mismatch()
            return known, []
        self._check_room(spec)
        self._last_seq += 1
        job = JobRecord(spec=spec, seq=self._last_seq, state=State.QUEUED, version=self._first_version)
        self._take_in(job)
        return job, [Save(None, job)]

    def _check_room(self, spec: JobSpec) -> None:
        size = sum(file.size for file in spec.files)
        limits = self._limits
        full = self._queue.queued >= limits.max_queued_jobs
        if full or self._queue.queued_bytes + size > limits.max_queued_bytes:
            raise QueueFull("The queue is full at present; please try again later")
        jobs, held = self._queue.of(spec.owner)
        if limits.max_queued_jobs_of_owner is not None and jobs >= limits.max_queued_jobs_of_owner:
            raise OwnerOverLimit(f"This API key has {jobs} jobs waiting, which is its limit; please try again later")
        if limits.max_queued_bytes_of_owner is not None and held + size > limits.max_queued_bytes_of_owner:
            message = f"This API key's waiting jobs may hold {limits.max_queued_bytes_of_owner} bytes together"
            raise OwnerOverLimit(f"{message}; please try again later")

    def _find(self, spec: JobSpec) -> JobRecord | None:
        job_id = spec.job_id
        if spec.idempotency_key is not None:
            job_id = self._keys.get((spec.owner, spec.idempotency_key), job_id)
        return self._jobs.get(job_id)

    def claim(
        self,
        dispatcher: str,
        limit: int,
        now: float,
        held: Collection[tuple[str, str]] = (),
        *,
        newcomers: bool = False,
    ) -> tuple[list[Claim], list[Effect]]:
        """Give up to `limit` jobs to a dispatcher that reports to hold the (job id, lease) pairs `held`.

        Jobs that it was given but does not hold come first: the response with them was lost. With `newcomers`, only
        jobs of owners whose jobs all wait are given.
        """
        effects = [effect for job_id, lease in held for effect in self._uncount(job_id, lease)]
        self._unheard.difference_update(job.job_id for job in self._given_to(dispatcher))
        claims = [_claim(job) for job in self._given_to(dispatcher) if (job.job_id, job.lease) not in held][:limit]
        while len(claims) < limit and (job := self._queue.peek()):
            if newcomers and self._queue.runs(job.spec.owner):
                break  # so do all others: the next job belongs to the owner with the fewest
            self._queue.remove(job)
            started = job.after(
                Event.CLAIM,
                attempts=job.attempts + 1,
                started_at=now,
                lease=str(job.version + 1),
                dispatcher=dispatcher,
            )
            self._give(started)
            self._renew(started)
            effects.append(self._save(job, started))
            claims.append(_claim(started))
        return claims, effects

    def _given_to(self, dispatcher: str) -> list[JobRecord]:
        return [self._jobs[job_id] for job_id in self._given.get(dispatcher, ())]

    def heartbeat(self, beats: Sequence[Heartbeat]) -> tuple[list[str], list[Effect]]:
        """Renew leases and record progress. Returns the ids of jobs that the dispatcher should stop working on."""
        stop: list[str] = []
        effects: list[Effect] = []
        for beat in beats:
            job = self._held(beat.job_id, beat.lease)
            if job is None:
                stop.append(beat.job_id)
                effects += self._uncount(beat.job_id, beat.lease)
                continue
            self._renew(job)
            self._unheard.discard(job.job_id)
            if job.cancel_requested:
                stop.append(job.job_id)
            effects += self._heard(job, beat)
        return stop, effects

    def _heard(self, job: JobRecord, beat: Heartbeat) -> list[Effect]:
        """Record what a heartbeat says. A source that is fetched is erased."""
        progress = _furthest(job.progress, beat.progress)
        if beat.fetched & job.sources.keys():
            return [self._save(job, job.without_sources(beat.fetched, progress=progress))]
        if progress == job.progress:
            return []
        self._jobs[job.job_id] = job = job.changed(progress=progress)
        return [Show(job)]

    def finish(self, job_id: str, lease: str, outcome: JobOutcome, now: float) -> tuple[JobRecord, list[Effect]]:
        """End a job with its dispatcher's outcome. Raises StaleLease when that dispatcher does not hold the job."""
        job = self._held(job_id, lease)
        if job is None:
            raise StaleLease("This job is no longer held under this lease")
        event = Event.COMPLETE
        if outcome.failure:
            event = Event.CANCEL if outcome.failure.code is ErrorCode.CANCELLED else Event.FAIL
        return self._end(job, event, outcome, now, lease=lease)

    def release(self, leases: Sequence[tuple[str, str]], now: float) -> list[Effect]:
        """End the leases of (job id, lease) pairs early; pairs that are not held are skipped."""
        return self._lapse([job for job_id, lease in leases if (job := self._held(job_id, lease))], now)

    def leave(self, dispatcher: str, now: float) -> list[Effect]:
        """Queue all jobs of a dispatcher again, as if they had not been delivered."""
        effects: list[Effect] = []
        for job in self._given_to(dispatcher):
            effects += self._stopped(job, job.attempts - 1, now)
        return effects

    def cancel(self, job_id: str, now: float) -> tuple[JobRecord, list[Effect]]:
        """A queued job ends at once. A running job is flagged, and ends with its dispatcher's answer or its lease."""
        job = self._jobs[job_id]
        if job.state is State.QUEUED:
            return self._end(job, Event.CANCEL, JobOutcome(failure=CANCELLED), now)
        if job.cancel_requested:
            return job, []
        flagged = job.changed(cancel_requested=True)
        return flagged, [self._save(job, flagged)]

    def tick(self, now: float) -> list[Effect]:
        """Take jobs with an expired lease from their dispatchers. Call it at even intervals.

        A dispatcher that is silent since the registry started has probably died with the one before, for example with
        its machine. Such a delivery does not count, as the job is not to blame.
        """
        self._ticks += 1
        ended = takewhile(lambda term: term[1] <= self._ticks, self._terms.items())
        expired = [self._jobs[job_id] for job_id, _ in ended]
        died_alone = [job for job in expired if job.job_id not in self._unheard]
        effects = self._lapse(died_alone, now)
        for job in expired:
            if job.job_id in self._unheard:
                effects += self._stopped(job, job.attempts - 1, now)
        self._expired.update({job.job_id: job.lease for job in died_alone if job.job_id in self._jobs})
        return effects

    # -- transitions --------------------------------------------------------------------------------------------

    def _give(self, job: JobRecord) -> None:
        """A dispatcher holds this job from now on."""
        self._queue.start(job.spec.owner)
        self._given.setdefault(job.dispatcher or "", {})[job.job_id] = None

    def _renew(self, job: JobRecord) -> None:
        self._terms.pop(job.job_id, None)  # so that it moves to the end: all leases last equally long
        self._terms[job.job_id] = self._ticks + self._limits.lease_ticks

    def _lapse(self, jobs: Sequence[JobRecord], now: float) -> list[Effect]:
        """Queue jobs again whose lease has ended. A job with too many deliveries fails as poison."""
        effects: list[Effect] = []
        for job in jobs:
            if job.attempts < self._limits.max_deliveries or job.cancel_requested:
                effects += self._stopped(job, job.attempts, now)
            else:
                message = f"The job failed after {job.attempts} attempts; each lost its dispatcher before a result"
                poison = JobOutcome(failure=Failure(code=ErrorCode.POISON, message=message), progress=job.progress)
                effects += self._end(job, Event.FAIL, poison, now)[1]
        return effects

    def _uncount(self, job_id: str, lease: str) -> list[Effect]:
        """Uncount the delivery of an expired lease whose dispatcher reports again: it did not die, it was late.

        Otherwise a dispatcher that is slow three times would make a good job poison.
        """
        if self._expired.get(job_id) != lease:
            return []
        del self._expired[job_id]
        job = self._jobs[job_id]
        uncounted = job.changed(attempts=job.attempts - 1)
        if job.state is State.QUEUED:
            self._queue.remove(job)
            self._queue.add(uncounted)
        return [self._save(job, uncounted)]

    def _held(self, job_id: str, lease: str) -> JobRecord | None:
        job = self._jobs.get(job_id)
        return job if job and job.state is State.RUNNING and job.lease == lease else None

    def _stopped(self, job: JobRecord, attempts: int, now: float) -> list[Effect]:
        """Take a running job from its dispatcher: cancel it if that was requested, else queue it in its old place."""
        if job.cancel_requested:
            return self._end(job, Event.CANCEL, JobOutcome(failure=CANCELLED, progress=job.progress), now)[1]
        queued = job.after(Event.REQUEUE, attempts=attempts, started_at=None, lease=None, dispatcher=None)
        self._let_go(job)
        self._queue.add(queued)
        return [self._save(job, queued)]

    def _end(
        self, job: JobRecord, event: Event, outcome: JobOutcome, now: float, lease: str | None = None
    ) -> tuple[JobRecord, list[Effect]]:
        ended = job.after(event, ended_at=now, outcome=outcome, progress=outcome.progress, lease=lease, dispatcher=None)
        del self._jobs[job.job_id]
        self._expired.pop(job.job_id, None)
        if job.spec.idempotency_key is not None:
            del self._keys[job.spec.owner, job.spec.idempotency_key]
        if job.state is State.QUEUED:
            self._queue.remove(job)
        else:
            self._let_go(job)
        return ended, [Save(job, ended)]

    def _let_go(self, job: JobRecord) -> None:
        """No dispatcher holds this job any more."""
        del self._terms[job.job_id]
        self._unheard.discard(job.job_id)
        self._queue.stop(job.spec.owner)
        given = self._given[job.dispatcher or ""]
        del given[job.job_id]
        if not given:
            del self._given[job.dispatcher or ""]

    def _save(self, before: JobRecord, after: JobRecord) -> Save:
        self._jobs[after.job_id] = after
        return Save(before, after)


def mismatch() -> IdempotencyMismatch:
    return IdempotencyMismatch("This idempotency key was already used for a different request")


def _claim(job: JobRecord) -> Claim:
    assert job.lease is not None  # running jobs have one
    return Claim(lease=job.lease, spec=job.spec, attempt=job.attempts)


def _furthest(one: Progress, other: Progress) -> Progress:
    """The larger of each count: a second delivery starts from zero, and readers should never see progress fall."""
    return Progress(**{name: max(getattr(one, name), getattr(other, name)) for name in Progress.model_fields})
