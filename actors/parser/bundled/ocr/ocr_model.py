"""Reads the pictures of a page, as a docling plugin: docling's own OCR with less work for the same words.

docling sends every region with a picture in it to OCR. Here OCR works only where something is sharp that the text layer
does not account for, looks for lines at a coarser scale than it reads them, and reads equal pictures once.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.datamodel.base_models import Page
from docling.datamodel.document import ConversionResult
from docling.datamodel.pipeline_options import OcrMode, RapidOcrOptions
from docling.models.stages.ocr.rapid_ocr_model import RapidOcrModel
from docling.utils.profiling import TimeRecorder
from docling_core.types.doc.base import BoundingBox
from docling_core.types.doc.page import BoundingRectangle, PdfCellRenderingMode, PdfTextCell, TextCell

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.ocr.reader import Pixels, Reader, ReadLine
from actors.parser.bundled.ocr.unread import is_covered, unread_part

UNSEEN = (PdfCellRenderingMode.INVISIBLE, PdfCellRenderingMode.ONLY_CLIPPING)


class BundledOcrOptions(RapidOcrOptions):
    """Selects the bundled OCR. Its settings are docling's for rapidocr."""

    kind: ClassVar[str] = "docfleet_ocr"  # type: ignore[assignment]


class BundledOcrModel(RapidOcrModel):
    """Reads a page at a time. A page's result never depends on the pages before it."""

    def __init__(
        self,
        enabled: bool,  # noqa: FBT001 - docling's factory passes it
        artifacts_path: Path | None,
        options: BundledOcrOptions,
        accelerator_options: AcceleratorOptions,
    ) -> None:
        super().__init__(enabled, artifacts_path, options, accelerator_options)
        if enabled:
            self._reader = Reader(self.reader, accelerator_options, self.scale)

    @classmethod
    def get_options_type(cls) -> type[BundledOcrOptions]:
        return BundledOcrOptions

    def __call__(self, conv_res: ConversionResult, page_batch: Iterable[Page]) -> Iterator[Page]:
        for page in page_batch:
            if self.enabled and page._backend and page._backend.is_valid():
                with TimeRecorder(conv_res, "ocr"):
                    self._read_page(conv_res, page)
            yield page

    def _read_page(self, conv_res: ConversionResult, page: Page) -> None:
        known = [] if self.options.mode == OcrMode.FULL_PAGE else visible_lines(page)
        cells = [cell for part, picture in self._parts(page, known) for cell in self._read(picture, part, known)]
        self.post_process_cells(cells, page, conv_res)

    def _parts(self, page: Page, known: list[Box]) -> Iterator[tuple[Box, Pixels]]:
        """The parts of the page that OCR has to read, with their pictures at OCR's scale."""
        regions = [_box(region) for region in self.get_ocr_rects(page) if region.area()]
        if not regions:
            return
        plain = _pixels(page, 1.0)
        if parts := [part for region in regions if (part := unread_part(plain, region, known))]:
            large = _pixels(page, self.scale)  # docling-parse draws the whole page for any part of it
            for part in parts:
                left, top, right, bottom = (round(side * self.scale) for side in part)
                yield part, np.ascontiguousarray(large[top:bottom, left:right])

    def _read(self, picture: Pixels, part: Box, known: list[Box]) -> Iterator[TextCell]:
        """The lines in a part of the page that the `known` lines do not cover."""

        def placed(line: Box) -> Box:
            left, top, right, bottom = line.scaled(1 / self.scale)
            return Box(part.left + left, part.top + top, part.left + right, part.top + bottom)

        def is_unknown(line: Box) -> bool:
            return not is_covered(placed(line), known)

        for number, line in enumerate(self._reader.read(picture, is_unknown, printed=bool(known))):
            yield _cell(number, line, placed(line.box))


def visible_lines(page: Page) -> list[Box]:
    """The lines of the page's text layer that it shows."""
    shown = [cell for cell in page.cells if not (isinstance(cell, PdfTextCell) and cell.rendering_mode in UNSEEN)]
    return [_box(cell.rect.to_bounding_box()) for cell in shown if cell.text.strip()]


def _pixels(page: Page, scale: float) -> Pixels:
    assert page._backend is not None  # docling takes the backend away after the last stage
    return np.asarray(page._backend.get_page_image(scale=scale))


def _box(bounds: BoundingBox) -> Box:
    return Box(*bounds.as_tuple())


def _cell(number: int, line: ReadLine, box: Box) -> TextCell:
    bounds = BoundingBox(l=box.left, t=box.top, r=box.right, b=box.bottom)
    rect = BoundingRectangle.from_bounding_box(bounds)
    return TextCell(index=number, text=line.text, orig=line.text, confidence=line.score, from_ocr=True, rect=rect)
