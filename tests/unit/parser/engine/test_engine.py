"""The engine over real docling, mostly without models: what it takes, refuses and keeps apart."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from docx import Document as WordDocument
from openpyxl import Workbook
from PIL import Image
from pydantic import SecretStr
from reportlab.pdfgen.canvas import Canvas

from actors.derivations import PagePicture, Pictures
from actors.errors import FileError, ParserFailed
from actors.messages import PagePlan, PageSpan, ParsedFile
from client.models import DEFAULT_CONTENT, ErrorCode, ExportFormat, PageFailure, ParseOptions
from tests.contract.split_documents import ruled_table, scanned
from tests.unit.parser.files import as_document, exported, make_empty_pdf, make_pdf, make_task, make_zip, parsed, texts

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models


def refusal(engine: Engine, data: bytes, filename: str = "file.pdf", **options: Any) -> ErrorCode:
    with pytest.raises(FileError) as refused:
        engine.open(as_document(data), make_task(filename, **options), split_above=1_000)
    assert "/" not in refused.value.message
    return refused.value.file_code


def word_file(*, picture: bool = False) -> bytes:
    out = BytesIO()
    document = WordDocument()
    document.add_paragraph("A word from an office.")
    if picture:
        document.add_picture(png())
    document.save(out)
    return out.getvalue()


def png() -> BytesIO:
    out = BytesIO()
    Image.new("RGB", (8, 8)).save(out, "png")
    out.seek(0)
    return out


def sheet_file(*more: str) -> bytes:
    out = BytesIO()
    book = Workbook()
    for sheet in (book.active, *map(book.create_sheet, more)):
        sheet.append(["name", "name"])
        sheet.append(["a", "b"])
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("filename", "data", "text"),
    [
        ("a.docx", word_file(), "A word from an office."),
        ("a.md", b"# Title\n\nbody", "# Title\n\nbody"),
        ("a.txt", b"plain, with, commas\nand, some, more", "plain, with, commas\nand, some, more"),
        ("a.html", b"<h1>Title</h1><p>body</p>", "# Title\n\nbody"),
        ("a.adoc", b"= Title\n\nbody\n", "# Title\n\nbody"),
        ("a.csv", b"x,y\n1,2\n", "|   x |   y |\n|-----|-----|\n|   1 |   2 |"),
        ("a.vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nspoken\n", "spoken"),
        ("a.tex", b"\\documentclass{article}\\begin{document}written\\end{document}", "written"),
        ("a.eml", b"From: a@b.c\nSubject: hello\nContent-Type: text/plain\n\nmailed\n", "mailed"),
    ],
)
def test_formats_without_pages_become_one_node(engine: Engine, filename: str, data: bytes, text: str) -> None:
    file = parsed(engine, filename, data)
    assert file.num_nodes == 1
    assert text in texts(file)[0]
    assert file.pages == 0
    assert file.parser.models == {}


def test_every_sheet_is_a_page(engine: Engine) -> None:
    (node,) = orjson.loads(parsed(engine, "a.xlsx", sheet_file()).nodes)
    assert node["metadata"]["page_number"] == 1
    assert orjson.loads(node["metadata"]["tables_json"]) == [[{"name": "a", "name_2": "b"}]]


def test_a_pdf_becomes_a_node_per_page(engine: Engine) -> None:
    file = parsed(engine, "file.pdf", make_pdf(3))
    assert texts(file) == [f"This is page {number}." for number in (1, 2, 3)]
    assert file.pages == 3
    assert file.parser.profile == "native"


@pytest.mark.parametrize(
    ("data", "filename", "code"),
    [
        (make_pdf()[:700], "a.pdf", ErrorCode.INVALID_FILE),
        (b"%PDF-1.7 and nothing of the kind", "a.pdf", ErrorCode.INVALID_FILE),
        (make_empty_pdf(), "a.pdf", ErrorCode.NO_PAGES),
        (b'{"not": "a document"}', "a.json", ErrorCode.INVALID_FILE),
        (word_file().replace(b"word/document.xml", b"word/elsewhere.xm"), "a.docx", ErrorCode.INVALID_FILE),
    ],
)
def test_a_broken_file_is_refused_and_never_an_empty_success(
    engine: Engine, data: bytes, filename: str, code: ErrorCode
) -> None:
    assert refusal(engine, data, filename) is code


def test_an_encrypted_pdf_opens_with_its_password_alone(engine: Engine) -> None:
    locked = make_pdf(2, password="open sesame")
    assert refusal(engine, locked) is ErrorCode.PASSWORD_REQUIRED
    assert refusal(engine, locked, password="guess") is ErrorCode.WRONG_PASSWORD
    assert texts(parsed(engine, "file.pdf", locked, password="open sesame")) == ["This is page 1.", "This is page 2."]
    assert refusal(engine, locked) is ErrorCode.PASSWORD_REQUIRED


def test_an_encrypted_pdf_can_be_split(engine: Engine) -> None:
    locked, task = as_document(make_pdf(2, password="open sesame")), make_task(password="open sesame")
    shards = [engine.parse_pages(locked, task, PageSpan(page, page)) for page in (1, 2)]
    assert engine.assemble(locked, task, shards, []) == engine.open(locked, task, split_above=2)


def test_a_password_is_forgotten_with_its_request(engine: Engine) -> None:
    parsed(engine, "file.pdf", make_pdf(password="open sesame"), password="open sesame")
    gc.collect()
    kept = [held for held in gc.get_objects() if type(held) is SecretStr]
    assert "open sesame" not in [secret.get_secret_value() for secret in kept]


def test_a_page_range_keeps_its_page_numbers(engine: Engine) -> None:
    nodes = orjson.loads(parsed(engine, "file.pdf", make_pdf(5), page_range=(2, 3)).nodes)
    assert [node["metadata"]["page_number"] for node in nodes] == [2, 3]


def test_a_page_range_that_ends_beyond_the_document_is_cut(engine: Engine) -> None:
    assert parsed(engine, "file.pdf", make_pdf(3), page_range=(3, 9)).pages == 1


def test_a_page_range_that_begins_beyond_the_document_is_refused(engine: Engine) -> None:
    assert refusal(engine, make_pdf(3), page_range=(4, 9)) is ErrorCode.PAGE_RANGE_OUTSIDE


@pytest.mark.parametrize(("filename", "data"), [("a.docx", word_file()), ("a.md", b"text"), ("a.html", b"<p>text</p>")])
def test_a_document_without_pages_is_one_piece(engine: Engine, filename: str, data: bytes) -> None:
    assert parsed(engine, filename, data, page_range=(1, 3)).num_nodes == 1
    assert refusal(engine, data, filename, page_range=(2, 3)) is ErrorCode.PAGE_RANGE_OUTSIDE


def test_sheets_are_pages_that_a_range_chooses_from(engine: Engine) -> None:
    book = sheet_file("two", "three")
    nodes = orjson.loads(parsed(engine, "a.xlsx", book, page_range=(2, 3)).nodes)
    assert [node["metadata"]["page_number"] for node in nodes] == [2, 3]
    assert refusal(engine, book, "a.xlsx", page_range=(4, 9)) is ErrorCode.PAGE_RANGE_OUTSIDE


@pytest.mark.parametrize(
    ("options", "split_above", "plan"),
    [
        ({}, 0, (1, 5)),
        ({}, 4, (1, 5)),
        ({"page_range": (2, 9)}, 3, (2, 5)),
        ({}, 5, None),
        ({"page_range": (2, 3)}, 2, None),
    ],
)
def test_a_document_is_planned_when_it_has_more_pages_than_wanted_in_one_piece(
    engine: Engine, options: dict[str, Any], split_above: int, plan: tuple[int, int] | None
) -> None:
    answer = engine.open(as_document(make_pdf(5)), make_task(**options), split_above=split_above)
    if plan:
        assert answer == PagePlan(pages=PageSpan(*plan))
    else:
        assert isinstance(answer, ParsedFile)


def tiff(pictures: int, largest: int = 8) -> bytes:
    """The last picture is the largest."""
    out, page, last = BytesIO(), Image.new("1", (8, 8)), Image.new("1", (largest, largest))
    page.save(out, "tiff", save_all=True, append_images=[*[page] * (pictures - 2), last])
    return out.getvalue()


@pytest.mark.parametrize(
    ("filename", "data", "options", "pages"),
    [
        ("a.pdf", make_pdf(3), {"profile": "bundled", "heading_hierarchy": True}, PageSpan(1, 3)),
        ("a.tiff", tiff(3), {"profile": "bundled", "heading_hierarchy": True}, PageSpan(1, 3)),
        ("a.tiff", tiff(3), {"profile": "bundled", "heading_hierarchy": True, "page_range": (2, 9)}, PageSpan(2, 3)),
    ],
)
def test_pages_that_cannot_be_parsed_apart_are_counted_all_the_same(
    engine: Engine, filename: str, data: bytes, options: dict[str, Any], pages: PageSpan
) -> None:
    task = make_task(filename, **options)
    assert engine.open(as_document(data), task, split_above=0) == PagePlan(pages=pages, apart=False)
    assert isinstance(engine.open(as_document(data), task, split_above=len(pages)), ParsedFile)


@pytest.mark.parametrize(("side", "frames"), [(8, 2), (3_000, 2), (6_000, 1)])
def test_frames_are_parsed_apart_and_large_ones_a_few_at_a_time(engine: Engine, side: int, frames: int) -> None:
    plan = engine.open(as_document(tiff(3, side)), make_task("a.tiff", profile="bundled"), split_above=0)
    assert plan == PagePlan(pages=PageSpan(1, 3), span_pages=frames)


@pytest.mark.parametrize("filename", ["a.md", "a.html"])
def test_a_document_without_pages_is_never_planned(engine: Engine, filename: str) -> None:
    assert isinstance(engine.open(as_document(b"<p>text</p>"), make_task(filename), split_above=0), ParsedFile)


@pytest.mark.parametrize("profile", ["native", "bundled"])
def test_lost_pages_leave_the_numbers_of_the_others_alone(engine: Engine, profile: str) -> None:
    document, task = as_document(make_pdf(4)), make_task(profile=profile, do_ocr=False)
    shards = [engine.parse_pages(document, task, PageSpan(page, page)) for page in (4, 1)]
    lost = [PageFailure(page_number=page, reason="its parser died") for page in (3, 2)]
    file = engine.assemble(document, task, shards, lost)
    nodes = orjson.loads(file.nodes)
    assert [node["metadata"]["page_number"] for node in nodes] == [1, 4]
    assert [node["text"] for node in nodes] == ["This is page 1.", "This is page 4."]
    assert [failure.page_number for failure in file.lost] == [2, 3]


def test_a_page_that_docling_fails_on_is_lost_and_the_others_are_not(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docling.models.stages.page_preprocessing.page_preprocessing_model import PagePreprocessingModel

    prepare = PagePreprocessingModel.__call__

    def fail_on_page_2(model: PagePreprocessingModel, result: Any, pages: Sequence[Any]) -> Any:
        if any(page.page_no == 2 for page in pages):
            raise ValueError("no sense in /srv/secret/page at all\nTraceback")
        return prepare(model, result, pages)

    monkeypatch.setattr(PagePreprocessingModel, "__call__", fail_on_page_2)
    document, task = as_document(make_pdf(3)), make_task(profile="bundled", do_ocr=False)
    shard = engine.parse_pages(document, task, PageSpan(1, 3))
    (lost,) = shard.lost
    assert (lost.page_number, lost.reason) == (2, "no sense in … at all")
    assert engine.assemble(document, task, [shard], shard.lost) == engine.open(document, task, split_above=9)
    with pytest.raises(FileError) as refused:
        engine.open(document, make_task(profile="bundled", do_ocr=False, page_range=(2, 2)), split_above=9)
    assert refused.value.file_code is ErrorCode.PAGES_LOST


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("Failed to allocate memory for requested buffer of size 9437184"),
    ],
)
def test_a_page_without_memory_is_not_lost_but_tried_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    from actors.parser.bundled.layout.layout_model import BundledLayoutModel

    def fail(model: BundledLayoutModel, result: Any, pages: Sequence[Any]) -> Any:
        raise error

    monkeypatch.setattr(BundledLayoutModel, "predict_layout", fail)
    document, task = as_document(make_pdf(1)), make_task(profile="bundled", do_ocr=False)
    with pytest.raises(ParserFailed, match="ran out of memory"):
        engine.parse_pages(document, task, PageSpan(1, 1))
    with pytest.raises(ParserFailed, match="ran out of memory"):
        engine.open(document, task, split_above=9)


def test_a_file_without_memory_is_not_called_damaged(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from docling.pipeline.simple_pipeline import SimplePipeline

    def fail(pipeline: SimplePipeline, result: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(SimplePipeline, "_build_document", fail)
    with pytest.raises(ParserFailed, match="ran out of memory"):
        engine.open(as_document(b"# Title"), make_task("a.md"), split_above=9)


def test_a_request_s_own_values_reload_no_models(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from actors.parser.bundled.layout.layout_model import BundledLayoutModel

    loads: list[object] = []
    init = BundledLayoutModel.__init__
    monkeypatch.setattr(
        BundledLayoutModel, "__init__", lambda *args, **kwargs: (loads.append(args[0]), init(*args, **kwargs))[1]
    )
    document = as_document(make_pdf(3))
    for own in ({}, {"page_range": (1, 2)}, {"page_range": (2, 2)}, {"password": "x"}, {"page_chunks": False}):
        engine.parse_pages(document, make_task(profile="bundled", do_table_structure=False, **own), PageSpan(1, 1))
    assert len(loads) == 1


def test_the_native_profile_refuses_what_only_a_model_can_read(engine: Engine) -> None:
    assert refusal(engine, png().getvalue(), "a.png") is ErrorCode.UNSUPPORTED_FORMAT
    assert refusal(engine, make_pdf(), force_ocr=True) is ErrorCode.INVALID_OPTION


def test_a_client_cannot_make_a_server_fetch_models(engine: Engine) -> None:
    assert refusal(engine, make_pdf(), profile="standard") is ErrorCode.INVALID_OPTION


@pytest.mark.parametrize(("profile", "offline"), [("bundled", True), ("standard", False)])
def test_only_an_operator_s_standard_may_reach_the_model_hub(profile: str, offline: bool) -> None:
    """In a process of its own: every test's is offline from the start, and the hub's client looks only once."""
    program = (
        "import huggingface_hub, os\n"
        "from actors.parser.engine.device import Hardware\n"
        "from actors.parser.engine.engine import Engine\n"
        "from client.models import ParseOptions\n"
        f"Engine(ParseOptions(profile={profile!r}), Hardware(threads=1, device='cpu'))\n"
        "print(huggingface_hub.constants.HF_HUB_OFFLINE, os.environ.get('HF_HUB_OFFLINE') == '1')"
    )
    online = {
        name: value for name, value in os.environ.items() if name not in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    }
    ran = subprocess.run([sys.executable, "-c", program], env=online, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(offline)] * 2


def test_the_server_s_defaults_hold_where_a_task_says_nothing() -> None:
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine

    server = Engine(ParseOptions(profile="native", page_chunks=False), Hardware(threads=1, device="cpu"))
    assert parsed(server, "file.pdf", make_pdf(2)).num_nodes == 1
    assert parsed(server, "file.pdf", make_pdf(2), page_chunks=True).num_nodes == 2
    assert parsed(server, "file.pdf", make_pdf(2), page_chunks=None).num_nodes == 1


def test_a_healthy_engine_says_nothing(engine: Engine) -> None:
    engine.check_health()


def test_ocr_is_what_reads_a_scan(engine: Engine) -> None:
    scan = scanned(1)
    assert texts(parsed(engine, "file.pdf", scan, profile="bundled", do_ocr=False)) == []
    (text,) = texts(parsed(engine, "file.pdf", scan, profile="bundled"))
    assert "Scanned line 1 of page 1" in text


def test_table_structure_is_what_makes_rows_of_a_table(engine: Engine) -> None:
    def rows(**options: Any) -> list[set[str]]:
        (node,) = orjson.loads(
            parsed(engine, "file.pdf", ruled_table(), profile="bundled", do_ocr=False, **options).nodes
        )
        return [set(row.values()) for table in orjson.loads(node["metadata"]["tables_json"]) for row in table]

    assert any({"Vessel 3", "111", "Port 3"} <= row for row in rows())
    assert not any({"Vessel 3", "111", "Port 3"} <= row for row in rows(do_table_structure=False))


def test_pictures_are_kept_when_they_are_asked_for(engine: Engine) -> None:
    plain, pictured = (
        parsed(engine, "file.pdf", scanned(1)),
        parsed(engine, "file.pdf", scanned(1), include_images=True),
    )
    assert b"data:image/png" not in plain.document
    assert b"data:image/png" in pictured.document
    assert "data:image/png" in exported(pictured.document, ExportFormat.HTML, DEFAULT_CONTENT)
    assert "<!-- image -->" in exported(plain.document, ExportFormat.MARKDOWN, DEFAULT_CONTENT)


def test_a_picture_is_a_file_whether_it_was_kept_or_is_drawn_from_its_page(engine: Engine) -> None:
    wanted = Pictures(job_id="j", folder="results/j/0", source="results/j/0/document.json")
    scan = scanned(1)
    kept = engine.derive(as_document(parsed(engine, "file.pdf", scan, include_images=True).document), wanted)
    assert orjson.loads(kept[wanted.target]) == {"picture-1.png": None}
    assert kept[wanted.key_of("picture-1.png")].startswith(b"\x89PNG")
    listed = engine.derive(as_document(parsed(engine, "file.pdf", scan).document), wanted)
    place = orjson.loads(listed[wanted.target])["picture-1.png"]
    page = PagePicture(**asdict(wanted), **place | {"box": tuple(place["box"])}, form="png")
    drawn = Image.open(BytesIO(engine.derive(as_document(scan), page)[page.target]))
    left, top, right, bottom = place["box"]
    assert drawn.size == pytest.approx(((right - left) * 2, (bottom - top) * 2), abs=2)


def test_pictures_of_an_office_file_are_kept_only_when_they_are_asked_for(engine: Engine) -> None:
    data = word_file(picture=True)
    plain, pictured = parsed(engine, "a.docx", data), parsed(engine, "a.docx", data, include_images=True)
    assert b"data:image/png" in pictured.document
    assert b"data:image/png" not in plain.document
    assert plain.nodes == pictured.nodes


def test_pixels_that_nobody_asked_for_are_not_encoded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from docling_core.types.doc.common.reference import ImageRef

    encoded: list[ImageRef] = []
    encode = ImageRef.from_pil

    def counted(*args: Any, **kwargs: Any) -> ImageRef:
        encoded.append(encode(*args, **kwargs))
        return encoded[-1]

    monkeypatch.setattr(ImageRef, "from_pil", counted)
    data = word_file(picture=True)
    parsed(engine, "a.docx", data)
    assert not encoded
    parsed(engine, "a.docx", data, include_images=True)
    assert len(encoded) == 1


def test_a_picture_without_an_encoding_can_still_be_looked_at() -> None:
    from docling_core.types.doc.common.reference import ImageRef
    from PIL import Image

    from actors.parser.engine import pixels

    red = Image.new("RGB", (3, 2), "red")
    with pixels.unencoded():
        bare = ImageRef.from_pil(red, dpi=72)
    full = ImageRef.from_pil(red, dpi=72)
    assert bare.pil_image is red
    assert (bare.size, bare.dpi, bare.mimetype) == (full.size, full.dpi, full.mimetype)
    assert len(str(bare.uri)) < len(str(full.uri))


def test_pictures_that_docling_only_tries_to_save_are_not_compressed() -> None:
    from PIL import Image

    from actors.parser.engine import pixels

    def saved() -> bytes:
        out = BytesIO()
        Image.new("RGB", (100, 100), "red").save(out, "PNG")
        return out.getvalue()

    before = saved()
    with pixels.unencoded():
        within = saved()
    assert len(within) > 100 * 100 * 3
    assert Image.open(BytesIO(within)).tobytes() == Image.open(BytesIO(before)).tobytes()
    assert saved() == before


def test_a_listing_with_a_caption_can_be_exported_as_doctags(engine: Engine) -> None:
    from docling_core.types.doc.document import DoclingDocument
    from docling_core.types.doc.labels import DocItemLabel

    document = DoclingDocument(name="listing")
    caption = document.add_text(label=DocItemLabel.CAPTION, text="Listing 1")
    document.add_code(text="print()", caption=caption)
    doctags = exported(document.model_dump_json().encode(), ExportFormat.DOCTAGS, DEFAULT_CONTENT)
    assert "Listing 1" in doctags


@pytest.mark.parametrize("declared", [b"9", b"1"])
def test_pages_are_counted_and_not_believed(engine: Engine, declared: bytes) -> None:
    lying = make_pdf(3).replace(b"/Count 3", b"/Count " + declared)
    assert parsed(engine, "file.pdf", lying).pages == 3
    plan = engine.open(as_document(lying), make_task(), split_above=0)
    assert plan == PagePlan(pages=PageSpan(1, 3))


def make_pdf_with_a_poster(points: int) -> bytes:
    """Three pages. The sides of the second are that long."""
    out = BytesIO()
    canvas = Canvas(out, invariant=True)
    for number, size in enumerate((595, points, 595), 1):
        canvas.setPageSize((size, size))
        canvas.drawString(72, 72 * number, f"This is page {number}.")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


@pytest.mark.parametrize(("profile", "kept"), [("bundled", [1, 3]), ("native", [1, 2, 3])])
def test_a_page_is_lost_only_where_it_is_too_large_to_render(engine: Engine, profile: str, kept: list[int]) -> None:
    file = parsed(engine, "file.pdf", make_pdf_with_a_poster(8000), profile=profile, do_ocr=False)
    assert texts(file) == [f"This is page {number}." for number in kept]
    reasons = {failure.page_number: failure.reason for failure in file.lost}
    expected = {2: "the page is too large to render: 8000 x 8000 points"}
    assert reasons == {page: reason for page, reason in expected.items() if page not in kept}


def test_a_large_poster_is_rendered(engine: Engine) -> None:
    assert parsed(engine, "file.pdf", make_pdf_with_a_poster(4000), profile="bundled", do_ocr=False).lost == ()


def test_a_page_too_large_to_render_is_missing_from_its_span(engine: Engine) -> None:
    document, task = as_document(make_pdf_with_a_poster(8000)), make_task(profile="bundled", do_ocr=False)
    shards = [engine.parse_pages(document, task, PageSpan(*span)) for span in ((1, 1), (2, 2), (3, 3))]
    assert [[failure.page_number for failure in shard.lost] for shard in shards] == [[], [2], []]
    assert [failure.page_number for failure in engine.assemble(document, task, shards, ()).lost] == [2]


def test_a_refused_archive_leaves_no_unpacked_files(engine: Engine, nothing_is_left_behind: Path) -> None:
    invalid = make_zip({"document.dclg.xml": b"<doclang/>", "assets/large": b"0" * 9000})
    assert refusal(engine, invalid, "a.dclx") is ErrorCode.INVALID_FILE
    assert list(nothing_is_left_behind.iterdir()) == []


@pytest.mark.parametrize("filename", ["a.html", "a.mhtml", "a.md"])
def test_html_that_nests_too_deeply_is_refused_at_once(engine: Engine, filename: str) -> None:
    nested = b"<div>" * 2_000 + b"x" + b"</div>" * 2_000
    head = b"Content-Type: text/html\n\n" if filename == "a.mhtml" else b""
    with pytest.raises(FileError, match="nests HTML elements more than 500 levels deep") as refused:
        engine.open(as_document(head + nested), make_task(filename), split_above=9)
    assert refused.value.file_code is ErrorCode.INVALID_FILE


def test_html_of_a_usual_depth_is_read(engine: Engine) -> None:
    assert texts(parsed(engine, "a.html", b"<div>" * 300 + b"x" + b"</div>" * 300)) == ["x"]


def test_a_span_of_the_native_profile_is_sent_as_its_items_and_the_text_that_was_read(engine: Engine) -> None:
    from actors.parser.engine.page_text import text_read
    from actors.parser.engine.pipelines import ParsedPages

    shard = engine.parse_pages(as_document(make_pdf(1)), make_task(profile="native"), PageSpan(1, 1))
    pages = ParsedPages.unpack(shard.payload)
    assert [item.text for item in pages.items] == ["This is page 1."]
    assert [(text_read(page), page.parsed_page) for page in pages.pages] == [("This is page 1.", None)]
