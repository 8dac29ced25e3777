"""The REST API: the routes, their OpenAPI descriptions, and the middleware around them."""

from __future__ import annotations

from functools import partial

from fastapi import Depends, FastAPI
from fastapi.responses import PlainTextResponse
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from actors.blobs import BlobStore
from client.models import DeliveryListResponse, HealthResponse, JobListResponse, JobStatusResponse, ServiceInfo
from client.offer import ServerOptions
from serve_app.api_keys import ApiKeys
from serve_app.auth import Access
from serve_app.context import REQUEST_ID, RequestContext
from serve_app.derived import DerivedBlobs
from serve_app.docling_v1.api import add_docling_v1
from serve_app.docling_v1.openapi import SUBSTITUTED
from serve_app.docling_v1.routes import DoclingRoutes
from serve_app.docs_page import add_docs_page
from serve_app.head_routes import add_get
from serve_app.health import Health
from serve_app.misspelt_names import refuse_in_query, refuse_misspelt
from serve_app.openapi import (
    ALWAYS,
    ARTIFACT_RESPONSES,
    CANCEL_RESPONSES,
    CHANGES_RESPONSES,
    EVENT_RESPONSES,
    INDEX_RESPONSES,
    LIST_RESPONSES,
    OF_A_JOB,
    PARSE_RESPONSES,
    PICTURE_RESPONSES,
    REDELIVER_RESPONSES,
    RESULT_RESPONSES,
    SUBMIT_RESPONSES,
    UPLOAD_FORM,
    DescribedApi,
    errors,
)
from serve_app.picture_routes import PictureRoutes
from serve_app.pictures import Artifacts, PagePictures
from serve_app.plain_status import PlainResults, PlainStatus
from serve_app.ports import Dispatchers, IngressRegistry, Parsers
from serve_app.problems import install_problems
from serve_app.rate_limit import RateLimit
from serve_app.results import Results
from serve_app.routes import DESCRIPTION, NAME, VERSION, Routes
from serve_app.settings import Settings
from serve_app.ui_page import add_ui, is_ui

#: Bodies of at least this many bytes are compressed for clients that accept gzip. A low level saves CPU.
COMPRESSED_FROM = 2048
GZIP_LEVEL = 4


def make_api(
    jobs: IngressRegistry, blobs: BlobStore, parsers: Parsers, dispatchers: Dispatchers, settings: Settings
) -> FastAPI:
    """The ASGI application. It keeps no state, so every replica can answer for every job.

    Raises KeyFileError or OSError when the API key file cannot be used.
    """
    api = DescribedApi(
        title=NAME,
        version=VERSION,
        description=DESCRIPTION,
        middleware=_middleware(settings),
        generate_unique_id_function=lambda route: route.name,
        docs_url=None,  # docs_page has its own content security policy
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # RequestContext makes the spans
        redirect_slashes=False,  # the redirect would go to the host that the request names
        servers=[{"url": settings.root_path}] if settings.root_path else None,
    )
    install_problems(api)
    if settings.ui:
        add_ui(api)
    routes = Routes(jobs, blobs, parsers, dispatchers, settings)
    pages = PagePictures(DerivedBlobs(blobs, dispatchers))
    _add_routes(api, routes, PictureRoutes(routes.found, pages, Artifacts(pages)))
    if settings.docling_v1:
        results = Results(blobs, DerivedBlobs(blobs, dispatchers))
        add_docling_v1(api, DoclingRoutes(jobs, results, Health(jobs, parsers, settings, VERSION), settings))
    add_docs_page(api)
    return api


def _middleware(settings: Settings) -> list[Middleware]:
    """The middleware, outermost first."""
    rate = RateLimit(settings.key_requests_per_s) if settings.key_requests_per_s else None
    layers = [
        Middleware(RequestContext),
        Middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM, compresslevel=GZIP_LEVEL),
        Middleware(Access, keys=ApiKeys(settings), rate=rate, is_open=is_ui if settings.ui else None),
    ]
    if settings.allowed_origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "HEAD", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=[REQUEST_ID, "Location", "Retry-After", "ETag", "Content-Disposition", SUBSTITUTED],
        )
        layers.insert(1, cors)  # before the key check: browsers send preflight requests without a key
    return layers


def _add_routes(api: FastAPI, routes: Routes, pictures: PictureRoutes) -> None:
    get = partial(add_get, api, dependencies=[Depends(refuse_misspelt)])
    post = partial(api.add_api_route, methods=["POST"])
    upload = partial(post, dependencies=[Depends(refuse_in_query)], openapi_extra=UPLOAD_FORM)
    delete = partial(api.add_api_route, methods=["DELETE"])
    of_a_job = errors(*OF_A_JOB)
    # Routes are matched in this order, so the most frequent come first. Those of the page are there already.
    api.router.routes.insert(0, PlainStatus("/jobs/{job_id}", routes.plain_status))
    get("/jobs/{job_id}", routes.job_status, response_model=JobStatusResponse, responses=of_a_job)
    upload("/submit", routes.submit, status_code=202, responses=SUBMIT_RESPONSES)
    api.router.routes.append(PlainResults("/jobs/{job_id}/results", routes.plain_results))
    get("/jobs/{job_id}/results", routes.job_results, responses=RESULT_RESPONSES)
    get("/jobs/{job_id}/events", routes.job_events, responses=EVENT_RESPONSES)
    upload("/parse", routes.parse, responses=PARSE_RESPONSES)
    get("/jobs", routes.list_jobs, response_model=JobListResponse, responses=LIST_RESPONSES)
    get("/events", routes.events, responses=CHANGES_RESPONSES)
    get("/jobs/{job_id}/files/{file}/pages/{page}.{form}", pictures.page_picture, responses=PICTURE_RESPONSES)
    get("/jobs/{job_id}/files/{file}/artifacts/{name}", pictures.artifact, responses=ARTIFACT_RESPONSES)
    post("/jobs/{job_id}/cancel", routes.cancel_job, status_code=202, responses=CANCEL_RESPONSES)
    get("/jobs/{job_id}/deliveries", routes.list_deliveries, response_model=DeliveryListResponse, responses=of_a_job)
    post("/jobs/{job_id}/redeliver", routes.redeliver, status_code=202, responses=REDELIVER_RESPONSES)
    delete("/jobs/{job_id}", routes.delete_job, status_code=204, responses=of_a_job)
    get("/", routes.index, response_model=ServiceInfo, responses=INDEX_RESPONSES)
    get("/options", routes.options, response_model=ServerOptions, responses=INDEX_RESPONSES)
    get("/health", routes.health, response_model=HealthResponse)
    get("/livez", routes.livez, response_class=PlainTextResponse)
    get("/readyz", routes.readyz, response_class=PlainTextResponse, responses=errors(*ALWAYS))
