"""Ray's edge: typed facades over the registry actor and the deployments. The only file with `.remote()`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import ray
import stamina
from ray import serve
from ray.actor import ActorHandle
from ray.exceptions import ActorDiedError, RayActorError, RayError, RayTaskError
from ray.serve.handle import DeploymentHandle

from actors.batching import Batched
from actors.errors import DocfleetError, FleetUnavailable
from actors.fleet import running_replicas
from actors.logs import get_logger
from actors.messages import (
    Claim,
    DeliveryReport,
    DocumentBytes,
    DueDelivery,
    FileSoFar,
    FileTask,
    Heartbeat,
    JobOutcome,
    JobSpec,
    JobView,
    PagePlan,
    PageSpan,
    ParsedFile,
    QueueStats,
    Shard,
)
from actors.ray_errors import dispatcher_errors, own_error, parser_errors
from client.models import Delivery, ExportFormat, JobStatusEnum, PageFailure, ParseOptions, ParserInfo

if TYPE_CHECKING:
    from actors.registry.registry import RegistryConfig

log = get_logger()

NAMESPACE = "docfleet"
HEAD = {"node:__internal_head__": 0.001}  # Ray's own name for "on the head node"

ANSWER_WITHIN_S = 2.0  # how long a caller waits for a registry that may be restarting, before it says so
REOPEN_AFTER_S = 3.0  # a deployment of other code has its own registry by then
DESK_CALLS = 10_000  # of one driver at once; one that waits for a job's results costs nothing
DESK_ATTEMPTS = 8  # with pauses that grow to 5 s: a dispatcher is replaced within seconds
INLINE_BYTES = 64 * 1024  # below this, an argument travels with the call: cheaper than a stored object


def open_registry(config: RegistryConfig, *, app: str, on_head: bool) -> Registry:
    """The one JobRegistry of an application: found, created, or replaced when it runs other code than this process, or
    with other settings than `config`.

    Every acknowledged change is in the journal, so a registry may be killed at any moment. `on_head` pins it to
    the head node, where a journal in a local folder is. Blocks for seconds when it has to start a process.
    """
    from actors.registry.version import version_of
    from actors.registry_actor import JobRegistryActor

    name = f"{app}:JobRegistry"
    create: Any = ray.remote(JobRegistryActor).options(
        name=name,
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        max_restarts=-1,
        max_task_retries=-1,
        max_concurrency=20_000,  # waiters hold a call each
        num_cpus=0,
        resources=HEAD if on_head else None,
        scheduling_strategy="DEFAULT",  # never captured into a creator's placement group
    )
    version = version_of(config)
    actor = create.remote(config)
    while ray.get(actor.version.remote()) != version:
        ray.kill(actor, no_restart=True)
        _wait_until_gone(name)
        actor = create.remote(config)

    def reopen() -> ActorHandle[Any]:
        again = create.remote(config)
        if ray.get(again.version.remote()) != version:
            raise FleetUnavailable("Another release of the job registry runs; this replica is about to be replaced")
        return again

    return Registry(actor, reopen)


class ActorStillThere(Exception):
    """A killed actor keeps its name for a moment."""


@stamina.retry(on=ActorStillThere, attempts=None, timeout=30, wait_max=0.5)
def _wait_until_gone(name: str) -> None:
    with suppress(ValueError):
        ray.get_actor(name, namespace=NAMESPACE)
        raise ActorStillThere


class Registry:
    """The JobRegistry, for ingress replicas and dispatchers alike. One that is gone for good is opened again: Ray gives
    an actor up that cannot start, as when its database was away for longer than it waits."""

    def __init__(self, actor: ActorHandle[Any], reopen: Callable[[], ActorHandle[Any]]) -> None:
        self._actor = actor
        self._reopen = reopen
        self._reopening: asyncio.Task[None] | None = None
        self._reads: Batched[str, JobView | None] = Batched(self._get_many)
        self._submits: Batched[JobSpec, JobView] = Batched(self._submit_many)

    async def submit(self, spec: JobSpec) -> JobView:
        """Durable on return. Repeating it with the same job id or idempotency key gives the same job."""
        return await self._submits.get(spec)

    async def hold_key(self, owner: str, key: str, job_id: str) -> None:
        await self._ask(self._actor.hold_key.remote(owner, key, job_id))

    async def release_key(self, owner: str, key: str, job_id: str) -> None:
        await self._ask(self._actor.release_key.remote(owner, key, job_id))

    async def get(self, job_id: str) -> JobView | None:
        """The job, or None when there is none. Raises JobExpired when there was one."""
        return await self._reads.get(job_id)

    async def wait(self, job_id: str, version: int, timeout_s: float) -> JobView:
        """The job when it differs from `version`, or after `timeout_s`."""
        return await self._ask(self._actor.wait.remote(job_id, version, timeout_s), timeout_s)

    async def wait_ended(self, job_id: str, timeout_s: float) -> JobView:
        """The job once it has ended, or after `timeout_s`."""
        return await self._ask(self._actor.wait_ended.remote(job_id, timeout_s), timeout_s)

    async def cancel(self, job_id: str, owner: str) -> JobView:
        return await self._ask(self._actor.cancel.remote(job_id, owner))

    async def list_jobs(
        self, owner: str, status: JobStatusEnum | None, limit: int, cursor: str | None
    ) -> tuple[list[JobView], str | None]:
        return await self._ask(self._actor.list_jobs.remote(owner, status, limit, cursor))

    async def stats(self) -> QueueStats:
        return await self._ask(self._actor.stats.remote())

    async def claim(
        self, dispatcher_id: str, limit: int, timeout_s: float, held: Sequence[tuple[str, str]]
    ) -> list[Claim]:
        return await self._ask(self._actor.claim.remote(dispatcher_id, limit, timeout_s, list(held)), timeout_s)

    async def heartbeat(self, beats: Sequence[Heartbeat]) -> list[str]:
        return await self._ask(self._actor.heartbeat.remote(list(beats)))

    async def finish(self, job_id: str, lease: str, outcome: JobOutcome) -> None:
        await self._ask(self._actor.finish.remote(job_id, lease, outcome))

    async def release(self, leases: Sequence[tuple[str, str]]) -> None:
        await self._ask(self._actor.release.remote(list(leases)))

    async def leave(self, dispatcher_id: str) -> None:
        await self._ask(self._actor.leave.remote(dispatcher_id))

    async def due_deliveries(self, limit: int) -> list[DueDelivery]:
        return await self._ask(self._actor.due_deliveries.remote(limit))

    async def delivery_progress(self, report: DeliveryReport) -> None:
        await self._ask(self._actor.delivery_progress.remote(report))

    async def deliveries(self, job_id: str) -> list[Delivery]:
        return await self._ask(self._actor.deliveries.remote(job_id))

    async def redeliver(self, job_id: str) -> None:
        await self._ask(self._actor.redeliver.remote(job_id))

    async def delete(self, job_id: str, owner: str) -> None:
        """Remove an ended job. Its blobs go first: what is left of a deletion that was interrupted can be repeated."""
        await self._ask(self._actor.delete.remote(job_id, owner))

    async def expired(self, limit: int) -> list[str]:
        return await self._ask(self._actor.expired.remote(limit))

    async def forget(self, job_ids: Sequence[str]) -> None:
        await self._ask(self._actor.forget.remote(list(job_ids)))

    async def _get_many(self, job_ids: list[str]) -> list[JobView | DocfleetError | None]:
        return await self._ask(self._actor.get_many.remote(job_ids))

    async def _submit_many(self, specs: list[JobSpec]) -> list[JobView | DocfleetError]:
        return await self._ask(self._actor.submit_many.remote(specs))

    async def _ask(self, call: Any, patience_s: float = 0.0) -> Any:
        """Await a call that may take `patience_s` by its nature. Calls outlive a registry's restart by Ray's
        retries, but the caller hears FleetUnavailable rather than hang."""
        try:
            async with asyncio.timeout(patience_s + ANSWER_WITHIN_S):  # 3.11's wait_for can swallow a cancellation
                return await call
        except RayTaskError as error:
            raise own_error(error) from None
        except (TimeoutError, RayActorError) as error:
            if isinstance(error, ActorDiedError) and (self._reopening is None or self._reopening.done()):
                self._reopening = asyncio.create_task(self._open_again())
            raise FleetUnavailable("The job registry does not answer at present; please try again") from error

    async def _open_again(self) -> None:
        await asyncio.sleep(REOPEN_AFTER_S)
        try:
            self._actor = await asyncio.to_thread(self._reopen)
        except (RayError, FleetUnavailable) as error:  # the next call that finds it dead tries again
            log.warning("registry_not_opened", reason=str(error))


@dataclass(frozen=True, slots=True)
class RayPart:
    """A parsed span: its pages stay in the object store, owned by the dispatcher that asked for them. Nothing here
    looks into them: that would keep the dispatcher's own copy, which the node may otherwise drop."""

    ref: ray.ObjectRef[Shard]
    span: PageSpan
    lost: tuple[PageFailure, ...]


class ParserFleet:
    """The parser replicas, behind Serve's router and autoscaler."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        # By value would go through gRPC messages of at most 4 MiB, whatever the operator's environment says.
        self._handle = handle.options(_by_reference=True)
        self._app = handle.deployment_id.app_name

    async def put(self, data: bytes | memoryview) -> ray.ObjectRef[DocumentBytes] | DocumentBytes:
        """A document as every parser on its node reads it without a copy; the caller's process owns it."""
        document = np.frombuffer(data, dtype=np.uint8)
        if len(data) <= INLINE_BYTES:
            return document
        return await asyncio.to_thread(ray.put, document)

    async def open(self, document: Any, task: FileTask, split_above: int) -> ParsedFile | PagePlan:
        return await self._call("open", document, task, split_above)

    async def parse_pages(self, document: Any, task: FileTask, span: PageSpan) -> RayPart:
        with parser_errors():
            async with _cancelled_with_its_caller(self._handle.parse_pages.remote(document, task, span)) as response:
                ref: ray.ObjectRef[Shard] = await response._to_object_ref()
                shard = await ref
                return RayPart(ref, shard.span, shard.lost)

    async def assemble(
        self, document: Any, task: FileTask, lost: Sequence[PageFailure], parts: Sequence[Any]
    ) -> ParsedFile:
        return await self._call("assemble", document, task, list(lost), *(part.ref for part in parts))

    async def export(self, document: bytes, form: ExportFormat) -> bytes:
        return await self._call("export", await self.put(document), form)

    async def describe(self, options: ParseOptions | None = None) -> ParserInfo:
        return await self._call("describe", options)

    def running(self) -> int:
        """Live replicas; each works on one call at a time."""
        return running_replicas(self._app)

    async def _call(self, method: str, *args: Any) -> Any:
        with parser_errors():
            async with _cancelled_with_its_caller(getattr(self._handle, method).remote(*args)) as response:
                return await response


class DispatcherFleet:
    """The dispatchers, for what only they know."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle.options(_by_reference=True)

    async def so_far(self, job_id: str) -> list[FileSoFar] | None:
        """What there is of a job's files at this moment; None when nobody works on it. Raises FleetUnavailable."""
        with dispatcher_errors():
            async with _cancelled_with_its_caller(self._handle.so_far.remote(job_id)) as response:
                files: list[FileSoFar] | None = await response
                return files


class Desk:
    """The desk for drivers, in a dispatcher: `actors.dispatcher.desk.DriverDesk`, called from any process.

    The calls go through an actor of this Desk's own, which repeats what a dispatcher took to its grave: a reference
    that a dispatcher made itself could only be answered by Ray's own error.
    """

    def __init__(self, app: str) -> None:
        caller = ray.remote(DeskCaller).options(
            num_cpus=0, max_restarts=-1, max_task_retries=-1, max_concurrency=DESK_CALLS
        )
        self._caller: Any = caller.remote(app)

    def call(self, method: str, *args: Any) -> ray.ObjectRef[Any]:
        """The result's reference, at once. Arguments may be references."""
        return self._caller.call.remote(method, [_shared(arg) for arg in args])


def _shared(argument: Any) -> Any:
    """Large arrays as references, so that they are stored once, however often a call is repeated."""
    large = isinstance(argument, np.ndarray) and argument.nbytes > INLINE_BYTES
    return ray.put(argument) if large else argument


class DeskCaller:
    """Asks the desk, and another dispatcher's desk when the one that was asked has died: every call may be repeated.

    Raises DocfleetErrors, FleetUnavailable among them when dispatchers die again and again.
    """

    def __init__(self, app: str) -> None:
        self._handle = serve.get_deployment_handle("Dispatcher", app).options(_by_reference=True)

    async def call(self, method: str, args: Sequence[Any]) -> Any:
        async for attempt in stamina.retry_context(on=FleetUnavailable, attempts=DESK_ATTEMPTS, timeout=None):
            with attempt, dispatcher_errors():
                async with _cancelled_with_its_caller(getattr(self._handle, method).remote(*args)) as response:
                    return await response
        raise AssertionError("the last attempt raises")


@asynccontextmanager
async def _cancelled_with_its_caller(response: Any) -> AsyncIterator[Any]:
    """Tell the replica when its caller stops waiting, which Serve does not: it works for nobody then."""
    try:
        yield response
    except asyncio.CancelledError:
        response.cancel()
        raise
