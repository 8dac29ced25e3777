"""The detector computes with no denormal weights: a CPU is slow with them, and they change no result."""

from __future__ import annotations

from inspect import unwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.parser.scans import picture_of

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def detector() -> Path:
    """rapidocr's detector, as its wheel has it."""
    import rapidocr

    return Path(rapidocr.__file__).parent / "models" / "PP-OCRv6_det_small.onnx"


def seen_by(model: bytes) -> Any:
    """Where a detector sees print in a picture of noise."""
    from docling.datamodel.accelerator_options import AcceleratorOptions

    from actors.parser.bundled.onnx import open_session

    noise = np.random.default_rng(1).random((1, 3, 96, 64), np.float32)
    session = open_session(model, AcceleratorOptions(num_threads=1, device="cpu"))
    compute = unwrap(type(session).run)  # other tests of the process may remember what one model said for the other
    return compute(session, None, {"x": noise})[0]


def test_a_detector_sees_the_same_without_its_denormal_weights(detector: Path) -> None:
    from actors.parser.bundled.ocr.weights import without_denormals

    model = detector.read_bytes()
    cleaned = without_denormals(model)
    assert cleaned != model
    assert without_denormals(cleaned) == cleaned
    assert np.array_equal(seen_by(cleaned), seen_by(model))


def test_lines_are_looked_for_without_denormal_weights(detector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docling.datamodel.accelerator_options import AcceleratorOptions
    from onnxruntime import InferenceSession
    from rapidocr import RapidOCR

    from actors.parser.bundled.ocr.reader import Reader
    from actors.parser.bundled.ocr.weights import without_denormals

    opened: list[object] = []
    open_model = InferenceSession.__init__

    def remember(session: object, model: object, *others: Any, **named: Any) -> None:
        opened.append(model)
        open_model(session, model, *others, **named)

    # The class itself stays: rapidocr imports it when it opens its first model, and would keep another for good.
    monkeypatch.setattr(InferenceSession, "__init__", remember)
    reader = Reader(
        RapidOCR(params={"Det.model_path": str(detector)}), AcceleratorOptions(num_threads=1, device="cpu"), 2.0
    )
    lines = reader.read(np.asarray(picture_of(["Harbour office"])), lambda line: True, printed=True)
    assert [line.text for line in lines] == ["Harbour office"]
    assert opened[0] == without_denormals(detector.read_bytes())
    assert str(detector) not in opened
