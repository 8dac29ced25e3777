"""JobRecords as rows of the journal's table, and back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from pydantic import SecretStr, TypeAdapter
from sqlalchemy import RowMapping

from actors.messages import JobOutcome, JobSpec
from actors.registry.lifecycle import State
from actors.registry.record import JobRecord
from actors.sources import Source
from client.models import DeliveryState, Progress

_SPEC = TypeAdapter(JobSpec)
_OUTCOME = TypeAdapter(JobOutcome)
_NOT_IN_SPEC: Any = {"options": {"password"}, "files": {"__all__": {"source"}}}
_SOURCES = TypeAdapter(dict[int, Source])


def to_insert(job: JobRecord) -> dict[str, Any]:
    """All columns of a new row."""
    spec = job.spec
    return {
        "seq": job.seq,
        "job_id": spec.job_id,
        "owner": spec.owner,
        "idempotency": None if spec.idempotency_key is None else key_digest(spec.owner, spec.idempotency_key),
        # Python's json escapes all but ASCII: a file name may hold characters that UTF-8 or PostgreSQL cannot.
        "spec": json.dumps(_SPEC.dump_python(spec, mode="json", exclude=_NOT_IN_SPEC)),
        **_changing(job),
    }


def to_update(before: JobRecord, after: JobRecord) -> dict[str, Any]:
    """The changed columns, and the state and lease (`was_…`) that the row must still have."""
    return {"was_seq": before.seq, "was_state": before.state, "was_lease": before.lease, **_changing(after)}


def secrets_of(job: JobRecord) -> dict[str, str | None]:
    """The columns that hold a job's secrets; an ended job has none left."""
    password, sources = job.spec.options.password, job.sources
    return {
        "password": None if password is None or job.ended else json.dumps(password.get_secret_value()),
        "sources": json.dumps(_SOURCES.dump_python(sources, mode="json")) if sources and not job.ended else None,
    }


def _changing(job: JobRecord) -> dict[str, Any]:
    return {
        "state": job.state.value,
        "version": job.version,
        "attempts": job.attempts,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "lease": job.lease,
        "dispatcher": job.dispatcher,
        "cancel_requested": job.cancel_requested,
        **secrets_of(job),
        "outcome": json.dumps(_OUTCOME.dump_python(job.outcome, mode="json")) if job.outcome else None,
    }


def to_deliver(job: JobRecord) -> list[dict[str, Any]]:
    """The delivery rows of an ended job; empty for any other."""
    fresh = {"state": DeliveryState.PENDING.value, "position": 0, "failed_attempts": 0, "due_at": job.ended_at}
    return [{"job_id": job.job_id, "kind": kind, **fresh} for kind in job.spec.destinations] if job.ended else []


def from_row(row: RowMapping) -> JobRecord:
    """The record stored in a row. Raises ValueError for a row that does not hold one."""
    try:
        return _record(row)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the row of job {row['job_id']} is damaged; restore or delete it") from error


def _record(row: RowMapping) -> JobRecord:
    outcome = _OUTCOME.validate_python(json.loads(row["outcome"])) if row["outcome"] else None
    return JobRecord(
        spec=_spec(row),
        seq=row["seq"],
        state=State(row["state"]),
        version=row["version"],
        attempts=row["attempts"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        lease=row["lease"],
        dispatcher=row["dispatcher"],
        cancel_requested=row["cancel_requested"],
        outcome=outcome,
        progress=outcome.progress if outcome else Progress(),
    )


def _spec(row: RowMapping) -> JobSpec:
    spec = _SPEC.validate_python(json.loads(row["spec"]))
    if row["password"] is not None:
        password = SecretStr(json.loads(row["password"]))
        spec = replace(spec, options=spec.options.model_copy(update={"password": password}))
    if row["sources"] is not None:
        sources = _SOURCES.validate_python(json.loads(row["sources"]))
        files = (replace(file, source=sources.get(index)) for index, file in enumerate(spec.files))
        spec = replace(spec, files=tuple(files))
    return spec


def key_digest(owner: str, key: str) -> str:
    """The digest that identifies an idempotency key; two owners may use the same key."""
    return hashlib.sha256(json.dumps([owner, key]).encode()).hexdigest()
