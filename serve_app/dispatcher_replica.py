"""The replica that runs a dispatcher. It imports nothing of the REST API, so that it starts fast."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine, Mapping
from typing import Any

from ray import serve
from ray.serve.handle import DeploymentHandle

from actors.blobs import open_blobs
from actors.blobs.keys import inputs_of
from actors.deliveries.worker import DeliveryConfig, DeliveryWorker
from actors.derivations import Derivation
from actors.dispatcher.budget import Budget
from actors.dispatcher.derivations import Deriver
from actors.dispatcher.dispatcher import Dispatcher, DispatcherConfig
from actors.dispatcher.driver_api import DriverApi
from actors.dispatcher.files import Splitting
from actors.dispatcher.jobs import JobLimits
from actors.egress.fetch import Fetcher
from actors.handles.metrics_exporter import observe
from actors.handles.parsers import ParserHandle
from actors.handles.remote_models import RemoteModelsHandle
from actors.messages import InputFile, PartialFile
from client.models import UrlSource
from serve_app.registry import open_registry_of
from serve_app.settings import MIB, Settings
from serve_app.url_sources import driver_file


class DispatcherReplica(DriverApi):
    """Runs a Dispatcher and a DeliveryWorker for the lifetime of the replica, and answers the calls of drivers."""

    async def __init__(  # type: ignore[misc]
        self, settings: Settings, parser: DeploymentHandle[Any], models: DeploymentHandle[Any] | None
    ) -> None:
        observe("dispatcher")
        registry = await asyncio.to_thread(open_registry_of, settings)
        parsers = ParserHandle(parser, RemoteModelsHandle(models) if models else None)
        blobs, config = open_blobs(settings.blob_url), _dispatcher_config(settings)
        fetcher = Fetcher(settings.source_guard, settings.max_file_bytes)
        deliveries = DeliveryWorker(registry, blobs, self.derive, _delivery_config(settings))
        me = serve.get_replica_context().replica_id.unique_id
        dispatcher = Dispatcher(registry, parsers, blobs, fetcher, config, deliveries.wake, me)
        splitting, defaults = config.limits.splitting, settings.parse_options
        super().__init__(
            registry,
            parsers,
            blobs,
            dispatcher.slots,
            splitting=splitting,
            defaults=defaults,
            shards=settings.registry_shards,
            file_bytes=settings.max_file_bytes,
        )
        self._settings = settings
        self._dispatcher = dispatcher
        self._deriver = Deriver(parsers, blobs, dispatcher.slots, by_reference=bool(settings.bucket))
        gc.freeze()  # libraries stay for good: to visit them would halt all jobs for 150 ms at a time
        self._work = asyncio.create_task(_together(dispatcher.run(), deliveries.run()))

    def reconfigure(self, user_config: Mapping[str, Any]) -> None:
        """Take over the settings in LIVE for new work. Serve calls this at the start, and when only the `user_config`
        has changed. Raises ValueError."""
        limits = _dispatcher_config(self._settings.with_live(user_config)).limits
        self._dispatcher.change_limits(limits)
        self.splitting = limits.splitting

    async def partial_files(self, job_id: str) -> list[PartialFile] | None:
        """The partial results of a job, or None when it does not run here."""
        return await self._dispatcher.partial_files(job_id)

    async def remote_file(self, source: UrlSource, job_id: str, index: int) -> InputFile:
        """A file of a driver's job that is fetched later. Raises FileError for an invalid source."""
        return driver_file(source, self._settings.source_guard, f"{inputs_of(job_id)}/{index}")

    async def derive(self, wanted: Derivation) -> bytes | None:
        """Make a derivation, as `Deriver.derive` describes it."""
        return await self._deriver.derive(wanted)

    def check_health(self) -> None:
        """Raises RuntimeError when the dispatcher has stopped. Serve then replaces the replica."""
        if self._work.done():
            raise RuntimeError("The loop of the dispatcher has ended") from self._work.exception()

    async def __del__(self) -> None:
        """Serve awaits this when it retires a replica. Unfinished jobs return to the queue at once."""
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)


async def _together(*loops: Coroutine[Any, Any, None]) -> None:
    """Run all loops. When one of them fails, cancel the others."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(loop)


def _dispatcher_config(settings: Settings) -> DispatcherConfig:
    budget = Budget(
        page_deadline_s=settings.page_deadline_s,
        max_pages=settings.max_pages,
        max_result_bytes=settings.max_result_mb and settings.max_result_mb * MIB,
    )
    splitting = Splitting(slots=settings.parser_max_replicas, span_pages=settings.span_pages, budget=budget)
    return DispatcherConfig(
        jobs=settings.max_concurrent_requests,
        dispatchers=settings.dispatchers,
        shards=settings.registry_shards,
        blobs_expire=settings.blobs_expire,
        keep_inputs=settings.keep_inputs,
        orphan_age_s=settings.orphan_age_s,
        result_cache=settings.result_cache,
        endpoints=settings.endpoints,
        result_ttl_s=settings.job_ttl_s,
        limits=JobLimits(
            files=settings.max_concurrent_files,
            by_reference=bool(settings.bucket),
            deadline_s=settings.job_deadline_s,
            splitting=splitting,
        ),
    )


def _delivery_config(settings: Settings) -> DeliveryConfig:
    return DeliveryConfig(allowed=settings.allowed_destinations, webhook_keys=settings.webhook_keys)
