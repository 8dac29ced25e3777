"""Where a job's blobs lie: its inputs by their index, its results in a folder for each input."""

from __future__ import annotations

from actors.blobs.store import BlobStore

INPUTS = "inputs"
RESULTS = "results"

#: In the folder of a file's results.
RESPONSE = "response.json"
DOCUMENT = "document.json"


def inputs_of(job_id: str) -> str:
    return f"{INPUTS}/{job_id}"


def results_of(job_id: str) -> str:
    return f"{RESULTS}/{job_id}"


def journal_of(shard: int) -> str:
    """Where the store keeps the id of the journal whose blobs it holds."""
    return f"journals/{shard}"


async def delete_blobs_of(blobs: BlobStore, *job_ids: str) -> None:
    """Remove everything that jobs have in the store. May be repeated. Raises StoreUnavailable."""
    await blobs.delete_prefixes([folder for job_id in job_ids for folder in (inputs_of(job_id), results_of(job_id))])
