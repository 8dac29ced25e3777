"""The handlers of the routes.

They return finished responses, so that FastAPI does not validate and encode them again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from actors.blobs import BlobStore
from actors.blobs.keys import delete_blobs_of
from actors.derivations import ExportStyle
from actors.errors import AWAY, FleetUnavailable, JobEnded, JobExpired, JobNotFound
from actors.formats import supported_suffixes
from actors.job_ids import MAX_SHARDS
from actors.messages import JobView
from client.models import (
    ChunkFormat,
    ChunkOptions,
    DeliveryListResponse,
    ErrorCode,
    ExportFormat,
    JobListResponse,
    JobStatusEnum,
    JobStatusResponse,
    JobSubmitResponse,
    ServiceInfo,
)
from serve_app.chunk_results import ChunkResults
from serve_app.confidence_results import ConfidenceResults
from serve_app.derived import DerivedBlobs
from serve_app.events import LONGEST_WAIT_S, event_stream, own_job_at_end, owner_stream, until_ended
from serve_app.health import Health
from serve_app.offer import offer
from serve_app.own_jobs import own_job
from serve_app.partial_results import partial_results
from serve_app.pictures import Artifacts, PagePictures
from serve_app.ports import Dispatchers, IngressRegistry, Parsers
from serve_app.problems import Refused, problem
from serve_app.result_query import ResultFormat, check_style, check_together, chunk_options, export_style, one_error
from serve_app.results import JSON, Results, check_file, etag, page_span, unchanged
from serve_app.settings import Settings
from serve_app.submit import Intake
from serve_app.zip_results import ZipResults

NAME = "docfleet"
VERSION = version(NAME)
DESCRIPTION = "Parses documents into structured nodes, on as many machines as you have."

MAX_IDS = 100

#: A place in a list, or with several registries one in the list of each.
Cursor = Annotated[
    str,
    Field(pattern="^[0-9]{1,18}(-[0-9]{1,18}){0,63}$"),
    one_error("cursor", "Input should be the next_cursor of an earlier answer"),
]

#: Characters of the id of an event about all jobs: some 32 for each registry.
_LONGEST_ID = 40 * MAX_SHARDS

ENDPOINTS = {
    "health": "/health",
    "options": "/options",
    "parse": "/parse",
    "submit": "/submit",
    "jobs": "/jobs",
    "events": "/events",
    "job_status": "/jobs/{job_id}",
    "job_events": "/jobs/{job_id}/events",
    "job_results": "/jobs/{job_id}/results",
    "page_picture": "/jobs/{job_id}/files/{file}/pages/{page}.{form}",
    "artifact": "/jobs/{job_id}/files/{file}/artifacts/{name}",
    "cancel_job": "/jobs/{job_id}/cancel",
    "job_deliveries": "/jobs/{job_id}/deliveries",
    "redeliver": "/jobs/{job_id}/redeliver",
    "docs": "/docs",
}

JobId = Annotated[str, Path(description="The job id from `POST /submit`", max_length=100)]

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="Repeating a request with the same key, files and fields returns the same job",
    ),
]


class Routes:
    """The routes of one ingress replica. `request.state.owner` is the caller; jobs of other owners are 404."""

    def __init__(
        self, jobs: IngressRegistry, blobs: BlobStore, parsers: Parsers, dispatchers: Dispatchers, settings: Settings
    ) -> None:
        self._jobs = jobs
        self._blobs = blobs
        self._dispatchers = dispatchers
        self._health = Health(jobs, parsers, settings, VERSION)
        self._intake = Intake(jobs, blobs, settings, self._health)
        self._settings = settings
        self._prefix = settings.root_path
        derived = DerivedBlobs(blobs, dispatchers)
        self._results = Results(blobs, derived)
        self._zip = ZipResults(self._results, Artifacts(PagePictures(derived)))
        self._confidence = ConfidenceResults(self._results)
        self._chunks = ChunkResults(derived, settings.tokenizers)

    async def index(self) -> Response:
        """Name, version, supported formats and routes of this service."""
        info = ServiceInfo(
            name=NAME,
            version=VERSION,
            description=DESCRIPTION,
            supported_formats=list(supported_suffixes()),
            endpoints={name: f"{self._prefix}{path}" for name, path in ENDPOINTS.items()},
        )
        return _json(info, {"Vary": "Accept"})  # browsers get the page, see serve_app.ui_page

    async def health(self) -> Response:
        """State, settings and load of the service. Always answers 200."""
        return _json(await self._health.report())

    async def options(self) -> Response:
        """What this server takes: file types, formats, options with their defaults, tokenizers and limits."""
        return _json(offer(self._settings, await self._health.parser(), await self._health.enrichments()))

    async def livez(self) -> Response:
        """Whether this process is alive."""
        return Response("ok", media_type="text/plain")

    async def readyz(self) -> Response:
        """Whether the service can accept and parse a job now."""
        await self._health.check_ready()
        return Response("ok", media_type="text/plain")

    async def submit(self, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Submit files as a job. Answers with the job id as soon as the files are stored."""
        spec, view = await self._intake.take(request, refuse_bad_files=True, idempotency_key=idempotency_key)
        message = f"Job submitted successfully with {len(spec.files)} file(s)"
        return self._accepted(view, JobSubmitResponse(job_id=view.job_id, status=view.status, message=message))

    async def parse(self, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Parse files and answer with their nodes. After PARSE_TIMEOUT_S it answers 202, and the job continues."""
        _, view = await self._intake.take(request, refuse_bad_files=False, idempotency_key=idempotency_key)
        view = await until_ended(self._jobs, view, self._settings.parse_timeout_s)
        if view.failure:
            return problem(view.failure.code, view.failure.message, request.state.request_id)
        if view.status is JobStatusEnum.COMPLETED:
            with suppress(*AWAY):  # the results exist and can be fetched later
                return await self._results.batch(view)
        return self._accepted(view, self._status(view))

    async def job_status(
        self,
        request: Request,
        job_id: JobId,
        wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for a change")] = 0,
        prefer: Annotated[str | None, Header(description="`wait=S`, like the query parameter")] = None,
    ) -> Response:
        """The status of a job. With `wait`, answers at the next change."""
        view = await self.found(request, job_id)
        preferred = _preferred_wait(prefer)
        if not view.status.ended and (wait or preferred):
            view = await self._jobs.wait(job_id, view.version, wait or preferred)
        headers = {} if view.status.ended else {"Retry-After": "1"}
        return _json(self._status(view), headers | ({"Preference-Applied": f"wait={preferred}"} if preferred else {}))

    async def plain_status(self, request: Request) -> Response:
        """`job_status` without its parameters."""
        return await self.job_status(request, request.path_params["job_id"])

    async def job_events(
        self,
        request: Request,
        job_id: JobId,
        last_event_id: Annotated[str | None, Header(description="The `id` of the last received event")] = None,
    ) -> Response:
        """The status of a job as server-sent events: the current state, every change, and a last event `end`."""
        view = await self.found(request, job_id)
        return event_stream(self._jobs, view, last_event_id, self._status, request.state.is_admitted)

    async def job_results(
        self,
        request: Request,
        job_id: JobId,
        chunking: Annotated[ChunkOptions, Depends(chunk_options)],
        style: Annotated[ExportStyle, Depends(export_style)],
        form: Annotated[ResultFormat, Query(alias="format")] = ExportFormat.NODES,
        file: Annotated[
            int | None, Query(ge=0, le=2**31, description="Only this file; files count from 0, in upload order")
        ] = None,
        pages: Annotated[
            str | None,
            Query(
                max_length=30,
                description="Only the nodes or chunks of these pages: a page number, or a range such as 3-7",
            ),
        ] = None,
        partial: Annotated[
            bool,
            Query(description="While the job runs: the results so far, under `partial`; not together with `pages`"),
        ] = False,
        wait: Annotated[
            float, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for the end of the job")
        ] = 0,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """The nodes of a job, its chunks, its exported documents, or a zip file. With `wait`, waits for its end."""
        view = await own_job_at_end(self._jobs, job_id, request.state.owner, wait)
        span = page_span(pages)
        check_together(form, chunking, pages=span is not None, partial=partial)
        check_style(form, style)
        if partial and not view.status.ended:
            return await partial_results(view, self._dispatchers, self._blobs, file)
        if file is not None and view.status is JobStatusEnum.COMPLETED:
            check_file(view, file, len(view.files))
        if unchanged(view, if_none_match):
            return Response(status_code=304, headers=etag(view))
        if form == "zip":
            return await self._zip.answer(view, file, style)
        if form == "confidence":
            return await self._confidence.answer(view, file)
        if isinstance(form, ChunkFormat):
            return await self._chunks.answer(view, form, file, chunking, span)
        if form is ExportFormat.NODES and file is None:
            return await self._results.envelope(view, span)
        return await self._results.exported(view, form, file, span, style)

    async def plain_results(self, request: Request) -> Response:
        """`job_results` with no parameter but `wait`."""
        wait, known = request.query_params.get("wait", "0"), request.headers.get("if-none-match")
        job_id = request.path_params["job_id"]
        return await self.job_results(
            request, job_id, ChunkOptions(), ExportStyle(), wait=float(wait), if_none_match=known
        )

    async def list_jobs(
        self,
        request: Request,
        status: JobStatusEnum | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: Annotated[Cursor | None, Query(description="`next_cursor` of the previous page")] = None,
        ids: Annotated[
            str | None,
            Query(max_length=10_000, description="Only these jobs, separated by commas; the answer then has no pages"),
        ] = None,
    ) -> Response:
        """The jobs of the caller, newest first."""
        owner = request.state.owner
        if ids is not None:
            views, following = await self._named(ids, owner, status), None
        else:
            views, following = await self._jobs.list_jobs(owner, status, limit, cursor)
        return _json(JobListResponse(jobs=[self._status(view) for view in views], next_cursor=following))

    async def events(
        self,
        request: Request,
        last_event_id: Annotated[
            str | None, Header(max_length=_LONGEST_ID, description="The `id` of the last received event")
        ] = None,
    ) -> Response:
        """Every change of the caller's jobs as server-sent events. `sync` says that changes were missed."""
        state = request.state
        return owner_stream(self._jobs, state.owner, last_event_id, self._status, state.is_admitted)

    async def cancel_job(self, request: Request, job_id: JobId) -> Response:
        """Cancel a job. A running job ends after the page span that is being parsed."""
        return _json(self._status(await self._jobs.cancel(job_id, request.state.owner)), status=202)

    async def list_deliveries(self, request: Request, job_id: JobId) -> Response:
        """The callback and webhook deliveries of a job."""
        await self.found(request, job_id)
        return _json(await self._deliveries(job_id))

    async def redeliver(self, request: Request, job_id: JobId) -> Response:
        """Send deliveries again: completed ones from the start, failed ones from the message that failed."""
        await self.found(request, job_id)
        await self._jobs.redeliver(job_id)
        return _json(await self._deliveries(job_id), status=202)

    async def delete_job(self, request: Request, job_id: JobId) -> Response:
        """Delete a job with its files and results. A job that has not ended is cancelled first."""
        view = await self.found(request, job_id)
        if not view.status.ended:
            with suppress(JobEnded):  # it has ended in the meantime
                view = await self._jobs.cancel(job_id, view.owner)
            view = await until_ended(self._jobs, view, LONGEST_WAIT_S)
        if not view.status.ended:
            raise FleetUnavailable(f"Job {job_id} is cancelled but has not ended yet. Send the request again")
        # The row is deleted last, so that a request that fails can be repeated.
        await delete_blobs_of(self._blobs, view.job_id)
        await self._jobs.delete(view.job_id, view.owner)
        return Response(status_code=204)

    def _status(self, view: JobView) -> JobStatusResponse:
        return view.as_status(_links(view, self._prefix))

    def _accepted(self, view: JobView, body: BaseModel) -> Response:
        return _json(body, {"Location": f"{self._prefix}/jobs/{view.job_id}", "Retry-After": "1"}, status=202)

    async def _deliveries(self, job_id: str) -> DeliveryListResponse:
        return DeliveryListResponse(job_id=job_id, deliveries=await self._jobs.deliveries(job_id))

    async def found(self, request: Request, job_id: str) -> JobView:
        """The job, if the caller owns it. Raises JobNotFound, JobExpired."""
        return await own_job(self._jobs, job_id, request.state.owner)

    async def _named(self, ids: str, owner: str, status: JobStatusEnum | None) -> Sequence[JobView]:
        """The jobs of the owner among `ids`, newest first."""
        wanted = {job_id for job_id in map(str.strip, ids.split(",")) if job_id}
        if len(wanted) > MAX_IDS:
            raise Refused(ErrorCode.INVALID_REQUEST, f"ids must name at most {MAX_IDS} jobs")
        views = await asyncio.gather(*map(self._known, wanted))  # RegistryHandle sends them in one call
        own = [view for view in views if view and view.owner == owner and status in (None, view.status)]
        return sorted(own, key=lambda view: view.submitted_at, reverse=True)

    async def _known(self, job_id: str) -> JobView | None:
        try:
            return await self._jobs.get(job_id)
        except (JobNotFound, JobExpired):
            return None


def _links(view: JobView, prefix: str) -> dict[str, str]:
    """Paths of the related routes."""
    job = f"{prefix}/jobs/{view.job_id}"
    links = {"self": job, "events": f"{job}/events", "results": f"{job}/results", "deliveries": f"{job}/deliveries"}
    return links if view.status.ended else links | {"cancel": f"{job}/cancel"}


def _json(body: BaseModel, headers: dict[str, str] | None = None, status: int = 200) -> Response:
    return Response(body.model_dump_json(), status, headers, JSON)


def _preferred_wait(prefer: str | None) -> int:
    asked = re.search(r"\bwait=(\d{1,6})", prefer or "")
    return min(int(asked[1]), LONGEST_WAIT_S) if asked else 0
