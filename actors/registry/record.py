"""A job as the registry knows it, and the changes to it that have to be written down or shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from actors.messages import JobOutcome, JobSpec, JobView
from actors.registry.lifecycle import ENDED, ON_THE_WIRE, Event, State, after
from client.models import DEFAULT_CONTENT, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job. Replaced, never edited."""

    spec: JobSpec
    #: The job's place among all jobs ever submitted. A job that is queued again keeps it, and so its turn.
    seq: int
    state: State
    #: Grows with every change, also across restarts.
    version: int
    #: Deliveries to a dispatcher that were not given back.
    attempts: int = 0
    started_at: float | None = None
    ended_at: float | None = None
    #: The fencing token of the dispatcher that holds the job. One that finished its job leaves its token behind,
    #: by which a repeated finish is known.
    lease: str | None = None
    dispatcher: str | None = None
    #: Somebody wants this running job to stop.
    cancel_requested: bool = False
    outcome: JobOutcome | None = None
    #: How far the job is, never falling. Not in the journal before the end: dispatchers repeat it soon enough.
    progress: Progress = field(default_factory=Progress)

    @property
    def job_id(self) -> str:
        return self.spec.job_id

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.spec.files)

    def after(self, event: Event, **changes: Any) -> Self:
        """This job once `event` has happened to it. Raises IllegalTransition."""
        return replace(self, state=after(self.state, event), version=self.version + 1, **changes)

    def changed(self, **changes: Any) -> Self:
        """This job with other changes than of its state."""
        return replace(self, version=self.version + 1, **changes)

    def view(self, queue_position: int | None = None) -> JobView:
        """This job as readers see it."""
        outcome = self.outcome
        return JobView(
            job_id=self.job_id,
            owner=self.spec.owner,
            status=ON_THE_WIRE[self.state],
            version=self.version,
            submitted_at=self.spec.submitted_at,
            started_at=self.started_at,
            completed_at=self.ended_at,
            attempts=self.attempts,
            progress=self.progress,
            metadata=self.spec.metadata,
            failure=outcome.failure if outcome else None,
            queue_position=queue_position,
            files=outcome.files if outcome else (),
            content=self.spec.options.content or DEFAULT_CONTENT,
        )


@dataclass(frozen=True, slots=True)
class Save:
    """Write `after` into the journal, provided that it still holds `before` (None: the job is new)."""

    before: JobRecord | None
    after: JobRecord


@dataclass(frozen=True, slots=True)
class Show:
    """Readers may see `after`, which has nothing new that must survive a crash."""

    after: JobRecord


Effect = Save | Show


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What a journal holds at the start. `epoch` is larger than at any start before."""

    epoch: int
    last_seq: int
    unfinished: Sequence[JobRecord]
