"""Every client operation as a generator without network I/O.

The sync and the async client drive the same flows, so both send, retry and raise the same. `timeout` is in seconds and
includes retries. For a single exchange, None means the client's own timeout; for a wait, None means no limit.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, TypedDict, Unpack

import httpx

from client._events import SILENCE_S, JobChange, Watch, change_in, status_in
from client._lines import Lines
from client._paths import given, job_path
from client._retry import Flow, Patience, Sleep, exchange
from client._uploads import PathLike, Submission
from client._waiting import LATENCY_S, JsonDict, OnProgress, Waiting
from client.errors import (
    ClientError,
    FileFailed,
    JobCancelled,
    JobFailed,
    JobNotFound,
    JobTimeout,
    RequestTimeout,
    UnexpectedAnswer,
)
from client.models import ChunkFormat, ChunkOptions, ErrorCode, ExportFormat, JobStatusEnum, ParseResponse
from client.options import Chunker, ImageMode, Tables

DEFAULT_URL = "http://localhost:8080"
DEFAULT_TIMEOUT_S = 2400.0  # a blocking parse of many pages may take this long
RETRY_FOR_S = 30.0
PAGE = 100  # jobs per request when all jobs are listed


class Ask(Protocol):
    """A request about a job that the server may hold until something changes."""

    def __call__(self, job_id: str, *, wait: float, timeout: float) -> Flow[JsonDict]: ...


class How(TypedDict, total=False):
    """The arguments of every wait; see `Waiting`."""

    poll_interval: float
    timeout: float | None
    on_progress: OnProgress | None


class ChunkQuery(TypedDict, total=False):
    """How to cut, by the fields of `ChunkOptions`; only this `file`, counted from 0, and only these `pages` ("3-7")."""

    chunker: Chunker
    max_tokens: int | None
    tokenizer: str | None
    merge_peers: bool
    tables: Tables
    file: int | None
    pages: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """The outcome of one file in `parse_many`. `error` is set when there is no usable result.

    `job_id` is None when no job was made. With a `FileFailed`, `result` holds the server's failed entry.
    """

    path: Path
    job_id: str | None = None
    result: ParseResponse | None = None
    error: ClientError | OSError | None = None

    @property
    def ok(self) -> bool:
        """Whether the file was parsed."""
        return self.error is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """The operations against one server."""

    base_url: str
    headers: Mapping[str, str]
    patience: Patience

    def health(self, *, timeout: float | None = None) -> Flow[JsonDict]:
        return (yield from self._json("GET", "/health", timeout=timeout))

    def info(self, *, timeout: float | None = None) -> Flow[JsonDict]:
        return (yield from self._json("GET", "/", timeout=timeout))

    def server_options(self, *, timeout: float | None = None) -> Flow[JsonDict]:
        return (yield from self._json("GET", "/options", timeout=timeout))

    def get_job_status(self, job_id: str, *, wait: float = 0, timeout: float | None = None) -> Flow[JsonDict]:
        """The status now, or at the next change within `wait` seconds if the server supports waiting."""
        params = given(wait=f"{wait:g}" if wait else None)
        return (yield from self._json("GET", job_path(job_id), params=params, timeout=timeout))

    def events(self, job_id: str) -> Watch[JsonDict]:
        return Watch(partial(self._event_stream, f"{job_path(job_id)}/events"), self.patience, status_in)

    def watch_jobs(self, after: str | None) -> Watch[JobChange]:
        return Watch(partial(self._event_stream, "/events"), self.patience, change_in, after)

    def get_job_results(
        self,
        job_id: str,
        *,
        pages: str | None = None,
        so_far: bool = False,
        wait: float = 0,
        timeout: float | None = None,
    ) -> Flow[JsonDict]:
        """The results now, or at the job's end within `wait` seconds if the server supports waiting."""
        params = given(pages=pages, partial="true" if so_far else None, wait=f"{wait:g}" if wait else None)
        return (yield from self._json("GET", f"{job_path(job_id)}/results", params=params, timeout=timeout))

    def cancel_job(self, job_id: str, *, timeout: float | None = None) -> Flow[JsonDict]:
        return (yield from self._json("POST", f"{job_path(job_id)}/cancel", timeout=timeout))

    def delete_job(self, job_id: str, *, timeout: float | None = None) -> Flow[None]:
        try:
            yield from self._send(self._request("DELETE", job_path(job_id)), timeout)
        except JobNotFound as error:
            if error.__cause__ is None:  # with a cause, an earlier try deleted the job and its response was lost
                raise

    def list_jobs(
        self,
        *,
        status: JobStatusEnum | str | None = None,
        ids: Iterable[str] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> Flow[JsonDict]:
        named = None if ids is None else ",".join(ids)
        params = given(status=status, ids=named, limit=limit, cursor=cursor)
        return (yield from self._json("GET", "/jobs", params=params, timeout=timeout))

    def list_deliveries(self, job_id: str, *, timeout: float | None = None) -> Flow[JsonDict]:
        return (yield from self._json("GET", f"{job_path(job_id)}/deliveries", timeout=timeout))

    def redeliver(self, job_id: str, *, timeout: float | None = None) -> Flow[JsonDict]:
        return (yield from self._json("POST", f"{job_path(job_id)}/redeliver", timeout=timeout))

    def submit_job(self, submission: Submission, *, timeout: float | None = None) -> Flow[JsonDict]:
        request = submission.request(f"{self.base_url}/submit", self.headers)
        return _decoded((yield from self._send(request, timeout)))

    def parse(self, submission: Submission, *, timeout: float | None = None) -> Flow[JsonDict]:
        """Blocking parse. If the server's own deadline passes, it answers 202 with the job, and this waits for it."""
        waiting = self._waiting(timeout=self.patience.timeout if timeout is None else timeout)
        request = submission.request(f"{self.base_url}/parse", self.headers)
        response = yield from self._send(request, timeout)
        answer = _decoded(response)
        if response.status_code != httpx.codes.ACCEPTED:
            return answer
        return (yield from self._result(answer["job_id"], waiting))

    def submit_and_wait(self, submission: Submission, **how: Unpack[How]) -> Flow[JsonDict]:
        """The job's `BatchParseResponse`."""
        waiting = self._waiting(**how)
        job_id = yield from self._submit(submission, waiting)
        return (yield from self._result(job_id, waiting))

    def parse_one(self, submission: Submission, **how: Unpack[How]) -> Flow[FileResult]:
        """Parse one file as its own job. A failure is returned, not raised."""
        [path] = [Path(each) for each in submission.paths if isinstance(each, str | os.PathLike)]
        waiting = self._waiting(**how)
        job_id = None
        try:
            job_id = yield from self._submit(submission, waiting)
            batch = yield from self._result(job_id, waiting)
        except (ClientError, OSError) as error:
            return FileResult(path=path, job_id=job_id, error=error)
        return _file_result(path, job_id, ParseResponse.model_validate(batch["results"][0]))

    def wait(self, job_id: str, **how: Unpack[How]) -> Flow[JsonDict]:
        """The job's last status."""
        return (yield from self._wait(job_id, self._waiting(**how)))

    def result(self, job_id: str, **how: Unpack[How]) -> Flow[JsonDict]:
        """Wait for the job; returns its `BatchParseResponse`."""
        return (yield from self._result(job_id, self._waiting(**how)))

    def download_results(
        self,
        job_id: str,
        path: PathLike,
        *,
        export: ExportFormat | ChunkFormat | str,
        file: int | None = None,
        pages: str | None = None,
        chunks: ChunkOptions | None = None,
        images: ImageMode | None = None,
        page_break: str | None = None,
        timeout: float | None = None,
    ) -> Flow[Path]:
        """Stream the results to `path`. The file appears once it is complete."""
        target = Path(path)
        unfinished = target.with_name(f"{target.name}.part")
        cut = chunks.model_dump(exclude_unset=True) if chunks else {}
        params = given(format=export, file=file, pages=pages, images=images, page_break=page_break, **cut)
        request = self._request("GET", f"{job_path(job_id)}/results", params)
        try:
            with unfinished.open("wb") as sink:
                yield from self._send(request, timeout, sink)
            return unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)

    def content(
        self, job_id: str, path: str, *, timeout: float | None = None, **params: str | float | None
    ) -> Flow[bytes]:
        """What is at `path` below a job, whole."""
        request = self._request("GET", f"{job_path(job_id)}{path}", given(**params))
        return (yield from self._send(request, timeout)).content

    def chunks(self, job_id: str, *, timeout: float | None = None, **chosen: Unpack[ChunkQuery]) -> Lines:
        """The chunks of a completed job, one on each line."""
        params = given(format=ChunkFormat.LINES, **chosen)

        def request() -> Flow[httpx.Response]:
            asked = self._request("GET", f"{job_path(job_id)}/results", params)
            deadline = self.patience.clock() + (self._limit if timeout is None else timeout)
            return (yield from exchange(asked, self.patience, deadline=deadline, silence=SILENCE_S))

        return Lines(request)

    def _waiting(self, **how: Unpack[How]) -> Waiting:
        return Waiting(started=self.patience.clock(), **how)

    def _submit(self, submission: Submission, waiting: Waiting) -> Flow[str]:
        timeout = min(waiting.left(self.patience.clock()), self._limit)
        job_id: str = (yield from self.submit_job(submission, timeout=timeout))["job_id"]
        return job_id

    def _result(self, job_id: str, waiting: Waiting) -> Flow[JsonDict]:
        """Raises `JobFailed` when there are no results."""
        if waiting.on_progress:
            status = yield from self._wait(job_id, waiting)
            if status["status"] == JobStatusEnum.FAILED:
                raise _failed(status)
            answer = yield from self.get_job_results(job_id)
        else:  # wait for the results themselves: one request instead of one per change
            answer = yield from self._wait(job_id, waiting, self.get_job_results)
            if answer["status"] == JobStatusEnum.FAILED:
                raise _failed((yield from self.get_job_status(job_id)))
        results: JsonDict | None = answer["results"]
        if results is None:
            raise JobFailed(job_id, answer.get("error") or "it completed without results")
        return results

    def _wait(self, job_id: str, waiting: Waiting, ask: Ask | None = None) -> Flow[JsonDict]:
        """The first answer of `ask` (default: the job's status) that shows an ended job.

        After a held request ran out, the next one is not held. If a server ever misses the end of a job while it holds
        a request, this costs one hold instead of the whole timeout.
        """
        seen: JsonDict | None = None
        ran_out = False
        while True:
            asked = self.patience.clock()
            hold = 0.0 if ran_out else waiting.hold(asked)
            status = yield from self._look(ask or self.get_job_status, job_id, waiting, asked, hold)
            if waiting.on_progress and status != seen:
                waiting.on_progress(status)
            if JobStatusEnum(status["status"]).ended:
                return status
            now = self.patience.clock()
            if waiting.timeout is not None and waiting.left(now) <= 0:
                raise JobTimeout(job_id, waiting.timeout)
            yield Sleep(waiting.pause(asked=asked, held=hold, now=now, changed=status != seen))
            seen, ran_out = status, 0 < hold <= now - asked

    def _look(self, ask: Ask, job_id: str, waiting: Waiting, now: float, hold: float) -> Flow[JsonDict]:
        left = waiting.left(now) + LATENCY_S
        limit = self._limit + hold
        try:
            return (yield from ask(job_id, wait=hold, timeout=min(left, limit)))
        except RequestTimeout as late:
            if waiting.timeout is not None and left <= limit:
                raise JobTimeout(job_id, waiting.timeout) from late
            raise

    def _event_stream(self, path: str, last_id: str | None) -> Flow[httpx.Response]:
        request = self._request("GET", path)
        request.headers["Accept"] = "text/event-stream, application/json"
        if last_id is not None:
            request.headers["Last-Event-ID"] = last_id
        deadline = self.patience.clock() + self._limit
        return (yield from exchange(request, self.patience, deadline=deadline, silence=SILENCE_S))

    def _json(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Flow[JsonDict]:
        return _decoded((yield from self._send(self._request(method, path, params), timeout)))

    def _send(
        self, request: httpx.Request, timeout: float | None, sink: BinaryIO | None = None
    ) -> Flow[httpx.Response]:
        deadline = self.patience.clock() + (self._limit if timeout is None else timeout)
        return (yield from exchange(request, self.patience, deadline=deadline, sink=sink))

    def _request(self, method: str, path: str, params: Mapping[str, str] | None = None) -> httpx.Request:
        return httpx.Request(method, f"{self.base_url}{path}", params=params, headers=self.headers)

    @property
    def _limit(self) -> float:
        """The client's own timeout, as a number."""
        return math.inf if self.patience.timeout is None else self.patience.timeout


def flows_for(base_url: str, api_key: str | None, patience: Patience) -> Flows:
    """The flows for a server. Raises `UnexpectedAnswer` when `base_url` is not a valid address."""
    try:
        httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise UnexpectedAnswer(f"{base_url} is not an http or https address: {error}") from error
    headers = {"User-Agent": "docfleet-client", "Accept": "application/json, */*", "Accept-Encoding": "gzip, deflate"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    return Flows(base_url=base_url.rstrip("/"), headers=headers, patience=patience)


def _file_result(path: Path, job_id: str, result: ParseResponse) -> FileResult:
    reason = result.error or "no reason given"
    error = None if result.success else FileFailed(result.filename, reason, result.error_code)
    return FileResult(path=path, job_id=job_id, result=result, error=error)


def _failed(status: JsonDict) -> JobFailed:
    reason = status.get("reason")
    kind = JobCancelled if reason == ErrorCode.CANCELLED else JobFailed
    return kind(status["job_id"], status.get("error") or "no reason given", reason)


def _decoded(response: httpx.Response) -> JsonDict:
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise UnexpectedAnswer(f"{response.request.url} answered with something other than a JSON object")
    return body
