"""Runs the service from this process, on its own Ray instance or on the cluster that RAY_ADDRESS names."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import ray
from ray import serve
from ray.serve.config import HTTPOptions, ProxyLocation
from ray.serve.schema import LoggingConfig

from actors.parser.parser import EngineFactory, docling_engine
from serve_app.app import APP, compose
from serve_app.settings import Settings

#: Serve's access log has a line for every call between replicas. It costs time, and fills logs and drivers' terminals.
NO_ACCESS_LOG = LoggingConfig(enable_access_log=False)


@contextmanager
def running_service(settings: Settings, make_engine: EngineFactory = docling_engine) -> Iterator[None]:
    """Start the service and stop it when the context ends. A Ray instance that was started here is stopped too."""
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
    try:
        with serving(settings, make_engine):
            yield
            # The raylet logs the call that stops Serve's controller as a failure, although it is none.
            ray._private.worker._worker_logs_enabled = False
    finally:
        ray.shutdown()


@contextmanager
def serving(settings: Settings, make_engine: EngineFactory = docling_engine) -> Iterator[None]:
    """Run the application on the Ray cluster that this process is connected to."""
    serve.start(
        proxy_location=ProxyLocation.HeadOnly,
        http_options=HTTPOptions(host=settings.host, port=settings.port, request_timeout_s=None),
        logging_config=NO_ACCESS_LOG,
    )
    try:
        serve.run(compose(settings, make_engine), name=APP, route_prefix="/", logging_config=NO_ACCESS_LOG)
        yield
    finally:
        serve.shutdown()  # type: ignore[no-untyped-call]
