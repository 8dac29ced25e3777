"""Adds docling-serve's routes to the API."""

from __future__ import annotations

from functools import partial

from serve_app.docling_v1.errors import install_errors
from serve_app.docling_v1.models import Capabilities, DoclingProblem, OkResponse, Versions
from serve_app.docling_v1.openapi import (
    CHUNK_FORM,
    CHUNK_JSON,
    CHUNK_RESPONSES,
    CONVERT_FORM,
    CONVERT_JSON,
    CONVERT_RESPONSES,
    GUARDED_RESPONSES,
    POLL_RESPONSES,
    READY_RESPONSES,
    RESULT_RESPONSES,
    SUBMIT_RESPONSES,
)
from serve_app.docling_v1.routes import DoclingRoutes
from serve_app.head_routes import add_get
from serve_app.openapi import DescribedApi


def add_docling_v1(api: DescribedApi, routes: DoclingRoutes) -> None:
    """All routes answer 200 when they succeed, also the submits: clients compare with it."""
    install_errors(api)
    api.error_models.append(DoclingProblem)
    get = partial(add_get, api)
    changing_get = partial(api.add_api_route, methods=["GET"])  # without HEAD, which must change nothing
    post = partial(api.add_api_route, methods=["POST"])
    post("/v1/convert/file", routes.v1_convert_file, responses=CONVERT_RESPONSES, openapi_extra=CONVERT_FORM)
    post("/v1/convert/source", routes.v1_convert_source, responses=CONVERT_RESPONSES, openapi_extra=CONVERT_JSON)
    post("/v1/convert/file/async", routes.v1_submit_file, responses=SUBMIT_RESPONSES, openapi_extra=CONVERT_FORM)
    post("/v1/convert/source/async", routes.v1_submit_source, responses=SUBMIT_RESPONSES, openapi_extra=CONVERT_JSON)
    chunk = "/v1/chunk/{chunker}"
    post(f"{chunk}/file", routes.v1_chunk_file, responses=CHUNK_RESPONSES, openapi_extra=CHUNK_FORM)
    post(f"{chunk}/source", routes.v1_chunk_source, responses=CHUNK_RESPONSES, openapi_extra=CHUNK_JSON)
    post(f"{chunk}/file/async", routes.v1_submit_chunk_file, responses=SUBMIT_RESPONSES, openapi_extra=CHUNK_FORM)
    post(f"{chunk}/source/async", routes.v1_submit_chunk_source, responses=SUBMIT_RESPONSES, openapi_extra=CHUNK_JSON)
    get("/v1/status/poll/{task_id}", routes.v1_poll, responses=POLL_RESPONSES)
    get("/v1/result/{task_id}", routes.v1_result, responses=RESULT_RESPONSES)
    get("/v1/clear/converters", routes.v1_clear_converters, response_model=OkResponse, responses=GUARDED_RESPONSES)
    changing_get("/v1/clear/results", routes.v1_clear_results, response_model=OkResponse, responses=GUARDED_RESPONSES)
    get("/v1/capabilities", routes.v1_capabilities, response_model=Capabilities, responses=GUARDED_RESPONSES)
    get("/ready", routes.v1_ready, response_model=OkResponse, responses=READY_RESPONSES)
    get("/version", routes.v1_version, response_model=Versions, responses=READY_RESPONSES)
    api.add_api_websocket_route("/v1/status/ws/{task_id}", routes.v1_watch)
