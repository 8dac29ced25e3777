"""Large pictures. docling reads a picture without a resolution at 72 dpi, and OCR enlarges it to 216: nine times the
pixels, which no parser has memory for when the picture has fifty million."""

from __future__ import annotations

from math import sqrt

from docling.backend.image_backend import ImageDocumentBackend, _ImagePageBackend

from actors.parser.engine.frames import frames_of_a_span

#: The points of a page: as a photograph of 12 million pixels has at 72 dpi.
MAX_POINTS = 12_500_000


class Picture(ImageDocumentBackend):
    """docling's reader. A page that would be larger than `MAX_POINTS` is taken to have a higher resolution."""

    def load_page(self, page_no: int) -> _ImagePageBackend:
        page = super().load_page(page_no)
        size = page.get_size()
        if (excess := size.width * size.height / MAX_POINTS) > 1:
            across, down = page._dpi
            page._dpi = (across * sqrt(excess), down * sqrt(excess))
        return page

    def frames_of_a_span(self) -> int:
        """How many of its frames one call should parse."""
        assert self._source is not None
        return frames_of_a_span(self._source)
