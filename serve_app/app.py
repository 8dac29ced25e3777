"""The composition root: wraps the plain classes of the rooms as Serve deployments and a detached actor."""

# No `from __future__ import annotations` here: Serve reads the annotation of `build` to convert a config's `args:` into
# ServeArguments.
import os
from collections.abc import Callable
from typing import Any

from ray import serve
from ray.serve import Application

from actors.endpoints import keys_of
from actors.handles.parser_replica import ParserReplica
from actors.handles.registry_lifecycle import HEAD
from actors.handles.remote_models_replica import RemoteModelsReplica
from actors.handles.storing_parser import StoringParserReplica
from actors.parser.parser import EngineFactory, ParserConfig, docling_engine
from actors.remote_models.models import RemoteModelsConfig
from serve_app.dispatcher_replica import DispatcherReplica
from serve_app.ingress import Ingress
from serve_app.settings import MIB, ServeArguments, Settings

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
    autoscaling = _autoscaling(settings)
    return serve.deployment(
        name="Parser",
        # The dispatcher gives each replica two calls: one runs, and the arguments of the other are already there. The
        # margin is for ended calls, which Serve still counts for a moment. When the router considers a replica full, it
        # asks the replica for its queue length before every call.
        max_ongoing_requests=4,
        request_router_config={
            "request_router_class": "actors.handles.router.LeastLoadedRouter",
            "request_router_kwargs": {"spares": settings.parser_num_gpus == 0},
        },
        health_check_period_s=CHECK_EVERY_S,
        graceful_shutdown_wait_loop_s=STOP_POLL_INTERVAL_S,
        num_replicas=None if autoscaling else settings.parser_max_replicas,
        autoscaling_config=autoscaling,
        ray_actor_options={
            "num_cpus": settings.parser_num_cpus,
            "num_gpus": settings.parser_num_gpus,
            "runtime_env": ONE_LOOP,
        },
        graceful_shutdown_timeout_s=600,  # time for the longest span: 16 pages of slow OCR
    )


def _autoscaling(settings: Settings) -> dict[str, Any] | None:
    """None for a fleet that keeps its size: then the dispatchers need not report every second how busy it is."""
    if settings.parser_min_replicas == settings.parser_max_replicas:
        return None
    return {
        "min_replicas": settings.parser_min_replicas,
        "initial_replicas": settings.parser_min_replicas,
        "max_replicas": settings.parser_max_replicas,
        "target_ongoing_requests": 1,
        "upscale_delay_s": 2,
        "downscale_delay_s": settings.parser_idle_s,
        "look_back_period_s": 3,
        "metrics_interval_s": 1,
    }


def _parser_config(settings: Settings) -> ParserConfig:
    return ParserConfig(
        defaults=settings.parse_options,
        num_cpus=settings.parser_num_cpus,
        num_gpus=settings.parser_num_gpus,
        artifacts_path=settings.docling_artifacts_path,
        tokenizers_dir=settings.tokenizers_dir,
        endpoints=settings.endpoints,
        is_only=settings.parser_max_replicas == 1,
        page_deadline_s=settings.page_deadline_s,
        max_pages=settings.parser_max_pages or None,
        max_memory=settings.parser_max_memory_mb and settings.parser_max_memory_mb * MIB,
    )
