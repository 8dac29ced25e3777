"""Old Office files, which docling reads through LibreOffice; LibreOffice makes them here, too."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from docx import Document as WordDocument
from openpyxl import Workbook
from pptx import Presentation

from actors.messages import ParsedFile
from tests.unit.parser.files import as_document, make_task

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not on this machine"),
]


@pytest.fixture(scope="module")
def new_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a text, a book of sheets and slides as of today."""
    folder = tmp_path_factory.mktemp("office")
    text = WordDocument()
    text.add_paragraph("Twelve boats lie in the harbour.")
    text.save(folder / "new.docx")
    book = Workbook()
    book.active.append(["harbour", "boats"])
    book.active.append(["Kiel", 12])
    book.save(folder / "new.xlsx")
    slides = Presentation()
    slides.slides.add_slide(slides.slide_layouts[0]).shapes.title.text = "Boats of the harbour"
    slides.save(folder / "new.pptx")
    return folder


@pytest.mark.parametrize(
    ("new", "old", "text"),
    [
        ("docx", "doc", "Twelve boats lie in the harbour."),
        ("docx", "rtf", "Twelve boats lie in the harbour."),
        ("pptx", "ppt", "# Boats of the harbour"),
        ("xlsx", "xls", "| harbour   |   boats |\n|-----------|---------|\n| Kiel      |      12 |"),
    ],
)
def test_old_office_files_are_read_where_libreoffice_is(
    engine: Engine, new_files: Path, new: str, old: str, text: str
) -> None:
    profile = f"-env:UserInstallation={(new_files / 'profile').as_uri()}"
    command = ["soffice", "--headless", profile, "--convert-to", old, "--outdir", new_files, new_files / f"new.{new}"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    data = (new_files / f"new.{old}").read_bytes()
    file = engine.open(as_document(data), make_task(f"old.{old}"), split_above=9)
    assert isinstance(file, ParsedFile)
    assert [node["text"] for node in orjson.loads(file.nodes)] == [text]
