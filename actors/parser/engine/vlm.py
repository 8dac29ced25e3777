"""docling's pipeline for vision models, in two halves: one draws pages, the other makes the document of the answers.

Between them the model is asked, elsewhere, so that no parser waits for it. Both halves run docling's own code. The
second sees all pages at once, so the result equals that of a single conversion over the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from docling.datamodel.base_models import (
    ConversionStatus,
    DoclingComponentType,
    ErrorItem,
    FailureCategory,
    Page,
    VlmPrediction,
    VlmStopReason,
)
from docling.datamodel.document import ConversionResult
from docling.datamodel.pipeline_options import VlmConvertOptions
from docling.pipeline.vlm_pipeline import VlmPipeline
from docling_core.types.doc.document import DoclingDocument
from PIL import Image

from actors.parser.engine import stopping
from actors.parser.engine.pdf_drawings import DrawnPage
from actors.parser.engine.pipelines import BeginsWithPages, ParsedPages, Sharing
from actors.parser.engine.png import png
from actors.parser.engine.reasons import reason_of
from actors.parser.engine.vlm_options import PAGE_SCALE
from actors.questions import Answer, Answers
from actors.telemetry.logs import get_logger

log = get_logger()

_UNANSWERED = Answer(failure="the model was not asked about the page")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The sizes in pixels of a page's two pictures: docling's own, and the model's. `pixels` is the first one as PNG,
    if the pictures of the document are kept."""

    size: tuple[int, int]
    model_size: tuple[int, int]
    pixels: bytes = b""

    def images(self, model_scale: float) -> dict[float, Image.Image]:
        """The pictures by their scale. One that nobody looks at is blank: docling only asks for its size."""
        own = Image.open(BytesIO(self.pixels)) if self.pixels else Image.new("1", self.size)
        return {model_scale: Image.new("1", self.model_size), PAGE_SCALE: own}


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPages(ParsedPages):
    """Pages without their content. The `answers` are put in once they are there."""

    drawn: Mapping[int, Drawn] = field(default_factory=dict)
    answers: Answers = field(default_factory=dict)


class VlmDrawing(Sharing, VlmPipeline):
    """The first half. `pictures` are what the model is to be shown, by page, as PNG."""

    def __init__(self, warm: VlmPipeline) -> None:
        super().__init__(warm)
        self.pictures: dict[int, bytes] = {}
        self.drawn: dict[int, Drawn] = {}

    def pages_of(self, result: ConversionResult) -> DrawnPages:
        bare = ParsedPages.of(result)
        return DrawnPages(
            pages=bare.pages, errors=bare.errors, confidence=bare.confidence, sizes=bare.sizes, drawn=self.drawn
        )

    def _process_page_batch(
        self, *, conv_res: ConversionResult, page_batch: list[Page], processed_page_nos: set[int], **_: Any
    ) -> None:
        for page in page_batch:
            try:
                if not stopping.asked():
                    self._draw(page)
                    processed_page_nos.add(page.page_no)
            except (RuntimeError, ValueError, OSError) as error:
                conv_res.errors.append(_failed(page, f"the page could not be drawn: {reason_of(error)}"))
            finally:
                self._release_page_resources(page)

    def _draw(self, page: Page) -> None:
        options = self.pipeline_options.vlm_options
        assert isinstance(options, VlmConvertOptions)
        shown = page.get_image(scale=options.scale, max_size=options.max_size)
        if shown is None:
            raise ValueError("it has no picture")
        size, pixels = self._own_picture(page)
        self.pictures[page.page_no] = png(shown)
        self.drawn[page.page_no] = Drawn(size=size, model_size=shown.size, pixels=pixels)

    def _own_picture(self, page: Page) -> tuple[tuple[int, int], bytes]:
        """The size of the picture that docling's boxes are measured in, and its pixels if they are kept."""
        if isinstance(page._backend, DrawnPage) and not self._keeps_pixels:
            return page._backend.pixels(), b""
        own = page.get_image(scale=PAGE_SCALE)
        if own is None:
            raise ValueError("it has no picture")
        return own.size, png(own) if self._keeps_pixels else b""

    @property
    def _keeps_pixels(self) -> bool:
        return self.pipeline_options.generate_picture_images

    def _determine_status(self, conv_res: ConversionResult) -> ConversionStatus:
        return ConversionStatus.SUCCESS


class VlmAssembly(BeginsWithPages, VlmPipeline):
    """The second half, over pages that have their answers."""

    def _build_document(self, conv_res: ConversionResult) -> ConversionResult:
        super()._build_document(conv_res)
        drawn = {number: page for shard in self._drawn() for number, page in shard.drawn.items()}
        answers = {number: answer for shard in self._drawn() for number, answer in shard.answers.items()}
        documents = [
            (page.page_no, self._document_of(conv_res, page, drawn[page.page_no], answers)) for page in conv_res.pages
        ]
        conv_res.document = self._join_page_documents(documents)
        return conv_res

    def _drawn(self) -> list[DrawnPages]:
        return [shard for shard in self._shards if isinstance(shard, DrawnPages)]

    def _document_of(self, conv_res: ConversionResult, page: Page, drawn: Drawn, answers: Answers) -> DoclingDocument:
        options = self.pipeline_options.vlm_options
        assert isinstance(options, VlmConvertOptions)
        page._default_image_scale = PAGE_SCALE
        page._image_cache = drawn.images(options.scale)
        page.predictions.vlm_response = _prediction(answers.get(page.page_no, _UNANSWERED))
        try:
            document = self._read(conv_res, page)
            self._enrich_page_document(conv_res, page, document)
        finally:
            self._release_page_resources(page)
        return document

    def _read(self, conv_res: ConversionResult, page: Page) -> DoclingDocument:
        try:
            return self._finalize_page_document(conv_res, page)
        except Exception as error:
            log.warning("answer_not_read", page=page.page_no, exc_info=True)
            failure = f"the model's answer could not be read: {reason_of(error)}"
            page.predictions.vlm_response = _prediction(Answer(failure=failure))
            return self._finalize_page_document(conv_res, page)


def _prediction(answer: Answer) -> VlmPrediction:
    """An answer as docling has it. One that was cut off keeps its text; another failure leaves the page empty."""
    if answer.cut_off:
        return VlmPrediction(text=answer.text, stop_reason=VlmStopReason.LENGTH)
    if answer.failure:
        return VlmPrediction(text="", stop_reason=VlmStopReason.INFERENCE_ERROR, error_message=answer.failure)
    return VlmPrediction(text=answer.text, stop_reason=VlmStopReason.END_OF_SEQUENCE)


def _failed(page: Page, reason: str) -> ErrorItem:
    return ErrorItem(
        component_type=DoclingComponentType.DOCUMENT_BACKEND,
        module_name=VlmDrawing.__name__,
        error_message=reason,
        category=FailureCategory.BACKEND_FAILURE,
        page_no=page.page_no,
    )
