"""The composition root: wraps the plain classes of the rooms as Serve deployments and a detached actor."""

# No `from __future__ import annotations` here: Serve reads the annotation of `build` to convert a config's `args:` into
# ServeArguments.
import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.serve import Application
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
from actors.endpoints import keys_of
from actors.handles.dispatchers import DispatcherHandle
from actors.handles.metrics_exporter import observe
from actors.handles.parser_replica import ParserReplica
from actors.handles.parsers import ParserHandle
from actors.handles.registry import RegistryHandle
from actors.handles.registry_lifecycle import HEAD, open_registry
from actors.handles.registry_shards import RegistryShards
from actors.handles.remote_models import RemoteModelsHandle
from actors.handles.storing_parser import StoringParserReplica
from actors.messages import InputFile, PartialFile
from actors.parser.parser import EngineFactory, ParserConfig, docling_engine
from actors.registry.registry import RegistryConfig
from actors.remote_models.models import RemoteModels, RemoteModelsConfig
from actors.telemetry.export import export_spans
from client.models import UrlSource
from serve_app.api import make_api
from serve_app.ray_workarounds import ServeWorkarounds, answer_here
from serve_app.settings import MIB, ServeArguments, Settings
from serve_app.url_sources import driver_file

APP = "docfleet"

# No deployment blocks its event loop, so user code and Serve's router can share the loop of the replica. A call then
# needs no switch between threads, and an upload is read no faster than it is stored (see serve_app.ray_workarounds).
ONE_LOOP = {
    "env_vars": {"RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0", "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0"}
}

# Seconds until a dead replica is noticed and replaced. Meanwhile its requests go to the other replicas.
CHECK_EVERY_S = 2

# A replica that stops looks this often whether its calls are done. By Serve's default it waits 2 s before the first
# look, and a service that stops does that for one deployment after the other.
STOP_POLL_INTERVAL_S = 0.2


class Ingress:
    """Serves the REST API. It keeps no state, so every replica can answer for every job."""

    def __init__(self, settings: Settings, parser: DeploymentHandle[Any], dispatcher: DeploymentHandle[Any]) -> None:
        export_spans("ingress")
        self._settings = settings
        self._registry = _open_registry(settings)
        self._parsers = ParserHandle(parser)
        self._dispatchers = DispatcherHandle(dispatcher)

    def __serve_build_asgi_app__(self) -> FastAPI:
        blobs = open_blobs(self._settings.blob_url)
        api = make_api(self._registry, blobs, self._parsers, self._dispatchers, self._settings)
        api.add_middleware(ServeWorkarounds)
        answer_here(api)
        return api


class DispatcherReplica(DriverApi):
    """Runs a Dispatcher and a DeliveryWorker for the lifetime of the replica, and answers the calls of drivers."""

    async def __init__(  # type: ignore[misc]
        self, settings: Settings, parser: DeploymentHandle[Any], models: DeploymentHandle[Any] | None
    ) -> None:
        observe("dispatcher")
        registry = await asyncio.to_thread(_open_registry, settings)
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


class RemoteModelsReplica(RemoteModels):
    """Asks the remote models for the whole cluster: one process, so that it can count."""

    def __init__(self, config: RemoteModelsConfig) -> None:
        observe("remote_models")
        super().__init__(config)

    async def __del__(self) -> None:
        """Serve awaits this when it retires a replica."""
        await self.close()


def build(args: ServeArguments) -> Application:
    """The entry point for `serve deploy` and `serve run`. `args:` in a Serve config are the settings."""
    return compose(args)


def compose(settings: Settings, make_engine: EngineFactory = docling_engine) -> Application:
    """The graph of deployments. Benchmarks and fault tests replace docling's engine with `make_engine`."""
    parser = _parsers(settings, make_engine)
    ingress = serve.deployment(
        name="Ingress",
        num_replicas=settings.ingress_replicas,
        max_ongoing_requests=5_000,  # most of them wait for a job to change
        health_check_period_s=CHECK_EVERY_S,
        ray_actor_options={"num_cpus": 0, "resources": _on_head(settings), "runtime_env": ONE_LOOP},
    )(serve.ingress()(Ingress))
    dispatcher = dispatcher_deployment(settings).bind(settings, parser, _remote_models(settings))
    return ingress.bind(settings, parser, dispatcher)


def _remote_models(settings: Settings) -> Application | None:
    """The process that asks the remote models. It waits, so it takes no CPU; no process on a server without models."""
    if not settings.endpoints:
        return None
    deployment = serve.deployment(
        name="RemoteModels",
        num_replicas=1,
        max_ongoing_requests=5_000,  # each is a span of pages whose model is asked
        health_check_period_s=CHECK_EVERY_S,
        ray_actor_options={"num_cpus": 0, "resources": _on_head(settings), "runtime_env": ONE_LOOP},
        graceful_shutdown_timeout_s=10,
        graceful_shutdown_wait_loop_s=STOP_POLL_INTERVAL_S,
    )
    keys = keys_of(settings.endpoints, os.environ)
    config = RemoteModelsConfig(endpoints=settings.endpoints, keys=keys)
    return deployment(RemoteModelsReplica).bind(config)


def dispatcher_deployment(settings: Settings, replica: type[DispatcherReplica] = DispatcherReplica) -> serve.Deployment:
    deployment = serve.deployment(
        name="Dispatcher",
        num_replicas=settings.dispatchers,
        request_router_config={"request_router_class": "actors.handles.dispatcher_router.DispatcherRouter"},
        max_ongoing_requests=5_000,  # calls of drivers: most of them wait for a parser or for the end of a job
        ray_actor_options={"num_cpus": 0, "resources": _on_head(settings), "runtime_env": ONE_LOOP},
        graceful_shutdown_timeout_s=10,
        health_check_period_s=CHECK_EVERY_S,
        graceful_shutdown_wait_loop_s=STOP_POLL_INTERVAL_S,
    )
    return deployment(replica)


def _on_head(settings: Settings) -> dict[str, float]:
    return HEAD if settings.is_local else {}


def _parsers(settings: Settings, make_engine: EngineFactory) -> Application:
    config, deployment = _parser_config(settings), _parser_options(settings)
    if settings.bucket:
        return deployment(StoringParserReplica).bind(config, make_engine, settings.bucket)
    return deployment(ParserReplica).bind(config, make_engine)


def _parser_options(settings: Settings) -> Callable[[type[ParserReplica]], serve.Deployment]:
    return serve.deployment(
        name="Parser",
        # The dispatcher gives each replica two calls: one runs, and the arguments of the other are already there. The
        # margin is for ended calls, which Serve still counts for a moment. When the router considers a replica full, it
        # asks the replica for its queue length before every call.
        max_ongoing_requests=4,
        request_router_config={"request_router_class": "actors.handles.router.LeastLoadedRouter"},
        health_check_period_s=CHECK_EVERY_S,
        graceful_shutdown_wait_loop_s=STOP_POLL_INTERVAL_S,
        autoscaling_config={
            "min_replicas": settings.parser_min_replicas,
            "initial_replicas": settings.parser_min_replicas,
            "max_replicas": settings.parser_max_replicas,
            "target_ongoing_requests": 1,
            "upscale_delay_s": 2,
            "downscale_delay_s": settings.parser_idle_s,
            "look_back_period_s": 3,
            "metrics_interval_s": 1,
        },
        ray_actor_options={
            "num_cpus": settings.parser_num_cpus,
            "num_gpus": settings.parser_num_gpus,
            "runtime_env": ONE_LOOP,
        },
        graceful_shutdown_timeout_s=600,  # time for the longest span: 16 pages of slow OCR
    )


async def _together(*loops: Coroutine[Any, Any, None]) -> None:
    """Run all loops. When one of them fails, cancel the others."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(loop)


def _open_registry(settings: Settings) -> RegistryHandle | RegistryShards:
    app = serve.get_replica_context().app_name
    return open_registry(registry_config(settings), app=app, on_head=settings.is_local, shards=settings.registry_shards)


def registry_config(settings: Settings) -> RegistryConfig:
    return RegistryConfig(
        database_url=settings.database_url,
        max_queued_jobs=settings.max_queued_jobs,
        max_queued_bytes=settings.max_queued_bytes,
        max_queued_jobs_of_owner=settings.key_max_queued_jobs,
        max_queued_bytes_of_owner=settings.key_max_queued_bytes,
        job_ttl_s=settings.job_ttl_s,
        # Its readers are on the machine of the registry only where both are pinned to the head node.
        clock_file=f"{settings.state_dir}/changes" if settings.is_local else None,
    )


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


def _parser_config(settings: Settings) -> ParserConfig:
    return ParserConfig(
        defaults=settings.parse_options,
        num_cpus=settings.parser_num_cpus,
        num_gpus=settings.parser_num_gpus,
        artifacts_path=settings.docling_artifacts_path,
        tokenizers_dir=settings.tokenizers_dir,
        endpoints=settings.endpoints,
        page_deadline_s=settings.page_deadline_s,
        max_pages=settings.parser_max_pages or None,
        max_memory=settings.parser_max_memory_mb and settings.parser_max_memory_mb * MIB,
    )
