"""Where a job's blobs lie: its inputs by their index, its results in a folder for each input."""

from __future__ import annotations

from actors.blobs.store import BlobStore

INPUTS = "inputs"
RESULTS = "results"


def inputs_of(job_id: str) -> str:
    return f"{INPUTS}/{job_id}"


def results_of(job_id: str) -> str:
    return f"{RESULTS}/{job_id}"


async def delete_blobs_of(blobs: BlobStore, job_id: str) -> None:
    """Remove everything that a job has in the store. May be repeated. Raises StoreUnavailable."""
    await blobs.delete_prefix(inputs_of(job_id))
    await blobs.delete_prefix(results_of(job_id))
