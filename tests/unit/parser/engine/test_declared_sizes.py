"""Files that declare more than a result can hold are refused before the work is done; honest ones are not."""

from __future__ import annotations

import threading
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from actors.errors import FileError
from actors.messages import ParsedFile
from client.models import ErrorCode
from tests.hostile.markup import jats, page, wide_box_note, wide_rows
from tests.hostile.offices import epub, odf, ods, repeated_cells, staircase, xlsx
from tests.unit.parser.files import as_document, make_task, parsed

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

MIB = 1 << 20
DOCUMENTS = Path(__file__).parents[4] / "examples" / "documents"

#: As LibreOffice writes it: empty cells up to the last row and column that a sheet can have.
PADDING = repeated_cells(1_048_575, 16_384, "")

QUOTED = '<td colspan="1000">x</td>'


def refusal(engine: Engine, filename: str, data: bytes) -> FileError:
    """Why a file is refused whose result may have 64 MiB."""
    task = replace(make_task(filename), max_result_bytes=64 * MIB)
    with pytest.raises(FileError) as raised:
        engine.open(as_document(data), task, split_above=9)
    return raised.value


def document_of(file: ParsedFile) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(bytes(file.document))
    return document


@pytest.mark.parametrize(
    ("filename", "data"),
    [
        ("a.ods", ods(repeated_cells(1_000_000, 1))),
        ("a.ods", ods(repeated_cells(1, 2_000_000))),
        ("a.ods", ods(PADDING + repeated_cells(1, 1))),
        ("a.odt", odf("text", f"<table:table>{repeated_cells(3_000, 3_000)}</table:table>")),
        ("a.xlsx", xlsx(*staircase(900))),
        ("a.html", page(wide_rows().encode())),
        ("a.nxml", jats(f"<table-wrap>{wide_rows(QUOTED, '<tr><td>y</td></tr>', 999)}</table-wrap>")),
        ("a.boxnote", wide_box_note()),
        ("a.md", b"|" + b"a|" * 9_000 + b"\n|" + b"-|" * 9_000 + b"\n" + b"|x\n" * 900),
        ("a.csv", b"," * 4_000 + b"\n" + b"x\n" * 2_000),
    ],
)
def test_a_table_that_is_almost_empty_and_too_large_is_refused(engine: Engine, filename: str, data: bytes) -> None:
    assert refusal(engine, filename, data).file_code is ErrorCode.TOO_LARGE_TO_PARSE


@pytest.mark.parametrize(
    ("filename", "data"),
    [
        ("a.odt", odf("text", '<text:p><text:s text:c="2000000000"/></text:p>')),
        ("a.odp", odf("presentation", '<draw:page><text:p><text:s text:c="2000000000"/></text:p></draw:page>')),
        ("a.ods", ods(repeated_cells(9_000, 1, '<text:p><text:s text:c="9000"/></text:p>'))),
        ("a.ods", ods(repeated_cells(9_000, 1, f"<text:p>{'long ' * 2_000}</text:p>"))),
    ],
)
def test_text_that_is_repeated_beyond_the_result_is_refused(engine: Engine, filename: str, data: bytes) -> None:
    assert refusal(engine, filename, data).file_code is ErrorCode.RESULT_TOO_LARGE


def test_the_refusal_says_how_large_the_tables_are(engine: Engine) -> None:
    assert "1000000 cells" in refusal(engine, "a.ods", ods(repeated_cells(1_000_000, 1))).message
    assert "2001 x 4001 cells" in refusal(engine, "a.csv", b"," * 4_000 + b"\n" + b"x\n" * 2_000).message


def test_empty_cells_that_pad_a_sheet_do_not_count(engine: Engine) -> None:
    file = parsed(engine, "a.ods", ods(repeated_cells(2, 2) + PADDING))
    (table,) = document_of(file)["tables"]
    assert (table["data"]["num_rows"], table["data"]["num_cols"]) == (2, 2)


def test_a_repeated_space_and_cell_of_ordinary_size_is_text(engine: Engine) -> None:
    cell = repeated_cells(3, 2, '<text:p>a<text:s text:c="3"/>b</text:p>')
    (table,) = document_of(parsed(engine, "a.ods", ods(cell)))["tables"]
    assert [cell["text"] for cell in table["data"]["table_cells"]] == ["a   b"] * 6


def test_the_cells_of_a_sheet_may_lie_far_apart(engine: Engine) -> None:
    tables = document_of(parsed(engine, "a.xlsx", xlsx("A1", "XFD1048576")))["tables"]
    assert [table["prov"][0]["bbox"]["l"] for table in tables] == [0, 16_383]


def test_an_ordinary_sheet_is_read_as_docling_reads_it(engine: Engine) -> None:
    from docling.backend.msexcel_backend import MsExcelDocumentBackend
    from docling.datamodel.base_models import InputFormat
    from docling.datamodel.document import InputDocument

    data = (DOCUMENTS / "figures.xlsx").read_bytes()
    theirs = InputDocument(
        path_or_stream=BytesIO(data), format=InputFormat.XLSX, filename="a.xlsx", backend=MsExcelDocumentBackend
    )
    backend = theirs._backend
    assert isinstance(backend, MsExcelDocumentBackend)
    ours = document_of(parsed(engine, "a.xlsx", data))
    assert ours["tables"] == orjson.loads(orjson.dumps(backend.convert().export_to_dict()["tables"]))


def test_a_chapter_that_a_book_lists_again_is_read_once(engine: Engine) -> None:
    nodes = orjson.loads(bytes(parsed(engine, "a.epub", epub("<p>Twelve boats</p>", 20_000)).nodes))
    assert "".join(node["text"] for node in nodes).count("Twelve boats") == 1


def test_brackets_that_take_too_long_to_match_are_refused(engine: Engine) -> None:
    for data in (b"[" * 50_000 + b"](" * 9_000, b"[" * 9_000 + b"x" * 50_000 + b"]" * 9_000):
        assert refusal(engine, "a.md", data).file_code is ErrorCode.TOO_LARGE_TO_PARSE


def test_a_paragraph_may_have_a_thousand_links(engine: Engine) -> None:
    file = parsed(engine, "a.md", b"See [a *page*](http://a.example/b_c) and\n" * 1_000)
    assert len(document_of(file)["texts"]) >= 1_000


def test_latex_is_parsed_within_the_call(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread would go on after the call, without its limits of time and memory."""
    monkeypatch.setattr(threading.Thread, "start", lambda thread: pytest.fail(f"{thread.name} was started"))
    nodes = orjson.loads(bytes(parsed(engine, "a.tex", b"\\begin{document}Twelve boats\\end{document}").nodes))
    assert "Twelve boats" in nodes[0]["text"]


def test_parts_that_nest_too_deeply_are_named_so(engine: Engine) -> None:
    refused = refusal(engine, "a.md", b">" * 2_000 + b" x\n")
    assert refused.message == "The file could not be read as .md: its parts are nested too deeply"
