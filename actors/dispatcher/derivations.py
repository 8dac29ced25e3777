"""Has parsers make what is derived from stored blobs, and stores it.

So the processes that answer requests never hold a whole document.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from actors.blobs import BlobStore
from actors.derivations import CHOSEN, Derivation, Made
from actors.dispatcher.chosen_blobs import ChosenBlobs
from actors.dispatcher.parser_calls import FAILURES
from actors.dispatcher.parser_slots import ParserSlots
from actors.dispatcher.ports import Document
from actors.documents import StoredBlob
from actors.errors import FleetUnavailable, ParserDied, StoreUnavailable
from actors.telemetry.logs import get_logger

log = get_logger()

#: A blob of at most this many bytes is returned to the caller even if the store cannot keep it.
UNSTORED_BYTES = 4 * 1024 * 1024


class DerivingParsers(Protocol):
    """The parsers. Calls raise FleetUnavailable when no replica is ready."""

    async def put(self, data: bytes | memoryview) -> Document:
        """Share a blob's bytes with every parser."""
        ...

    async def derive(self, source: Document, wanted: Derivation) -> Made:
        """Make the blobs of `wanted`. Raises FileError when the source cannot give them, and ParserDied."""
        ...


@dataclass(eq=False, slots=True)
class _Making:
    """A derivation that is being made, and how many callers wait for it."""

    task: asyncio.Task[bytes | None]
    callers: int = 0


class Deriver:
    """Makes each derivation once, however many callers ask for it at the same time.

    With `by_reference`, parsers read the sources from the blob store themselves.
    """

    def __init__(
        self, parsers: DerivingParsers, blobs: BlobStore, slots: ParserSlots, *, by_reference: bool = False
    ) -> None:
        self._parsers = parsers
        self._blobs = blobs
        self._chosen = ChosenBlobs(blobs)
        self._slots = slots
        self._by_reference = by_reference
        self._making: dict[str, _Making] = {}

    async def derive(self, wanted: Derivation) -> bytes | None:
        """Make a derivation from its source and store it under its target. It stops when every caller has left.

        Returns None, or a small blob itself when the store cannot keep it. Raises BlobMissing without the source,
        FileError when the source cannot give it, FleetUnavailable, and StoreUnavailable.
        """
        async with self._shared(wanted) as making:
            return await asyncio.shield(making.task)

    @asynccontextmanager
    async def _shared(self, wanted: Derivation) -> AsyncIterator[_Making]:
        making = self._making.get(wanted.target)
        if making is None:
            making = self._making[wanted.target] = _Making(asyncio.create_task(self._make(wanted)))
        making.callers += 1
        try:
            yield making
        finally:
            making.callers -= 1
            if not making.callers:
                making.task.cancel()
                del self._making[wanted.target]

    async def _make(self, wanted: Derivation) -> bytes | None:
        if await self._blobs.size(wanted.target) is not None:  # made after the caller looked
            return None
        made = await self._made(wanted)
        try:
            if wanted.name.startswith(f"{CHOSEN}/"):
                await self._chosen.make_room(f"{wanted.folder}/{CHOSEN}", sum(map(len, made.values())))
            for key, data in made.items():
                await self._blobs.put(key, data)
        except StoreUnavailable as error:
            if len(made) > 1 or len(made[wanted.target]) > UNSTORED_BYTES:
                raise
            log.warning("derivation_not_kept", blob=wanted.target, reason=error.message)
            return made[wanted.target]
        return None

    async def _made(self, wanted: Derivation) -> Made:
        """Two tries: the parser may have died of another call. The second runs in quarantine, in case it did not."""
        try:
            return await self._in_turn(wanted)
        except FAILURES as failure:
            log.warning("derivation_repeated", job=wanted.job_id, blob=wanted.target, reason=failure.message)
        try:
            return await self._in_turn(wanted, suspect=True)
        except ParserDied as died:
            message = "The parser died while it worked on this request. Send the request again"
            raise FleetUnavailable(message) from died

    async def _in_turn(self, wanted: Derivation, *, suspect: bool = False) -> Made:
        """In a short turn, which need not wait for the spans of long documents. Loads the source in it, not before."""
        turn = f"{wanted.job_id}/derived"
        async with (
            self._slots.suspect(turn) if suspect else nullcontext(),
            self._slots.slot(turn, short=True),
        ):
            return await self._parsers.derive(await self._source(wanted.source), wanted)

    async def _source(self, key: str) -> Document:
        if self._by_reference:
            return StoredBlob(key)
        return await self._parsers.put(await self._blobs.get(key))
