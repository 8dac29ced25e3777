"""How well the bundled profile reads tables: `python benchmarks/tables.py [PDF ...]`.

Draws tables of known content, converts them as the server would, and prints for each whether its rows and columns
are right and which share of its cells is: same place, same spans, same text. Of PDFs given by path the tables are
printed to look at.
"""

import sys
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.datamodel.base_models import DocumentStream, InputFormat
from docling.datamodel.pipeline_options import PdfPipelineOptions, RapidOcrOptions
from docling.document_converter import DocumentConverter, PdfFormatOption
from docling_core.types.doc.items.table.table_data import TableData

from actors.parser.engine.layout import BundledLayoutOptions
from actors.parser.engine.tables import BundledTableOptions
from benchmarks.made_tables import MADE_TABLES, MadeTable, pdf_of


@dataclass(frozen=True)
class Score:
    shape: tuple[int, int] | None  # rows and columns found; None when there was no table
    shape_right: bool
    cells_right: float
    headers_right: bool


NOT_FOUND = Score(None, shape_right=False, cells_right=0.0, headers_right=False)


def score(made: MadeTable, data: TableData) -> Score:
    found = {
        (c.start_row_offset_idx, c.start_col_offset_idx): (c.row_span, c.col_span, " ".join(c.text.split()))
        for c in data.table_cells
    }
    right = sum(found.get(place) == cell for place, cell in made.cells.items())
    headers = {cell.start_row_offset_idx for cell in data.table_cells if cell.column_header}
    return Score(
        shape=(data.num_rows, data.num_cols),
        shape_right=(data.num_rows, data.num_cols) == (len(made.rows), len(made.rows[0])),
        cells_right=right / len(made.cells),
        headers_right=headers == set(range(made.header_rows)),
    )


def bundled_converter() -> DocumentConverter:
    options = PdfPipelineOptions(
        allow_external_plugins=True,
        ocr_options=RapidOcrOptions(backend="onnxruntime"),
        layout_options=BundledLayoutOptions(),
        table_structure_options=BundledTableOptions(),
        batch_polling_interval_seconds=0.02,
        accelerator_options=AcceleratorOptions(num_threads=1, device="cpu"),
    )
    return DocumentConverter(format_options={InputFormat.PDF: PdfFormatOption(pipeline_options=options)})


def measure(converter: DocumentConverter, made: MadeTable) -> Score:
    stream = DocumentStream(name=f"{made.name}.pdf", stream=BytesIO(pdf_of(made)))
    tables = converter.convert(stream).document.tables
    return score(made, tables[0].data) if tables else NOT_FOUND


def main(paths: list[str]) -> None:
    converter = bundled_converter()
    scores = []
    print(f"{'table':24} {'want':>7} {'got':>7} shape headers cells  time")
    for made in MADE_TABLES:
        start = time.perf_counter()
        result = measure(converter, made)
        scores.append(result)
        want, got = f"{len(made.rows)}x{len(made.rows[0])}", "{}x{}".format(*result.shape) if result.shape else "none"
        marks = f"{'yes' if result.shape_right else 'NO':5} {'yes' if result.headers_right else 'NO':7}"
        print(
            f"{made.name:24} {want:>7} {got:>7} {marks} {result.cells_right:5.2f} {time.perf_counter() - start:5.2f}s"
        )
    count = len(scores)
    print(
        f"{count} tables: shape right {sum(s.shape_right for s in scores) / count:.3f}, "
        f"headers right {sum(s.headers_right for s in scores) / count:.3f}, "
        f"mean cell accuracy {sum(s.cells_right for s in scores) / count:.3f}"
    )
    for path in map(Path, paths):
        for table in converter.convert(path).document.tables:
            print(f"\n{path.name}: {table.data.num_rows}x{table.data.num_cols}")
            print(table.export_to_markdown())


if __name__ == "__main__":
    main(sys.argv[1:])
