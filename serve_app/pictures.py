"""Pictures of pages, drawn from the uploaded files, and the pictures inside documents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TypedDict

import orjson

from actors.blobs.keys import results_of
from actors.derivations import PagePicture, PictureFormat, Pictures
from actors.errors import BlobMissing
from actors.messages import JobView
from serve_app.derived import DerivedBlobs
from serve_app.own_jobs import input_gone, input_key
from serve_app.results import document_of, existing

Box = tuple[float, float, float, float]


class Place(TypedDict):
    """Where a picture that was not kept is drawn from."""

    page: int
    scale: float
    box: Box


@dataclass(frozen=True, slots=True)
class PagePictures:
    """Pages of the uploaded files."""

    derived: DerivedBlobs

    def wanted(
        self, view: JobView, index: int, page: int, *, scale: float, box: Box | None, form: PictureFormat
    ) -> PagePicture:
        """The picture of a page of the file `index`, or of a `box` on it."""
        return PagePicture(
            job_id=view.job_id,
            folder=f"{results_of(view.job_id)}/{index}",
            source=input_key(view, index),
            page=page,
            scale=scale,
            box=box,
            form=form,
        )

    async def stream(self, wanted: PagePicture) -> AsyncIterator[bytes]:
        """The picture in pieces. Raises Refused when it cannot be drawn, for example because its file is gone."""
        try:
            async for piece in self.derived.stream(wanted):
                yield piece
        except BlobMissing as error:
            raise input_gone() from error


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The pictures inside the documents of a completed job. Those that were not kept are drawn from their pages."""

    pages: PagePictures

    async def listed(self, view: JobView, index: int) -> Mapping[str, Place | None]:
        """The pictures of a document by their names: null, or the place of one that was not kept.

        Raises Refused when the file has no document.
        """
        pieces = existing(view, self.pages.derived.stream(self._wanted(view, index)))
        places: dict[str, Place | None] = orjson.loads(b"".join([piece async for piece in pieces]))
        return places

    def key_of(self, view: JobView, index: int, name: str) -> str:
        """A key that stands for the bytes of a picture."""
        return self._wanted(view, index).key_of(name)

    def stream(self, view: JobView, index: int, name: str, place: Place | None) -> AsyncIterator[bytes]:
        """A listed picture in pieces."""
        if place is None:
            return existing(view, self.pages.derived.blobs.stream(self.key_of(view, index, name)))
        box = place["box"]
        wanted = self.pages.wanted(
            view, index, place["page"], scale=place["scale"], box=(box[0], box[1], box[2], box[3]), form="png"
        )
        return self.pages.stream(wanted)

    def _wanted(self, view: JobView, index: int) -> Pictures:
        folder = f"{results_of(view.job_id)}/{index}"
        return Pictures(job_id=view.job_id, folder=folder, source=document_of(view, index))
