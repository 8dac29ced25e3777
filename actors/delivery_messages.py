"""What the registry and the delivery worker hand each other about the notifications of an ended job."""

from __future__ import annotations

from dataclasses import dataclass

from actors.messages import DeliveryKind, JobView
from client.models import ChunkOptions, DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDelivery:
    """Messages about an ended job. One dispatcher sends them in order, while it holds `lease`.

    `position` messages were acknowledged; `failed_attempts` counts the failures since then. A callback with `chunks`
    sends chunks, cut by these complete options, in place of nodes.
    """

    job: JobView
    kind: DeliveryKind
    url: str
    task_id: str
    lease: str
    position: int
    failed_attempts: int
    chunks: ChunkOptions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """The progress of a delivery. While it is pending its dispatcher keeps it, unless `retry_in_s` is set."""

    job_id: str
    kind: DeliveryKind
    lease: str
    position: int
    failed_attempts: int = 0
    state: DeliveryState = DeliveryState.PENDING
    retry_in_s: float | None = None
    status: int | None = None
    error: str | None = None
