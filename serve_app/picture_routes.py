"""The routes of pictures: pages of the uploaded files, and the pictures inside documents."""

from __future__ import annotations

import hashlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header, Path, Query, Request
from fastapi.responses import Response

from actors.derivations import PictureFormat
from actors.messages import JobView
from client.models import ErrorCode
from serve_app.pictures import Artifacts, Box, PagePictures
from serve_app.problems import Refused
from serve_app.results import body, check_completed, check_file, is_known

JobId = Annotated[str, Path(description="The job id from `POST /submit`", max_length=100)]
FileIndex = Annotated[int, Path(ge=0, le=2**31, description="A file of the job; files count from 0, in upload order")]
IfNoneMatch = Annotated[str | None, Header()]

#: A picture never changes, so a client may keep it without asking again.
IMMUTABLE = "private, max-age=31536000, immutable"

_MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "gif": "image/gif"}


@dataclass(frozen=True, slots=True)
class PictureRoutes:
    """`found` is the job of a request, if the caller owns it."""

    found: Callable[[Request, str], Awaitable[JobView]]
    pages: PagePictures
    artifacts: Artifacts

    async def page_picture(
        self,
        request: Request,
        job_id: JobId,
        file: FileIndex,
        page: Annotated[int, Path(ge=1, le=2**31, description="A page of the file, from 1")],
        form: PictureFormat,
        scale: Annotated[float, Query(ge=0.1, le=3, description="Pixels for each point")] = 1,
        box: Annotated[
            str | None,
            Query(
                max_length=100,
                description="Only this part of the page: `x0,y0,x1,y1` in points from its top left corner",
            ),
        ] = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """A page of an uploaded PDF or picture, as PNG or WebP. Works as soon as the file is uploaded."""
        view = await self.found(request, job_id)
        check_file(view, file, _files_of(view))
        wanted = self.pages.wanted(view, file, page, scale=round(scale, 2), box=parsed_box(box), form=form)
        return await _unless_known(if_none_match, wanted.target, form, self.pages.stream(wanted))

    async def artifact(
        self,
        request: Request,
        job_id: JobId,
        file: FileIndex,
        name: Annotated[str, Path(max_length=100, description="A name in an export with `images=referenced`")],
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """A picture inside a document."""
        view = await self.found(request, job_id)
        check_completed(view)
        check_file(view, file, len(view.files))
        listed = await self.artifacts.listed(view, file)
        if name not in listed:
            raise Refused(ErrorCode.NOT_FOUND, f"File {file} of job {job_id} has no such picture")
        key, suffix = self.artifacts.key_of(view, file, name), name.rpartition(".")[2]
        return await _unless_known(if_none_match, key, suffix, self.artifacts.stream(view, file, name, listed[name]))


async def _unless_known(if_none_match: str | None, key: str, suffix: str, pieces: AsyncIterator[bytes]) -> Response:
    """The picture, or 304 for a client that has it. `key` contains everything that the bytes depend on."""
    tag = f'"{hashlib.sha256(key.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": IMMUTABLE}
    if is_known(tag, if_none_match):
        return Response(status_code=304, headers=headers)
    return await body(pieces, _MEDIA_TYPES[suffix], headers)


def parsed_box(text: str | None) -> Box | None:
    """Parses `x0,y0,x1,y1`, in points. Raises Refused."""
    if text is None:
        return None
    try:
        left, top, right, bottom = (round(float(part), 2) for part in text.split(","))
    except ValueError:
        left = top = right = bottom = math.nan
    if not (left < right and top < bottom and all(map(math.isfinite, (left, top, right, bottom)))):
        message = "box must be four numbers x0,y0,x1,y1 with x0 < x1 and y0 < y1, in points from the top left corner"
        raise Refused(ErrorCode.INVALID_REQUEST, message)
    return left, top, right, bottom


def _files_of(view: JobView) -> int:
    """How many files the job has, as far as is known: attachments are counted when the job has ended."""
    return max(len(view.files), len(view.filenames), view.progress.files_total)
