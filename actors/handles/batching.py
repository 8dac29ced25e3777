"""One remote call for many callers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from actors.errors import DocfleetError, FleetUnavailable

K = TypeVar("K")
V = TypeVar("V")


class Batched(Generic[K, V]):
    """Combines requests: those that arrive while a call is in progress share the next call.

    An actor call costs more than an HTTP request, and one for fifty keys costs the same as one for a single key.
    """

    def __init__(self, call: Callable[[list[K]], Coroutine[Any, Any, Sequence[V | DocfleetError]]]) -> None:
        self._call = call
        self._waiting: list[tuple[K, asyncio.Future[V]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V:
        answer: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            values: Sequence[V | Exception]
            try:
                values = await self._call([key for key, _ in batch])
            except Exception as error:  # noqa: BLE001 - every caller of the batch gets the error
                if isinstance(error, FleetUnavailable):  # fail queued callers too; they would only time out
                    batch, self._waiting = batch + self._waiting, []
                values = [error] * len(batch)
            for (_, answer), value in zip(batch, values, strict=True):
                _settle(answer, value)


def _settle(answer: asyncio.Future[V], value: V | Exception) -> None:
    if answer.done():  # its caller was cancelled
        return
    if isinstance(value, Exception):
        answer.set_exception(value)
    else:
        answer.set_result(value)
