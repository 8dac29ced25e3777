"""The jobs of a caller, and the files that were submitted with them."""

from __future__ import annotations

from actors.blobs.keys import inputs_of
from actors.errors import JobExpired, JobNotFound
from actors.messages import JobView
from client.models import ErrorCode
from serve_app.ports import IngressRegistry
from serve_app.problems import Refused


async def own_job(jobs: IngressRegistry, job_id: str, owner: str) -> JobView:
    """The job, if the caller owns it. Raises JobNotFound, JobExpired."""
    try:
        view = await jobs.get(job_id)
    except JobExpired as expired:
        if expired.owner == owner:
            raise
        view = None
    if view is None or view.owner != owner:
        raise JobNotFound.of(job_id)
    return view


def input_key(view: JobView, index: int) -> str:
    """The blob of a submitted file. Outcomes name it, also for attachments; before that, uploads have fixed keys."""
    return (view.files[index].input if view.files else "") or f"{inputs_of(view.job_id)}/{index}"


def input_gone() -> Refused:
    """The error of a file that is no longer in the store."""
    return Refused(
        ErrorCode.INPUT_GONE, "The server does not have this file: it was refused, or is not kept (KEEP_INPUTS)"
    )
