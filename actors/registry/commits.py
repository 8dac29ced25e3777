"""Group commit: whatever changes while one transaction is under way goes together into the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from actors.errors import StoreUnavailable
from actors.registry.record import Effect, JobRecord, Save


class GroupCommit:
    """Writes effects in the order in which they arose, on one thread, and shows them once they are durable.

    After a failed write the ledger holds what the journal does not. Then everything that waits fails, `on_failure`
    is called, and nothing may be added before the ledger was read anew.
    """

    def __init__(
        self,
        thread: Executor,
        write: Callable[[Sequence[Save]], None],
        show: Callable[[JobRecord], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._thread = thread
        self._write = write
        self._show = show
        self._on_failure = on_failure
        self._pending: list[Effect] = []
        # Resolved to what went wrong with the newest batch, or None. Not to an error: nobody might be listening.
        self._newest: asyncio.Future[Exception | None] | None = None
        self._task: asyncio.Task[None] | None = None

    def add(self, effects: Sequence[Effect]) -> None:
        """Have effects written, and shown afterwards."""
        if not effects:
            return
        if not self._pending:
            self._newest = asyncio.get_running_loop().create_future()
        self._pending += effects
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def settled(self) -> None:
        """Return once all that was added so far is durable. Raises StoreUnavailable when it will not be."""
        if self._newest is None:
            return
        error = await asyncio.shield(self._newest)  # shared: a caller that goes away must not take it along
        if error:
            raise StoreUnavailable("The job journal cannot be written at present; please try again") from error

    async def _work(self) -> None:
        while self._pending:
            batch, self._pending = self._pending, []
            newest = self._newest
            assert newest is not None  # made with the first effect
            error = await self._commit(batch)
            if error:
                self._fail(newest, error)
                return
            for effect in batch:
                self._show(effect.after)
            newest.set_result(None)
            if not self._pending:
                self._newest = None

    async def _commit(self, batch: Sequence[Effect]) -> Exception | None:
        saves = [effect for effect in batch if isinstance(effect, Save)]
        if not saves:
            return None
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, saves)
        except Exception as error:  # noqa: BLE001 - whatever stopped it, those who wait must hear of it
            return error
        return None

    def _fail(self, batch: asyncio.Future[Exception | None], error: Exception) -> None:
        self._pending = []
        newest, self._newest = self._newest, None
        self._on_failure(error)
        for waited_for in {batch, newest}:
            if waited_for:
                waited_for.set_result(error)
