"""The pictures of a page, cut out of its picture. They travel with the page, which is far too large itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, cast

from docling.datamodel.base_models import FigureElement, Page
from docling_core.types.doc.base import BoundingBox
from PIL import Image

#: Fast, and a tenth larger than the best compression.
COMPRESSION = 1

#: Left, top, right, bottom, in whole pixels from the top left corner of the page.
Corners = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Cutout:
    """A part of a page as PNG. It may reach over the edge of the page, as docling's boxes do."""

    corners: Corners
    png: bytes = field(repr=False)

    def holds(self, wanted: Corners) -> bool:
        left, top, right, bottom = self.corners
        return left <= wanted[0] and top <= wanted[1] and wanted[2] <= right and wanted[3] <= bottom


@dataclass(frozen=True, slots=True)
class Cutouts:
    """In place of a page's picture: docling asks for nothing but parts of it."""

    parts: tuple[Cutout, ...]

    def crop(self, box: tuple[float, float, float, float]) -> Image.Image:
        """The pixels of a box, as `crop` of the whole picture gives them. Raises LookupError for pixels not kept."""
        wanted = _whole_pixels(box)
        for part in self.parts:
            if part.holds(wanted):
                left, top = part.corners[:2]
                moved = (wanted[0] - left, wanted[1] - top, wanted[2] - left, wanted[3] - top)
                return Image.open(BytesIO(part.png)).crop(moved)
        raise LookupError(f"no part of the page holds {wanted}")


def keep_only_pictures(page: Page) -> None:
    """Replace the picture of a page by the parts that docling will cut out of it."""
    scale = page._default_image_scale
    picture = page.get_image(scale=scale)
    parts = tuple(_cut(picture, box.scaled(scale)) for box in _boxes(page)) if picture else ()
    page._image_cache = {scale: cast(Any, Cutouts(parts))}


def _boxes(page: Page) -> Iterator[BoundingBox]:
    """Where the page has pictures, in points from its top left corner."""
    elements: Iterable[object] = page.assembled.elements if page.assembled and page.size else ()
    for element in elements:
        if isinstance(element, FigureElement) and page.size:
            yield element.cluster.bbox.to_top_left_origin(page.size.height)


def _cut(picture: Image.Image, box: BoundingBox) -> Cutout:
    """A pixel more on each side: docling computes the box again, and may round it to the other side."""
    left, top, right, bottom = _whole_pixels(box.as_tuple())
    corners = (left - 1, top - 1, right + 1, bottom + 1)
    out = BytesIO()
    picture.crop(corners).save(out, "PNG", compress_level=COMPRESSION)
    return Cutout(corners, out.getvalue())


def _whole_pixels(box: tuple[float, float, float, float]) -> Corners:
    """As Pillow rounds a box to crop."""
    left, top, right, bottom = map(round, box)
    return left, top, right, bottom
