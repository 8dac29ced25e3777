"""The synchronous client."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from client._drivers import LIMITS, check_window, drive, in_threads, tls, until
from client._flows import (
    DEFAULT_TIMEOUT_S,
    DEFAULT_URL,
    PAGE,
    RETRY_FOR_S,
    FileResult,
    flows_for,
)
from client._following import JobFollower
from client._results import ResultReader
from client._retry import Flow, Patience
from client._uploads import Input, Options, PathLike, Submission
from client._waiting import JsonDict, OnProgress
from client.jobs import Job
from client.models import CallbackContent, JobStatusEnum

T = TypeVar("T")


class DoclingParserClient(ResultReader, JobFollower):
    """Submits documents and gets their nodes. Safe to share between threads.

    As a context manager it keeps connections open between calls. Otherwise every call opens and closes its own
    connection. `timeout` (seconds) limits each exchange, including retries. `retry_for` (seconds) limits the retries
    while the server cannot be reached. `http` is your own HTTP client (for proxies, certificates or transports): it is
    used as it is and never closed.

    Methods return the server's JSON as dicts; `job()` returns a handle whose methods return models.
    Every method raises subclasses of `client.ClientError`; see `client.errors`.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        timeout: float | None = DEFAULT_TIMEOUT_S,
        *,
        api_key: str | None = None,
        retry_for: float = RETRY_FOR_S,
        http: httpx.Client | None = None,
        sleep: Callable[[float], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.base_url: str = base_url.rstrip("/")
        self._flows = flows_for(base_url, api_key, Patience(timeout=timeout, retry_for=retry_for, clock=clock))
        self._sleep = sleep
        self._http = http
        self._pool: httpx.Client | None = None

    def __enter__(self) -> Self:
        self._pool = self._pool or _new_pool()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the pooled connections. The client stays usable, with a new connection per call."""
        if self._pool is not None:
            self._pool.close()
        self._pool = None

    def health(self, *, timeout: float | None = None) -> JsonDict:
        """`GET /health`: status, version, configuration."""
        return self._run(self._flows.health(timeout=timeout))

    def info(self, *, timeout: float | None = None) -> JsonDict:
        """`GET /`: name, version, supported formats, endpoints."""
        return self._run(self._flows.info(timeout=timeout))

    def server_options(self, *, timeout: float | None = None) -> JsonDict:
        """`GET /options`: what the server takes, with its defaults and limits: a `ServerOptions`."""
        return self._run(self._flows.server_options(timeout=timeout))

    def parse(self, *paths: Input, options: Options | None = None, timeout: float | None = None) -> JsonDict:
        """Parse in one blocking call; returns the `BatchParseResponse`. For long work, use `submit_and_wait`."""
        return self._run(self._flows.parse(Submission(paths=paths, options=options), timeout=timeout))

    def parse_single(self, path: Input, *, options: Options | None = None, timeout: float | None = None) -> JsonDict:
        """Parse one file in one blocking call; returns its `ParseResponse`."""
        result: JsonDict = self.parse(path, options=options, timeout=timeout)["results"][0]
        return result

    def submit_job(
        self,
        *paths: Input,
        callback_url: str | None = None,
        task_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        options: Options | None = None,
        webhook_url: str | None = None,
        callback_content: CallbackContent | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> JsonDict:
        """Submit these files and URLs as one job, without waiting; returns the `JobSubmitResponse` with its `job_id`.

        Retries within one call never make a second job. With your own `idempotency_key`, neither does a repeated call.
        """
        submission = Submission(
            paths=paths,
            callback_url=callback_url,
            task_id=task_id,
            metadata=metadata,
            options=options,
            webhook_url=webhook_url,
            callback_content=callback_content,
            idempotency_key=idempotency_key,
        )
        return self._run(self._flows.submit_job(submission, timeout=timeout))

    def get_job_status(self, job_id: str, *, wait: float = 0, timeout: float | None = None) -> JsonDict:
        """The `JobStatusResponse`; with `wait`, after the next change, or after that many seconds (at most 60)."""
        return self._run(self._flows.get_job_status(job_id, wait=wait, timeout=timeout))

    def get_job_results(
        self,
        job_id: str,
        *,
        pages: str | None = None,
        partial: bool = False,
        wait: float = 0,
        timeout: float | None = None,
    ) -> JsonDict:
        """The `JobResultResponse`; its `results` are None until the job has completed.

        `pages` ("3", "3-7") selects the nodes of these pages. `partial` adds the nodes of finished pages while the job
        runs; it cannot be combined with `pages`. `wait`: seconds that the server waits for the job to end.
        """
        return self._run(self._flows.get_job_results(job_id, pages=pages, so_far=partial, wait=wait, timeout=timeout))

    def submit_and_wait(
        self,
        *paths: Input,
        poll_interval: float = 1.0,
        timeout: float | None = None,
        callback_url: str | None = None,
        task_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        options: Options | None = None,
        webhook_url: str | None = None,
        callback_content: CallbackContent | None = None,
        on_progress: OnProgress | None = None,
    ) -> JsonDict:
        """Submit, wait, and return the `BatchParseResponse`.

        `poll_interval`: the longest time in seconds between two requests. `on_progress` gets every new status. Raises
        `JobTimeout` (a `TimeoutError`) after `timeout` seconds (None: no limit), and `JobFailed` (a `RuntimeError`).
        """
        submission = Submission(
            paths=paths,
            callback_url=callback_url,
            task_id=task_id,
            metadata=metadata,
            options=options,
            webhook_url=webhook_url,
            callback_content=callback_content,
        )
        return self._run(
            self._flows.submit_and_wait(
                submission, poll_interval=poll_interval, timeout=timeout, on_progress=on_progress
            )
        )

    def wait_for_job(
        self,
        job_id: str,
        *,
        poll_interval: float = 1.0,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> JsonDict:
        """Wait until the job has completed or failed; returns its last `JobStatusResponse`. Raises `JobTimeout`."""
        return self._run(
            self._flows.wait(job_id, poll_interval=poll_interval, timeout=timeout, on_progress=on_progress)
        )

    def wait_for_results(
        self,
        job_id: str,
        *,
        poll_interval: float = 1.0,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> JsonDict:
        """Wait for an existing job; returns its `BatchParseResponse`. Raises the errors of `submit_and_wait`."""
        return self._run(
            self._flows.result(job_id, poll_interval=poll_interval, timeout=timeout, on_progress=on_progress)
        )

    def cancel_job(self, job_id: str, *, timeout: float | None = None) -> JsonDict:
        """Stop a job; returns its status. Pages already being parsed are finished first.

        Raises `JobEnded` when the job had already ended.
        """
        return self._run(self._flows.cancel_job(job_id, timeout=timeout))

    def delete_job(self, job_id: str, *, timeout: float | None = None) -> None:
        """Cancel the job if necessary, and remove it with its files and results."""
        self._run(self._flows.delete_job(job_id, timeout=timeout))

    def list_jobs(
        self,
        *,
        status: JobStatusEnum | str | None = None,
        ids: Iterable[str] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> JsonDict:
        """One page of jobs, newest first: `{"jobs": [...], "next_cursor": ...}`. `cursor` requests the next page.

        `ids` selects up to 100 jobs; those that exist come in one page. `iter_jobs` goes through all pages.
        """
        return self._run(self._flows.list_jobs(status=status, ids=ids, limit=limit, cursor=cursor, timeout=timeout))

    def iter_jobs(
        self, *, status: JobStatusEnum | str | None = None, timeout: float | None = None
    ) -> Iterator[JsonDict]:
        """Yield every job as a `JobStatusResponse`, newest first. Fetches pages when they are needed."""
        cursor: str | None = None
        while True:
            page = self.list_jobs(status=status, cursor=cursor, limit=PAGE, timeout=timeout)
            yield from page["jobs"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def list_deliveries(self, job_id: str, *, timeout: float | None = None) -> JsonDict:
        """The notifications about the job's end, sent and pending: a `DeliveryListResponse`."""
        return self._run(self._flows.list_deliveries(job_id, timeout=timeout))

    def redeliver(self, job_id: str, *, timeout: float | None = None) -> JsonDict:
        """Send all notifications again now, delivered or not; returns the `DeliveryListResponse`."""
        return self._run(self._flows.redeliver(job_id, timeout=timeout))

    def job(self, job_id: str) -> Job:
        """A handle for a job, no matter who submitted it. Sends no request."""
        return Job(job_id, self._flows, self._run, self.events)

    def parse_many(
        self,
        paths: Iterable[PathLike],
        *,
        max_in_flight: int = 8,
        ordered: bool = False,
        metadata: Mapping[str, Any] | None = None,
        options: Options | None = None,
        poll_interval: float = 1.0,
        timeout: float | None = None,
    ) -> Iterator[FileResult]:
        """Parse any number of files, each as its own job, and yield each result as it becomes available.

        At most `max_in_flight` files are in progress, so memory stays flat. A failure is not raised; see
        `FileResult.error`. `timeout` is per file. If you end the iteration early, the jobs in progress go on.
        """
        check_window("max_in_flight", max_in_flight)
        stopped = threading.Event()
        sleep = until(stopped, self._sleep)
        with self._connections() as http:

            def parse(path: PathLike) -> FileResult:
                submission = Submission(paths=[path], metadata=metadata, options=options)
                flow = self._flows.parse_one(submission, poll_interval=poll_interval, timeout=timeout)
                return drive(flow, http, sleep)

            yield from in_threads(parse, paths, max_in_flight, ordered=ordered, stopped=stopped)

    def _run(self, flow: Flow[T]) -> T:
        with self._connections() as http:
            return drive(flow, http, self._pause)

    def _pause(self, seconds: float) -> None:
        (self._sleep or time.sleep)(seconds)

    @contextmanager
    def _connections(self) -> Iterator[httpx.Client]:
        lasting = self._http or self._pool
        if lasting is not None:
            yield lasting
            return
        with _new_pool() as http:
            yield http


def _new_pool() -> httpx.Client:
    return httpx.Client(verify=tls(), limits=LIMITS)
