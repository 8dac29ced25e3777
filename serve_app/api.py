"""The REST API: routes of a few lines each over the rooms below."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from typing import Annotated

from fastapi import FastAPI, Header, Path, Query, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel
from starlette.middleware import Middleware

from actors.blobs import BlobStore
from actors.errors import FleetUnavailable, JobEnded, JobNotFound
from actors.formats import supported_suffixes
from actors.messages import JobView
from client.models import (
    DeliveryListResponse,
    ExportFormat,
    HealthResponse,
    JobListResponse,
    JobStatusEnum,
    JobStatusResponse,
    JobSubmitResponse,
    ServiceInfo,
)
from serve_app.context import RequestContext
from serve_app.description import (
    ALWAYS,
    CANCEL_RESPONSES,
    LIST_RESPONSES,
    OF_A_JOB,
    PARSE_RESPONSES,
    REDELIVER_RESPONSES,
    RESULT_RESPONSES,
    SUBMIT_RESPONSES,
    UPLOAD_FORM,
    DescribedApi,
    errors,
)
from serve_app.health import Health
from serve_app.intake import Intake
from serve_app.ports import Jobs, Parsers
from serve_app.problems import install_problems, problem
from serve_app.results import JSON, Results, etag, unchanged
from serve_app.settings import Settings
from serve_app.specs import NOBODY

NAME = "docfleet"
VERSION = version(NAME)
DESCRIPTION = "Documents in, structured nodes out, on as many machines as you have."

LONGEST_WAIT_S = 60
#: How long a registry that is being restarted is waited for between two looks, in seconds.
RECONNECT_S = 0.5

ENDPOINTS = {
    "health": "/health",
    "parse": "/parse",
    "submit": "/submit",
    "jobs": "/jobs",
    "job_status": "/jobs/{job_id}",
    "job_results": "/jobs/{job_id}/results",
    "cancel_job": "/jobs/{job_id}/cancel",
    "job_deliveries": "/jobs/{job_id}/deliveries",
    "redeliver": "/jobs/{job_id}/redeliver",
    "docs": "/docs",
}

JobId = Annotated[str, Path(description="As `POST /submit` answered it", max_length=100)]

IdempotencyKey = Annotated[
    str | None,
    Header(description="The same key with the same files and fields is the same job, however often it is sent"),
]


def make_api(jobs: Jobs, blobs: BlobStore, parsers: Parsers, settings: Settings) -> FastAPI:
    """The ASGI application. It keeps no state of its own, so any replica of it answers for any job."""
    routes = Routes(jobs, blobs, parsers, settings)
    api = DescribedApi(
        title=NAME,
        version=VERSION,
        description=DESCRIPTION,
        middleware=[Middleware(RequestContext)],
        generate_unique_id_function=lambda route: route.name,
    )
    install_problems(api)
    get = partial(api.add_api_route, methods=["GET"])
    post = partial(api.add_api_route, methods=["POST"])
    delete = partial(api.add_api_route, methods=["DELETE"])
    # What is asked for most is looked at first.
    get("/jobs/{job_id}", routes.job_status, response_model=JobStatusResponse, responses=errors(*OF_A_JOB))
    post("/submit", routes.submit, status_code=202, responses=SUBMIT_RESPONSES, openapi_extra=UPLOAD_FORM)
    get("/jobs/{job_id}/results", routes.job_results, responses=RESULT_RESPONSES)
    post("/parse", routes.parse, responses=PARSE_RESPONSES, openapi_extra=UPLOAD_FORM)
    get("/jobs", routes.list_jobs, response_model=JobListResponse, responses=LIST_RESPONSES)
    post("/jobs/{job_id}/cancel", routes.cancel_job, status_code=202, responses=CANCEL_RESPONSES)
    get(
        "/jobs/{job_id}/deliveries",
        routes.list_deliveries,
        response_model=DeliveryListResponse,
        responses=errors(*OF_A_JOB),
    )
    post("/jobs/{job_id}/redeliver", routes.redeliver, status_code=202, responses=REDELIVER_RESPONSES)
    delete("/jobs/{job_id}", routes.delete_job, status_code=204, responses=errors(*OF_A_JOB))
    get("/", routes.index, response_model=ServiceInfo)
    get("/health", routes.health, response_model=HealthResponse)
    get("/livez", routes.livez, response_class=PlainTextResponse)
    get("/readyz", routes.readyz, response_class=PlainTextResponse, responses=errors(*ALWAYS))
    return api


class Routes:
    """What each route does. Responses are made here, so that FastAPI does not validate and encode them again."""

    def __init__(self, jobs: Jobs, blobs: BlobStore, parsers: Parsers, settings: Settings) -> None:
        self._jobs = jobs
        self._blobs = blobs
        self._intake = Intake(jobs, blobs, settings)
        self._settings = settings
        self._results = Results(blobs, parsers)
        self._health = Health(jobs, parsers, settings, VERSION)

    async def index(self) -> Response:
        """What this service is and takes."""
        info = ServiceInfo(
            name=NAME,
            version=VERSION,
            description=DESCRIPTION,
            supported_formats=list(supported_suffixes()),
            endpoints=dict(ENDPOINTS),
        )
        return _json(info)

    async def health(self) -> Response:
        """State, settings and load; answers 200 in any state."""
        return _json(await self._health.report())

    async def livez(self) -> Response:
        """This process answers."""
        return Response("ok", media_type="text/plain")

    async def readyz(self) -> Response:
        """A job that is submitted now is taken and parsed."""
        await self._health.check_ready()
        return Response("ok", media_type="text/plain")

    async def submit(self, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Take files to be parsed; answers with a job id as soon as they are stored."""
        spec, view = await self._intake.take(request, refuse_unsupported=True, idempotency_key=idempotency_key)
        message = f"Job submitted successfully with {len(spec.files)} file(s)"
        return _accepted(view, JobSubmitResponse(job_id=view.job_id, status=view.status, message=message))

    async def parse(self, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Take files and answer with their nodes; past the server's deadline with 202, and the job goes on."""
        _, view = await self._intake.take(request, refuse_unsupported=False, idempotency_key=idempotency_key)
        view = await self._until_ended(view, self._settings.parse_timeout_s)
        if view.status is JobStatusEnum.COMPLETED:
            return await self._results.batch(view)
        if view.failure:
            return problem(view.failure.code, view.failure.message, request.state.request_id)
        return _accepted(view, _status(view))

    async def job_status(
        self,
        job_id: JobId,
        wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for a change")] = 0,
        prefer: Annotated[str | None, Header(description="`wait=S`, as the query parameter")] = None,
    ) -> Response:
        """Where a job is; with `wait`, as soon as that changes."""
        view = await self._found(job_id)
        preferred = _preferred_wait(prefer)
        if not view.status.ended and (wait or preferred):
            view = await self._jobs.wait(job_id, view.version, wait or preferred)
        headers = {} if view.status.ended else {"Retry-After": "1"}
        return _json(_status(view), headers | ({"Preference-Applied": f"wait={preferred}"} if preferred else {}))

    async def job_results(
        self,
        job_id: JobId,
        form: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.NODES,
        file: Annotated[int | None, Query(ge=0, description="One file alone, counted from 0 as they were sent")] = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """A job's nodes, or its documents in another format."""
        view = await self._found(job_id)
        if unchanged(view, if_none_match):
            return Response(status_code=304, headers=etag(view))
        if form is ExportFormat.NODES and file is None:
            return await self._results.envelope(view)
        return await self._results.exported(view, form, file)

    async def list_jobs(
        self,
        status: JobStatusEnum | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        """Jobs, newest first."""
        views, following = await self._jobs.list_jobs(NOBODY, status, limit, cursor)
        return _json(JobListResponse(jobs=[_status(view) for view in views], next_cursor=following))

    async def cancel_job(self, job_id: JobId) -> Response:
        """Ask a job to end; a running one ends with the span that is being parsed."""
        return _json(_status(await self._jobs.cancel(job_id, NOBODY)), status=202)

    async def list_deliveries(self, job_id: JobId) -> Response:
        """What was sent about a job's end, and what will be."""
        await self._found(job_id)
        return _json(await self._deliveries(job_id))

    async def redeliver(self, job_id: JobId) -> Response:
        """Send now what was delivered, all of it again, and what was not, from where it stopped."""
        await self._found(job_id)
        await self._jobs.redeliver(job_id)
        return _json(await self._deliveries(job_id), status=202)

    async def delete_job(self, job_id: JobId) -> Response:
        """Cancel a job where it has not ended, and remove its files, results and status."""
        view = await self._found(job_id)
        if not view.status.ended:
            with suppress(JobEnded):  # by itself, just now
                view = await self._jobs.cancel(job_id, NOBODY)
            view = await self._until_ended(view, LONGEST_WAIT_S)
        if not view.status.ended:
            raise FleetUnavailable(f"Job {job_id} is cancelled but has not ended yet; please try again")
        # The row goes last: until then the request can be repeated.
        for folder in ("inputs", "results"):
            await self._blobs.delete_prefix(f"{folder}/{view.job_id}")
        await self._jobs.delete(view.job_id, NOBODY)
        return Response(status_code=204)

    async def _deliveries(self, job_id: str) -> DeliveryListResponse:
        return DeliveryListResponse(job_id=job_id, deliveries=await self._jobs.deliveries(job_id))

    async def _found(self, job_id: str) -> JobView:
        view = await self._jobs.get(job_id)
        if view is None:
            raise JobNotFound(f"Job {job_id} not found")
        return view

    async def _until_ended(self, view: JobView, timeout_s: float) -> JobView:
        now = asyncio.get_running_loop().time
        deadline = now() + timeout_s
        while not view.status.ended and (left := deadline - now()) > 0:
            try:
                view = await self._jobs.wait(view.job_id, view.version, min(left, LONGEST_WAIT_S))
            except FleetUnavailable:
                await asyncio.sleep(min(left, RECONNECT_S))
        return view


def _status(view: JobView) -> JobStatusResponse:
    return JobStatusResponse(
        job_id=view.job_id,
        status=view.status,
        submitted_at=view.submitted_at,
        started_at=view.started_at,
        completed_at=view.completed_at,
        error=view.failure.message if view.failure else None,
        reason=view.failure.code if view.failure else None,
        progress=view.progress,
        queue_position=view.queue_position,
        attempts=view.attempts,
        metadata=view.metadata,
    )


def _accepted(view: JobView, body: BaseModel) -> Response:
    return _json(body, {"Location": f"/jobs/{view.job_id}", "Retry-After": "1"}, status=202)


def _json(body: BaseModel, headers: dict[str, str] | None = None, status: int = 200) -> Response:
    return Response(body.model_dump_json(), status, headers, JSON)


def _preferred_wait(prefer: str | None) -> int:
    asked = re.search(r"\bwait=(\d{1,6})", prefer or "")
    return min(int(asked[1]), LONGEST_WAIT_S) if asked else 0
