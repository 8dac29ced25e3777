"""Adds docling-serve's routes to the API."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import FastAPI

from serve_app.docling_v1.errors import install_errors
from serve_app.docling_v1.routes import DoclingRoutes


def add_docling_v1(api: FastAPI, routes: DoclingRoutes) -> None:
    """All routes answer 200 when they succeed, also the submits: clients compare with it."""
    install_errors(api)
    add: Any = partial(api.add_api_route, include_in_schema=False)
    add("/v1/convert/file", routes.v1_convert_file, methods=["POST"])
    add("/v1/convert/source", routes.v1_convert_source, methods=["POST"])
    add("/v1/convert/file/async", routes.v1_submit_file, methods=["POST"])
    add("/v1/convert/source/async", routes.v1_submit_source, methods=["POST"])
    add("/v1/status/poll/{task_id}", routes.v1_poll)
    add("/v1/result/{task_id}", routes.v1_result)
    add("/v1/clear/converters", routes.v1_clear_converters)
    add("/v1/clear/results", routes.v1_clear_results)
    add("/ready", routes.v1_ready)
    add("/version", routes.v1_version)
    add("/v1/capabilities", routes.v1_capabilities)
    api.add_api_websocket_route("/v1/status/ws/{task_id}", routes.v1_watch)
