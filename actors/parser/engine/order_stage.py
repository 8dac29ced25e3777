"""The reading order as a stage that never costs a document: without it, pages are read from top to bottom."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

from docling.datamodel.document import ConversionResult
from docling.models.postprocessing.reading_order_rb import PageElement, ReadingOrderPredictor, SeparatorElement
from docling.models.stages.reading_order.readingorder_model import ReadingOrderModel
from docling_core.types.doc.document import DoclingDocument

from actors.parser.engine.out_of_memory import ran_out_of_memory
from actors.parser.engine.stages import warn
from actors.telemetry.logs import get_logger
from client.models import WarningCode

log = get_logger()


@dataclass(frozen=True, slots=True)
class Order:
    """docling's reading order, which makes the document from its pages."""

    model: ReadingOrderModel

    def __call__(self, result: ConversionResult, **options: Any) -> DoclingDocument:
        try:
            return self.model(result, **options)
        except Exception as error:
            if ran_out_of_memory(error):
                raise
            log.warning("stage_failed", exc_info=True)
        warn(result, WarningCode.LAYOUT_FAILED, None, "The reading order failed; pages are read from top to bottom")
        plain = copy(self.model)
        plain.ro_model = FromTopToBottom()
        return plain(result, **options)


class FromTopToBottom(ReadingOrderPredictor):
    """An order that cannot fail. No item is a caption or a note of another, and none goes on elsewhere."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def predict_reading_order(
        self, page_elements: list[PageElement], page_separators: list[SeparatorElement] | None = None
    ) -> list[PageElement]:
        """The elements page by page, each page from top to bottom."""

        def place(element: PageElement) -> tuple[int, float, float]:
            box = element.to_top_left_origin(element.page_size.height)
            return element.page_no, box.t, box.l

        return sorted(page_elements, key=place)

    def predict_to_captions(self, sorted_elements: list[PageElement]) -> dict[int, list[int]]:
        return {}

    def predict_to_footnotes(self, sorted_elements: list[PageElement]) -> dict[int, list[int]]:
        return {}

    def predict_merges(self, sorted_elements: list[PageElement]) -> dict[int, list[int]]:
        return {}
