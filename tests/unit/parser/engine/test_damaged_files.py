"""Damaged files: what is left of a PDF is read, and every refusal says the reason in plain words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from actors.errors import FileError
from actors.messages import PagePlan, PageSpan
from client.models import ErrorCode
from tests.unit.parser.files import as_document, make_pdf, make_task, make_zip, parsed, texts

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

PDF = make_pdf(20)


@pytest.mark.parametrize("kept", [90, 99])
def test_a_pdf_that_is_cut_off_is_read_as_far_as_it_goes_with_a_warning(engine: Engine, kept: int) -> None:
    file = parsed(engine, "a.pdf", PDF[: len(PDF) * kept // 100])
    assert texts(file) == [f"This is page {number}." for number in range(1, 21)]
    (warning,) = file.warnings
    assert (warning.code, warning.page_number) == ("pdf_repaired", None)


def test_a_pdf_that_opens_though_it_is_cut_off_has_a_warning(engine: Engine) -> None:
    file = parsed(engine, "a.pdf", PDF.replace(b"%%EOF", b""))
    assert [warning.code for warning in file.warnings] == ["pdf_repaired"]
    assert parsed(engine, "a.pdf", PDF).warnings == ()
    assert parsed(engine, "a.pdf", PDF + bytes(500)).warnings == ()


def test_a_pdf_that_is_cut_off_may_be_split(engine: Engine) -> None:
    cut, task = as_document(PDF[: len(PDF) * 9 // 10]), make_task()
    assert engine.open(cut, task, split_above=5) == PagePlan(pages=PageSpan(1, 20))
    shards = [engine.parse_pages(cut, task, span) for span in (PageSpan(1, 12), PageSpan(13, 20))]
    assert engine.assemble(cut, task, shards, []) == engine.open(cut, task, split_above=99)


@pytest.mark.parametrize(
    "broken",
    [
        re.sub(rb"startxref\s+\d+", b"startxref\n7", PDF),
        PDF.replace(b"\nxref", b"\nxxxx"),
        PDF.replace(b"startxref", b"startxxxx"),
    ],
)
def test_a_pdf_with_a_broken_table_of_objects_is_read(engine: Engine, broken: bytes) -> None:
    assert texts(parsed(engine, "a.pdf", broken)) == [f"This is page {number}." for number in range(1, 21)]


@pytest.mark.parametrize("data", [PDF[:1000], b"%PDF-1.7 and nothing of the kind"])
def test_a_pdf_of_which_no_page_is_left_is_refused(engine: Engine, data: bytes) -> None:
    with pytest.raises(FileError, match="damaged or cut off") as refused:
        parsed(engine, "a.pdf", data)
    assert refused.value.file_code is ErrorCode.INVALID_FILE


@pytest.mark.parametrize(
    ("filename", "data", "reason"),
    [
        ("a.docx", make_zip({"word/document.xml": b"<w/>"}), "There is no item named '[Content_Types].xml'"),
        ("a.nxml", b"<article", "Couldn't find end of Start Tag article"),
        ("a.boxnote", b"\xff{}", "byte 0 is not valid utf-8"),
        ("a.mhtml", b"nothing", "MHTML input has no MIME Content-Type header"),
        ("a.pages", make_zip({"x": b"y"}), "Document is a ZIP archive but does not look like a Pages document"),
        ("a.vtt", b"no captions", "it is damaged, incomplete or of another kind"),
    ],
)
def test_a_refusal_says_the_reader_s_reason_without_folders_and_hashes(
    engine: Engine, filename: str, data: bytes, reason: str
) -> None:
    with pytest.raises(FileError) as refused:
        parsed(engine, filename, data)
    message = refused.value.message
    assert message.startswith(f"The file could not be read as {filename[1:]}: {reason}")
    assert not re.search(r"/|[0-9a-f]{32}|Backend", message)
