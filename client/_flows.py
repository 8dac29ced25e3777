"""Every operation of the clients, once, as a generator that performs no network I/O.

The sync and the async client drive the same flows, so they cannot differ in what they send, retry or raise.
`timeout` is in seconds and covers the retries; for a single exchange None means the client's own timeout, for a
wait it means no limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import httpx

from client._retry import Flow, Patience, Sleep, exchange
from client._uploads import PathLike, Submission
from client.errors import (
    ClientError,
    FileFailed,
    JobCancelled,
    JobFailed,
    JobTimeout,
    RequestTimeout,
    UnexpectedAnswer,
)
from client.models import ErrorCode, ExportFormat, JobStatusEnum, ParseResponse

JsonDict = dict[str, Any]
OnProgress = Callable[[JsonDict], None]

DEFAULT_URL = "http://localhost:8080"
DEFAULT_TIMEOUT_S = 2400.0  # a blocking parse of many pages may take this long
RETRY_FOR_S = 30.0
SHORTEST_LOOK_S = 0.01
LONGEST_LOOK_S = 60.0  # the longest `wait` that a server grants
#: Pause after a look that saw a change, as a share of the time waited so far: a job of many pages changes often, and a
#: look at every change would cost the server more than the job. A result is late by at most this share and this cap.
PAUSE_SHARE = 0.05
LONGEST_PAUSE_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """How one file of `parse_many` ended: `error` is set when it has no usable result.

    `job_id` is None when no job was made. `result` may be set beside a `FileFailed`: it is the server's failed entry.
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

    def get_job_status(self, job_id: str, *, wait: float = 0, timeout: float | None = None) -> Flow[JsonDict]:
        """The status now or, where the server can wait, at the next change within `wait` seconds."""
        params = {"wait": f"{wait:g}"} if wait else {}
        return (yield from self._json("GET", _job(job_id), params=params, timeout=timeout))

    def get_job_results(self, job_id: str, *, timeout: float | None = None) -> Flow[JsonDict]:
        return (yield from self._json("GET", f"{_job(job_id)}/results", timeout=timeout))

    def cancel_job(self, job_id: str, *, timeout: float | None = None) -> Flow[JsonDict]:
        return (yield from self._json("POST", f"{_job(job_id)}/cancel", timeout=timeout))

    def delete_job(self, job_id: str, *, timeout: float | None = None) -> Flow[None]:
        yield from self._send(self._request("DELETE", _job(job_id)), timeout)

    def list_jobs(
        self,
        *,
        status: JobStatusEnum | str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> Flow[JsonDict]:
        asked = {"status": status, "limit": limit, "cursor": cursor}
        params = {name: str(value) for name, value in asked.items() if value is not None}
        return (yield from self._json("GET", "/jobs", params=params, timeout=timeout))

    def submit_job(self, submission: Submission, *, timeout: float | None = None) -> Flow[JsonDict]:
        request = submission.request(f"{self.base_url}/submit", self.headers)
        return _decoded((yield from self._send(request, timeout)))

    def parse(self, submission: Submission, *, timeout: float | None = None) -> Flow[JsonDict]:
        """Blocking parse. A server whose own deadline passes answers 202 with the job, which is then waited for."""
        deadline = self._deadline(timeout)
        request = submission.request(f"{self.base_url}/parse", self.headers)
        response = yield from self._send(request, self._left(deadline))
        answer = _decoded(response)
        if response.status_code != httpx.codes.ACCEPTED:
            return answer
        return (yield from self.result(answer["job_id"], timeout=self._left(deadline)))

    def submit_and_wait(
        self,
        submission: Submission,
        *,
        poll_interval: float,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> Flow[JsonDict]:
        """The job's `BatchParseResponse`."""
        deadline = self.patience.deadline(timeout)
        job = yield from self.submit_job(submission, timeout=self._left(deadline))
        left = None if timeout is None else self._left(deadline)
        return (
            yield from self.result(job["job_id"], poll_interval=poll_interval, timeout=left, on_progress=on_progress)
        )

    def parse_one(self, submission: Submission, *, poll_interval: float, timeout: float | None) -> Flow[FileResult]:
        """A job of one file, whose failure is a value too."""
        [path] = map(Path, submission.paths)
        deadline = self.patience.deadline(timeout)
        job_id = None
        try:
            job = yield from self.submit_job(submission, timeout=self._left(deadline))
            job_id = job["job_id"]
            left = None if timeout is None else self._left(deadline)
            batch = yield from self.result(job_id, poll_interval=poll_interval, timeout=left)
        except (ClientError, OSError) as error:
            return FileResult(path=path, job_id=job_id, error=error)
        return _file_result(path, job_id, ParseResponse.model_validate(batch["results"][0]))

    def result(
        self,
        job_id: str,
        *,
        poll_interval: float = 1.0,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> Flow[JsonDict]:
        """Wait for the job and return its `BatchParseResponse`; raises `JobFailed` when there is none."""
        status = yield from self.wait(job_id, poll_interval=poll_interval, timeout=timeout, on_progress=on_progress)
        if status["status"] == JobStatusEnum.FAILED:
            raise _failed(status)
        answer = yield from self.get_job_results(job_id)
        results: JsonDict | None = answer["results"]
        if results is None:
            raise JobFailed(job_id, answer.get("error") or "it completed without results")
        return results

    def wait(
        self,
        job_id: str,
        *,
        poll_interval: float = 1.0,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> Flow[JsonDict]:
        """Look until the job has ended, at least every `poll_interval` seconds; return its last status.

        Every look asks the server to hold its answer until something changes, so an end is seen when it comes.
        """
        started = self.patience.clock()
        deadline = self.patience.deadline(timeout)
        seen: JsonDict | None = None
        while True:
            asked = self.patience.clock()
            hold = min(max(poll_interval, SHORTEST_LOOK_S), LONGEST_LOOK_S, max(deadline - asked, 0.0))
            status = yield from self._look(job_id, hold, deadline, timeout)
            if on_progress and status != seen:
                on_progress(status)
            if JobStatusEnum(status["status"]).ended:
                return status
            now = self.patience.clock()
            if timeout is not None and now >= deadline:
                raise JobTimeout(job_id, timeout)
            yield Sleep(_pause(rest=asked + hold - now, waited=now - started, changed=status != seen))
            seen = status

    def download_results(
        self,
        job_id: str,
        path: PathLike,
        *,
        export: ExportFormat | str,
        file: int | None = None,
        timeout: float | None = None,
    ) -> Flow[Path]:
        """Stream the results to `path`, which appears once it is complete."""
        target = Path(path)
        partial = target.with_name(f"{target.name}.part")
        params = {"format": str(export)} | ({} if file is None else {"file": str(file)})
        request = self._request("GET", f"{_job(job_id)}/results", params)
        try:
            with partial.open("wb") as sink:
                yield from self._send(request, timeout, sink)
            return partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def _look(self, job_id: str, hold: float, deadline: float, timeout: float | None) -> Flow[JsonDict]:
        try:
            return (yield from self.get_job_status(job_id, wait=hold, timeout=self._left(deadline)))
        except RequestTimeout as late:
            if timeout is not None and deadline < math.inf:
                raise JobTimeout(job_id, timeout) from late
            raise

    def _json(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Flow[JsonDict]:
        return _decoded((yield from self._send(self._request(method, path, params), timeout)))

    def _send(
        self, request: httpx.Request, timeout: float | None, sink: BinaryIO | None = None
    ) -> Flow[httpx.Response]:
        return (yield from exchange(request, self.patience, deadline=self._deadline(timeout), sink=sink))

    def _request(self, method: str, path: str, params: Mapping[str, str] | None = None) -> httpx.Request:
        return httpx.Request(method, f"{self.base_url}{path}", params=params, headers=self.headers)

    def _deadline(self, timeout: float | None) -> float:
        return self.patience.deadline(self.patience.timeout if timeout is None else timeout)

    def _left(self, deadline: float) -> float | None:
        """The timeout of one exchange on the way to `deadline`: what is left, or None where the client's is less."""
        left = deadline - self.patience.clock()
        limit = math.inf if self.patience.timeout is None else self.patience.timeout
        return max(left, 0.0) if left < limit else None


def flows_for(base_url: str, api_key: str | None, patience: Patience) -> Flows:
    """The flows against `base_url`, speaking as `api_key`."""
    headers = {"User-Agent": "docfleet-client", "Accept": "application/json, */*", "Accept-Encoding": "gzip, deflate"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    return Flows(base_url=base_url.rstrip("/"), headers=headers, patience=patience)


def _pause(*, rest: float, waited: float, changed: bool) -> float:
    """Seconds to leave the server alone after a look that ended `rest` seconds before its time."""
    if rest <= 0:
        return 0.0  # it held its answer as long as it was asked to
    if not changed:
        return rest  # nothing new, and still it answered early: it can't hold, so this is polling
    return min(rest, LONGEST_PAUSE_S, PAUSE_SHARE * waited)


def _file_result(path: Path, job_id: str, result: ParseResponse) -> FileResult:
    if result.success:
        return FileResult(path=path, job_id=job_id, result=result)
    failure = FileFailed(result.filename, result.error or "no reason given", result.error_code)
    return FileResult(path=path, job_id=job_id, result=result, error=failure)


def _failed(status: JsonDict) -> JobFailed:
    reason = status.get("reason")
    kind = JobCancelled if reason == ErrorCode.CANCELLED else JobFailed
    return kind(status["job_id"], status.get("error") or "no reason given", reason)


def _job(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='')}"


def _decoded(response: httpx.Response) -> JsonDict:
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise UnexpectedAnswer(f"{response.request.url} answered with something other than a JSON object")
    return body
