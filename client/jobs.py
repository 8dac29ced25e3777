"""Handles on one job: the clients' job methods with the id filled in, and models where those return dicts."""

# ruff: noqa: ASYNC109 - a timeout here ends the wait, not the job

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

from client._waiting import OnProgress
from client.models import BatchParseResponse, Delivery, DeliveryListResponse, JobStatusResponse

if TYPE_CHECKING:
    from client.aio import AsyncDoclingParserClient
    from client.sync import DoclingParserClient

OnStatus = Callable[[JobStatusResponse], None]


class Job:
    """A job on the server, whoever submitted it. Made by `DoclingParserClient.job`."""

    def __init__(self, client: DoclingParserClient, job_id: str) -> None:
        self.id = job_id
        self._client = client

    def __repr__(self) -> str:
        return f"<Job {self.id} on {self._client.base_url}>"

    def status(self) -> JobStatusResponse:
        """How it is now."""
        return JobStatusResponse.model_validate(self._client.get_job_status(self.id))

    def wait(
        self, *, poll_interval: float = 1.0, timeout: float | None = None, on_progress: OnStatus | None = None
    ) -> JobStatusResponse:
        """Wait until it has completed or failed; raises `JobTimeout` after `timeout` seconds (None: never)."""
        status = self._client.wait_for_job(
            self.id, poll_interval=poll_interval, timeout=timeout, on_progress=_with_model(on_progress)
        )
        return JobStatusResponse.model_validate(status)

    def result(
        self, *, poll_interval: float = 1.0, timeout: float | None = None, on_progress: OnStatus | None = None
    ) -> BatchParseResponse:
        """Wait as `wait` does and return the results; raises `JobFailed` when there are none."""
        results = self._client.wait_for_results(
            self.id, poll_interval=poll_interval, timeout=timeout, on_progress=_with_model(on_progress)
        )
        return BatchParseResponse.model_validate(results)

    def events(self) -> Iterator[JobStatusResponse]:
        """Its status now and at every change, up to its end, pushed by the server."""
        for status in self._client.events(self.id):
            yield JobStatusResponse.model_validate(status)

    def deliveries(self) -> list[Delivery]:
        """What was sent about its end, and what will be."""
        answer = self._client.list_deliveries(self.id)
        return DeliveryListResponse.model_validate(answer).deliveries

    def redeliver(self) -> list[Delivery]:
        """Send now what was delivered, all of it again, and what was not."""
        answer = self._client.redeliver(self.id)
        return DeliveryListResponse.model_validate(answer).deliveries

    def cancel(self) -> JobStatusResponse:
        """Stop it; the server may refuse with `JobEnded`."""
        return JobStatusResponse.model_validate(self._client.cancel_job(self.id))

    def delete(self) -> None:
        """Cancel it if needed, and remove its files and results."""
        self._client.delete_job(self.id)


class AsyncJob:
    """A job on the server, whoever submitted it. Made by `AsyncDoclingParserClient.job`."""

    def __init__(self, client: AsyncDoclingParserClient, job_id: str) -> None:
        self.id = job_id
        self._client = client

    def __repr__(self) -> str:
        return f"<AsyncJob {self.id} on {self._client.base_url}>"

    async def status(self) -> JobStatusResponse:
        """How it is now."""
        return JobStatusResponse.model_validate(await self._client.get_job_status(self.id))

    async def wait(
        self, *, poll_interval: float = 1.0, timeout: float | None = None, on_progress: OnStatus | None = None
    ) -> JobStatusResponse:
        """Wait until it has completed or failed; raises `JobTimeout` after `timeout` seconds (None: never)."""
        status = await self._client.wait_for_job(
            self.id, poll_interval=poll_interval, timeout=timeout, on_progress=_with_model(on_progress)
        )
        return JobStatusResponse.model_validate(status)

    async def result(
        self, *, poll_interval: float = 1.0, timeout: float | None = None, on_progress: OnStatus | None = None
    ) -> BatchParseResponse:
        """Wait as `wait` does and return the results; raises `JobFailed` when there are none."""
        results = await self._client.wait_for_results(
            self.id, poll_interval=poll_interval, timeout=timeout, on_progress=_with_model(on_progress)
        )
        return BatchParseResponse.model_validate(results)

    async def events(self) -> AsyncIterator[JobStatusResponse]:
        """Its status now and at every change, up to its end, pushed by the server."""
        async for status in self._client.events(self.id):
            yield JobStatusResponse.model_validate(status)

    async def deliveries(self) -> list[Delivery]:
        """What was sent about its end, and what will be."""
        answer = await self._client.list_deliveries(self.id)
        return DeliveryListResponse.model_validate(answer).deliveries

    async def redeliver(self) -> list[Delivery]:
        """Send now what was delivered, all of it again, and what was not."""
        answer = await self._client.redeliver(self.id)
        return DeliveryListResponse.model_validate(answer).deliveries

    async def cancel(self) -> JobStatusResponse:
        """Stop it; the server may refuse with `JobEnded`."""
        return JobStatusResponse.model_validate(await self._client.cancel_job(self.id))

    async def delete(self) -> None:
        """Cancel it if needed, and remove its files and results."""
        await self._client.delete_job(self.id)


def _with_model(on_progress: OnStatus | None) -> OnProgress | None:
    if on_progress is None:
        return None
    return lambda status: on_progress(JobStatusResponse.model_validate(status))
