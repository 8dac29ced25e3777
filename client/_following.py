"""The methods of the clients that follow jobs by the server's events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, aclosing

import httpx

from client._drivers import follow, follow_async
from client._events import JobChange
from client._flows import Flows
from client._waiting import JsonDict


class JobFollower(ABC):
    """Of the client that blocks."""

    _flows: Flows

    @abstractmethod
    def _connections(self) -> AbstractContextManager[httpx.Client]: ...

    @abstractmethod
    def _pause(self, seconds: float) -> None: ...

    def events(self, job_id: str) -> Iterator[JsonDict]:
        """Yield the job's `JobStatusResponse` now and at every change until its end, pushed by the server.

        A broken stream is resumed where it stopped. You may leave the loop at any time.
        """
        with self._connections() as http:
            yield from follow(self._flows.events(job_id), http, self._pause)

    def watch_jobs(self, *, after: str | None = None) -> Iterator[JobChange]:
        """Yield every change of all your jobs, pushed by the server. It does not end by itself.

        The first change is `sync`: list the jobs, and apply the later changes to that list. `after` is the `id` of a
        change that an earlier call yielded. Then the first change is the next one after it, or `sync` if the server no
        longer knows what was missed. A broken stream is resumed in the same way.
        """
        with self._connections() as http:
            yield from follow(self._flows.watch_jobs(after), http, self._pause)


class AsyncJobFollower(ABC):
    """Of the client for event loops."""

    _flows: Flows

    @abstractmethod
    def _connections(self) -> AbstractAsyncContextManager[httpx.AsyncClient]: ...

    @abstractmethod
    async def _pause(self, seconds: float) -> None: ...

    async def events(self, job_id: str) -> AsyncIterator[JsonDict]:
        """Yield the job's `JobStatusResponse` now and at every change until its end, pushed by the server.

        A broken stream is resumed where it stopped. You may leave the loop at any time.
        """
        watch = self._flows.events(job_id)
        async with self._connections() as http, aclosing(follow_async(watch, http, self._pause)) as statuses:
            async for status in statuses:
                yield status

    async def watch_jobs(self, *, after: str | None = None) -> AsyncIterator[JobChange]:
        """Yield every change of all your jobs, pushed by the server. It does not end by itself.

        The first change is `sync`: list the jobs, and apply the later changes to that list. `after` is the `id` of a
        change that an earlier call yielded. Then the first change is the next one after it, or `sync` if the server no
        longer knows what was missed. A broken stream is resumed in the same way.
        """
        watch = self._flows.watch_jobs(after)
        async with self._connections() as http, aclosing(follow_async(watch, http, self._pause)) as changes:
            async for change in changes:
                yield change
