"""Reads the multipart requests: `files`, and each option as a form field."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from pydantic import BaseModel
from starlette.requests import Request

from actors.messages import InputFile
from client.models import ErrorCode
from serve_app.docling_v1.chunking import Chunker, ChunkingRequest, chunking_of
from serve_app.docling_v1.files import FileStore, named
from serve_app.docling_v1.loose_types import Flag
from serve_app.docling_v1.options import ConvertOptions
from serve_app.docling_v1.requests import (
    Received,
    Target,
    check_callbacks,
    checked,
    checked_target,
    chunks_asked_for,
)
from serve_app.multipart import multipart_parts
from serve_app.problems import Refused
from serve_app.uploads import MAX_PARTS, bounded, check_encoding, receive_field


async def receive_form(request: Request, store: FileStore, limit: int) -> Received:
    """A request to convert, with its files in the store. Raises Refused and Invalid."""
    form = await _read(request, store, limit)
    options = checked(ConvertOptions, dict(form.fields))
    chunking = chunks_asked_for(options, form.target)
    return Received(task="convert", files=tuple(form.files), options=options, target=form.target, chunking=chunking)


async def receive_form_to_chunk(request: Request, store: FileStore, limit: int, *, chunker: Chunker) -> Received:
    """A request for chunks, with its files in the store. Raises Refused and Invalid.

    The options are prefixed with `convert_` and `chunking_`. Some clients leave the prefixes out.
    """
    form = await _read(request, store, limit)
    options = checked(ConvertOptions, form.without("convert_"))
    include_document = checked(_WithDocument, form.fields).include_converted_doc
    sent = checked(ChunkingRequest, form.without("chunking_"))
    chunking = chunking_of(sent, chunker, include_document=include_document)
    return Received(task="chunk", files=tuple(form.files), options=options, target=form.target, chunking=chunking)


class _WithDocument(BaseModel):
    include_converted_doc: Flag = False


@dataclass(slots=True)
class _Form:
    fields: defaultdict[str, list[str]]
    files: list[InputFile]

    @property
    def target(self) -> Target:
        return checked_target((self.fields["target_type"] or ["inbody"])[-1] or "inbody")

    def without(self, prefix: str) -> dict[str, list[str]]:
        """The fields, without the prefix where they have it."""
        prefixed = {name.removeprefix(prefix): sent for name, sent in self.fields.items() if name.startswith(prefix)}
        return self.fields | prefixed


async def _read(request: Request, store: FileStore, limit: int) -> _Form:
    """docling's SDK sends `target_type` before the files. So a target that is refused costs no upload."""
    check_encoding(request.headers.get("content-encoding", ""))
    form = _Form(fields=defaultdict(list), files=[])
    count = 0
    async for part in multipart_parts(bounded(request.stream(), limit), request.headers.get("content-type", "")):
        count += 1
        if count > MAX_PARTS:
            raise Refused(ErrorCode.INVALID_REQUEST, f"A request must have at most {MAX_PARTS} parts")
        if part.name == "files":
            form.files.append(named(await store.add(part.data()), part.filename))
            continue
        value = await receive_field(part)
        form.fields[part.name].append(value)
        if part.name == "target_type":
            checked_target(value)
    if not form.files:
        raise Refused(ErrorCode.NO_FILES, "The request has no files. Send each file as a part named 'files'")
    check_callbacks([callback for callback in form.fields["callbacks"] if callback])
    return form
