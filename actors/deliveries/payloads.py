"""Callback and webhook messages about an ended job: bodies, signatures, retry schedule. `worker.py` sends them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeAlias

import orjson

from actors.blobs import BlobStore
from actors.blobs.keys import results_of
from actors.delivery_messages import DeliveryReport, DueDelivery
from actors.derivations import Chunks, Derivation
from actors.messages import FileOutcome, JobView
from actors.stored_nodes import nodes_in
from client.models import DeliveryState

#: Seconds before each attempt at a message, as Standard Webhooks has them. After the last one the delivery fails.
SCHEDULE_S = (0.0, 5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
JITTER = 0.1  # at most this part of the wait is added, so that receivers which failed together are not retried together

_SECRET_PREFIX = "whsec_"

#: Stores a derivation if it is not stored. Returns None, or a small one that the store cannot keep.
Derive: TypeAlias = Callable[[Derivation], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The receiver's answer to one message: its HTTP `status`, or the `error` that prevented an answer."""

    status: int | None = None
    error: str | None = None
    retry_after_s: float = 0.0

    @property
    def acknowledged(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


# -- bodies ---------------------------------------------------------------------------------------------------------


def messages(delivery: DueDelivery, blobs: BlobStore, derive: Derive) -> AsyncGenerator[bytes, None]:
    """The bodies still to send, in order. Holds one node, or the chunks of one file, in memory at a time.

    Raises BlobMissing, and the errors of `derive`, which makes chunks that are not stored.
    """
    if delivery.kind == "webhook":
        return _event(delivery)
    return _chunks(delivery, blobs, derive) if delivery.chunks else _nodes(delivery, blobs)


async def _nodes(delivery: DueDelivery, blobs: BlobStore) -> AsyncGenerator[bytes, None]:
    first = 0
    for file in delivery.job.files:
        if delivery.position < first + file.num_nodes:
            async for body in _nodes_of(file, first, delivery, blobs):
                yield body
        first += file.num_nodes
    if delivery.position <= first:
        yield _ending(delivery)


async def _nodes_of(
    file: FileOutcome, first: int, delivery: DueDelivery, blobs: BlobStore
) -> AsyncGenerator[bytes, None]:
    """The nodes of a file still to send. `first` is the number of its first one among those of all files."""
    index = first
    async with aclosing(nodes_in(blobs.stream(file.response))) as nodes:
        async for node in nodes:
            if index >= delivery.position:
                yield _node(delivery, node, index, file.filename)
            index += 1


def _node(delivery: DueDelivery, node: bytes, index: int, filename: str) -> bytes:
    message = {"type": "node", "node": orjson.Fragment(node), "node_index": index, "filename": filename}
    return _part(delivery, message)


async def _chunks(delivery: DueDelivery, blobs: BlobStore, derive: Derive) -> AsyncGenerator[bytes, None]:
    """After a failure, the chunks of earlier files are read again: only so is it known how many there are."""
    first = 0
    for index, file in enumerate(delivery.job.files):
        lines = await _lines(delivery, index, blobs, derive) if file.document else []
        for number in range(max(first, delivery.position), first + len(lines)):
            chunk = {"file": index, "filename": file.filename, **orjson.loads(lines[number - first])}
            message = {"type": "chunk", "chunk": chunk, "chunk_index": number, "filename": file.filename}
            yield _part(delivery, message)
        first += len(lines)
    if delivery.position <= first:
        yield _ending(delivery, total_chunks=first)


async def _lines(delivery: DueDelivery, index: int, blobs: BlobStore, derive: Derive) -> list[bytes]:
    """The chunks of a file, each as JSON."""
    job, source = delivery.job, delivery.job.files[index].document
    assert delivery.chunks is not None
    assert source is not None
    folder = f"{results_of(job.job_id)}/{index}"
    wanted = Chunks(job_id=job.job_id, folder=folder, source=source, options=delivery.chunks, content=job.content)
    unstored = await derive(wanted)
    stored = await blobs.get(wanted.target) if unstored is None else unstored
    return stored.splitlines()[1:]  # the first line is about the whole file


def _part(delivery: DueDelivery, message: Mapping[str, object]) -> bytes:
    return orjson.dumps({"task_id": delivery.task_id, "status": "PROCESSING", "message": message})


def _ending(delivery: DueDelivery, **counts: int) -> bytes:
    job = delivery.job
    elapsed = {"processing_time_ms": _elapsed_ms(job)}
    if job.failure:
        failed = {"status": "FAILED", "message": {"type": "failure", **elapsed}, "error": job.failure.message}
        return orjson.dumps({"task_id": delivery.task_id, **failed})
    message = {"type": "completion", **_totals(job), **counts, **elapsed}
    return orjson.dumps({"task_id": delivery.task_id, "status": "COMPLETED", "message": message})


async def _event(delivery: DueDelivery) -> AsyncGenerator[bytes, None]:
    if delivery.position:
        return
    job = delivery.job
    assert job.completed_at is not None  # only ended jobs have deliveries
    data = {
        "job_id": job.job_id,
        "task_id": delivery.task_id,
        "status": job.status,
        "error": job.failure.message if job.failure else None,
        "reason": job.failure.code if job.failure else None,
        **_totals(job),
        "processing_time_ms": _elapsed_ms(job),
        "metadata": job.metadata,
        "links": {"status": f"/jobs/{job.job_id}", "results": f"/jobs/{job.job_id}/results"},
    }
    event = "job.failed" if job.failure else "job.completed"
    happened = datetime.fromtimestamp(job.completed_at, UTC).isoformat()
    yield orjson.dumps({"type": event, "timestamp": happened, "data": data})


def _totals(job: JobView) -> dict[str, int]:
    successful = sum(file.success for file in job.files)
    return {
        "total_nodes": sum(file.num_nodes for file in job.files),
        "total_files": len(job.files),
        "successful_files": successful,
        "failed_files": len(job.files) - successful,
    }


def _elapsed_ms(job: JobView) -> float:
    """0 for a job that was cancelled before a dispatcher claimed it."""
    return (job.completed_at - job.started_at) * 1000 if job.completed_at and job.started_at else 0.0


# -- signatures -----------------------------------------------------------------------------------------------------


def parse_secrets(text: str) -> tuple[bytes, ...]:
    """Decode space-separated base64 secrets, each with or without `whsec_`. Raises ValueError."""
    try:
        keys = tuple(base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True) for secret in text.split())
    except binascii.Error:
        keys = (b"",)
    if not all(24 <= len(key) <= 64 for key in keys):
        raise ValueError("a webhook secret must be 24 to 64 bytes, in base64")
    return keys


def signature(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks, with a signature by every key, so that keys can be rotated."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{digest}" for digest in digests),
    }


# -- schedule -------------------------------------------------------------------------------------------------------


def report(delivery: DueDelivery, position: int) -> DeliveryReport:
    """Report that a delivery continues after `position` acknowledged messages."""
    failed_attempts = delivery.failed_attempts if position == delivery.position else 0
    job_id, kind, lease = delivery.job.job_id, delivery.kind, delivery.lease
    return DeliveryReport(job_id=job_id, kind=kind, lease=lease, position=position, failed_attempts=failed_attempts)


def after_failure(progress: DeliveryReport, answer: Answer, jitter: float) -> DeliveryReport:
    """Decide how a delivery continues after a message that was not acknowledged. `jitter` is in [0, 1)."""
    failed = progress.failed_attempts + 1
    tried = replace(progress, failed_attempts=failed, status=answer.status, error=answer.error)
    if answer.status == HTTPStatus.GONE:
        return replace(tried, state=DeliveryState.STOPPED)
    if failed == len(SCHEDULE_S):
        return replace(tried, state=DeliveryState.FAILED)
    return replace(tried, retry_in_s=max(SCHEDULE_S[failed] * (1 + JITTER * jitter), answer.retry_after_s))
