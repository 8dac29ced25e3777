"""docling's models as stages that never cost a page. A page goes on without a model that fails, with a warning.

After a request to stop, pages go through without any model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from docling.datamodel.base_models import (
    Cluster,
    DoclingComponentType,
    ErrorItem,
    FailureCategory,
    LayoutPrediction,
    Page,
)
from docling.datamodel.document import ConversionResult
from docling_core.types.doc.base import BoundingBox, Size
from docling_core.types.doc.labels import DocItemLabel
from PIL import Image

from actors.parser.engine import stopping
from actors.parser.engine.out_of_memory import ran_out_of_memory
from actors.parser.engine.page_text import ReadLayout
from actors.telemetry.logs import get_logger
from client.models import FileWarning, WarningCode

log = get_logger()

Model = Callable[[ConversionResult, Iterable[Page]], Iterable[Page]]

#: How much lighter or darker than the paper ink is, of 255; and the share of a page that it covers at least.
INK = 40
LEAST_INK = 1e-4
#: docling drops a picture that covers more than this share of its page.
LARGEST = 0.9


class PageWarning(ErrorItem):
    """A warning about a page. It travels in docling's list of errors, with the pages of a split document too."""

    code: WarningCode


def warn(result: ConversionResult, code: WarningCode, page: Page | None, message: str) -> None:
    """Add a warning about `page` to the result of its conversion; None means the whole document."""
    warning = PageWarning(
        component_type=DoclingComponentType.MODEL,
        module_name=code,
        error_message=message,
        category=FailureCategory.INFERENCE_FAILURE,
        page_no=page and page.page_no,
        code=code,
    )
    result.errors.append(warning)


def page_warnings(result: ConversionResult) -> list[FileWarning]:
    """The warnings about the pages of a conversion, in page order."""
    found = [error for error in result.errors if isinstance(error, PageWarning)]
    found.sort(key=lambda warning: warning.page_no or 0)
    return [FileWarning(code=each.code, message=each.error_message, page_number=each.page_no) for each in found]


def ran(model: Model, result: ConversionResult, page: Page) -> bool:
    """Run a model on one page. Returns whether it succeeded; raises when memory ran out, so that others try again."""
    try:
        list(model(result, [page]))
    except Exception as error:
        if ran_out_of_memory(error):
            raise
        log.warning("stage_failed", page=page.page_no, exc_info=True)
        return False
    return True


@dataclass(frozen=True, slots=True)
class Stage(ABC):
    """A model of docling's that takes one page at a time."""

    model: Model

    def __call__(self, result: ConversionResult, pages: Iterable[Page]) -> Iterator[Page]:
        for page in pages:
            if stopping.asked():
                page.predictions.layout = page.predictions.layout or LayoutPrediction()  # the stages after it need one
            else:
                self.take(result, page)
            yield page

    @abstractmethod
    def take(self, result: ConversionResult, page: Page) -> None:
        """Run the model on a page, and make up for what it fails to do."""


class Layout(Stage):
    """The layout model. A page on which it fails becomes lines of text."""

    def take(self, result: ConversionResult, page: Page) -> None:
        if not ran(self.model, result, page):
            warn(result, WarningCode.LAYOUT_FAILED, page, "The layout model failed; the page is plain text")
            page.predictions.layout = LayoutPrediction(clusters=_whole_page(page))


class Ocr(Stage):
    """The OCR model. If a page is not blank and has no text, OCR reads the whole page."""

    def take(self, result: ConversionResult, page: Page) -> None:
        done = ran(self.model, result, page)
        if done and not _has_text(page) and not is_blank(page.get_image(scale=1.0)):
            done = _covers_all(page) or self._read_everything(result, page)
            if done and not _has_text(page):
                warn(result, WarningCode.NOTHING_READ, page, "OCR found no text, but the page is not blank")
        if not done:
            warn(result, WarningCode.OCR_FAILED, page, "OCR failed; only the text layer of the page was read")

    def _read_everything(self, result: ConversionResult, page: Page) -> bool:
        clusters = clusters_of(page)
        page.predictions.layout = LayoutPrediction(clusters=[*clusters, *_whole_page(page, free_id(clusters))])
        return ran(self.model, result, page)


@dataclass(frozen=True, slots=True)
class Regions(Stage):
    """docling's post-processing, which puts the page's text into its regions. Each text comes into one of them.

    `look_again` may change the regions first: now it is known what OCR read. `score` is the page's layout score, where
    docling's own says nothing.
    """

    look_again: Callable[[Page], None] | None = None
    score: Callable[[Page], float | None] | None = None

    def take(self, result: ConversionResult, page: Page) -> None:
        read = "\n".join(cell.text for cell in page.cells)
        score = self.score(page) if self.score else None
        if not ran(self._look_again, result, page):
            warn(result, WarningCode.LAYOUT_FAILED, page, "The rows of the scan were not found; they may be apart")
        if not ran(self.model, result, page):
            warn(result, WarningCode.LAYOUT_FAILED, page, "The layout failed; the page is plain text")
            page.predictions.layout = LayoutPrediction(clusters=_lines(page))
        elif score is not None:
            result.confidence.pages[page.page_no].layout_score = score
        page.predictions.layout = ReadLayout(clusters=_in_one_region_each(clusters_of(page)), read=read)

    def _look_again(self, result: ConversionResult, pages: Iterable[Page]) -> Iterator[Page]:
        for page in pages:
            if self.look_again:
                self.look_again(page)
            yield page


def clusters_of(page: Page) -> list[Cluster]:
    """The regions of a page. Empty before the layout model has run."""
    return page.predictions.layout.clusters if page.predictions.layout else []


def free_id(clusters: Iterable[Cluster]) -> int:
    """A number that none of the regions has."""
    return max((cluster.id for cluster in clusters), default=0) + 1


def _whole_page(page: Page, number: int = 0) -> list[Cluster]:
    """One picture as large as the page. OCR reads it; docling drops it afterwards, and its text is the page's."""
    size = page.size or Size()
    box = BoundingBox(l=0.0, t=0.0, r=size.width, b=size.height)
    return [Cluster(id=number, label=DocItemLabel.PICTURE, bbox=box)]


def _covers_all(page: Page) -> bool:
    """Whether a region is as large as the page, so that OCR has seen all of it."""
    (whole,) = _whole_page(page)
    return any(cluster.bbox.area() >= LARGEST * whole.bbox.area() for cluster in clusters_of(page))


def _lines(page: Page) -> list[Cluster]:
    """Each line of the page as a separate text."""
    cells = [cell for cell in page.cells if cell.text.strip()]
    boxes = [cell.rect.to_bounding_box() for cell in cells]
    return [
        Cluster(id=number, label=DocItemLabel.TEXT, bbox=box, cells=[cell])
        for number, (box, cell) in enumerate(zip(boxes, cells, strict=True))
    ]


def _in_one_region_each(clusters: list[Cluster]) -> list[Cluster]:
    """The clusters. A text inside both a table and a figure is in the first of them only, tables before figures."""
    taken: set[int] = set()
    for cluster in sorted(clusters, key=lambda cluster: cluster.label is DocItemLabel.PICTURE):
        if cluster.label in (DocItemLabel.PICTURE, DocItemLabel.TABLE, DocItemLabel.DOCUMENT_INDEX):
            free = [child for child in cluster.children if child.id not in taken]
            if len(free) < len(cluster.children):
                cluster.children, cluster.cells = free, [cell for child in free for cell in child.cells]
            taken |= {child.id for child in free}
    return clusters


def _has_text(page: Page) -> bool:
    return any(cell.text.strip() for cell in page.cells)


def is_blank(picture: Image.Image | None) -> bool:
    """Whether a picture shows its paper and nothing else."""
    if picture is None:
        return True
    pixels = np.asarray(picture.convert("L").histogram())  # by shade: a large picture takes no memory for each pixel
    paper = int(np.searchsorted(np.cumsum(pixels), pixels.sum() / 2))
    away = np.abs(np.arange(pixels.size) - paper)
    return bool(pixels[away > INK].sum() < LEAST_INK * pixels.sum())
