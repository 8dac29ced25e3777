"""Blobs that a parser makes when they are first asked for, and that the store keeps for the next time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from actors.blobs import BlobStore
from actors.derivations import Derivation
from actors.errors import BlobMissing, FileError
from serve_app.ports import Dispatchers
from serve_app.problems import Refused


@dataclass(frozen=True, slots=True)
class DerivedBlobs:
    blobs: BlobStore
    dispatchers: Dispatchers

    async def stream(self, wanted: Derivation) -> AsyncIterator[bytes]:
        """The bytes of a derivation in pieces, from the store.

        Before the first piece: raises BlobMissing when its source is gone, Refused when the source cannot give it, and
        FleetUnavailable or StoreUnavailable when it cannot be made now.
        """
        try:
            async for piece in self._made(wanted):
                yield piece
        except BlobMissing:  # newer blobs took the place of this one, or its source is gone
            async for piece in self._made(wanted):
                yield piece

    async def _made(self, wanted: Derivation) -> AsyncIterator[bytes]:
        unstored = await self.make(wanted)
        if unstored is not None:
            yield unstored
            return
        async for piece in self.blobs.stream(wanted.target):
            yield piece

    async def make(self, wanted: Derivation) -> bytes | None:
        """Have a derivation made if it is not there. Returns None, or a small one that the store could not keep."""
        if await self.blobs.size(wanted.target) is not None:
            return None
        try:
            return await self.dispatchers.derive(wanted)
        except FileError as error:
            raise Refused(error.file_code, error.message) from error
