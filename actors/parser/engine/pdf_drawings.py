"""Opens a PDF whose pages are only drawn, for a model that reads the pictures."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from math import ceil
from pathlib import Path

from docling.backend.docling_parse_backend import ThreadedDoclingParsePageBackend
from docling.backend.pdf_backend import PdfDocumentBackend, PdfPageBackend
from docling.datamodel.backend_options import PdfBackendOptions, ThreadedDoclingParseBackendOptions
from docling.datamodel.document import InputDocument
from docling.exceptions import DocumentLoadError
from docling_core.types.doc.base import BoundingBox
from docling_parse.pdf_parser import (
    ContentConfig,
    ContentLevel,
    DecodeConfig,
    DoclingThreadedPdfParser,
    ThreadedPdfParserConfig,
)
from docling_parse.pdf_parsers import RenderConfig
from PIL import Image

from actors.parser.engine import stopping
from actors.parser.engine.pdf import bytes_of, measure, password_of
from actors.parser.engine.vlm_options import PAGE_SCALE

#: What docling-parse computes of a page in order to draw it: no words and no lines of text.
_CONTENT = ContentConfig(
    char_cells_content_level=ContentLevel.COMPUTE,
    word_cells_content_level=ContentLevel.SKIP,
    line_cells_content_level=ContentLevel.SKIP,
    shapes_content_level=ContentLevel.COMPUTE,
    bitmaps_content_level=ContentLevel.COMPUTE_AND_MATERIALIZE,  # with less, it draws other pixels
    include_bitmap_bytes=False,
)

#: Pages until docling-parse returns memory to the system, as docling has it.
TIDY_AFTER = 128

#: Parsers without an open document, by their number of threads. To make one takes as long as to draw three pages.
_idle: defaultdict[int, list[DoclingThreadedPdfParser]] = defaultdict(list)


class DrawnPage(ThreadedDoclingParsePageBackend):
    """A page as docling draws it. Its pictures have an opaque alpha channel, which docling would remove."""

    def get_page_image(self, scale: float = 1, cropbox: BoundingBox | None = None) -> Image.Image:
        return self._result.get_image(scale=scale, cropbox=cropbox)

    def pixels(self) -> tuple[int, int]:
        """The width and height of the picture with a pixel for each point (`PAGE_SCALE`), without drawing it."""
        size = self.get_size()
        return ceil(size.width), ceil(size.height)


class PdfDrawings(PdfDocumentBackend):
    """The pages of a PDF without their words. Otherwise like RenderedPdf."""

    supports_random_page_access = False

    def __init__(
        self, in_doc: InputDocument, path_or_stream: BytesIO | Path, options: PdfBackendOptions | None = None
    ) -> None:
        super().__init__(in_doc, path_or_stream, options)
        first, last = in_doc.limits.page_range
        data, password = bytes_of(path_or_stream), password_of(self.options)
        self._idle = _idle[_threads(options)]
        self._parser = self._idle.pop() if self._idle else _new_parser(_threads(options))
        try:
            self._key = self._parser.load(BytesIO(data), password, page_range=(first, min(last, sys.maxsize)))
        except (RuntimeError, ValueError) as error:
            raise DocumentLoadError(f"docling-parse could not load the document: {error}") from error
        wanted = range(first, min(last, self.page_count()) + 1)
        self.too_large = measure(data, password, wanted)
        if self.too_large:
            self._parser.unload(self._key)
            rest = [page for page in wanted if page not in self.too_large]
            self._key = self._parser.load(BytesIO(data), password, page_numbers=rest)

    def is_valid(self) -> bool:
        return self.page_count() > 0

    def page_count(self) -> int:
        return self._parser.page_count(self._key)

    def load_page(self, page_no: int) -> PdfPageBackend:
        raise NotImplementedError("pages come in the order in which they are ready")

    def iter_pages(self) -> Iterator[DrawnPage]:
        for result in self._parser.iterate_results():
            if stopping.asked():
                return
            yield DrawnPage(result)

    def unload(self) -> None:
        """Close the document. Its parser is then free for the next one."""
        if self.path_or_stream is None:
            return
        while self._parser.has_tasks():
            self._parser.get_task()
        self._parser.unload(self._key)
        self._idle.append(self._parser)
        super().unload()  # type: ignore[no-untyped-call]


def _threads(options: PdfBackendOptions | None) -> int:
    return (isinstance(options, ThreadedDoclingParseBackendOptions) and options.parser_threads) or 1


def _new_parser(threads: int) -> DoclingThreadedPdfParser:
    rendering = RenderConfig()
    rendering.scale = PAGE_SCALE
    config = ThreadedPdfParserConfig(threads=threads, render_config=rendering, page_content_config=_CONTENT)
    return DoclingThreadedPdfParser(config, DecodeConfig(release_native_memory_every_n_pages=TIDY_AFTER))
