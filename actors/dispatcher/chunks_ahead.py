"""Makes the chunks that a job asks for together with its results."""

from __future__ import annotations

from actors.blobs.keys import results_of
from actors.derivations import Chunks
from actors.dispatcher.derivations import Deriver
from actors.errors import DocfleetError
from actors.messages import FileOutcome, JobSpec
from actors.telemetry.logs import get_logger
from client.models import DEFAULT_CONTENT

log = get_logger()


async def make_chunks(deriver: Deriver, spec: JobSpec, index: int, outcome: FileOutcome) -> None:
    """Make and store the chunks of a finished file, if the job asks for them. It succeeds without them, too.

    Then the first request for them makes them, or says why that is not possible.
    """
    if spec.options.chunks is None or outcome.document is None:
        return
    wanted = Chunks(
        job_id=spec.job_id,
        folder=f"{results_of(spec.job_id)}/{index}",
        source=outcome.document,
        options=spec.options.chunks,
        content=spec.options.content or DEFAULT_CONTENT,
    )
    try:
        await deriver.derive(wanted)
    except DocfleetError as error:
        log.warning("chunks_not_made", job=spec.job_id, file=index, reason=error.message)
