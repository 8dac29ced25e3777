"""Text of Word files that docling itself does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel

from tests.unit.parser.files import parsed
from tests.unit.parser.office import word_file

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

BOATS = "<w:r><w:t>boats</w:t></w:r>"
CONTROL = f"<w:sdt><w:sdtPr/><w:sdtContent>{BOATS}</w:sdtContent></w:sdt>"


def document(engine: Engine, body: str) -> DoclingDocument:
    file = parsed(engine, "a.docx", word_file(body))
    assert not file.warnings
    return DoclingDocument.model_validate_json(file.document)


def table(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/><w:tblGrid><w:gridCol/><w:gridCol/></w:tblGrid>{''.join(rows)}</w:tbl>"


def row(*cells: str) -> str:
    return f"<w:tr>{''.join(f'<w:tc><w:tcPr/>{cell}</w:tc>' for cell in cells)}</w:tr>"


def paragraph(*content: str) -> str:
    return f"<w:p>{''.join(content)}</w:p>"


@pytest.mark.parametrize("wrapper", ["ins", "moveTo", "smartTag", "customXml", "fldSimple", "dir", "bdo"])
def test_wrapped_text_is_read_in_paragraphs_and_in_cells(engine: Engine, wrapper: str) -> None:
    wrapped = paragraph("<w:r><w:t>twelve </w:t></w:r>", f"<w:{wrapper}>{BOATS}</w:{wrapper}>")
    made = document(engine, wrapped + table(row(wrapped, paragraph(BOATS))))
    assert [item.text for item in made.texts] == ["twelve boats"]
    assert [cell.text for cell in made.tables[0].data.table_cells] == ["twelve boats", "boats"]


def test_what_was_moved_away_or_deleted_is_not_read(engine: Engine) -> None:
    gone = f"<w:moveFrom>{BOATS}</w:moveFrom><w:del><w:r><w:delText>boats</w:delText></w:r></w:del>"
    made = document(engine, paragraph("<w:r><w:t>twelve</w:t></w:r>", gone))
    assert [item.text for item in made.texts] == ["twelve"]


def test_a_content_control_in_a_cell_is_read(engine: Engine) -> None:
    made = document(engine, table(row(paragraph("<w:r><w:t>Cargo</w:t></w:r>"), paragraph(CONTROL))))
    assert [cell.text for cell in made.tables[0].data.table_cells] == ["Cargo", "boats"]


def test_rows_that_a_form_repeats_are_read(engine: Engine) -> None:
    repeated = row(paragraph(BOATS), paragraph(BOATS)) * 2
    rows = f"<w:sdt><w:sdtPr/><w:sdtContent>{repeated}</w:sdtContent></w:sdt>"
    made = document(engine, table(row(paragraph(BOATS), paragraph(BOATS)), rows))
    assert (made.tables[0].data.num_rows, len(made.tables[0].data.table_cells)) == (3, 6)


def test_a_paragraph_in_a_wrapper_is_a_paragraph(engine: Engine) -> None:
    made = document(engine, f"<w:customXml><w:customXmlPr/>{paragraph(BOATS)}</w:customXml>{paragraph(BOATS)}")
    assert [item.text for item in made.texts] == ["boats", "boats"]


def test_a_word_is_read_without_the_signs_that_tell_how_it_is_spoken(engine: Engine) -> None:
    spoken = f"<w:r><w:ruby><w:rt><w:r><w:t>bəʊts</w:t></w:r></w:rt><w:rubyBase>{BOATS}</w:rubyBase></w:ruby></w:r>"
    assert [item.text for item in document(engine, paragraph(spoken)).texts] == ["boats"]


def test_a_check_box_in_a_cell_stays_one(engine: Engine) -> None:
    box = '<w:sdt><w:sdtPr><w14:checkbox><w14:checked w14:val="1"/></w14:checkbox></w:sdtPr><w:sdtContent/></w:sdt>'
    made = document(engine, table(row(paragraph(box, BOATS) + paragraph(BOATS), paragraph(BOATS))))
    assert made.texts[0].label is DocItemLabel.CHECKBOX_SELECTED
