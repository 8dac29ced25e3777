"""The asynchronous client."""

# ruff: noqa: ASYNC109 - a timeout here bounds the exchange and its retries alike in both clients

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from client._drivers import LIMITS, check_window, drive_async, follow_async, tls, window_async
from client._flows import (
    DEFAULT_TIMEOUT_S,
    DEFAULT_URL,
    PAGE,
    RETRY_FOR_S,
    FileResult,
    flows_for,
)
from client._retry import Flow, Patience
from client._uploads import Options, PathLike, Submission, checked
from client._waiting import JsonDict, OnProgress
from client.jobs import AsyncJob
from client.models import ExportFormat, JobStatusEnum

T = TypeVar("T")


class AsyncDoclingParserClient:
    """Submits documents and fetches their nodes. Safe to share between tasks.

    As an async context manager it keeps its connections open between calls; without, every call opens and closes its
    own, so nothing is left open and one client may serve several event loops. `timeout` (seconds) bounds each
    exchange including its retries, `retry_for` how long a server that can't be reached is tried again. `http` is a
    client of your own (proxies, certificates, transports): it is used as it is and never closed.

    Methods return the server's JSON as dicts; `job()` gives a handle that returns models.
    Every method raises `client.ClientError`s, see `client.errors`.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        timeout: float | None = DEFAULT_TIMEOUT_S,
        *,
        api_key: str | None = None,
        retry_for: float = RETRY_FOR_S,
        http: httpx.AsyncClient | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.base_url: str = base_url.rstrip("/")
        self._flows = flows_for(base_url, api_key, Patience(timeout=timeout, retry_for=retry_for, clock=clock))
        self._sleep = sleep
        self._http = http
        self._pool: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._pool = self._pool or _new_pool()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the pooled connections. The client stays usable, one connection per call."""
        if self._pool is not None:
            await self._pool.aclose()
        self._pool = None

    async def health(self, *, timeout: float | None = None) -> JsonDict:
        """`GET /health`: status, version, configuration."""
        return await self._run(self._flows.health(timeout=timeout))

    async def info(self, *, timeout: float | None = None) -> JsonDict:
        """`GET /`: name, version, supported formats, endpoints."""
        return await self._run(self._flows.info(timeout=timeout))

    async def parse(self, *paths: PathLike, options: Options | None = None, timeout: float | None = None) -> JsonDict:
        """Parse in one blocking call; returns the `BatchParseResponse`. For long work prefer `submit_and_wait`."""
        return await self._run(self._flows.parse(Submission(paths=paths, options=options), timeout=timeout))

    async def parse_single(
        self, path: PathLike, *, options: Options | None = None, timeout: float | None = None
    ) -> JsonDict:
        """Parse one file in one blocking call; returns its `ParseResponse`."""
        batch = await self.parse(path, options=options, timeout=timeout)
        result: JsonDict = batch["results"][0]
        return result

    async def parse_batch(
        self, paths: Sequence[PathLike], batch_size: int = 5, *, options: Options | None = None
    ) -> list[JsonDict]:
        """Parse in blocking calls of `batch_size` files, one after the other; returns every `ParseResponse`."""
        check_window("batch_size", batch_size)
        found = checked(paths)
        results: list[JsonDict] = []
        for start in range(0, len(found), batch_size):
            batch = await self.parse(*found[start : start + batch_size], options=options)
            results += batch["results"]
        return results

    async def parse_parallel(
        self, paths: Sequence[PathLike], max_concurrent: int = 3, *, options: Options | None = None
    ) -> list[JsonDict]:
        """Parse in blocking calls of one file, `max_concurrent` at a time; returns every `ParseResponse`, in order.

        The first error ends it. For failures as values, and for more files than fit in memory, see `parse_many`.
        """
        check_window("max_concurrent", max_concurrent)
        calls = (self.parse_single(path, options=options) for path in checked(paths))
        async with aclosing(window_async(calls, max_concurrent, ordered=True)) as results:
            return [result async for result in results]

    async def submit_job(
        self,
        *paths: PathLike,
        callback_url: str | None = None,
        task_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        options: Options | None = None,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> JsonDict:
        """Make a job of these files and return at once with its `job_id`.

        A key of your own makes repeats of the whole call find the same job, too; retries within it always do.
        """
        submission = Submission(
            paths=paths,
            callback_url=callback_url,
            task_id=task_id,
            metadata=metadata,
            options=options,
            webhook_url=webhook_url,
            idempotency_key=idempotency_key,
        )
        return await self._run(self._flows.submit_job(submission, timeout=timeout))

    async def get_job_status(self, job_id: str, *, wait: float = 0, timeout: float | None = None) -> JsonDict:
        """The `JobStatusResponse`; with `wait`, after the next change or that many seconds (60 at most)."""
        return await self._run(self._flows.get_job_status(job_id, wait=wait, timeout=timeout))

    async def get_job_results(
        self,
        job_id: str,
        *,
        pages: str | None = None,
        partial: bool = False,
        wait: float = 0,
        timeout: float | None = None,
    ) -> JsonDict:
        """The `JobResultResponse`, whose `results` are None until the job has completed.

        `pages` ("3", "3-7") leaves the nodes of other pages to the server. With `partial`, the answer to a job that
        still runs has the nodes of the pages that are done; it does not go with `pages`. `wait`: seconds that the
        server holds its answer for the job to end.
        """
        return await self._run(
            self._flows.get_job_results(job_id, pages=pages, so_far=partial, wait=wait, timeout=timeout)
        )

    async def submit_and_wait(
        self,
        *paths: PathLike,
        poll_interval: float = 1.0,
        timeout: float | None = None,
        callback_url: str | None = None,
        task_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        options: Options | None = None,
        webhook_url: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> JsonDict:
        """Submit, wait, and return the `BatchParseResponse`, as soon as it is there.

        `poll_interval` is the most seconds between two looks. Raises `JobTimeout` (a `TimeoutError`) after `timeout`
        seconds, None being no limit, and `JobFailed` (a `RuntimeError`). `on_progress` gets every new status.
        """
        submission = Submission(
            paths=paths,
            callback_url=callback_url,
            task_id=task_id,
            metadata=metadata,
            options=options,
            webhook_url=webhook_url,
        )
        return await self._run(
            self._flows.submit_and_wait(
                submission, poll_interval=poll_interval, timeout=timeout, on_progress=on_progress
            )
        )

    async def wait_for_job(
        self,
        job_id: str,
        *,
        poll_interval: float = 1.0,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> JsonDict:
        """Wait until the job has completed or failed; returns its last `JobStatusResponse`. Raises `JobTimeout`."""
        return await self._run(
            self._flows.wait(job_id, poll_interval=poll_interval, timeout=timeout, on_progress=on_progress)
        )

    async def wait_for_results(
        self,
        job_id: str,
        *,
        poll_interval: float = 1.0,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> JsonDict:
        """Wait for a job submitted earlier; returns its `BatchParseResponse`. Raises as `submit_and_wait` does."""
        return await self._run(
            self._flows.result(job_id, poll_interval=poll_interval, timeout=timeout, on_progress=on_progress)
        )

    async def events(self, job_id: str) -> AsyncIterator[JsonDict]:
        """The job's `JobStatusResponse` as it is now and at every change, up to its end, pushed by the server.

        A stream that breaks off is taken up again where it was. Leave the loop when you have seen enough.
        """
        async with (
            self._connections() as http,
            aclosing(follow_async(self._flows.events(job_id), http, self._sleep)) as statuses,
        ):
            async for status in statuses:
                yield status

    async def cancel_job(self, job_id: str, *, timeout: float | None = None) -> JsonDict:
        """Stop a job, within the time that its pages under way take; returns its status.

        A server may refuse with `JobEnded` when there is nothing left to stop.
        """
        return await self._run(self._flows.cancel_job(job_id, timeout=timeout))

    async def delete_job(self, job_id: str, *, timeout: float | None = None) -> None:
        """Cancel the job if needed, and remove its files and results."""
        await self._run(self._flows.delete_job(job_id, timeout=timeout))

    async def list_jobs(
        self,
        *,
        status: JobStatusEnum | str | None = None,
        ids: Iterable[str] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> JsonDict:
        """A page of jobs, newest first: `{"jobs": [...], "next_cursor": ...}`; the cursor asks for the next page.

        `ids` names up to 100 jobs; those among them that exist are one page. `iter_jobs` turns the pages.
        """
        return await self._run(
            self._flows.list_jobs(status=status, ids=ids, limit=limit, cursor=cursor, timeout=timeout)
        )

    async def iter_jobs(
        self, *, status: JobStatusEnum | str | None = None, timeout: float | None = None
    ) -> AsyncIterator[JsonDict]:
        """Every job, newest first, as a `JobStatusResponse`; pages are fetched as they are needed."""
        cursor: str | None = None
        while True:
            page = await self.list_jobs(status=status, cursor=cursor, limit=PAGE, timeout=timeout)
            for job in page["jobs"]:
                yield job
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def list_deliveries(self, job_id: str, *, timeout: float | None = None) -> JsonDict:
        """What was sent about the job's end, and what will be: a `DeliveryListResponse`."""
        return await self._run(self._flows.list_deliveries(job_id, timeout=timeout))

    async def redeliver(self, job_id: str, *, timeout: float | None = None) -> JsonDict:
        """Send now what was delivered, all of it again, and what was not; returns the `DeliveryListResponse`."""
        return await self._run(self._flows.redeliver(job_id, timeout=timeout))

    def job(self, job_id: str) -> AsyncJob:
        """A handle on a job, whoever submitted it. Asks the server nothing."""
        return AsyncJob(self, job_id)

    async def download_results(
        self,
        job_id: str,
        path: PathLike,
        format: ExportFormat | str = ExportFormat.NODES,
        *,
        file: int | None = None,
        pages: str | None = None,
        timeout: float | None = None,
    ) -> Path:
        """Stream a job's results to `path`, which appears once it is complete.

        `file` picks one file of the job, counted from 0; of a job of several files, all come in one JSON object, or
        with the format `zip` in an archive. `pages` ("3", "3-7") picks the nodes of these pages.
        """
        return await self._run(
            self._flows.download_results(job_id, path, export=format, file=file, pages=pages, timeout=timeout)
        )

    async def parse_many(
        self,
        paths: Iterable[PathLike],
        *,
        max_in_flight: int = 8,
        ordered: bool = False,
        metadata: Mapping[str, Any] | None = None,
        options: Options | None = None,
        poll_interval: float = 1.0,
        timeout: float | None = None,
    ) -> AsyncIterator[FileResult]:
        """Parse any number of files, each as its own job, and yield each result when it is there.

        Holds `max_in_flight` files at a time, however many there are. A failure is a value, `FileResult.error`.
        `timeout` is per file. Ending the iteration early leaves the jobs in flight to the server.
        """
        check_window("max_in_flight", max_in_flight)

        async def parse(http: httpx.AsyncClient, path: PathLike) -> FileResult:
            submission = Submission(paths=[path], metadata=metadata, options=options)
            flow = self._flows.parse_one(submission, poll_interval=poll_interval, timeout=timeout)
            return await drive_async(flow, http, self._sleep)

        async with self._connections() as http:
            work = (parse(http, path) for path in paths)
            async with aclosing(window_async(work, max_in_flight, ordered=ordered)) as results:
                async for result in results:
                    yield result

    async def _run(self, flow: Flow[T]) -> T:
        async with self._connections() as http:
            return await drive_async(flow, http, self._sleep)

    @asynccontextmanager
    async def _connections(self) -> AsyncIterator[httpx.AsyncClient]:
        lasting = self._http or self._pool
        if lasting is not None:
            yield lasting
            return
        async with _new_pool() as http:
            yield http


def _new_pool() -> httpx.AsyncClient:
    return httpx.AsyncClient(verify=tls(), limits=LIMITS)
