from __future__ import annotations

import random
import zlib
from contextlib import nullcontext
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from actors.errors import FileError
from client.models import ErrorCode
from tests.hostile.pictures import gif_of_frames
from tests.unit.parser.files import as_document, make_lying_zip, make_pdf, make_zip

pytestmark = pytest.mark.models
MIB = 1024 * 1024


def png(width: int = 8, height: int = 8) -> bytes:
    out = BytesIO()
    Image.new("1", (width, height)).save(out, "png")
    return out.getvalue()


DOCX = make_zip({"word/document.xml": b"<w/>"})
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("filename", "data", "code"),
    [
        ("noext", b"text", ErrorCode.UNSUPPORTED_FORMAT),
        ("movie.mp4", b"text", ErrorCode.UNSUPPORTED_FORMAT),
        ("a.pdf", b"", ErrorCode.EMPTY_FILE),
        ("a.md", b" \n", ErrorCode.EMPTY_FILE),
        ("a.pdf", b"garbage", ErrorCode.INVALID_FILE),
        ("a.pdf", DOCX, ErrorCode.CONTENT_MISMATCH),
        ("a.pdf", b"<!DOCTYPE html><html></html>", ErrorCode.CONTENT_MISMATCH),
        ("a.docx", make_pdf(), ErrorCode.CONTENT_MISMATCH),
        ("a.docx", b"garbage", ErrorCode.INVALID_FILE),
        ("a.docx", DOCX[:-30], ErrorCode.INVALID_FILE),
        ("a.docx", make_zip({"xl/workbook.xml": b"<w/>"}), ErrorCode.CONTENT_MISMATCH),
        ("a.docx", OLE + "EncryptedPackage".encode("utf-16-le"), ErrorCode.PASSWORD_REQUIRED),
        ("a.docx", OLE + b"anything else", ErrorCode.CONTENT_MISMATCH),
        ("a.odt", make_zip({"content.xml": b"", "mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}),
         ErrorCode.CONTENT_MISMATCH),
        ("a.png", b"garbage", ErrorCode.INVALID_FILE),
        ("a.png", png()[:20], ErrorCode.INVALID_FILE),
        ("a.md", png(), ErrorCode.CONTENT_MISMATCH),
        ("a.txt", b"\x01\x00\x02\x00", ErrorCode.CONTENT_MISMATCH),
        ("a.xml", b"<?xml version='1.0'?><shopping/>", ErrorCode.UNSUPPORTED_FORMAT),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_it_says_is_refused(filename: str, data: bytes, code: ErrorCode) -> None:
    from actors.parser.engine.sniffing import sniff

    with pytest.raises(FileError) as refused:
        sniff(as_document(data), filename)
    assert refused.value.file_code is code
    assert len(refused.value.message) < 120


@pytest.mark.parametrize(
    ("filename", "data", "form"),
    [
        ("a.pdf", b"\n\njunk before %PDF-1.7", "pdf"),
        ("a.jpg", png(), "image"),
        ("a.md", b"<html>in markdown</html>", "md"),
        ("a.md", b"A PDF begins with %PDF-1.7", "md"),
        ("a.txt", b"BMW makes cars", "md"),
        ("a.txt", b"plain, with, commas\nand, some, more\n", "md"),
        ("patent.txt", b"PATN\nWKU 1", "xml_uspto"),
        ("a.xml", b'<?xml version="1.0"?><!DOCTYPE article PUBLIC "JATS-archive">', "xml_jats"),
        ("a.xml", b'<!DOCTYPE us-patent-grant SYSTEM "us-patent-grant-v45.dtd" [ ]><us-patent-grant/>', "xml_uspto"),
        ("a.xml", b"<?xml version='1.0'?><!-- <shop> --><doclang/>", "xml_doclang"),
        ("A.DOCX", DOCX, "docx"),
        ("a.docx", make_zip({"word/document.xml": b" " * 2 * MIB}), "docx"),
    ],
)  # fmt: skip
def test_a_file_that_is_what_it_says_is_taken_in(filename: str, data: bytes, form: str) -> None:
    from actors.parser.engine.sniffing import sniff

    source = sniff(as_document(data), filename)
    assert source.format.value == form
    assert source.data == data


@pytest.mark.parametrize(
    ("filename", "data", "form"),
    [
        ("document.pdf", png(), "image"),
        ("document.pdf", DOCX, "docx"),
        ("1706.03762", make_pdf(), "pdf"),
        ("download.bin", make_zip({"xl/workbook.xml": b"<w/>"}), "xlsx"),
        ("download", make_zip({"content.xml": b"", "mimetype": b"application/vnd.oasis.opendocument.text"}), "odt"),
        ("page.docx", b"<!DOCTYPE html><html><p>text</p></html>", "html"),
        ("answer", b'{"schema_name": "DoclingDocument", "name": "a"}', "json_docling"),
        ("README", b"plain text", "md"),
        ("notes.md", b"# Notes", "md"),
    ],
)  # fmt: skip
def test_the_content_decides_where_the_name_is_not_trusted(filename: str, data: bytes, form: str) -> None:
    from actors.parser.engine.sniffing import sniff

    source = sniff(as_document(data), filename, trust_name=False)
    assert (source.format.value, source.name) == (form, filename)


@pytest.mark.parametrize(
    ("filename", "data", "code"),
    [
        ("a.pdf", b"garbage", ErrorCode.INVALID_FILE),
        ("a.pdf", b"", ErrorCode.EMPTY_FILE),
        ("a", make_zip({"other/member": b""}), ErrorCode.UNSUPPORTED_FORMAT),
        ("a", b"\x01\x00\x02\x00", ErrorCode.UNSUPPORTED_FORMAT),
        ("a.pdf", make_zip({"word/document.xml": bytes(200 * MIB)}), ErrorCode.DECOMPRESSION_BOMB),
    ],
)  # fmt: skip
def test_a_file_that_its_content_does_not_explain_is_refused(filename: str, data: bytes, code: ErrorCode) -> None:
    from actors.parser.engine.sniffing import sniff

    with pytest.raises(FileError) as refused:
        sniff(as_document(data), filename, trust_name=False)
    assert refused.value.file_code is code


def test_a_text_file_is_taken_in_as_utf_8() -> None:
    from actors.parser.engine.sniffing import sniff

    source = sniff(as_document("ä;ö".encode("utf-16")), "a.csv")
    assert (source.format.value, source.data, source.encoding) == ("csv", "ä;ö".encode(), "utf-16-le")


@pytest.mark.parametrize("filename", ["../../etc/passwd.md", "C:\\Users\\me\\passwd.md", "/passwd.md"])
def test_a_file_name_is_a_label_without_folders(filename: str) -> None:
    from actors.parser.engine.sniffing import sniff

    assert sniff(as_document(b"text"), filename).name == "passwd.md"


def test_a_long_file_name_is_kept() -> None:
    from actors.parser.engine.sniffing import sniff

    assert sniff(as_document(b"text"), "é" * 300 + ".md").name == "é" * 300 + ".md"


@pytest.mark.parametrize("suffix", ["docx", "xlsx"])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(suffix: str) -> None:
    from actors.parser.engine.sniffing import sniff

    bomb = make_zip({"word/document.xml": bytes(200 * MIB)})
    with pytest.raises(FileError) as refused:
        sniff(as_document(bomb), f"bomb.{suffix}")
    assert refused.value.file_code is ErrorCode.DECOMPRESSION_BOMB


def test_a_decompression_bomb_that_lies_about_its_size_is_refused() -> None:
    from actors.parser.engine.sniffing import sniff

    bomb = make_lying_zip("word/document.xml", 200 * MIB)
    with pytest.raises(FileError) as refused:
        sniff(as_document(bomb), "bomb.docx")
    assert refused.value.file_code is ErrorCode.DECOMPRESSION_BOMB


def test_a_member_is_handed_to_zlib_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from actors.parser.engine import archives as zips

    handed: list[int] = []

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._inflate = zlib.decompressobj(wbits)

        def decompress(self, packed: bytes, *limit: int) -> bytes:
            handed.append(len(packed))
            return self._inflate.decompress(packed, *limit)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inflate, name)

    monkeypatch.setattr(zips, "zlib", SimpleNamespace(**vars(zlib) | {"decompressobj": Counting}))
    data = make_zip({"word/document.xml": b"<w/>", "word/media/1.bin": random.Random(1).randbytes(4 * MIB)})
    zips.check_zip(data, "docx", ".docx")
    assert sum(handed) <= len(data)


@pytest.mark.parametrize(("frames", "side", "taken"), [(9, 100, True), (2, 9_000, True), (60, 5_000, False)])
def test_an_animation_is_refused_by_the_pixels_of_all_its_frames(frames: int, side: int, taken: bool) -> None:
    from actors.parser.engine.sniffing import sniff

    data = gif_of_frames(frames, side)
    with nullcontext() if taken else pytest.raises(FileError, match=f"{frames} frames of {side} x {side} pixels"):
        sniff(as_document(data), "a.gif")


def test_a_picture_of_too_many_pixels_is_refused() -> None:
    from actors.parser.engine.sniffing import sniff

    with pytest.raises(FileError) as refused:
        sniff(as_document(png(10_000, 10_000)), "huge.png")
    assert refused.value.file_code is ErrorCode.DECOMPRESSION_BOMB


def test_old_office_files_say_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    from actors.parser.engine import sniffing as intake

    monkeypatch.setattr(intake, "shutil", SimpleNamespace(which=lambda _: None))
    with pytest.raises(FileError, match="LibreOffice") as refused:
        intake.sniff(as_document(OLE), "old.xls")
    assert refused.value.file_code is ErrorCode.UNSUPPORTED_FORMAT
