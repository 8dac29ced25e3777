"""Runs rapid-layout's PicoDet model: takes a picture of a page, returns labelled boxes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rapid_layout
from docling.datamodel.accelerator_options import AcceleratorOptions
from PIL import Image
from rapid_layout.model_handler.pp import PPModelHandler

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.onnx import open_session

#: Pixels per point. The model's input is 608 x 800 pixels, about a page at 72 dpi.
RENDER_SCALE = 1.0

MODEL = Path(rapid_layout.__file__).parent / "models" / "layout_cdla.onnx"
MIN_SCORE = 0.3
MAX_OVERLAP = 0.5  # of two boxes with one label: intersection over union


@dataclass(frozen=True)
class Detection:
    """One object that the model sees; the box is in points."""

    label: str
    score: float
    box: Box


class Detector:
    """Safe to share between threads: onnxruntime sessions are, and the class has no other state."""

    def __init__(self, accelerator: AcceleratorOptions) -> None:
        session = open_session(MODEL, accelerator)
        outputs = [output.name for output in session.get_outputs()]
        (image_input,) = session.get_inputs()
        labels = session.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._handle = PPModelHandler(
            labels, MIN_SCORE, MAX_OVERLAP, lambda pixels: session.run(outputs, {image_input.name: pixels})
        )

    def detect(self, image: Image.Image) -> list[Detection]:
        """The objects on a page; `image` shows the whole page at RENDER_SCALE."""
        blue_green_red = np.asarray(image.convert("RGB"))[:, :, ::-1]
        found = self._handle(np.ascontiguousarray(blue_green_red))
        return [
            Detection(label, score, Box(*box).scaled(1 / RENDER_SCALE))
            for label, score, box in zip(found.class_names, found.scores, found.boxes, strict=True)
        ]


class View:
    """The detector's opinion of a block: for each label, the best score of a box around the block.

    `alone` counts only boxes with little else in them: a box around a paragraph says nothing about its first line.
    """

    def __init__(self, box: Box, detections: Sequence[Detection]) -> None:
        self._around = [found for found in detections if box.inside(found.box) > 0.5]
        self._alone = [found for found in self._around if found.box.inside(box) > 0.4]

    def of(self, *labels: str) -> float:
        return _best(self._around, labels)

    def alone(self, *labels: str) -> float:
        return _best(self._alone, labels)


def _best(detections: Sequence[Detection], labels: Sequence[str]) -> float:
    return max((found.score for found in detections if found.label in labels), default=0.0)
