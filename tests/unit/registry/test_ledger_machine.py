"""Any order of events, including crashes, compared with a model that is too simple to be wrong.

The ledger may be ahead of the journal: what a commit has not reached yet is lost in a crash, and was not
acknowledged to anybody. The journal here is a dict of rows that are written, guarded and read as the real one's are.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.errors import IdempotencyMismatch, QueueFull, StaleLease
from actors.messages import Claim, Failure, Heartbeat, InputFile, JobOutcome, JobSpec
from actors.registry.ledger import Ledger, Limits
from actors.registry.record import Effect, JobRecord, Recovered, Save
from actors.registry.rows import from_row, to_insert, to_update
from client.models import ErrorCode, ParseOptions, Progress

LEASE_TICKS = 3
LIMITS = Limits(lease_ticks=LEASE_TICKS, max_deliveries=3, max_queued_jobs=6, max_queued_bytes=10**6)

dispatchers = st.sampled_from(["d1", "d2"])


@dataclass
class Job:
    """The model's state of a job."""

    owner: str
    key: str | None
    state: str = "queued"
    holder: str = ""
    lease: str = ""
    until: int = 0
    attempts: int = 0
    cancel: bool = False
    heard: bool = True  # its dispatcher spoke to this registry


@dataclass
class Model:
    """Jobs by id, in order of submission, as if nothing had ever failed."""

    jobs: dict[str, Job] = field(default_factory=dict)
    expired: dict[str, str] = field(default_factory=dict)  # the newest lease of a job that expired

    def hears_of(self, job_id: str, lease: str) -> None:
        """The dispatcher of an expired lease still speaks of it: that delivery does not count."""
        if self.expired.get(job_id) == lease:
            del self.expired[job_id]
            if self.jobs[job_id].state in ("queued", "running"):
                self.jobs[job_id].attempts -= 1

    def having(self, state: str) -> dict[str, Job]:
        return {job_id: job for job_id, job in self.jobs.items() if job.state == state}

    def next_queued(self) -> str:
        running = [job.owner for job in self.having("running").values()]
        queued = self.having("queued")
        return min(queued, key=lambda job_id: running.count(queued[job_id].owner))  # the first of equals

    def holds(self, claim: Claim) -> bool:
        job = self.jobs.get(claim.spec.job_id)
        return job is not None and job.state == "running" and job.lease == claim.lease


class Rows:
    """The journal's table, and the journal's guard."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}

    def write(self, save: Save) -> None:
        if save.before is None:
            row = to_insert(save.after)
            assert row["seq"] not in self.rows
            assert row["job_id"] not in {other["job_id"] for other in self.rows.values()}
            self.rows[row["seq"]] = row
            return
        change = to_update(save.before, save.after)
        row = self.rows[change.pop("was_seq")]
        assert (row["state"], row["lease"]) == (change.pop("was_state"), change.pop("was_lease"))
        row.update(change)

    def read(self) -> list[JobRecord]:
        return [from_row(row) for _, row in sorted(self.rows.items())]  # type: ignore[arg-type] # any mapping will do


class Registry(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.now = 0.0
        self.ticks = 0
        self.epoch = 0
        self.names = 0
        self.rows = Rows()
        self.pending: list[Effect] = []
        self.answers: list[Callable[[], None]] = []  # given once what is pending is durable
        self.claims: list[Claim] = []  # all that any dispatcher ever got
        self.acknowledged: set[str] = set()
        self.ends: dict[str, JobRecord] = {}
        self.model = Model()
        self.durable = Model()
        self.ledger = self.recovered()

    def recovered(self) -> Ledger:
        self.epoch += 1
        jobs = self.rows.read()
        unfinished = [job for job in jobs if not job.ended]
        last_seq = max((job.seq for job in jobs), default=0)
        return Ledger(Recovered(epoch=self.epoch, last_seq=last_seq, unfinished=unfinished), LIMITS)

    def ended(self, job_id: str, state: str) -> None:
        self.model.jobs[job_id].state = state

    # -- clients ----------------------------------------------------------------------------------------------------

    @rule(owner=st.sampled_from(["", "a", "b"]), key=st.none() | st.sampled_from("kl"), payload=st.sampled_from("pq"))
    def submit(self, owner: str, key: str | None, payload: str) -> None:
        self.names += 1
        job_id = f"j{self.names}"
        if key and any(job.key == key and job.owner == owner for job in self.model.jobs.values()):
            self.repeat(job_id, owner, key, payload)
            return
        spec = self.spec(job_id, owner, key, payload)
        try:
            job, effects = self.ledger.submit(spec)
        except QueueFull:
            # Or more of them: a job whose lease ran out goes back into a queue that has filled meanwhile.
            assert len(self.model.having("queued")) >= LIMITS.max_queued_jobs
            return
        assert job.job_id == job_id
        self.model.jobs[job_id] = Job(owner, key)
        self.happened(effects, lambda: self.acknowledged.add(job_id))

    def repeat(self, job_id: str, owner: str, key: str, payload: str) -> None:
        """A key that was already used. Keys of ended jobs are left out: only the journal knows them."""
        (first, job), *_ = [
            (name, job) for name, job in self.model.jobs.items() if job.key == key and job.owner == owner
        ]
        if job.state not in ("queued", "running"):
            return
        before = self.ledger.get(first)
        assert before is not None
        try:
            again, effects = self.ledger.submit(self.spec(job_id, owner, key, payload))
        except IdempotencyMismatch:
            assert before.spec.fingerprint != payload
        else:
            assert (again, effects) == (before, [])

    def spec(self, job_id: str, owner: str, key: str | None, payload: str) -> JobSpec:
        return JobSpec(
            job_id=job_id,
            files=(InputFile(filename="a", blob="b", size=1, sha256="c"),),
            options=ParseOptions(),
            submitted_at=self.now,
            owner=owner,
            idempotency_key=key,
            fingerprint=payload,
        )

    @precondition(lambda self: self.ledger.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(job.job_id for job in self.ledger.jobs)))
        _, effects = self.ledger.cancel(job_id, self.now)
        job = self.model.jobs[job_id]
        if job.state == "queued":
            self.ended(job_id, "cancelled")
        job.cancel = job.state == "running"
        self.happened(effects)

    # -- dispatchers ------------------------------------------------------------------------------------------------

    @rule(dispatcher=dispatchers, limit=st.integers(1, 3), data=st.data())
    def claim(self, dispatcher: str, limit: int, data: st.DataObject) -> None:
        """Claim for a dispatcher that holds any subset of the jobs it was ever given."""
        known = [(claim.spec.job_id, claim.lease) for claim in self.claims]
        held = data.draw(st.sets(st.sampled_from(known))) if known else set()
        claims, effects = self.ledger.claim(dispatcher, limit, self.now, held)
        for job_id, lease in held:
            self.model.hears_of(job_id, lease)
        running = self.model.having("running")
        for job in running.values():
            job.heard = job.heard or job.holder == dispatcher
        repeated = [name for name, job in running.items() if job.holder == dispatcher and (name, job.lease) not in held]
        assert {claim.spec.job_id for claim in claims} >= set(repeated) or len(claims) == limit
        for claim in claims:
            self.model_claims(claim, dispatcher, repeated)
        assert len(claims) == limit or not self.model.having("queued")
        self.happened(effects, lambda: self.claims.extend(claims))

    def model_claims(self, claim: Claim, dispatcher: str, repeated: list[str]) -> None:
        job_id = claim.spec.job_id
        job = self.model.jobs[job_id]
        if job_id in repeated:
            assert (claim.lease, claim.attempt) == (job.lease, job.attempts)
            return
        assert job_id == self.model.next_queued(), "first come, first served, evenly over owners"
        assert (job_id, claim.lease) not in {(held.spec.job_id, held.lease) for held in self.claims}
        job.state, job.holder, job.lease = "running", dispatcher, claim.lease
        job.attempts += 1
        job.heard = True
        job.until = self.ticks + LEASE_TICKS
        assert claim.attempt == job.attempts

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), pages=st.integers(0, 5))
    def heartbeat(self, data: st.DataObject, pages: int) -> None:
        """Send a heartbeat for any claim ever given, even a late one whose job another dispatcher holds now."""
        claim = data.draw(st.sampled_from(self.claims))
        job_id = claim.spec.job_id
        beat = Heartbeat(job_id=job_id, lease=claim.lease, progress=Progress(pages_done=pages))
        before = self.ledger.get(job_id)
        stop, effects = self.ledger.heartbeat([beat])
        held = self.model.holds(claim)
        self.model.hears_of(job_id, claim.lease)
        assert stop == ([job_id] if not held or self.model.jobs[job_id].cancel else [])
        if held:
            job = self.model.jobs[job_id]
            job.until = self.ticks + LEASE_TICKS
            job.heard = True
            after = self.ledger.get(job_id)
            assert before is not None
            assert after is not None
            assert after.progress.pages_done == max(before.progress.pages_done, pages)
        self.happened(effects)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), code=st.sampled_from([None, ErrorCode.INTERNAL, ErrorCode.CANCELLED]))
    def finish(self, data: st.DataObject, code: ErrorCode | None) -> None:
        """Finish under any lease ever given: a late lease is refused, whatever happened to the job."""
        claim = data.draw(st.sampled_from(self.claims))
        job_id = claim.spec.job_id
        outcome = JobOutcome(failure=Failure(code=code, message="m") if code else None)
        held = self.model.holds(claim)
        try:
            _, effects = self.ledger.finish(job_id, claim.lease, outcome, self.now)
        except StaleLease:
            assert not held
        else:
            assert held
            self.ended(job_id, {None: "completed", ErrorCode.CANCELLED: "cancelled"}.get(code, "failed"))
            self.happened(effects)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        held = self.model.holds(claim)
        effects = self.ledger.release([(claim.spec.job_id, claim.lease)], self.now)
        assert bool(effects) == held
        if held:
            self.model_lapses(claim.spec.job_id)
        self.happened(effects)

    @rule(dispatcher=dispatchers)
    def leave(self, dispatcher: str) -> None:
        effects = self.ledger.leave(dispatcher, self.now)
        theirs = {name: job for name, job in self.model.having("running").items() if job.holder == dispatcher}
        assert {effect.after.job_id for effect in effects} == set(theirs)
        for job_id, job in theirs.items():
            job.attempts -= 1
            self.model_stops(job_id)
        self.happened(effects)

    def model_lapses(self, job_id: str) -> None:
        job = self.model.jobs[job_id]
        if job.attempts >= LIMITS.max_deliveries and not job.cancel:
            self.ended(job_id, "failed")
        else:
            self.model_stops(job_id)

    def model_stops(self, job_id: str) -> None:
        job = self.model.jobs[job_id]
        job.lease, job.holder = "", ""
        job.state = "cancelled" if job.cancel else "queued"

    # -- time and trouble -------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([-1.0, 1.0, 10.0**6]))
    def time_passes(self, seconds: float) -> None:
        """Advance by one tick, whatever the clock did."""
        self.now += seconds
        self.ticks += 1
        effects = self.ledger.tick(self.now)
        late = {name: job for name, job in self.model.having("running").items() if job.until <= self.ticks}
        assert {effect.after.job_id for effect in effects} == set(late)
        for job_id, job in late.items():
            if job.heard:
                self.model.expired[job_id] = job.lease
                self.model_lapses(job_id)
            else:
                job.attempts -= 1
                self.model_stops(job_id)
        self.happened(effects)

    @rule()
    def commit(self) -> None:
        for effect in self.pending:
            if isinstance(effect, Save):
                self.rows.write(effect)
        for answer in self.answers:
            answer()
        self.pending, self.answers = [], []
        self.durable = copy.deepcopy(self.model)
        for job in self.rows.read():
            if job.ended:
                assert self.ends.setdefault(job.job_id, job) == job, "what has ended never changes"

    @rule()
    def crash(self) -> None:
        """The process dies, or its commit fails: pending changes are gone, and nobody was told of them."""
        self.pending, self.answers = [], []
        self.model = copy.deepcopy(self.durable)
        self.model.expired.clear()
        for job in self.model.having("running").values():
            job.until = self.ticks + LEASE_TICKS
            job.heard = False
        self.ledger = self.recovered()

    def happened(self, effects: list[Effect], answer: Callable[[], None] = lambda: None) -> None:
        self.pending += effects
        self.answers.append(answer)

    # -- what always holds ------------------------------------------------------------------------------------------

    @invariant()
    def the_ledger_holds_what_the_model_says(self) -> None:
        assert facts(self.ledger) == {
            job_id: (job.state, job.attempts, job.cancel, job.lease or None)
            for job_id, job in self.model.jobs.items()
            if job.state in ("queued", "running")
        }
        assert self.ledger.queued == len(self.model.having("queued"))
        assert self.ledger.running == len(self.model.having("running"))

    @invariant()
    def a_restart_from_the_journal_gives_the_same_ledger(self) -> None:
        if not self.pending:
            assert plain(self.recovered()) == plain(self.ledger)

    def teardown(self) -> None:
        """Whatever happened: once the failures stop, every acknowledged job ends."""
        if not hasattr(self, "ledger"):
            return
        self.commit()
        for _ in range(1 + LIMITS.max_deliveries):
            for _ in range(LEASE_TICKS):
                self.happened(self.ledger.tick(self.now))
            claims, effects = self.ledger.claim("last", 100, self.now)
            self.happened(effects)
            for claim in claims:
                self.happened(self.ledger.finish(claim.spec.job_id, claim.lease, JobOutcome(), self.now)[1])
            self.commit()
        assert self.acknowledged <= set(self.ends)


def facts(ledger: Ledger) -> Mapping[str, object]:
    return {job.job_id: (job.state.value, job.attempts, job.cancel_requested, job.lease) for job in ledger.jobs}


def plain(ledger: Ledger) -> list[JobRecord]:
    """A job without what a restart changes: its version, and its progress, which dispatchers report again."""
    jobs = (replace(job, version=0, progress=Progress()) for job in ledger.jobs)
    return sorted(jobs, key=lambda job: job.seq)


TestRegistry = Registry.TestCase
TestRegistry.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
