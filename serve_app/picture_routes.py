"""The routes of pictures: pages of the uploaded files, drawn by a parser."""

from __future__ import annotations

import hashlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header, Path, Query, Request
from fastapi.responses import Response

from actors.blobs.keys import inputs_of, results_of
from actors.derivations import Derivation, PagePicture, PictureFormat
from actors.errors import BlobMissing
from actors.messages import JobView
from client.models import ErrorCode
from serve_app.derived import DerivedBlobs
from serve_app.problems import Refused
from serve_app.results import body, check_file

Box = tuple[float, float, float, float]

JobId = Annotated[str, Path(description="The job id from `POST /submit`", max_length=100)]
FileIndex = Annotated[int, Path(ge=0, le=2**31, description="A file of the job; files count from 0, in upload order")]

#: A picture never changes, so a client may keep it without asking again.
IMMUTABLE = "private, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class PictureRoutes:
    """`found` is the job of a request, if the caller owns it."""

    found: Callable[[Request, str], Awaitable[JobView]]
    derived: DerivedBlobs

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
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """A page of an uploaded PDF or picture, as PNG or WebP. Works as soon as the file is uploaded."""
        view = await self.found(request, job_id)
        check_file(view, file, view.files_known)
        wanted = PagePicture(
            job_id=view.job_id,
            folder=f"{results_of(view.job_id)}/{file}",
            source=_input_of(view, file),
            page=page,
            scale=round(scale, 2),
            box=parsed_box(box),
            form=form,
        )
        return await self._answer(wanted, f"image/{form}", if_none_match)

    async def _answer(self, wanted: Derivation, media_type: str, if_none_match: str | None) -> Response:
        headers = {"ETag": strong_etag(wanted), "Cache-Control": IMMUTABLE}
        if headers["ETag"] in (tag.strip() for tag in (if_none_match or "").split(",")):
            return Response(status_code=304, headers=headers)
        return await body(_from_input(self.derived.stream(wanted)), media_type, headers)


def strong_etag(wanted: Derivation) -> str:
    """The key of a blob contains everything that its bytes depend on."""
    return f'"{hashlib.sha256(wanted.target.encode()).hexdigest()[:32]}"'


def parsed_box(text: str | None) -> Box | None:
    """Parses `x0,y0,x1,y1`, in points. Raises Refused."""
    if text is None:
        return None
    try:
        left, top, right, bottom = (round(float(part), 2) for part in text.split(","))
    except ValueError:
        left = top = right = bottom = math.nan
    if not (left < right < math.inf and -math.inf < top < bottom < math.inf and left > -math.inf):
        message = "box must be four numbers x0,y0,x1,y1 with x0 < x1 and y0 < y1, in points from the top left corner"
        raise Refused(ErrorCode.INVALID_REQUEST, message)
    return left, top, right, bottom


def _input_of(view: JobView, index: int) -> str:
    """The blob of an uploaded file. Outcomes name it, also for attachments; before that, uploads have fixed keys."""
    return (view.files[index].input if view.files else "") or f"{inputs_of(view.job_id)}/{index}"


async def _from_input(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for piece in pieces:
            yield piece
    except BlobMissing as error:
        message = "The server does not have this file: it was refused, or is not kept (KEEP_INPUTS)"
        raise Refused(ErrorCode.INPUT_GONE, message) from error
