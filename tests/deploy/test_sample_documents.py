"""The sample documents are what their maker makes, and hold what the demo promises."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT / "examples" / "documents"
PDFS = ["report.pdf", "scan.pdf"]
OFFICE = ["figures.xlsx", "memo.docx", "slides.pptx"]


def make(folder: Path) -> Path:
    subprocess.run([sys.executable, ROOT / "examples" / "make_documents.py", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("first"))


def page_texts(pdf: Path) -> list[str]:
    with pdfium.PdfDocument(pdf) as document:
        return [page.get_textpage().get_text_range() for page in document]


def page_images(pdf: Path) -> Iterator[np.ndarray]:
    with pdfium.PdfDocument(pdf) as document:
        for page in document:
            yield page.render(scale=0.5, grayscale=True).to_numpy().astype(int)


def members(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_the_maker_repeats_itself_byte_for_byte(fresh: Path, tmp_path: Path) -> None:
    again = make(tmp_path)
    assert sorted(path.name for path in again.iterdir()) == sorted(PDFS + OFFICE)
    for name in PDFS + OFFICE:
        assert (again / name).read_bytes() == (fresh / name).read_bytes(), name


# Committed files are compared by content: a compressor's bytes differ from one zlib or libjpeg to the next.


@pytest.mark.parametrize("name", OFFICE)
def test_committed_office_files_are_fresh(fresh: Path, name: str) -> None:
    assert members(DOCUMENTS / name) == members(fresh / name)


@pytest.mark.parametrize("name", PDFS)
def test_committed_pdfs_are_fresh(fresh: Path, name: str) -> None:
    assert page_texts(DOCUMENTS / name) == page_texts(fresh / name)
    for committed, made in zip(page_images(DOCUMENTS / name), page_images(fresh / name), strict=True):
        assert np.abs(committed - made).mean() < 1  # grey levels of 256


def test_a_sentence_of_the_report_crosses_from_page_two_to_three() -> None:
    pages = page_texts(DOCUMENTS / "report.pdf")
    assert len(pages) == 6
    assert pages[1].strip().endswith("engineers use its")
    assert "heights to set the level of new quays" in pages[2]


def test_the_report_has_bookmarks() -> None:
    with pdfium.PdfDocument(DOCUMENTS / "report.pdf") as report:
        titles = [entry.get_title() for entry in report.get_toc()]
    assert titles[:3] == ["In this report", "The harbour", "The basin"]


def test_the_scan_has_no_text_layer() -> None:
    assert page_texts(DOCUMENTS / "scan.pdf") == [""]


def test_the_samples_are_small() -> None:
    assert sum(path.stat().st_size for path in DOCUMENTS.iterdir()) < 1_000_000
