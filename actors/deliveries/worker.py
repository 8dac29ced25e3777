"""Sends what receivers are to be told: in order, at least once, and only to addresses that the guard lets pass."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Protocol

import httpcore
import httpx
import stamina

from actors.blobs import BlobStore
from actors.deliveries.payloads import Answer, after_failure, messages, report, retry_after_s, signature
from actors.egress.guard import AddressGuard, AddressRefused, Allowed, GuardedNetwork, port_of
from actors.errors import AWAY, BlobMissing, FleetUnavailable, StaleLease, StoreUnavailable
from actors.messages import DeliveryReport, DueDelivery
from actors.telemetry.logs import bound_context, get_logger
from actors.telemetry.metrics import DELIVERIES
from client.models import DeliveryState

log = get_logger()

AT_ONCE = 16  # deliveries, each with the nodes of a file in memory
DUE_POLL_INTERVAL_S = 2.0  # for what is due; a job that ends here is looked for at once
ANSWER_WITHIN_S = 15.0
READ_AT_MOST = 64 * 1024  # bytes of an answer, all of which are thrown away
REPORT_EVERY = 50  # messages: as many may come twice after a crash
REPORT_EVERY_S = 1.0
TURN_S = 30.0  # then others come first, so that slow receivers do not hold all places
REPORT_PATIENCE_S = 45.0  # less than a lease: afterwards somebody else goes on

USER_AGENT = f"docfleet/{version('docfleet')}"

#: Trusts what SSL_CERT_FILE and SSL_CERT_DIR name, if they do: receivers inside have certificates of their own.
TLS = httpx.create_ssl_context()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryConfig:
    """`webhook_keys` sign events, each on its own."""

    allowed: Allowed = field(default_factory=Allowed)
    webhook_keys: tuple[bytes, ...] = field(default=(), repr=False)


class OutboxRegistry(Protocol):
    """The registry, as whoever delivers sees it. Raises FleetUnavailable or StoreUnavailable while it is away."""

    async def due_deliveries(self, limit: int) -> list[DueDelivery]:
        """Up to `limit` deliveries whose time has come, each under a lease that a report renews."""
        ...

    async def delivery_progress(self, report: DeliveryReport) -> None:
        """Record how far a delivery is. Raises StaleLease when it is no longer held under its lease."""
        ...


class DeliveryWorker:
    """Delivers until it is closed. What it leaves unfinished goes on elsewhere when its lease has run out."""

    def __init__(
        self,
        outbox: OutboxRegistry,
        blobs: BlobStore,
        config: DeliveryConfig,
        *,
        guard: AddressGuard | None = None,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._blobs = blobs
        self._keys = config.webhook_keys
        self._guard = guard or AddressGuard(config.allowed)
        self._clock = clock
        self._jitter = jitter
        self._tasks: set[asyncio.Task[None]] = set()
        self._look = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled, waiting for a registry that is away."""
        try:
            while True:
                async for attempt in stamina.retry_context(on=AWAY, attempts=None, timeout=None, wait_max=2.0):
                    with attempt:
                        await self.work()
        finally:
            await self.close()

    async def work(self) -> None:
        """Start what is due, then wait until there may be more. To be repeated."""
        self._look.clear()
        if free := AT_ONCE - len(self._tasks):
            for delivery in await self._outbox.due_deliveries(free):
                task = asyncio.create_task(self._run(delivery))
                self._tasks.add(task)
                task.add_done_callback(self._ended)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DUE_POLL_INTERVAL_S):  # Python 3.11's wait_for can swallow a cancellation
                await self._look.wait()

    def look(self) -> None:
        """Something may have become due."""
        self._look.set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._look.set()

    async def _run(self, delivery: DueDelivery) -> None:
        with bound_context(job=delivery.job.job_id, kind=delivery.kind):
            try:
                ended = await self.deliver(delivery)
                await self._report(ended)
                _tell(ended)
            except StaleLease:
                log.info("delivery_was_taken_over")
            except (FleetUnavailable, StoreUnavailable) as error:
                log.warning("delivery_interrupted", reason=error.message)
            except Exception:
                # Its lease runs out and it is delivered again, as long as its job is kept.
                log.exception("delivery_failed_unexpectedly")

    async def deliver(self, delivery: DueDelivery) -> DeliveryReport:
        """Send what is left. Returns how that ended; raises StaleLease when somebody else sends it by now."""
        network = GuardedNetwork(self._guard, httpcore.AnyIOBackend())
        async with (
            httpcore.AsyncConnectionPool(TLS, max_connections=1, network_backend=network) as connections,
            aclosing(messages(delivery, self._blobs)) as bodies,
        ):
            return await self._send(delivery, bodies, connections)

    async def _send(
        self, delivery: DueDelivery, bodies: AsyncIterator[bytes], connections: httpcore.AsyncConnectionPool
    ) -> DeliveryReport:
        going = report(delivery, delivery.position)
        began = reported_at = self._clock()
        try:
            async for body in bodies:
                answer = await self._post(connections, delivery, body)
                if not answer.acknowledged:
                    return after_failure(going, answer, self._jitter())
                going = replace(report(delivery, going.position + 1), status=answer.status)
                now = self._clock()
                if now >= began + TURN_S:
                    return replace(going, retry_in_s=0.0)
                if going.position % REPORT_EVERY == 0 or now >= reported_at + REPORT_EVERY_S:
                    await self._report(going)
                    reported_at = now
        except BlobMissing:
            return replace(going, state=DeliveryState.FAILED, error="the results are gone")
        return replace(going, state=DeliveryState.DELIVERED)

    async def _post(self, connections: httpcore.AsyncConnectionPool, delivery: DueDelivery, body: bytes) -> Answer:
        """One attempt at one message. Redirects are answers like any other: they are never followed."""
        if delivery.kind == "webhook" and not self._keys:
            return Answer(error="this server has no WEBHOOK_SECRET any more")
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await self._exchange(connections, delivery, body)
        except AddressRefused as error:
            return Answer(error=f"the URL {error}")
        except TimeoutError:
            return Answer(error=f"no answer within {ANSWER_WITHIN_S:g} s")
        except (httpcore.ConnectError, httpcore.ConnectTimeout):
            return Answer(error="the receiver cannot be reached")
        except (httpcore.NetworkError, httpcore.ProtocolError):
            return Answer(error="the connection broke off")

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

    @stamina.retry(on=(FleetUnavailable, StoreUnavailable), attempts=None, timeout=REPORT_PATIENCE_S)
    async def _report(self, going: DeliveryReport) -> None:
        await self._outbox.delivery_progress(going)


def _tell(ended: DeliveryReport) -> None:
    """Of a turn that has ended and is recorded. One that only made way for others is none."""
    if ended.state is DeliveryState.DELIVERED:
        DELIVERIES.record(kind=ended.kind, outcome="delivered")
    elif ended.state is not DeliveryState.PENDING:
        DELIVERIES.record(kind=ended.kind, outcome="given_up")
        log.warning("delivery_given_up", status=ended.status, reason=ended.error)
    elif ended.failed_attempts:
        DELIVERIES.record(kind=ended.kind, outcome="retried")
        log.info("delivery_failed", status=ended.status, reason=ended.error, retry_in_s=ended.retry_in_s)


async def _discard(response: httpcore.Response) -> None:
    """Read a body, so that its connection can be used again; one that is too long costs that, but not its status."""
    size = 0
    async for piece in response.aiter_stream():
        size += len(piece)
        if size > READ_AT_MOST:
            return
