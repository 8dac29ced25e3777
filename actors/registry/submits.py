"""Turns submits into jobs, each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from actors.errors import DocfleetError
from actors.messages import JobSpec, JobView
from actors.registry.journal import Journal
from actors.registry.journaled_ledger import JournaledLedger
from actors.registry.key_reservations import KeyReservations
from actors.registry.ledger import Ledger, mismatch
from actors.registry.record import JobRecord


class Submits:
    """Finds the jobs that were submitted before, and adds the others."""

    def __init__(self, journaled: JournaledLedger, journal: Journal, clock: Callable[[], float]) -> None:
        self._journaled = journaled
        self._journal = journal
        self._clock = clock
        self.reservations = KeyReservations()

    async def submit_many(self, specs: Sequence[JobSpec]) -> list[JobView | DocfleetError]:
        """Each job, durable; or the error in its place."""
        known = await self._journaled.read(self._journal.get, [spec.job_id for spec in specs])
        keys = [(spec.owner, spec.idempotency_key) for spec in specs if spec.idempotency_key is not None]
        by_key = await self._journaled.read(self._journal.find_keys, keys) if keys else {}
        ledger = self._journaled.ledger
        answers: list[JobRecord | DocfleetError] = []
        for spec in specs:
            earlier = known.get(spec.job_id)
            if spec.idempotency_key is not None:
                earlier = by_key.get((spec.owner, spec.idempotency_key), earlier)
            answers.append(self._submit(ledger, spec, earlier))
        self._journaled.claim_turns.wake()
        await self._journaled.settled()
        return [
            answer if isinstance(answer, DocfleetError) else await self._submitted(ledger, answer) for answer in answers
        ]

    async def _submitted(self, ledger: Ledger, job: JobRecord) -> JobView:
        """A job after its submit. One that has left the ledger has just ended, so what was read of it is outdated."""
        if not job.ended and ledger.get(job.job_id) is None:
            await self._journaled.settled()
            found = await self._journaled.read(self._journal.get, [job.job_id])
            job = found.get(job.job_id, job)
        return self._journaled.view(job)

    def _submit(self, ledger: Ledger, spec: JobSpec, earlier: JobRecord | None) -> JobRecord | DocfleetError:
        try:
            if spec.idempotency_key is not None:
                self._end_upload(spec, is_known=earlier is not None)
            if earlier is None or ledger.get(earlier.job_id):
                job, effects = ledger.submit(spec)
                self._journaled.run(effects)
                return job
            return earlier if earlier.spec.fingerprint == spec.fingerprint else mismatch()
        except DocfleetError as error:
            return error

    def _end_upload(self, spec: JobSpec, *, is_known: bool) -> None:
        owner, key = spec.owner, spec.idempotency_key or ""
        self.reservations.release(owner, key, spec.job_id)
        if not is_known:
            self.reservations.check(owner, key, spec.job_id, self._clock())
