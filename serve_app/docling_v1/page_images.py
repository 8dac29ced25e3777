"""Pictures of whole pages in the JSON of a document, drawn from the uploaded file when an answer is sent.

So a document whose pages are asked for can still be split over several parsers.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import orjson

from actors.blobs.keys import results_of
from actors.derivations import PageScales
from actors.messages import JobView
from serve_app.pictures import PagePictures
from serve_app.problems import Refused
from serve_app.results import document_of, existing

#: Stands for the picture of a page until its bytes take its place.
MARK = "docfleet:page/{page}"
_MARK = re.compile(rb'"uri":"docfleet:page/([0-9]{1,9})"')  # with its key: a document may have such a text
_LONGEST_MARK = 32  # bytes


@dataclass(frozen=True, slots=True)
class PageImages:
    pages: PagePictures

    async def scales(self, view: JobView, index: int, scale: float) -> Mapping[int, float]:
        """The pages that can be drawn, each with its pixels for a point: a large page gets less than `scale`.

        Empty for a file without pages, and for one whose pages cannot be drawn.
        """
        folder = f"{results_of(view.job_id)}/{index}"
        wanted = PageScales(job_id=view.job_id, folder=folder, source=document_of(view, index), scale=scale)
        listed = b"".join([piece async for piece in existing(view, self.pages.derived.stream(wanted))])
        scales = {int(page): each for page, each in orjson.loads(listed).items()}
        return scales if await self._can_draw(view, index, scales) else {}

    def stream(self, view: JobView, index: int, page: int, scale: float) -> AsyncIterator[bytes]:
        """A page as PNG, in pieces."""
        return self.pages.stream(self.pages.wanted(view, index, page, scale=scale, box=None, form="png"))

    async def embedded(
        self, pieces: AsyncIterator[bytes], view: JobView, index: int, scales: Mapping[int, float]
    ) -> AsyncIterator[bytes]:
        """The JSON with pictures in the place of its marks. Holds one picture at a time."""
        rest = b""
        async for piece in pieces:
            rest += piece
            while found := _MARK.search(rest):
                yield rest[: found.start()] + b'"uri":"data:image/png;base64,'
                page = int(found[1])
                picture = b"".join([part async for part in self.stream(view, index, page, scales[page])])
                yield b64encode(picture) + b'"'
                rest = rest[found.end() :]
            yield rest[:-_LONGEST_MARK]
            rest = rest[-_LONGEST_MARK:]
        yield rest

    async def _can_draw(self, view: JobView, index: int, scales: Mapping[int, float]) -> bool:
        """A document that was sent as JSON has pages that nothing can draw. The first page tells."""
        for page, scale in scales.items():
            try:
                await self.pages.derived.make(self.pages.wanted(view, index, page, scale=scale, box=None, form="png"))
            except Refused:
                return False
            return True
        return False
