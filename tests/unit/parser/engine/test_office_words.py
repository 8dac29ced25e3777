"""Words of office files that are not in their documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from docling.datamodel.base_models import InputFormat
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel

from actors.parser.engine.office_words import warnings_about
from client.models import WarningCode
from tests.unit.parser.files import make_zip, parsed
from tests.unit.parser.office import drawing_of_a_sheet, word_file

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models


def document(*texts: str) -> DoclingDocument:
    made = DoclingDocument(name="made")
    for text in texts:
        made.add_text(label=DocItemLabel.TEXT, text=text)
    return made


def told(body: str, *texts: str) -> list[str]:
    """The messages about a Word file with this body whose document has these texts."""
    return [warning.message for warning in warnings_about(word_file(body), InputFormat.DOCX, document(*texts))]


def test_a_word_that_is_nowhere_in_the_document_is_told() -> None:
    body = "<w:p><w:r><w:t>Twelve bo</w:t></w:r><w:r><w:t>ats at sea</w:t></w:r></w:p>"
    assert told(body, "Twelve boats at sea") == []
    assert told(body, "Twelve at sea") == ["1 of the file's words are not in the document: boats"]


def test_a_word_that_the_document_joins_or_splits_is_there() -> None:
    body = "<w:p><w:r><w:t>two</w:t></w:r></w:p><w:p><w:r><w:t>boats twelvefold</w:t></w:r></w:p>"
    assert told(body, "twoboats", "twelve", "fold") == []


def test_a_word_whose_letters_look_different_is_there_also_if_a_piece_is_a_word_elsewhere() -> None:
    body = "<w:p><w:r><w:t>2 boats of H</w:t></w:r><w:r><w:t>2</w:t></w:r><w:r><w:t>O at sea</w:t></w:r></w:p>"
    assert told(body, "2 boats of H", "2", "O at sea") == []
    assert told(body, "2 boats of H", "O at sea") == ["1 of the file's words are not in the document: H2O"]


@pytest.mark.parametrize(
    "shown_otherwise",
    [
        "<w:del><w:r><w:delText>boats</w:delText></w:r></w:del>",
        "<w:moveFrom><w:r><w:t>boats</w:t></w:r></w:moveFrom>",
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>boats</w:t></w:r>",
        "<w:r><w:ruby><w:rt><w:r><w:t>boats</w:t></w:r></w:rt></w:ruby></w:r>",
        "<w:r><mc:AlternateContent><mc:Fallback><w:t>boats</w:t></mc:Fallback></mc:AlternateContent></w:r>",
    ],
)
def test_what_a_file_does_not_show_is_not_told(shown_otherwise: str) -> None:
    assert told(f"<w:p>{shown_otherwise}<w:r><w:t>Twelve</w:t></w:r></w:p>", "Twelve") == []


def test_text_after_a_hidden_paragraph_mark_is_told() -> None:
    body = "<w:p><w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr><w:r><w:t>boats</w:t></w:r></w:p>"
    assert told(body) == ["1 of the file's words are not in the document: boats"]


def test_parts_that_hold_no_text_of_the_document_are_not_told() -> None:
    template = word_file("<w:p><w:r><w:t>boats</w:t></w:r></w:p>", part="word/glossary/document.xml")
    assert warnings_about(template, InputFormat.DOCX, document()) == []


def test_a_part_that_is_no_xml_is_left_alone() -> None:
    broken = make_zip({"word/document.xml": b"<w:document"})
    assert warnings_about(broken, InputFormat.DOCX, document()) == []


def test_a_text_box_of_a_sheet_that_is_not_read_is_told(engine: Engine) -> None:
    (warning,) = parsed(engine, "a.xlsx", drawing_of_a_sheet("Twelve boats")).warnings
    assert (warning.code, warning.page_number) == (WarningCode.WORDS_LOST, None)
    assert warning.message.endswith(": Twelve, boats")


def test_a_range_of_slides_or_sheets_is_not_compared_with_the_whole_file(engine: Engine) -> None:
    assert not parsed(engine, "a.xlsx", drawing_of_a_sheet("Twelve boats"), page_range=(1, 1)).warnings
