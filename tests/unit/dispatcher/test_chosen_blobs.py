"""How often the folder of a file's chosen derivations is listed, and how full it gets."""

from __future__ import annotations

import pytest

from actors.blobs import BlobStore, open_blobs
from actors.dispatcher import chosen_blobs
from actors.dispatcher.chosen_blobs import ChosenBlobs

FOLDER = "results/job/0/chosen"


@pytest.fixture
def blobs() -> BlobStore:
    return open_blobs("memory://")


@pytest.fixture
def listed(blobs: BlobStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that were listed."""
    listed: list[str] = []
    keep_newest = blobs.keep_newest

    async def noted(prefix: str, *, blobs: int, size: int) -> int:
        listed.append(prefix)
        return await keep_newest(prefix, blobs=blobs, size=size)

    monkeypatch.setattr(blobs, "keep_newest", noted)
    return listed


async def store(chosen: ChosenBlobs, blobs: BlobStore, folder: str, number: int, size: int = 1) -> None:
    await chosen.make_room(folder, size)
    await blobs.put(f"{folder}/{number}", b"x" * size)


async def stored(blobs: BlobStore, folder: str, numbers: int) -> int:
    return sum([await blobs.size(f"{folder}/{number}") is not None for number in range(numbers)])


async def test_a_few_choices_of_each_of_many_files_list_nothing(blobs: BlobStore, listed: list[str]) -> None:
    chosen = ChosenBlobs(blobs)
    for job in range(100):
        for number in range(3):
            await store(chosen, blobs, f"results/{job}/0/chosen", number)
    assert not listed


async def test_a_folder_is_listed_once_for_every_tenth_of_what_it_may_hold(
    blobs: BlobStore, listed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chosen_blobs, "KEPT_BLOBS", 100)
    chosen = ChosenBlobs(blobs)
    for number in range(301):
        await store(chosen, blobs, FOLDER, number)
    assert len(listed) == 30
    assert await stored(blobs, FOLDER, 301) == 101
    for number in range(301, 310):
        await store(chosen, blobs, FOLDER, number)
    assert await stored(blobs, FOLDER, 310) == 110  # a tenth more than is kept, and no more


async def test_large_blobs_make_room_for_themselves(
    blobs: BlobStore, listed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chosen_blobs, "KEPT_BYTES", 100)
    chosen = ChosenBlobs(blobs)
    for number in range(20):
        await store(chosen, blobs, FOLDER, number, size=20)
    assert await stored(blobs, FOLDER, 20) == 6
    assert len(listed) == 20


async def test_folders_that_nothing_comes_into_are_forgotten(
    blobs: BlobStore, listed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chosen_blobs, "KEPT_BLOBS", 10)
    monkeypatch.setattr(chosen_blobs, "FOLDERS_KNOWN", 2)
    chosen = ChosenBlobs(blobs)
    for folder in ("a", "b", "c", "a", "c"):
        await store(chosen, blobs, folder, len(listed))
    assert listed == ["c"]  # "a" had been forgotten
