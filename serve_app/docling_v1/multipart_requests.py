"""Reads the multipart requests: `files`, and each option as a form field."""

from __future__ import annotations

from collections import defaultdict

from starlette.requests import Request

from actors.messages import InputFile
from client.models import ErrorCode
from serve_app.docling_v1.files import FileStore, named
from serve_app.docling_v1.options import ConvertOptions
from serve_app.docling_v1.requests import ConvertRequest, check_callbacks, checked, checked_target
from serve_app.multipart import multipart_parts
from serve_app.problems import Refused
from serve_app.uploads import MAX_PARTS, bounded, check_encoding, receive_field


async def receive_form(request: Request, store: FileStore, limit: int) -> ConvertRequest:
    """The request, with its files in the store. Raises Refused and Invalid.

    docling's SDK sends `target_type` before the files. So a target that is refused costs no upload.
    """
    check_encoding(request.headers.get("content-encoding", ""))
    fields: defaultdict[str, list[str]] = defaultdict(list)
    files: list[InputFile] = []
    count = 0
    async for part in multipart_parts(bounded(request.stream(), limit), request.headers.get("content-type", "")):
        count += 1
        if count > MAX_PARTS:
            raise Refused(ErrorCode.INVALID_REQUEST, f"A request must have at most {MAX_PARTS} parts")
        if part.name == "files":
            files.append(named(await store.add(part.data()), part.filename))
            continue
        value = await receive_field(part)
        fields[part.name].append(value)
        if part.name == "target_type":
            checked_target(value)
    if not files:
        raise Refused(ErrorCode.NO_FILES, "The request has no files. Send each file as a part named 'files'")
    check_callbacks([callback for callback in fields["callbacks"] if callback])
    return ConvertRequest(
        files=tuple(files),
        options=checked(ConvertOptions, dict(fields)),
        target=checked_target((fields["target_type"] or ["inbody"])[-1] or "inbody"),
    )
