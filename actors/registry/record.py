"""A job in the registry, and its changes that must be written to the journal or shown to readers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from actors.messages import NAMED_FILES, JobOutcome, JobSpec, JobView
from actors.registry.lifecycle import ENDED, ON_THE_WIRE, Event, State, after
from actors.sources import Source
from client.models import DEFAULT_CONTENT, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job. Immutable: a change makes a new record."""

    spec: JobSpec
    #: Sequence number among all jobs ever submitted. A job that is queued again keeps it, and so keeps its turn.
    seq: int
    state: State
    #: Grows with every change, even across restarts.
    version: int
    #: How often the job was given to a dispatcher, without those that a leaving dispatcher gave back.
    attempts: int = 0
    started_at: float | None = None
    ended_at: float | None = None
    #: The fencing token of the dispatcher that holds the job. It stays after that dispatcher finished the job, so that
    #: a repeated finish is recognised.
    lease: str | None = None
    dispatcher: str | None = None
    #: A caller asked for this running job to stop.
    cancel_requested: bool = False
    outcome: JobOutcome | None = None
    #: Never falls. Not in the journal before the job ends: after a restart, dispatchers soon report it again.
    progress: Progress = field(default_factory=Progress)

    @property
    def job_id(self) -> str:
        return self.spec.job_id

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def size(self) -> int:
        """Total bytes of the job's files."""
        return sum(file.size for file in self.spec.files)

    @property
    def sources(self) -> dict[int, Source]:
        """The sources that are not fetched yet, by the index of their file."""
        return {index: file.source for index, file in enumerate(self.spec.files) if file.source}

    def without_sources(self, fetched: Collection[int], **changes: Any) -> Self:
        """This job without the sources of the files at these indexes, and with changes."""
        files = (replace(file, source=None) if index in fetched else file for index, file in enumerate(self.spec.files))
        return self.changed(spec=replace(self.spec, files=tuple(files)), **changes)

    def after(self, event: Event, **changes: Any) -> Self:
        """This job after `event`. Raises IllegalTransition."""
        return replace(self, state=after(self.state, event), version=self.version + 1, **changes)

    def changed(self, **changes: Any) -> Self:
        """This job with changes that keep its state."""
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
            filenames=tuple(file.filename for file in self.spec.files[:NAMED_FILES]),
            content=self.spec.options.content or DEFAULT_CONTENT,
            reply=self.spec.reply,
            dispatcher=self.dispatcher,
            seq=self.seq,
        )


@dataclass(frozen=True, slots=True)
class Save:
    """Write `after` into the journal if the journal still holds `before` (None: the job is new)."""

    before: JobRecord | None
    after: JobRecord


@dataclass(frozen=True, slots=True)
class Show:
    """Show `after` to readers. Nothing in it has to survive a crash."""

    after: JobRecord


Effect = Save | Show


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """The content of a journal at the start. `epoch` is incremented at each takeover."""

    epoch: int
    last_seq: int
    unfinished: Sequence[JobRecord]
