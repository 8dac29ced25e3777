"""Reads the lines of a picture with rapidocr's models: one finds lines, one turns them upright, one reads them."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Generic, TypeVar

import cv2
import numpy as np
from docling.datamodel.accelerator_options import AcceleratorOptions
from numpy.typing import NDArray
from omegaconf import flag_override
from rapidocr import RapidOCR
from rapidocr.ch_ppocr_det import TextDetector
from rapidocr.ch_ppocr_rec import TextRecInput
from rapidocr.utils.process_img import apply_vertical_padding

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.ocr.weights import without_denormals
from actors.parser.bundled.onnx import open_session

Pixels = NDArray[np.uint8]
#: The corners of each line: top left, top right, bottom right, bottom left.
Corners = NDArray[np.float32]
T = TypeVar("T")

#: Pixels per point in which lines are looked for first. A scan of an A4 page is looked at with 1.5; the print in charts
#: and screenshots is smaller. At 1.5, some words of charts were missed.
COARSE_SCALE = 1.75
#: The detector misses letters whose lines are lower than this, in pixels. Lines reach a little beyond their letters.
LEAST_HEIGHT = 14
#: If more than this share of the lines, in percent, are so low, others may be missing.
SMALL_SHARE = 25
#: The recognizer reads lines of this height, in pixels.
LINE_HEIGHT = 48
#: Empty pixels after a line. Without them it misses the last letter at times. Below the narrowest, it sees letters in
#: icons. A line above the widest has no padding; rapidocr pads all lines to it.
PADDING, NARROWEST, WIDEST = 32, 160, 320
#: The score of a line that need not be turned. An upright line mostly has more, and one on its head far less.
SURE = 0.9
#: How many pictures and lines are kept, so that a logo on every page is read once.
PICTURES_KEPT = 32
LINES_KEPT = 1024


@dataclass(frozen=True)
class ReadLine:
    """A line; its box is in pixels of the picture."""

    text: str
    score: float
    box: Box


class Reader:
    """Reads one picture at a time. The result depends on the picture's pixels alone."""

    def __init__(self, models: RapidOCR, accelerator: AcceleratorOptions, scale: float) -> None:
        """`scale` is the number of pixels per point in the pictures."""
        self._models = models
        self._accelerator = accelerator
        self._coarse = min(1.0, COARSE_SCALE / scale)
        self._coarsely = Kept(self._find, PICTURES_KEPT)
        self._finely = Kept(self._find_all, PICTURES_KEPT)
        self._texts = Kept(self._read_line, LINES_KEPT)

    def read(self, picture: Pixels, wanted: Callable[[Box], bool], *, printed: bool) -> list[ReadLine]:
        """The lines of an RGB picture whose boxes are `wanted`.

        A `printed` picture, on a page with text of its own, is no scan. Its letters are clear at a coarse scale, too.
        """
        bounded, _ = self._models.preprocess_img(picture)
        found = (self._coarsely if printed else self._finely).get(bounded)
        grown = np.array(picture.shape[1::-1]) / np.array(bounded.shape[1::-1])
        boxes = [_box(corners * grown) for corners in found]
        chosen = [number for number, box in enumerate(boxes) if wanted(box)]
        crops = self._models.crop_text_regions(bounded, found[chosen]) if chosen else []
        texts = [self._texts.get(np.ascontiguousarray(crop)) for crop in crops]
        lines = [ReadLine(text, score, boxes[number]) for number, (text, score) in zip(chosen, texts, strict=True)]
        return [line for line in lines if line.text.strip() and line.score >= self._models.text_score]

    def _find(self, picture: Pixels) -> Corners:
        """The corners of the lines. A picture with small print, or without any line, is looked at a second time."""
        coarse = self._detect(picture, self._coarse)
        heights = np.linalg.norm(coarse[:, 3] - coarse[:, 0], axis=1) * self._coarse
        if len(coarse) and np.percentile(heights, SMALL_SHARE) >= LEAST_HEIGHT:
            return coarse
        return self._find_all(picture)

    def _find_all(self, picture: Pixels) -> Corners:
        return self._detect(picture, 1.0)

    @cached_property
    def _detector(self) -> TextDetector:
        """rapidocr's detector with weights that are quick to compute with. The first picture opens it."""
        settings = self._models.cfg.Det
        if settings.model_path:  # else rapidocr opens the one that it came with
            content = without_denormals(Path(settings.model_path).read_bytes())
            with flag_override(settings, "allow_objects", True):
                settings.session = open_session(content, self._accelerator)
        return self._models._load_det_model()  # type: ignore[no-untyped-call, no-any-return]

    def _detect(self, picture: Pixels, share: float) -> Corners:
        """The corners of the lines in a picture that is made smaller to this `share` of its sides first."""
        height, width = picture.shape[:2]
        size = max(1, round(width * share)), max(1, round(height * share))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if share < 1 else picture
        padded, done = apply_vertical_padding(small, {}, self._models.width_height_ratio, self._models.min_height)
        corners = self._detector(padded).boxes
        if corners is None:
            return np.empty((0, 4, 2), np.float32)
        corners = (corners - (0, done["padding_1"]["top"])) * (width / size[0], height / size[1])
        return np.asarray(np.clip(corners, 0, (width, height)), np.float32)

    def _read_line(self, crop: Pixels) -> tuple[str, float]:
        """The text of a line and how sure it is. A line that reads badly may stand on its head."""
        text, score = self._recognize(crop)
        if score >= SURE:
            return text, score
        (upright,), _ = self._models.cls_and_rotate([crop])
        return (text, score) if np.array_equal(upright, crop) else self._recognize(upright)

    def _recognize(self, crop: Pixels) -> tuple[str, float]:
        recognizer = self._models._load_rec_model()  # type: ignore[no-untyped-call]
        recognizer.rec_image_shape = [3, LINE_HEIGHT, _padded(crop.shape[1] * LINE_HEIGHT / crop.shape[0])]
        result = recognizer(TextRecInput(img=[crop], return_word_box=False))
        return result.txts[0], float(result.scores[0])


class Kept(Generic[T]):
    """A function of pictures that remembers its latest results, by the pixels."""

    def __init__(self, make: Callable[[Pixels], T], size: int) -> None:
        self._make = make
        self._size = size
        self._made: OrderedDict[bytes, T] = OrderedDict()

    def get(self, picture: Pixels) -> T:
        key = blake2b(repr(picture.shape).encode() + picture.tobytes(), digest_size=16).digest()
        if key not in self._made:
            self._made[key] = self._make(picture)
            if len(self._made) > self._size:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]


def _padded(width: float) -> int:
    """The width of the picture that a line is read in. rapidocr makes every line at least as wide as the longest."""
    return int(min(max(width + PADDING, NARROWEST), WIDEST))


def _box(corners: Corners) -> Box:
    return Box(*(float(side) for side in (*corners[0], *corners[2])))
