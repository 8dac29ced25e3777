"""Every word that was read on a page is in its node, whatever the page looks like."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from actors.messages import ParsedFile
from actors.parser.engine.words import missing, words_by_page, words_of
from client.models import ParseOptions, WarningCode
from client.options import CONTENT
from tests.contract import split_documents
from tests.corpus import CORPUS
from tests.unit.parser.files import make_pdf, parsed
from tests.unit.parser.scans import PIXELS, POINTS, encoded, pdf_around, pdf_of, picture_of

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

MEMO = ("To: all staff", "From: Personnel", "Date: 4 June 2026")
LETTER = ("Scanned letter 70315", "Dear customer please pay")
TITLES = (
    "Welcome to the workshop",
    "Agenda and goals",
    "Results of the survey",
    "Questions",
    "Next steps",
    "Thank you",
)


def parsed_without_loss(engine: Engine, filename: str, data: bytes, **options: Any) -> ParsedFile:
    file = parsed(engine, filename, data, **options)
    assert (file.words_lost, file.lost) == (0, ())
    assert WarningCode.WORDS_DOUBLED not in {warning.code for warning in file.warnings}
    return file


def not_in_nodes(file: ParsedFile) -> list[str]:
    """The words of the document that the node of their page does not show. Formulas that no model has read are not
    shown by docling."""
    document = DoclingDocument.model_validate_json(file.document)
    formulas = [item.orig for item in document.texts if item.label == DocItemLabel.FORMULA and not item.text]
    shown = {page: words_of(unescape(text)) for page, text in nodes(file)}
    lost = [word for page, words in words_by_page(document).items() for word in missing(words, shown.get(page, ()))]
    return missing(lost, words_of(" ".join(formulas)))


def nodes(file: ParsedFile) -> list[tuple[int, str]]:
    return [(node["metadata"]["page_number"], " ".join(node["text"].split())) for node in orjson.loads(file.nodes)]


def born_digital(*pages: Sequence[tuple[float, str]]) -> bytes:
    """A PDF with a text layer: each page has lines at these heights, in points from the top."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True)
    for lines in pages:
        for top, line in lines:
            canvas.drawString(72, A4[1] - top, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def test_the_head_of_a_memo_is_content(engines: list[Engine]) -> None:
    memo = picture_of(MEMO, top=20, step=25)
    ImageDraw.Draw(memo).text((20, 350), "Closed on Friday.", fill="black", font=ImageFont.load_default(18))
    ((_, text),) = nodes(parsed_without_loss(engines[0], "memo.jpg", encoded(memo, "JPEG")))
    assert [line for line in (*MEMO, "Closed on Friday.") if line not in text] == []


@pytest.mark.parametrize("top", [8, 45, 230, 420])
def test_every_short_scanned_page_has_a_node(engines: list[Engine], top: int) -> None:
    lines = ["Annual Report", "Certificate of origin", "RECEIPT Total 12.50", "Appendix B"]
    found = nodes(parsed_without_loss(engines[0], "file.pdf", pdf_of(picture_of([line], top=top) for line in lines)))
    assert [(page, text.removeprefix("## ")) for page, text in found] == list(enumerate(lines, 1))


def test_scans_in_the_codings_of_scanners_are_read(engines: list[Engine]) -> None:
    letter = picture_of(LETTER)
    black = letter.convert("1")
    fax = encoded(black, "TIFF", compression="group4", tiffinfo={278: PIXELS[1]})
    jpeg2000 = pdf_around(encoded(letter, "JPEG2000"), of="JPXDecode", colours="DeviceRGB")
    inks = pdf_around(zlib.compress(letter.convert("CMYK").tobytes()), of="FlateDecode", colours="DeviceCMYK")
    for name, data in {"fax.tif": fax, "jpx.pdf": jpeg2000, "cmyk.pdf": inks, "g4.pdf": fax_pdf(fax)}.items():
        ((_, text),) = nodes(parsed_without_loss(engines[0], name, data))
        assert "70315" in text, name


def fax_pdf(tiff: bytes) -> bytes:
    """A PDF around the one strip of a Group 4 TIFF."""
    with Image.open(BytesIO(tiff)) as picture:
        (start,), (length,) = picture.tag_v2[273], picture.tag_v2[279]
        white_is_zero = picture.tag_v2[262] == 0
    width, height = PIXELS
    decode = f"/DecodeParms<</K -1/Columns {width}/Rows {height}/BlackIs1 {str(not white_is_zero).lower()}>>"
    strip = tiff[start : start + length]
    return pdf_around(strip, of="CCITTFaxDecode", bits=1, colours="DeviceGray", decode=decode)


def test_a_text_layer_that_lies_is_replaced_by_what_the_page_shows(engines: list[Engine]) -> None:
    data = misencoded("Readable words on paper")
    ((_, layer),) = nodes(parsed_without_loss(engines[0], "file.pdf", data, do_ocr=False))
    ((_, shown),) = nodes(parsed_without_loss(engines[0], "file.pdf", data, force_ocr=True))
    assert ("Readable" in layer, shown) == (False, "Readable words on paper")


def misencoded(line: str) -> bytes:
    """A page whose font does not say which letters its glyphs are."""
    font = TTFont("Misencoded", "Vera.ttf", asciiReadable=False)
    font.face.name = b"Misencoded"  # reportlab keeps the first font of a face, and other tests use Vera
    pdfmetrics.registerFont(font)
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True)
    canvas.setFont("Misencoded", 24)
    canvas.drawString(72, 700, line)
    canvas.save()
    return out.getvalue().replace(b"/ToUnicode", b"/NoUnicode")


def test_the_printed_labels_of_a_scanned_form_stay_beside_its_typed_values(engines: list[Engine]) -> None:
    out = BytesIO()
    canvas = Canvas(out, pagesize=POINTS, invariant=True)
    form = picture_of(["Town", "Country", "Office use only"], top=100, step=50)
    canvas.drawImage(ImageReader(form), 0, 0, *POINTS)
    for top, left, value in ((59, 32.5, "Basel"), (84, 45, "Switzerland")):
        canvas.setFont("Helvetica", 8)
        canvas.drawString(left, POINTS[1] - top, value)
    canvas.save()
    ((_, text),) = nodes(parsed_without_loss(engines[0], "file.pdf", out.getvalue()))
    assert text.replace("#", "").split() == ["Town", "Basel", "Country", "Switzerland", "Office", "use", "only"]


@pytest.mark.parametrize("top", [40, 250])
def test_slides_with_a_line_each_are_a_node_each(engines: list[Engine], top: float) -> None:
    found = nodes(parsed_without_loss(engines[0], "file.pdf", born_digital(*([(top, title)] for title in TITLES))))
    assert [(page, text.removeprefix("## ")) for page, text in found] == list(enumerate(TITLES, 1))


@pytest.mark.parametrize("top", [15, 30, 60, 790, 815, 830])
@pytest.mark.parametrize("line", ["The only line of this page", "Chapter 7", "2026", "12"])
def test_the_only_line_of_a_page_is_content_wherever_it_stands(engines: list[Engine], top: float, line: str) -> None:
    ((page, text),) = nodes(parsed_without_loss(engines[0], "file.pdf", born_digital([(top, line)]), do_ocr=False))
    assert (page, text.removeprefix("## ")) == (1, line)


def test_a_running_header_leaves_the_body_and_stays_in_the_document(engines: list[Engine]) -> None:
    prose = [(200 + 14 * row, "The harbour master counted every vessel that came in.") for row in range(20)]
    data = born_digital(*([*prose, (25, "Harbour gazette"), (820, str(page))] for page in range(1, 5)))
    file = parsed_without_loss(engines[0], "file.pdf", data, do_ocr=False)
    numbers = [text for _, text in nodes(file) if "Harbour gazette" in text]
    assert (numbers, file.document.count(b'"text":"Harbour gazette"')) == ([], 4)
    shown = nodes(parsed_without_loss(engines[0], "file.pdf", data, do_ocr=False, content=("body", "furniture")))
    assert all("Harbour gazette" in text for _, text in shown)


def test_the_pages_of_a_range_tell_how_many_the_document_has(engines: list[Engine]) -> None:
    file = parsed_without_loss(engines[0], "file.pdf", make_pdf(3), page_range=(2, 2), do_ocr=False)
    (node,) = orjson.loads(file.nodes)
    assert (node["metadata"]["page_number"], node["metadata"]["total_pages"], file.pages) == (2, 3, 1)


MADE = {
    "flowing": split_documents.flowing(),
    "odd": split_documents.odd(5),
    "table": split_documents.ruled_table(),
    "scanned": split_documents.scanned(2),
    "edge": born_digital([(15, "Top line"), (830, "Bottom line")], [(15, "Top line")], []),
}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(
    "options",
    [{"profile": "bundled"}, {"profile": "bundled", "do_table_structure": False}, {"profile": "native"}],
    ids=["bundled", "bundled without tables", "native"],
)
def test_no_word_of_a_made_document_is_lost(engines: list[Engine], name: str, options: dict[str, Any]) -> None:
    file = parsed_without_loss(engines[0], "file.pdf", MADE[name], content=CONTENT, **options)
    assert file.parser.words_read == file.parser.words_kept
    assert not_in_nodes(file) == []
    if options["profile"] == "bundled" or name != "scanned":
        assert file.parser.words_read


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """docling's own layout model with random weights: it labels pages as badly as can be."""
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine
    from benchmarks.random_models import save_random_models

    folder = tmp_path_factory.mktemp("artifacts")
    save_random_models(folder)
    engine = Engine(
        ParseOptions(profile="standard", do_table_structure=False), Hardware(threads=1, device="cpu"), folder
    )
    engine.warm_up()
    return engine


@pytest.mark.parametrize("name", MADE)
def test_no_word_is_lost_whatever_docling_s_layout_model_says(standard: Engine, name: str) -> None:
    file = parsed_without_loss(standard, "file.pdf", MADE[name], content=CONTENT)
    assert file.parser.words_read
    assert not_in_nodes(file) == []
    assert file.parser.profile == "standard"


def files(folder: Path) -> list[Path]:
    kinds = {".pdf", ".jpg", ".png", ".tif"}
    broken = {"encrypted", "garbage", "truncated", "big"}
    return [path for path in sorted(folder.glob("*")) if path.suffix in kinds and path.stem not in broken]


@pytest.mark.slow
@pytest.mark.parametrize("path", [*files(CORPUS), *files(CORPUS.parent / "cases")], ids=lambda path: path.stem)
def test_no_word_of_the_corpus_is_lost(engines: list[Engine], standard: Engine, path: Path) -> None:
    data = path.read_bytes()
    for engine in (engines[0], standard):
        file = parsed_without_loss(engine, path.name, data, content=CONTENT)
        assert file.parser.words_read
        assert not_in_nodes(file) == []
    if path.suffix == ".pdf":
        parsed_without_loss(engines[0], path.name, data, profile="native")
