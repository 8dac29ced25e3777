"""Derived blobs, of which older ones are removed to make room."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from actors.blobs import BlobStore, open_blobs
from actors.derivations import Chunks, Derivation
from actors.errors import BlobMissing
from actors.messages import PartialFile
from client.models import ChunkOptions
from serve_app.derived import DerivedBlobs

WANTED = Chunks(job_id="j", folder="results/j/0", source="results/j/0/document.json", options=ChunkOptions())


@dataclass
class Makers:
    blobs: BlobStore
    made: list[Derivation] = field(default_factory=list)

    async def derive(self, wanted: Derivation) -> None:
        self.made.append(wanted)
        await self.blobs.get(wanted.source)
        await self.blobs.put(wanted.target, b"chunks")

    async def partial_files(self, job_id: str) -> list[PartialFile] | None:
        return None


@pytest.fixture
def blobs(monkeypatch: pytest.MonkeyPatch) -> BlobStore:
    """A store that loses the wanted blob right after it was asked for its size."""
    blobs = open_blobs("memory://")
    real, sizes = blobs.size, [6]

    async def size(key: str) -> int | None:
        return sizes.pop() if sizes else await real(key)

    monkeypatch.setattr(blobs, "size", size)
    return blobs


async def test_a_blob_that_makes_room_while_it_is_asked_for_is_made_again(blobs: BlobStore) -> None:
    await blobs.put(WANTED.source, b"{}")
    makers = Makers(blobs)
    assert [piece async for piece in DerivedBlobs(blobs, makers).stream(WANTED)] == [b"chunks"]
    assert makers.made == [WANTED]


async def test_a_blob_whose_source_is_gone_is_missing(blobs: BlobStore) -> None:
    with pytest.raises(BlobMissing):
        [piece async for piece in DerivedBlobs(blobs, Makers(blobs)).stream(WANTED)]
