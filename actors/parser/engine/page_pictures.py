"""Draws pages of PDFs and of picture files as they were sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import BytesIO

import pypdfium2
from docling.backend.image_backend import ImageDocumentBackend
from docling.datamodel.base_models import InputFormat
from docling.datamodel.document import InputDocument
from docling.exceptions import DocumentLoadError
from docling_core.types.doc.base import BoundingBox
from PIL import Image, UnidentifiedImageError
from pypdfium2.raw import FPDF_ERR_PASSWORD

from actors.derivations import PagePicture
from actors.errors import FileError
from actors.parser.engine.content_kinds import PDF_HEADER_WITHIN
from actors.parser.engine.repair import repaired
from actors.parser.engine.sniffing import Source
from client.models import ErrorCode

#: The longest side of a picture, in pixels.
MAX_SIDE = 4_000

#: How far a box may reach over the edge of its page, in points. Boxes of items often do by a rounding error.
TOLERANCE = 1.0

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Page:
    """An opened page. Sizes are in points. `draw` takes a box on the page, and the scale."""

    width: float
    height: float
    draw: Callable[[Box, float], Image.Image]


def draw(data: bytes, wanted: PagePicture) -> bytes:
    """The picture of a page. Raises FileError when there is no such page or box, or no picture of it."""
    opened = _pdf_page if b"%PDF-" in data[:PDF_HEADER_WITHIN] else _frame
    with opened(data, wanted.page) as page:
        drawn = page.draw(_checked_box(page, wanted), wanted.scale)
    out = BytesIO()
    if wanted.form == "webp":
        drawn.save(out, "WEBP", quality=85, method=0)
    else:
        drawn.save(out, "PNG", compress_level=1)  # the default takes longer, and printed pages get no smaller
    return out.getvalue()


def _checked_box(page: Page, wanted: PagePicture) -> Box:
    """The box to draw, cut to the page. Raises FileError for a box that is not on it, and for too many pixels."""
    left, top, right, bottom = wanted.box or (0.0, 0.0, page.width, page.height)
    if min(left, top) < -TOLERANCE or right > page.width + TOLERANCE or bottom > page.height + TOLERANCE:
        message = f"The box is not on the page, which has {page.width:.1f} x {page.height:.1f} points"
        raise FileError(ErrorCode.BOX_OUTSIDE_PAGE, message)
    box = max(left, 0.0), max(top, 0.0), min(right, page.width), min(bottom, page.height)
    longest = max(box[2] - box[0], box[3] - box[1])
    if math.ceil(longest * wanted.scale) > MAX_SIDE:
        largest = math.floor(MAX_SIDE / longest * 100) / 100
        message = f"The picture would have more than {MAX_SIDE} pixels on a side. The largest scale is {largest:.2f}"
        raise FileError(ErrorCode.PICTURE_TOO_LARGE, message)
    return box


@contextmanager
def _pdf_page(data: bytes, number: int) -> Iterator[Page]:
    """A page of a PDF. A damaged PDF is repaired first, as it is for parsing."""
    try:
        pdf = pypdfium2.PdfDocument(repaired(Source(name="", format=InputFormat.PDF, data=data), None).data)
    except pypdfium2.PdfiumError as error:
        if error.err_code == FPDF_ERR_PASSWORD:
            message = "The PDF is encrypted, and its password is not kept. Its pages cannot be drawn"
            raise FileError(ErrorCode.FILE_ENCRYPTED, message) from error
        raise _no_picture("the PDF is damaged") from error
    with closing(pdf):
        _check_number(number, len(pdf))
        pdf.init_forms()  # draws what was filled in
        try:
            page = pdf[number - 1]
        except pypdfium2.PdfiumError as error:
            raise _no_picture(f"page {number} is damaged") from error
        width, height = page.get_size()

        def draw(box: Box, scale: float) -> Image.Image:
            left, top, right, bottom = box
            crop = (left, height - bottom, width - right, top)
            picture: Image.Image = page.render(scale, crop=crop, rev_byteorder=True).to_pil()
            return picture

        yield Page(width, height, draw)


@contextmanager
def _frame(data: bytes, number: int) -> Iterator[Page]:
    """A frame of a picture file, turned upright, as docling reads it."""
    try:
        stream, name = BytesIO(data), "picture"
        document = InputDocument(stream, InputFormat.IMAGE, ImageDocumentBackend, filename=name)
        pictures = ImageDocumentBackend(document, stream)
        _check_number(number, pictures.page_count())
        page = pictures.load_page(number - 1)
        size = page.get_size()
        yield Page(size.width, size.height, lambda box, scale: page.get_page_image(scale, _bounding(box)))
    except (DocumentLoadError, UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise _no_picture("it is neither a PDF nor a readable picture") from error


def _bounding(box: Box) -> BoundingBox:
    left, top, right, bottom = box
    return BoundingBox(l=left, t=top, r=right, b=bottom)


def _check_number(number: int, pages: int) -> None:
    if number > pages:
        raise FileError(ErrorCode.PAGE_NOT_FOUND, f"There is no page {number}: the file has {pages}")


def _no_picture(reason: str) -> FileError:
    return FileError(ErrorCode.NO_PAGE_PICTURE, f"No page of this file can be drawn: {reason}")
