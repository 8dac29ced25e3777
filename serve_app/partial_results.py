"""The partial results of a running job, in a body that cannot be mistaken for the final results."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import orjson
from starlette.responses import Response, StreamingResponse

from actors.blobs import BlobStore
from actors.messages import JobView, PartialFile
from client.models import JobStatusEnum
from serve_app.ports import Dispatchers
from serve_app.results import JSON, check_file

_RUNNING = JobStatusEnum.PROCESSING
_HEADERS = {"Retry-After": "1"}  # no ETag: the body changes all the time


async def partial_results(
    view: JobView, dispatchers: Dispatchers, blobs: BlobStore, index: int | None = None
) -> Response:
    """A JobResultResponse with `results: null` and the partial results under `partial`.

    Raises Refused when the job has no file `index`. This is only known while a dispatcher works on the job.
    """
    files = await dispatchers.partial_files(view.job_id, view.dispatcher or "") if view.status is _RUNNING else None
    if files is not None and index is not None:
        check_file(view, index, len(files))
    chosen = [file for number, file in enumerate(files or ()) if index in (None, number)]
    return StreamingResponse(_body(view, chosen, blobs), headers=_HEADERS, media_type=JSON)


async def _body(view: JobView, files: Sequence[PartialFile], blobs: BlobStore) -> AsyncIterator[bytes]:
    yield orjson.dumps({"job_id": view.job_id, "status": view.status, "results": None, "error": None})[:-1]
    yield b',"partial":' + orjson.dumps({"progress": view.progress.model_dump()})[:-1] + b',"files":['
    for number, file in enumerate(files):
        head = {"finished": file.outcome is not None, "pages_done": file.pages_done, "pages_total": file.pages_total}
        yield (b"," if number else b"") + orjson.dumps(head)[:-1] + b","
        rest = _stored(blobs, file.outcome.response) if file.outcome else _unfinished(file)
        async for piece in rest:
            yield piece
    yield b"]}}"


async def _unfinished(file: PartialFile) -> AsyncIterator[bytes]:
    nodes = orjson.Fragment(file.nodes)
    body = {"filename": file.filename, "success": None, "nodes": nodes, "num_nodes": file.num_nodes}
    yield orjson.dumps(body)[1:]


async def _stored(blobs: BlobStore, key: str) -> AsyncIterator[bytes]:
    """A stored ParseResponse without its opening brace."""
    opened = False
    async for piece in blobs.stream(key):
        yield piece if opened else piece[1:]
        opened = True
