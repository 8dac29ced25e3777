"""Group commit: changes that arrive while a transaction runs share the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from actors.errors import StoreUnavailable
from actors.registry.record import Effect, JobRecord, Save


class GroupCommit:
    """Writes effects in order, on one thread, and shows them to readers once they are durable.

    After a failed write the ledger is ahead of the journal. Then all waiting callers fail, `on_failure` is called, and
    nothing may be added until the ledger has been read from the journal again.
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
        # Its result is the error of the newest batch, or None. Not its exception: that warns if nobody awaits it.
        self._newest: asyncio.Future[Exception | None] | None = None
        self._task: asyncio.Task[None] | None = None

    def add(self, effects: Sequence[Effect]) -> None:
        """Queue effects to be written, then shown."""
        if not effects:
            return
        if not self._pending:
            self._newest = asyncio.get_running_loop().create_future()
        self._pending += effects
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def settled(self) -> None:
        """Return once everything added so far is durable. Raises StoreUnavailable when the write fails."""
        if self._newest is None:
            return
        error = await asyncio.shield(self._newest)  # shared: one cancelled caller must not cancel it for the others
        if error:
            raise StoreUnavailable("The job journal cannot be written at present; please try again") from error

    async def _work(self) -> None:
        while self._pending:
            await asyncio.sleep(0)  # a submit wakes a claim, which shares the submit's transaction
            batch, self._pending = self._pending, []
            newest = self._newest
            assert newest is not None  # made with the first effect
            error = await self._commit(batch)
            if error:
                self._fail(newest, error)
                return
            for job in {effect.after.job_id: effect.after for effect in batch}.values():
                self._show(job)
            newest.set_result(None)
            if not self._pending:
                self._newest = None

    async def _commit(self, batch: Sequence[Effect]) -> Exception | None:
        saves = [effect for effect in batch if isinstance(effect, Save)]
        if not saves:
            return None
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, saves)
        except Exception as error:  # noqa: BLE001 - the waiting callers must hear of any failure
            return error
        return None

    def _fail(self, batch: asyncio.Future[Exception | None], error: Exception) -> None:
        self._pending = []
        newest, self._newest = self._newest, None
        self._on_failure(error)
        for waited_for in {batch, newest}:
            if waited_for:
                waited_for.set_result(error)
