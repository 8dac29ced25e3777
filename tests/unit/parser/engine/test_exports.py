"""The formats that a stored document can be written in."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
import yaml
from docling.datamodel.base_models import DocumentStream, InputFormat
from docling.document_converter import DocumentConverter
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.table.table_data import RichTableCell, TableData
from docling_core.types.doc.labels import DocItemLabel
from lxml import etree

from actors.errors import FileError
from actors.parser.engine.exports import dump
from client.models import DEFAULT_CONTENT, ErrorCode, ExportFormat
from tests.unit.parser.files import exported, parsed

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

SUBTITLES = b"WEBVTT\n\n00:01.000 --> 00:02.500\n<v Ann>First words\n\n00:03.000 --> 00:04.000\nlast <i>words</i>\n"
MARKUP = (
    b"# Costs & gains\n\nA *small* rise of 50% in {braces}_x.\n\n| a | b |\n|---|---|\n| cell | 2 |\n\n- one\n- two\n"
)
WITH_TEXT = [form for form in ExportFormat if form not in (ExportFormat.NODES, ExportFormat.VTT)]


def written(engine: Engine, name: str, data: bytes, form: ExportFormat) -> str:
    return exported(parsed(engine, name, data).document, form, DEFAULT_CONTENT)


@pytest.mark.parametrize("form", WITH_TEXT)
def test_every_format_holds_every_word(engine: Engine, form: ExportFormat) -> None:
    text = written(engine, "a.md", MARKUP, form)
    for word in ("Costs", "gains", "small", "rise", "50", "braces", "cell", "one", "two"):
        assert word in text


def test_the_stored_json_keeps_what_cells_and_texts_of_every_class_hold() -> None:
    document = DoclingDocument(name='"texts":[]')
    table = document.add_table(TableData(num_rows=1, num_cols=1))
    inside = document.add_list_group(parent=table)
    document.add_list_item("in a cell", marker="*", parent=inside)
    place = dict.fromkeys(("start_row_offset_idx", "start_col_offset_idx"), 0)
    place |= dict.fromkeys(("end_row_offset_idx", "end_col_offset_idx"), 1)
    table.data.table_cells.append(RichTableCell(text="", ref=inside.get_ref(), **place))
    document.add_title("Title")
    document.add_heading("Heading", level=2)
    document.add_code("x = 1")
    document.add_formula("x")
    document.add_text(label=DocItemLabel.TEXT, text="Text")
    assert dump(document).decode() == document.model_dump_json(by_alias=True, exclude_none=True)
    assert DoclingDocument.model_validate_json(dump(document)) == document


def test_yaml_is_the_document_that_json_is(engine: Engine) -> None:
    file = parsed(engine, "a.md", "Grüße aus Köln".encode())
    text = exported(file.document, ExportFormat.YAML, DEFAULT_CONTENT)
    assert "Grüße aus Köln" in text
    assert DoclingDocument.model_validate(yaml.safe_load(text)) == DoclingDocument.model_validate_json(file.document)


@pytest.mark.parametrize(
    ("form", "suffix"), [(ExportFormat.DOCLANG, InputFormat.XML_DOCLANG), (ExportFormat.LATEX, InputFormat.LATEX)]
)
def test_docling_reads_back_what_is_written(engine: Engine, form: ExportFormat, suffix: InputFormat) -> None:
    text = written(engine, "a.md", MARKUP, form)
    stream = DocumentStream(name=f"a.{form.suffix}", stream=BytesIO(text.encode()))
    again = DocumentConverter(allowed_formats=[suffix]).convert(stream).document
    [table] = again.tables
    assert [cell.text for cell in table.data.table_cells if cell.text] == ["a", "b", "cell", "2"]
    assert "Costs & gains" in [item.text for item in again.texts]


def test_subtitles_keep_their_times_and_voices(engine: Engine) -> None:
    text = written(engine, "talk.vtt", SUBTITLES, ExportFormat.VTT)
    assert text.startswith("WEBVTT\n")
    assert "00:00:01.000 --> 00:00:02.500\n<v Ann>First words</v>" in text
    assert "00:00:03.000 --> 00:00:04.000\nlast <i>words</i>" in text


def test_a_document_without_times_is_no_subtitles(engine: Engine) -> None:
    with pytest.raises(FileError, match="has no times") as failure:
        written(engine, "a.md", MARKUP, ExportFormat.VTT)
    assert failure.value.file_code == ErrorCode.EXPORT_UNAVAILABLE


def test_markup_in_a_text_is_only_text_in_doclang() -> None:
    document = DoclingDocument(name="a")
    document.add_text(label=DocItemLabel.TEXT, text="<script>alert(1)</script> ]]> & more")
    text = exported(document.model_dump_json().encode(), ExportFormat.DOCLANG, DEFAULT_CONTENT)
    root = etree.fromstring(text.encode())
    assert not root.findall(".//script")
    assert "".join(root.itertext()).split() == ["<script>alert(1)</script>", "]]>", "&", "more"]
