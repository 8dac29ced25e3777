"""The replica that serves the REST API."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from ray.serve.handle import DeploymentHandle

from actors.blobs import open_blobs
from actors.handles.dispatchers import DispatcherHandle
from actors.handles.parsers import ParserHandle
from actors.telemetry.export import export_spans
from serve_app.api import make_api
from serve_app.ray_workarounds import ServeWorkarounds, answer_here
from serve_app.registry import open_registry_of
from serve_app.settings import Settings


class Ingress:
    """Serves the REST API. It keeps no state, so every replica can answer for every job."""

    def __init__(self, settings: Settings, parser: DeploymentHandle[Any], dispatcher: DeploymentHandle[Any]) -> None:
        export_spans("ingress")
        self._settings = settings
        self._registry = open_registry_of(settings)
        self._parsers = ParserHandle(parser)
        self._dispatchers = DispatcherHandle(dispatcher)

    def __serve_build_asgi_app__(self) -> FastAPI:
        blobs = open_blobs(self._settings.blob_url)
        api = make_api(self._registry, blobs, self._parsers, self._dispatchers, self._settings)
        answer_here(api)
        api.add_middleware(ServeWorkarounds)
        return api
