"""Files that are attached to a PDF."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pikepdf
import pytest

from tests.unit.parser.files import make_pdf, parsed

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models


def with_files(*names: str) -> bytes:
    out = BytesIO()
    with pikepdf.open(BytesIO(make_pdf())) as pdf:
        for name in names:
            pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, b"twelve boats", filename=name)
        pdf.save(out)
    return out.getvalue()


def test_a_warning_names_the_files_that_are_attached_to_a_pdf(engine: Engine) -> None:
    (warning,) = parsed(engine, "a.pdf", with_files("invoice.xml", "notes.txt")).warnings
    assert (warning.code, warning.page_number) == ("attachments_left_out", None)
    assert "invoice.xml, notes.txt" in warning.message


def test_a_warning_names_the_first_of_many_files(engine: Engine) -> None:
    (warning,) = parsed(engine, "a.pdf", with_files(*(f"{number}.txt" for number in range(9)))).warnings
    assert "0.txt, 1.txt, 2.txt, 3.txt, 4.txt, …" in warning.message
