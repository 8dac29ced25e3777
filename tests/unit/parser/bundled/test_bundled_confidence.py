"""The scores of the bundled models, which come from the models themselves."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from reportlab.pdfgen.canvas import Canvas

from tests.contract.split_documents import SENTENCE, ruled_table
from tests.unit.parser.files import parsed

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models


def page_of_text() -> bytes:
    out = BytesIO()
    canvas = Canvas(out, invariant=True)
    text = canvas.beginText(72, 740)
    for _ in range(12):
        text.textLine(SENTENCE[:85])
    canvas.drawText(text)
    canvas.save()
    return out.getvalue()


def test_layout_is_scored_by_the_detector(engines: list[Engine]) -> None:
    page = parsed(engines[0], "a.pdf", page_of_text()).confidence.pages["1"]
    assert page.layout_score is not None
    assert 0.5 < page.layout_score < 1.0  # 0.5 is what docling gets at least, whatever the detector saw
    assert (page.parse_score, page.table_score) == (1.0, None)


def test_table_with_drawn_rules_is_certain(engines: list[Engine]) -> None:
    assert parsed(engines[0], "a.pdf", ruled_table()).confidence.pages["1"].table_score == 1.0
