"""Sends callbacks and webhooks: in order, at least once, and only to addresses that the guard allows."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Protocol

import httpcore

from actors.blobs import BlobStore
from actors.deliveries.payloads import Answer, Derive, after_failure, messages, report, signature
from actors.delivery_messages import DeliveryReport, DueDelivery
from actors.egress.guard import AddressGuard, AddressRefused, GuardedNetwork, Hosts, port_of
from actors.egress.http import TLS, USER_AGENT, retry_after_s
from actors.errors import AWAY, BlobMissing, FileError, FleetUnavailable, StaleLease, StoreUnavailable
from actors.telemetry.logs import bound_context, get_logger
from actors.telemetry.metrics import DELIVERIES
from actors.telemetry.retries import retry, retry_context
from client.models import DeliveryState

log = get_logger()

AT_ONCE = 16  # deliveries at once; each holds a node, or the chunks of one file, in memory
DUE_POLL_INTERVAL_S = 2.0  # a job that ends on this dispatcher wakes the worker at once
ANSWER_WITHIN_S = 15.0
READ_AT_MOST = 64 * 1024  # bytes of an answer, all of which are discarded
REPORT_EVERY = 50  # messages; after a crash as many may be sent twice
REPORT_EVERY_S = 1.0
TURN_S = 30.0  # then other deliveries get their turn, so that slow receivers do not block them
REPORT_PATIENCE_S = 45.0  # less than a lease: afterwards another dispatcher continues


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryConfig:
    """Each of `webhook_keys` signs every event."""

    allowed: Hosts = field(default_factory=Hosts)
    webhook_keys: tuple[bytes, ...] = field(default=(), repr=False)


class OutboxRegistry(Protocol):
    """The registry as the delivery worker sees it. Raises FleetUnavailable or StoreUnavailable while it is away."""

    async def due_deliveries(self, limit: int) -> list[DueDelivery]:
        """Lease up to `limit` due deliveries. Each report renews its lease."""
        ...

    async def delivery_progress(self, report: DeliveryReport) -> None:
        """Record the progress of a delivery. Raises StaleLease when its lease has run out."""
        ...


class DeliveryWorker:
    """Delivers until it is closed. Another worker continues its unfinished deliveries once their leases run out."""

    def __init__(
        self,
        outbox: OutboxRegistry,
        blobs: BlobStore,
        derive: Derive,
        config: DeliveryConfig,
        *,
        guard: AddressGuard | None = None,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._blobs = blobs
        self._derive = derive
        self._keys = config.webhook_keys
        self._guard = guard or AddressGuard(config.allowed)
        self._clock = clock
        self._jitter = jitter
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled. Waits for a registry that is away."""
        try:
            while True:
                async for attempt in retry_context(on=AWAY, attempts=None, timeout=None, wait_max=2.0):
                    with attempt:
                        await self.work()
        finally:
            await self.close()

    async def work(self) -> None:
        """Start the due deliveries, then wait until there may be more. Call it repeatedly."""
        self._wake.clear()
        if free := AT_ONCE - len(self._tasks):
            for delivery in await self._outbox.due_deliveries(free):
                task = asyncio.create_task(self._run(delivery))
                self._tasks.add(task)
                task.add_done_callback(self._ended)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DUE_POLL_INTERVAL_S):  # Python 3.11's wait_for can swallow a cancellation
                await self._wake.wait()

    def wake(self) -> None:
        """Look for due deliveries now."""
        self._wake.set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()

    async def _run(self, delivery: DueDelivery) -> None:
        with bound_context(job=delivery.job.job_id, kind=delivery.kind):
            try:
                ended = await self.deliver(delivery)
                await self._report(ended)
                _record_outcome(ended)
            except StaleLease:
                log.info("delivery_was_taken_over")
            except (FleetUnavailable, StoreUnavailable) as error:
                log.warning("delivery_interrupted", reason=error.message)
            except Exception:
                # The lease runs out and the delivery is tried again, while the job is kept.
                log.exception("delivery_failed_unexpectedly")

    async def deliver(self, delivery: DueDelivery) -> DeliveryReport:
        """Send the remaining messages. Returns how it ended; raises StaleLease when another worker has taken over."""
        network = GuardedNetwork(self._guard, httpcore.AnyIOBackend())
        async with (
            httpcore.AsyncConnectionPool(TLS, max_connections=1, network_backend=network) as connections,
            aclosing(messages(delivery, self._blobs, self._derive)) as bodies,
        ):
            return await self._send(delivery, bodies, connections)

    async def _send(
        self, delivery: DueDelivery, bodies: AsyncIterator[bytes], connections: httpcore.AsyncConnectionPool
    ) -> DeliveryReport:
        progress = report(delivery, delivery.position)
        began = reported_at = self._clock()
        try:
            async for body in bodies:
                answer = await self._post(connections, delivery, body)
                if not answer.acknowledged:
                    return after_failure(progress, answer, self._jitter())
                progress = replace(report(delivery, progress.position + 1), status=answer.status)
                now = self._clock()
                if now >= began + TURN_S:
                    return replace(progress, retry_in_s=0.0)
                if progress.position % REPORT_EVERY == 0 or now >= reported_at + REPORT_EVERY_S:
                    await self._report(progress)
                    reported_at = now
        except BlobMissing:
            return replace(progress, state=DeliveryState.FAILED, error="the results were deleted")
        except FileError as error:
            return replace(progress, state=DeliveryState.FAILED, error=f"no chunks can be made: {error.message}")
        return replace(progress, state=DeliveryState.DELIVERED)

    async def _post(self, connections: httpcore.AsyncConnectionPool, delivery: DueDelivery, body: bytes) -> Answer:
        """Send one message once. A redirect counts as an answer and is never followed."""
        if delivery.kind == "webhook" and not self._keys:
            return Answer(error="this server has no WEBHOOK_SECRET; set one and redeliver")
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await self._exchange(connections, delivery, body)
        except AddressRefused as error:
            return Answer(error=f"the URL {error}")
        except TimeoutError:
            return Answer(error=f"no answer within {ANSWER_WITHIN_S:g} s")
        except (httpcore.ConnectError, httpcore.ConnectTimeout):
            return Answer(error="cannot connect to the receiver")
        except (httpcore.NetworkError, httpcore.ProtocolError):
            return Answer(error="the connection was lost")

    async def _exchange(self, connections: httpcore.AsyncConnectionPool, delivery: DueDelivery, body: bytes) -> Answer:
        url = self._guard.check(delivery.url)
        target = httpcore.URL(scheme=url.scheme, host=url.raw_host, port=port_of(url), target=url.raw_path)
        headers = {"Host": url.netloc.decode(), "User-Agent": USER_AGENT, "Content-Type": "application/json"}
        if delivery.kind == "webhook":
            headers |= signature(self._keys, f"msg_{delivery.job.job_id}", int(self._clock()), body)
        async with connections.stream("POST", target, headers=list(headers.items()), content=body) as response:
            await _discard(response)
        answered = {name.lower(): value for name, value in response.headers}
        return Answer(
            status=response.status,
            error=None if 200 <= response.status < 300 else f"the receiver answered {response.status}",
            retry_after_s=retry_after_s(response.status, answered, self._clock()),
        )

    @retry(on=(FleetUnavailable, StoreUnavailable), attempts=None, timeout=REPORT_PATIENCE_S)
    async def _report(self, progress: DeliveryReport) -> None:
        await self._outbox.delivery_progress(progress)


def _record_outcome(ended: DeliveryReport) -> None:
    """Count and log a turn that has ended. A turn that only gave way to others is neither success nor failure."""
    if ended.state is DeliveryState.DELIVERED:
        DELIVERIES.record(kind=ended.kind, outcome="delivered")
    elif ended.state is not DeliveryState.PENDING:
        DELIVERIES.record(kind=ended.kind, outcome="given_up")
        log.warning("delivery_given_up", status=ended.status, reason=ended.error)
    elif ended.failed_attempts:
        DELIVERIES.record(kind=ended.kind, outcome="retried")
        log.info("delivery_failed", status=ended.status, reason=ended.error, retry_in_s=ended.retry_in_s)


async def _discard(response: httpcore.Response) -> None:
    """Read the body, so that the connection can be reused. A body that is too long ends the connection only."""
    size = 0
    async for piece in response.aiter_stream():
        size += len(piece)
        if size > READ_AT_MOST:
            return
