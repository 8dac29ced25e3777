"""What is to be sent about ended jobs, and how far it was: one row for a job and a kind of message.

The journal makes the rows, in the transaction that ends the job, and drops them with the job; what is in a message
follows from the job's own row. Synchronous; writes belong on the journal's one thread. Raises what the journal does.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import RowMapping, bindparam, case, select, update

from actors.errors import StaleLease
from actors.messages import DeliveryReport, DueDelivery
from actors.registry.journal import Journal
from actors.registry.record import JobRecord
from actors.registry.schema import deliveries
from client.models import Delivery, DeliveryState

LEASE_S = 60.0  # that a dispatcher may be silent about a delivery before another one goes on with it

_OF_A_JOB = select(deliveries).where(deliveries.c.job_id == bindparam("id")).order_by(deliveries.c.kind)
_DUE = (
    select(deliveries)
    .where(deliveries.c.state == DeliveryState.PENDING.value, deliveries.c.due_at <= bindparam("now"))
    .order_by(deliveries.c.due_at)
    .limit(bindparam("count"))
)
_ROW = update(deliveries).where(deliveries.c.job_id == bindparam("id"), deliveries.c.kind == bindparam("which"))
_TAKE = _ROW.values(lease=bindparam("lease"), due_at=bindparam("until"))
_AGAIN = (
    update(deliveries)
    .where(deliveries.c.job_id == bindparam("id"), deliveries.c.lease.is_(None))  # else it is being sent
    .values(
        state=DeliveryState.PENDING.value,
        due_at=bindparam("now"),
        failed_attempts=0,
        position=case((deliveries.c.state == DeliveryState.DELIVERED.value, 0), else_=deliveries.c.position),
    )
)


class Outbox:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def take(self, limit: int, now: float) -> list[DueDelivery]:
        """Up to `limit` deliveries whose time has come, under leases; the ones that wait longest first."""
        due = self._journal.rows(_DUE, {"now": now, "count": limit})
        if not due:
            return []
        jobs = self._journal.get([row["job_id"] for row in due])
        lease, until = uuid.uuid4().hex, now + LEASE_S
        with self._journal.transaction() as connection:
            taken = [{"id": row["job_id"], "which": row["kind"], "lease": lease, "until": until} for row in due]
            connection.execute(_TAKE, taken)
        return [_due_delivery(row, jobs[row["job_id"]], lease) for row in due]

    def record(self, report: DeliveryReport, now: float) -> None:
        """Note how far a delivery is. Raises StaleLease when it is not held under the report's lease."""
        held = _ROW.where(deliveries.c.lease == bindparam("held"))
        keys = {"id": report.job_id, "which": report.kind, "held": report.lease}
        with self._journal.transaction() as connection:
            if connection.execute(held.values(_changes(report, now)), keys).rowcount == 0:
                raise StaleLease("This delivery is no longer held under this lease")

    def of(self, job_id: str) -> list[Delivery]:
        """A job's deliveries; none before it has ended."""
        job = self._journal.get([job_id]).get(job_id)
        return [_shown(row, job) for row in self._journal.rows(_OF_A_JOB, {"id": job_id})] if job else []

    def again(self, job_id: str, now: float) -> None:
        """Send at once: from the start what was delivered, the rest from where it stopped."""
        with self._journal.transaction() as connection:
            connection.execute(_AGAIN, {"id": job_id, "now": now})


def _due_delivery(row: RowMapping, job: JobRecord, lease: str) -> DueDelivery:
    return DueDelivery(
        job=job.view(),
        kind=row["kind"],
        url=job.spec.destinations[row["kind"]],
        task_id=job.spec.task_id or job.job_id,
        lease=lease,
        position=row["position"],
        failed_attempts=row["failed_attempts"],
    )


def _changes(report: DeliveryReport, now: float) -> dict[str, Any]:
    keeps_it = report.state is DeliveryState.PENDING and report.retry_in_s is None
    return {
        "state": report.state.value,
        "position": report.position,
        "failed_attempts": report.failed_attempts,
        "due_at": now + (LEASE_S if report.retry_in_s is None else report.retry_in_s),
        "lease": report.lease if keeps_it else None,
        "last_status": report.status,
        "last_error": report.error,
    }


def _shown(row: RowMapping, job: JobRecord) -> Delivery:
    waits = row["state"] == DeliveryState.PENDING and row["lease"] is None
    return Delivery(
        kind=row["kind"],
        url=job.spec.destinations[row["kind"]],
        state=row["state"],
        messages_sent=row["position"],
        failed_attempts=row["failed_attempts"],
        next_attempt_at=row["due_at"] if waits else None,
        last_status=row["last_status"],
        last_error=row["last_error"],
    )
