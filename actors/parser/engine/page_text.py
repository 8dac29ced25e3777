"""The text of a page as it was read, and as docling makes items of it."""

from __future__ import annotations

from docling.datamodel.base_models import Cluster, LayoutPrediction, Page, TextElement
from docling.models.stages.page_assemble.page_assemble_model import PageAssembleModel, PageAssembleOptions

_assemble = PageAssembleModel(options=PageAssembleOptions())


class ReadLayout(LayoutPrediction):
    """A page's regions with its whole text as it was read. docling drops the page's cells before the assembly."""

    read: str


def text_read(page: Page) -> str:
    """All text that was read on a page, from its text layer or by OCR."""
    layout = page.predictions.layout
    return layout.read if isinstance(layout, ReadLayout) else "\n".join(cell.text for cell in page.cells)


def text_element(page: int, cluster: Cluster) -> TextElement:
    """A text of a page, as docling makes it from a region."""
    lines = [cell.text.replace("\x02", "-").strip() for cell in cluster.cells if cell.text.strip()]
    text = _assemble.sanitize_text(lines)
    return TextElement(label=cluster.label, id=cluster.id, text=text, page_no=page, cluster=cluster)
