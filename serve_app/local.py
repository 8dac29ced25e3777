"""Runs the service from this process, on its own Ray instance or on the cluster that RAY_ADDRESS names; or stops it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import ray
from ray import serve
from ray.serve.config import HTTPOptions, ProxyLocation
from ray.serve.context import _get_global_client
from ray.serve.schema import LoggingConfig

from actors.handles.registry_lifecycle import end_registry
from actors.handles.resources import room_for_parsers
from actors.parser.parser import EngineFactory, docling_engine
from serve_app.app import APP, compose
from serve_app.settings import Settings
from serve_app.start_checks import check_room

#: Serve's access log has a line for every call between replicas. It costs time, and fills logs and drivers' terminals.
NO_ACCESS_LOG = LoggingConfig(enable_access_log=False)


@contextmanager
def running_service(settings: Settings, make_engine: EngineFactory = docling_engine) -> Iterator[HTTPOptions]:
    """Start the service and stop it when the context ends. A Ray instance that was started here is stopped too.

    Yields the address: that of `settings`, unless Serve runs on the cluster already. Raises CannotStart when the
    parsers do not fit on this machine.
    """
    own = "RAY_ADDRESS" not in os.environ
    if not ray.is_initialized():
        # A Ray of our own asks for a token by default, and makes one. It would warn of that at each start.
        logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)
        ray.init(
            address="local" if own else None,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.WARNING,
        )
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
    if own:
        settings = settings.with_parsers(room_for_parsers(settings.parser_num_cpus, settings.parser_num_gpus))
    try:
        if own:
            check_room(settings, ray.cluster_resources())  # type: ignore[no-untyped-call]
        with serving(settings, make_engine) as http:
            yield http
            # The raylet logs the call that stops Serve's controller as a failure, although it is none.
            ray._private.worker._worker_logs_enabled = False
    finally:
        ray.shutdown()


@contextmanager
def serving(settings: Settings, make_engine: EngineFactory = docling_engine) -> Iterator[HTTPOptions]:
    """Run the application on the Ray cluster that this process is connected to. Yields its address.

    If Serve runs there already, it keeps its address and its other applications, and goes on when the context ends.
    """
    running = http_of_running_serve()
    http = running or HTTPOptions(host=settings.host, port=settings.port, request_timeout_s=None)
    if running is None:
        serve.start(proxy_location=ProxyLocation.HeadOnly, http_options=http, logging_config=NO_ACCESS_LOG)
    try:
        serve.run(compose(settings, make_engine), name=APP, route_prefix="/", logging_config=NO_ACCESS_LOG)
        yield http
    finally:
        if running is None:
            serve.shutdown()  # type: ignore[no-untyped-call]
        else:
            serve.delete(APP)


def http_of_running_serve() -> HTTPOptions | None:
    """The HTTP options of Serve if it runs on this cluster already. They cannot be changed then."""
    client = _get_global_client(raise_if_no_controller_running=False)
    return client.http_config if client else None


def stop_on_cluster() -> bool:
    """Stop the service on the cluster that RAY_ADDRESS names, or on the one of this machine.

    Returns whether there was something to stop. Raises ConnectionError when there is no cluster.
    """
    ray.init(address="auto", log_to_driver=False, logging_level=logging.WARNING)
    try:
        return stop(APP)
    finally:
        ray.shutdown()


def stop(app: str) -> bool:
    """Remove an application and its registry. Ray, Serve and other applications go on."""
    deployed = http_of_running_serve() is not None and app in serve.status().applications
    if deployed:
        serve.delete(app)  # first, as its replicas would make a registry again
    return end_registry(app) or deployed
