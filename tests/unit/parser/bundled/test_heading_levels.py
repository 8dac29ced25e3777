from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.text import SectionHeaderItem
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate

from tests.contract.split_documents import SENTENCE
from tests.unit.parser.files import parsed

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

STYLES = getSampleStyleSheet()
HEADINGS = {"1 Harbour": "Heading1", "1.1 Vessels": "Heading2", "1.2 Tides": "Heading2", "2 Ledger": "Heading1"}


def numbered() -> bytes:
    out = BytesIO()
    body = [
        part
        for heading, style in HEADINGS.items()
        for part in (Paragraph(heading, STYLES[style]), Paragraph(SENTENCE * 4, STYLES["BodyText"]))
    ]
    SimpleDocTemplate(out, invariant=True).build(body)
    return out.getvalue()


def levels(engine: Engine, **options: bool) -> dict[str, int]:
    document = DoclingDocument.model_validate_json(parsed(engine, "a.pdf", numbered(), **options).document)
    return {item.text: item.level for item in document.texts if isinstance(item, SectionHeaderItem)}


def test_headings_have_levels_only_on_request(engines: list[Engine]) -> None:
    assert set(levels(engines[0]).values()) == {1}
    found = levels(engines[0], heading_hierarchy=True)
    assert list(found) == list(HEADINGS)
    assert found["1.1 Vessels"] == found["1.2 Tides"] == found["1 Harbour"] + 1
    assert found["2 Ledger"] == found["1 Harbour"]
