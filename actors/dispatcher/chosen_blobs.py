"""Keeps a file's derivations few where callers choose freely how they look."""

from __future__ import annotations

from actors.blobs import BlobStore

#: The most that is kept for each file. Up to a tenth more may have been stored since the last listing.
KEPT_BLOBS = 1_000
KEPT_BYTES = 128 * 1024 * 1024

#: The folders whose new blobs are counted. A folder whose count is forgotten may get a tenth more.
FOLDERS_KNOWN = 10_000


class ChosenBlobs:
    """Lists a folder only after every tenth of what it may hold, because an object store charges each listing."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._new: dict[str, tuple[int, int]] = {}  # blobs and bytes that stored in a folder since its last listing

    async def make_room(self, folder: str, size: int) -> None:
        """Call this before a blob of `size` bytes is stored in `folder`. Removes the oldest blobs if need be.

        Raises StoreUnavailable.
        """
        blobs, total = self._new.pop(folder, (0, 0))
        if blobs >= KEPT_BLOBS // 10 or total + size > KEPT_BYTES // 10:
            await self._blobs.keep_newest(folder, blobs=KEPT_BLOBS, size=KEPT_BYTES)
            blobs, total = 0, 0
        self._new[folder] = (blobs + 1, total + size)
        if len(self._new) > FOLDERS_KNOWN:
            del self._new[next(iter(self._new))]  # the folder that got nothing for the longest time
