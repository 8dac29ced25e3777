"""Pending and sent notifications about ended jobs: one row for each job and kind of notification.

The journal adds the rows in the transaction that ends a job, and removes them with the job. The content of a message
comes from the job's own row. Synchronous; write only on the journal's writer thread. Raises the journal's errors.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import RowMapping, bindparam, case, select, update

from actors.delivery_messages import DeliveryReport, DueDelivery
from actors.errors import StaleLease
from actors.registry.journal import Journal
from actors.registry.record import JobRecord
from actors.registry.schema import deliveries
from client.models import Delivery, DeliveryState

LEASE_S = 60.0  # how long a delivery lease lasts; after that, another dispatcher continues the delivery

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
    .where(deliveries.c.job_id == bindparam("id"), deliveries.c.lease.is_(None))  # one with a lease is being sent
    .values(
        state=DeliveryState.PENDING.value,
        due_at=bindparam("now"),
        failed_attempts=0,
        position=case((deliveries.c.state == DeliveryState.DELIVERED.value, 0), else_=deliveries.c.position),
    )
)


class Outbox:
    """The deliveries in the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def take(self, limit: int, now: float) -> list[DueDelivery]:
        """Lease up to `limit` due deliveries, the longest overdue first."""
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
        """Record a delivery's progress. Raises StaleLease when the report's lease no longer holds the delivery."""
        held = _ROW.where(deliveries.c.lease == bindparam("held"))
        keys = {"id": report.job_id, "which": report.kind, "held": report.lease}
        with self._journal.transaction() as connection:
            if connection.execute(held.values(_changes(report, now)), keys).rowcount == 0:
                raise StaleLease("This delivery is no longer held under this lease")

    def of(self, job_id: str) -> list[Delivery]:
        """A job's deliveries; empty until the job has ended."""
        job = self._journal.get([job_id]).get(job_id)
        return [_shown(row, job) for row in self._journal.rows(_OF_A_JOB, {"id": job_id})] if job else []

    def again(self, job_id: str, now: float) -> None:
        """Make a job's deliveries due now. A delivered one starts over; any other continues where it stopped."""
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
        chunks=job.spec.options.chunks if job.spec.callback_content == "chunks" else None,
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
        chunks=job.spec.options.chunks if job.spec.callback_content == "chunks" else None,
        next_attempt_at=row["due_at"] if waits else None,
        last_status=row["last_status"],
        last_error=row["last_error"],
    )
