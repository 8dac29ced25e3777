"""Turns a scan that lies askew upright, before anything looks at it.

Lines that rise or fall by a degree cross the boxes of their neighbours: labels and amounts of a row come apart, and
rules are not found. Everything after this sees an upright page, so the boxes in the document are those of that page.
"""

from math import cos, radians, sin
from typing import Any

import numpy as np
from docling.backend.pdf_backend import PdfPageBackend
from docling.datamodel.base_models import Page
from docling_core.types.doc.base import BoundingBox
from numpy.typing import NDArray
from PIL import Image

#: The largest angle that is looked for, in degrees. Beyond it a page was turned on purpose.
LARGEST = 5.0
#: Smaller angles do no harm.
SMALLEST = 0.35
#: How much clearer the lines of a turned page must be.
CLEARER = 1.2
#: The longer side of the picture in which lines are looked for, in pixels.
LOOKED_AT = 1000
#: How much darker than the paper ink is, of 255.
INK = 60


def straighten(page: Page) -> None:
    """Turn a page that is a picture, so that its lines are level."""
    picture, backend = page.get_image(scale=1.0), page._backend
    if picture is None or backend is None:
        return
    angle = skew_of(picture)
    if angle:
        page._backend = Upright(backend, angle)  # type: ignore[assignment]
        page._image_cache = {}


def skew_of(picture: Image.Image) -> float:
    """By how many degrees the lines of a page fall to the right. 0 if that is little, or if it has no clear lines."""
    small = picture.convert("L")
    small.thumbnail((LOOKED_AT, LOOKED_AT))
    grey = np.asarray(small, dtype=np.int16)
    down, right = np.nonzero(grey < np.percentile(grey, 90) - INK)
    if not down.size:
        return 0.0

    def clear(angle: float) -> float:
        return _clearness(down * cos(radians(angle)) - right * sin(radians(angle)))

    coarse = max(np.arange(-LARGEST, LARGEST + 0.5, 0.5), key=clear)
    angle = float(max(np.arange(coarse - 0.4, coarse + 0.5, 0.1), key=clear))
    return angle if abs(angle) > SMALLEST and clear(angle) > CLEARER * clear(0.0) else 0.0


def _clearness(heights: NDArray[np.floating]) -> float:
    """How sharply ink at these heights alternates with paper: most where lines of text are level."""
    ink = np.bincount((heights - heights.min()).astype(np.intp)).astype(float)
    return float(np.square(np.diff(ink)).sum())


class Upright:
    """A page of docling's whose pictures are turned by an angle, and made smaller so that no corner is cut off."""

    def __init__(self, page: PdfPageBackend, angle: float) -> None:
        self._page = page
        self._angle = angle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._page, name)

    def get_page_image(self, scale: float = 1, cropbox: BoundingBox | None = None) -> Image.Image:
        """As docling's: the page, or a part of it, in `scale` pixels per point."""
        picture = turned(self._page.get_page_image(scale=scale), self._angle)
        if cropbox is None:
            return picture
        box = cropbox.to_top_left_origin(self._page.get_size().height).scaled(scale)
        return picture.crop((round(box.l), round(box.t), round(box.r), round(box.b)))


def turned(picture: Image.Image, angle: float) -> Image.Image:
    """The picture in its own size, turned to the left by `angle` degrees and as much smaller as that takes."""
    width, height = picture.size
    sine, cosine = sin(radians(angle)), cos(radians(angle))
    larger = cosine + abs(sine) * max(width / height, height / width)
    across, down = larger * cosine, larger * sine
    x, y = width / 2, height / 2
    # Where each pixel of the new picture comes from.
    source = (across, -down, x - across * x + down * y, down, across, y - down * x - across * y)
    picture = picture.convert("RGB")
    paper = _paper(picture)
    return picture.transform(picture.size, Image.Transform.AFFINE, source, Image.Resampling.BICUBIC, fillcolor=paper)


def _paper(picture: Image.Image) -> tuple[int, ...]:
    """The colour of most of the page."""
    small = picture.resize((100, 100), Image.Resampling.NEAREST)
    return tuple(np.percentile(np.asarray(small).reshape(-1, 3), 90, axis=0).astype(int).tolist())
