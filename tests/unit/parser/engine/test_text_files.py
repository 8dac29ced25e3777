"""Text files through the engine: no character is lost, whatever their encoding, their quotes and their look."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import orjson
import pytest
from docling_core.types.doc.common.origin import DocumentOrigin
from docling_core.types.doc.document import DoclingDocument

from actors.errors import FileError
from actors.messages import ParsedFile
from client.models import DEFAULT_CONTENT, ErrorCode, ExportFormat
from tests.unit.parser.files import exported, parsed

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

GERMAN = "Bücher und Straßen, Größe und Öl\n"


def text_of(file: ParsedFile) -> str:
    (node,) = orjson.loads(file.nodes)
    return str(node["text"])


def codes(file: ParsedFile) -> list[str]:
    return [warning.code for warning in file.warnings]


PLAIN = (
    "List<String> names; __init__ and C:\\new\\table\\*.log\n"
    "    # no heading, 1 < 2 & *no* emphasis, [no](link)\n"
    "\n \t\n"
    "- no list\n1. none\t`nor` code\n\n"
    "| no | table |\n<script>alert(1)</script> &amp; ~~~"
)


@pytest.mark.parametrize("filename", ["a.txt", "a.TEXT"])
def test_plain_text_keeps_every_character_in_nodes_and_exports(engine: Engine, filename: str) -> None:
    file = parsed(engine, filename, PLAIN.encode())
    first, second, third = PLAIN.split("\n\n \t\n")[0], "- no list\n1. none\t`nor` code", PLAIN.split("\n\n")[-1]
    expected = "\n\n".join((first, second, third))
    assert text_of(file) == expected
    for form in (ExportFormat.MARKDOWN, ExportFormat.TEXT):
        assert exported(file.document, form, DEFAULT_CONTENT) == expected
    document = DoclingDocument.model_validate_json(file.document)
    assert [item.text for item in document.texts] == [first, second, third]
    html = exported(file.document, ExportFormat.HTML, DEFAULT_CONTENT)
    assert "List&lt;String&gt;" in html
    assert codes(file) == []


def test_windows_and_mac_line_ends_are_line_ends(engine: Engine) -> None:
    assert text_of(parsed(engine, "a.txt", b"one\r\ntwo\r\n\r\nthree\rfour")) == "one\ntwo\n\nthree\nfour"


JATS = (
    '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving DTD v1.2 20190208//EN" '
    '"JATS-archivearticle1.dtd"><article><front><article-meta><title-group><article-title>Harbour</article-title>'
    "</title-group></article-meta></front><body><sec><title>Kiel</title><p>Twelve boats</p></sec></body></article>"
)
PATENT = (
    '<?xml version="1.0"?>\n<!DOCTYPE us-patent-grant SYSTEM "us-patent-grant-v45-2014-04-03.dtd" [ ]>\n'
    '<us-patent-grant><us-bibliographic-data-grant><invention-title id="t">Harbour</invention-title>'
    '</us-bibliographic-data-grant><abstract id="a"><p id="p">Twelve boats</p></abstract></us-patent-grant>'
)


@pytest.mark.parametrize("data", [JATS, '<?xml version="1.0"?>\n' + JATS, "\ufeff" + JATS, PATENT])
def test_xml_of_a_known_kind_is_parsed_as_such_though_it_is_named_txt(engine: Engine, data: str) -> None:
    text = text_of(parsed(engine, "a.txt", data.encode()))
    assert "# Harbour" in text
    assert "Twelve boats" in text
    assert "<" not in text


@pytest.mark.parametrize("data", ["<?xml version='1.0'?><shop>x</shop>", "<html><body>x</body></html>", "<article>x"])
def test_other_markup_in_plain_text_stands_as_it_is(engine: Engine, data: str) -> None:
    assert text_of(parsed(engine, "a.txt", data.encode())) == data


SAMPLES = [
    ("gbk", "中文文档测试内容。这是第二句话，用于检测编码。"),
    ("shift_jis", "日本語の文書です。文字コードの確認をします。"),
    ("euc_kr", "한국어 문서입니다. 문자 인코딩을 확인합니다."),
    ("big5", "這是一份中文文件，用來檢查文字的編碼。"),
    ("cp1251", "Это русский документ для проверки кодировки текста."),
    ("koi8-r", "Это русский документ для проверки кодировки текста."),
    ("cp1252", "Die Bücher stehen in großen Regalen – „schön“ geordnet."),
    ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy na dlouhé louce."),
    ("iso2022_jp", "日本語の文書です。文字コードの確認をします。"),
    ("utf-16-le", "Windows text without a mark"),
    ("utf-16-be", "Ein Text ohne Marke – für die Prüfung"),
    ("utf-16-le", "中文文档测试内容。这是第二句话，用于检测编码。下一步将继续推进老旧小区改造。"),
]


@pytest.mark.parametrize(("encoding", "text"), SAMPLES)
def test_an_encoding_that_nothing_names_is_found_and_told(engine: Engine, encoding: str, text: str) -> None:
    file = parsed(engine, "a.txt", (text + "\n").encode(encoding))
    assert text_of(file) == text
    assert file.parser.encoding
    assert text.encode(file.parser.encoding).decode(encoding) == text
    assert codes(file) == ["encoding_guessed"]


MARKED = ["utf-8-sig", "utf-16", "utf-32"]


@pytest.mark.parametrize("encoding", MARKED)
@pytest.mark.parametrize("requested", [None, "koi8-r"])
def test_a_byte_order_mark_decides(engine: Engine, encoding: str, requested: str | None) -> None:
    file = parsed(engine, "a.txt", GERMAN.encode(encoding), encoding=requested)
    assert text_of(file) == GERMAN.strip()
    assert codes(file) == []


def test_the_encoding_of_the_request_holds_for_what_has_no_mark(engine: Engine) -> None:
    data = "Größe".encode("cp850")
    file = parsed(engine, "a.txt", data, encoding="cp850")
    assert (text_of(file), file.parser.encoding, codes(file)) == ("Größe", "cp850", [])


@pytest.mark.parametrize(
    ("filename", "before", "after"),
    [
        ("a.txt", "", ""),
        ("a.md", "# Title\n\n", ""),
        ("a.adoc", "= Title\n\n", ""),
        ("a.csv", "key,value\n1,", ""),
        ("a.html", "<html><body><p>", "</p></body></html>"),
        ("a.html", "<html><head><meta charset='windows-1251'></head><body><p>", "</p></body></html>"),
        ("a.vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\n", ""),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251"])
def test_every_text_format_is_decoded_alike(
    engine: Engine, filename: str, before: str, after: str, encoding: str
) -> None:
    text = "Это русский документ для проверки кодировки текста."
    file = parsed(engine, filename, f"{before}{text}{after}".encode(encoding))
    assert text in text_of(file)
    assert (file.parser.encoding or "").startswith(encoding)


def test_a_page_s_own_word_is_believed_where_utf_8_does_not_fit(engine: Engine) -> None:
    page = "<html><head><meta charset='iso-8859-1'></head><body><p>für 5 €</p></body></html>".encode("cp1252")
    file = parsed(engine, "a.html", page)
    assert "für 5 €" in text_of(file)
    assert (file.parser.encoding, codes(file)) == ("cp1252", [])


def test_a_byte_that_does_not_decode_is_shown_and_told(engine: Engine) -> None:
    lines = GERMAN.encode() * 3 + b"broken \xff byte\n" + GERMAN.encode()
    file = parsed(engine, "a.txt", lines)
    assert text_of(file) == (GERMAN * 3 + "broken \ufffd byte\n" + GERMAN).strip()
    (warning,) = file.warnings
    assert warning.code == "undecodable_text"
    assert "1 character is not valid utf-8, the first in line 4" in warning.message
    assert file.parser.encoding == "utf-8"


def test_a_request_for_the_wrong_encoding_is_a_warning_and_no_refusal(engine: Engine) -> None:
    file = parsed(engine, "a.txt", GERMAN.encode("cp1252"), encoding="utf-8")
    assert "B\ufffdcher" in text_of(file)
    assert codes(file) == ["undecodable_text"]


def test_a_null_in_a_text_is_shown_and_told(engine: Engine) -> None:
    file = parsed(engine, "a.txt", b"a log of one day with a \x00 in its midst, as a crash of the machine leaves it")
    assert "with a \ufffd in" in text_of(file)
    assert codes(file) == ["undecodable_text"]


@pytest.mark.parametrize("data", [b"\x01\x00\x02\x00", bytes(range(32)) * 9, b"\xff\xfe" + bytes([1, 0] * 30)])
@pytest.mark.parametrize("filename", ["a.txt", "a.md", "a.csv"])
def test_binary_data_is_no_text(engine: Engine, filename: str, data: bytes) -> None:
    with pytest.raises(FileError) as refused:
        parsed(engine, filename, data)
    assert refused.value.file_code is ErrorCode.CONTENT_MISMATCH


@pytest.mark.parametrize("data", ["\ufeff", "\ufeff \n"])
def test_a_text_of_a_mark_alone_is_empty(engine: Engine, data: str) -> None:
    with pytest.raises(FileError) as refused:
        parsed(engine, "a.txt", data.encode("utf-16-le"))
    assert refused.value.file_code is ErrorCode.EMPTY_FILE


def test_a_document_names_the_file_that_was_sent_by_its_hash(engine: Engine) -> None:
    for filename, data in (("a.txt", GERMAN.encode("cp1252")), ("a.html", b"<p>text</p>"), ("a.csv", b"a,b\n1,2\n")):
        document = DoclingDocument.model_validate_json(parsed(engine, filename, data).document)
        assert document.origin
        sent = DocumentOrigin(mimetype="text/plain", filename=filename, binary_hash=hashlib.sha256(data).hexdigest())
        assert document.origin.binary_hash == sent.binary_hash


@pytest.mark.parametrize(
    ("sloppy", "rows", "line"),
    [
        ('size,desc\n3,5" pipe\n4,"6" pipe",x\n5,last\n', ['5" pipe', '6" pipe', "last"], 3),
        ('a,b\n1,"never closed\n2,"x, y"\n3,z\n', ['"never closed', "x, y", "z"], 3),
        ('a;b\n1;"said "yes""\n"two\nlines";2\n', ['said "yes"', "two lines", "2"], 2),
        ('a,b\n1,"open', ['"open'], 2),
    ],
)
def test_a_csv_with_careless_quotes_keeps_every_cell_and_says_where(
    engine: Engine, sloppy: str, rows: list[str], line: int
) -> None:
    file = parsed(engine, "a.csv", sloppy.encode())
    text = text_of(file)
    assert [cell for cell in rows if cell in text] == rows
    (warning,) = file.warnings
    assert (warning.code, f"line {line} " in warning.message) == ("csv_quotes", True)


def test_a_sound_csv_has_no_warning_and_is_as_docling_reads_it(engine: Engine) -> None:
    file = parsed(engine, "a.csv", b'name;note\n"a; b";"say ""hi"""\n"two\nlines";2\n')
    (table,) = DoclingDocument.model_validate_json(file.document).tables
    assert [[cell.text for cell in row] for row in table.data.grid] == [
        ["name", "note"], ["a; b", 'say "hi"'], ["two\nlines", "2"],
    ]  # fmt: skip
    assert codes(file) == []


def test_a_cell_may_be_longer_than_python_s_limit(engine: Engine) -> None:
    assert "x" * 200_000 in text_of(parsed(engine, "a.csv", b"a,b\n1," + b"x" * 200_000))


@pytest.mark.parametrize("line", [',"a' * 16_000, '"a,' * 50_000, '"a""b,' * 30_000, ",a" * 50_000])
def test_a_csv_of_one_long_line_takes_seconds_and_not_minutes(engine: Engine, line: str) -> None:
    began = time.process_time()
    parsed(engine, "a.csv", f"{line}\n".encode())
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "page",
    [
        "<h1>Old page</h1>" + "".join(f"<p>Paragraph {number}, größer" for number in range(700)),
        "<ul>" + "".join(f"<li>Paragraph {number}, größer" for number in range(700)) + "</ul>",
        "<table>" + "".join(f"<tr><td>Paragraph {number}, größer<td>b" for number in range(300)) + "</table>",
        "<body>" + "".join(f"<p>Paragraph {number}, größer</body></html>" for number in range(700)),
        "<?xml version='1.0'?><html><body>" + "".join(f"<p>Paragraph {number}, größer" for number in range(700)),
    ],
)
def test_a_page_that_leaves_out_end_tags_is_read_whole(engine: Engine, page: str) -> None:
    for data in (page.encode(), page.encode("latin-1", "replace")):
        text = exported(parsed(engine, "a.html", data).document, ExportFormat.MARKDOWN, DEFAULT_CONTENT)
        words = [line.strip("-| b").strip() for line in text.splitlines() if "Paragraph" in line]
        assert words == [f"Paragraph {number}, größer" for number in range(page.count("Paragraph"))]


@pytest.mark.parametrize(
    "page",
    [
        "<body><p>One</p></body></html><p>Two</p>",
        "<html><body><p>One</p></body></html>\n<html><body><p>Two</p></body>",
        "<p>One</p>\n<!-- notice --><html><head><title>t</title><style>p {}</style></head><body><p>Two</p></body>",
        "One <!DOCTYPE html><html><head><title>t</title><body><p>Two</p></html>",
    ],
    ids=["after the end", "two pages in a file", "before the beginning", "loose text before it"],
)
def test_what_stands_outside_of_the_body_of_a_page_is_read_as_browsers_do(engine: Engine, page: str) -> None:
    assert text_of(parsed(engine, "a.html", page.encode())).split() == ["One", "Two"]


@pytest.mark.parametrize("before", ["", "<tbody><tr><td>Tea</td><td>2</td></tr></tbody>"])
def test_the_foot_of_a_table_is_its_last_row_wherever_the_file_has_it(engine: Engine, before: str) -> None:
    foot, row = "<tfoot><tr><td>Sum</td><td>5</td></tr></tfoot>", "<tr><td>Rum</td><td>3</td></tr>"
    file = parsed(engine, "a.html", f"<body><table>{before}{foot}{row}</table></body>".encode())
    assert text_of(file).splitlines()[-1].replace(" ", "") == "|Sum|5|"
    assert "Rum" in text_of(file)


def test_a_page_that_is_deep_in_truth_is_refused(engine: Engine) -> None:
    with pytest.raises(FileError, match="nests HTML elements more than 500 levels deep"):
        parsed(engine, "a.html", b"<p>open" * 600 + b"<div>" * 600 + b"deep")
