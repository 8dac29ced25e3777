"""Handles for one job: the clients' job methods with the id filled in, returning models instead of dicts."""

# ruff: noqa: ASYNC109 - a timeout here ends the wait, not the job

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Protocol, TypeVar

from client._flows import Flows
from client._retry import Flow
from client._waiting import JsonDict, OnProgress
from client.models import BatchParseResponse, Delivery, DeliveryListResponse, JobStatusResponse

T = TypeVar("T")

OnStatus = Callable[[JobStatusResponse], None]


class Run(Protocol):
    """Runs a flow to its end over a client's connections."""

    def __call__(self, flow: Flow[T]) -> T: ...


class RunAsync(Protocol):
    """Runs a flow to its end over an async client's connections."""

    async def __call__(self, flow: Flow[T]) -> T: ...


class Job:
    """A job on the server, no matter who submitted it. Made by `DoclingParserClient.job`."""

    def __init__(self, job_id: str, flows: Flows, run: Run, events: Callable[[str], Iterator[JsonDict]]) -> None:
        self.id = job_id
        self._flows = flows
        self._run = run
        self._events = events

    def __repr__(self) -> str:
        return f"<Job {self.id} on {self._flows.base_url}>"

    def status(self) -> JobStatusResponse:
        """The job's status now."""
        return JobStatusResponse.model_validate(self._run(self._flows.get_job_status(self.id)))

    def wait(
        self, *, poll_interval: float = 1.0, timeout: float | None = None, on_progress: OnStatus | None = None
    ) -> JobStatusResponse:
        """Wait until the job has completed or failed. Raises `JobTimeout` after `timeout` seconds (None: no limit)."""
        status = self._run(
            self._flows.wait(
                self.id, poll_interval=poll_interval, timeout=timeout, on_progress=_with_model(on_progress)
            )
        )
        return JobStatusResponse.model_validate(status)

    def result(
        self, *, poll_interval: float = 1.0, timeout: float | None = None, on_progress: OnStatus | None = None
    ) -> BatchParseResponse:
        """Wait for the job and return its results. Raises `JobTimeout`, and `JobFailed` when there are no results."""
        results = self._run(
            self._flows.result(
                self.id, poll_interval=poll_interval, timeout=timeout, on_progress=_with_model(on_progress)
            )
        )
        return BatchParseResponse.model_validate(results)

    def events(self) -> Iterator[JobStatusResponse]:
        """Yield the job's status now and at every change until its end, pushed by the server."""
        for status in self._events(self.id):
            yield JobStatusResponse.model_validate(status)

    def deliveries(self) -> list[Delivery]:
        """The notifications about the job's end, sent and pending."""
        answer = self._run(self._flows.list_deliveries(self.id))
        return DeliveryListResponse.model_validate(answer).deliveries

    def redeliver(self) -> list[Delivery]:
        """Send all notifications again now, delivered or not."""
        answer = self._run(self._flows.redeliver(self.id))
        return DeliveryListResponse.model_validate(answer).deliveries

    def cancel(self) -> JobStatusResponse:
        """Stop the job. Raises `JobEnded` when it had already ended."""
        return JobStatusResponse.model_validate(self._run(self._flows.cancel_job(self.id)))

    def delete(self) -> None:
        """Cancel the job if necessary, and remove it with its files and results."""
        self._run(self._flows.delete_job(self.id))


class AsyncJob:
    """A job on the server, no matter who submitted it. Made by `AsyncDoclingParserClient.job`."""

    def __init__(
        self, job_id: str, flows: Flows, run: RunAsync, events: Callable[[str], AsyncIterator[JsonDict]]
    ) -> None:
        self.id = job_id
        self._flows = flows
        self._run = run
        self._events = events

    def __repr__(self) -> str:
        return f"<AsyncJob {self.id} on {self._flows.base_url}>"

    async def status(self) -> JobStatusResponse:
        """The job's status now."""
        return JobStatusResponse.model_validate(await self._run(self._flows.get_job_status(self.id)))

    async def wait(
        self, *, poll_interval: float = 1.0, timeout: float | None = None, on_progress: OnStatus | None = None
    ) -> JobStatusResponse:
        """Wait until the job has completed or failed. Raises `JobTimeout` after `timeout` seconds (None: no limit)."""
        status = await self._run(
            self._flows.wait(
                self.id, poll_interval=poll_interval, timeout=timeout, on_progress=_with_model(on_progress)
            )
        )
        return JobStatusResponse.model_validate(status)

    async def result(
        self, *, poll_interval: float = 1.0, timeout: float | None = None, on_progress: OnStatus | None = None
    ) -> BatchParseResponse:
        """Wait for the job and return its results. Raises `JobTimeout`, and `JobFailed` when there are no results."""
        results = await self._run(
            self._flows.result(
                self.id, poll_interval=poll_interval, timeout=timeout, on_progress=_with_model(on_progress)
            )
        )
        return BatchParseResponse.model_validate(results)

    async def events(self) -> AsyncIterator[JobStatusResponse]:
        """Yield the job's status now and at every change until its end, pushed by the server."""
        async for status in self._events(self.id):
            yield JobStatusResponse.model_validate(status)

    async def deliveries(self) -> list[Delivery]:
        """The notifications about the job's end, sent and pending."""
        answer = await self._run(self._flows.list_deliveries(self.id))
        return DeliveryListResponse.model_validate(answer).deliveries

    async def redeliver(self) -> list[Delivery]:
        """Send all notifications again now, delivered or not."""
        answer = await self._run(self._flows.redeliver(self.id))
        return DeliveryListResponse.model_validate(answer).deliveries

    async def cancel(self) -> JobStatusResponse:
        """Stop the job. Raises `JobEnded` when it had already ended."""
        return JobStatusResponse.model_validate(await self._run(self._flows.cancel_job(self.id)))

    async def delete(self) -> None:
        """Cancel the job if necessary, and remove it with its files and results."""
        await self._run(self._flows.delete_job(self.id))


def _with_model(on_progress: OnStatus | None) -> OnProgress | None:
    if on_progress is None:
        return None
    return lambda status: on_progress(JobStatusResponse.model_validate(status))
