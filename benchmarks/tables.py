"""How well the bundled profile reads tables: `python -m benchmarks.tables [--known-boxes] [PDF ...]`.

Draws tables of known content, converts them with the bundled models, and prints for each whether its rows, columns
and headers are right, and the share of its cells that are: same place, same spans, same text. `--known-boxes` gives
each table's box instead of running the layout model, so it measures the table model alone. For PDFs given by path it
prints the tables.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import mean

from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.datamodel.base_models import Cluster, DocumentStream, InputFormat, LayoutPrediction, Page
from docling.datamodel.document import ConversionResult
from docling.datamodel.pipeline_options import RapidOcrOptions, ThreadedPdfPipelineOptions
from docling.document_converter import DocumentConverter, FormatOption, PdfFormatOption
from docling.pipeline.standard_pdf_pipeline import StandardPdfPipeline
from docling_core.types.doc.base import BoundingBox, CoordOrigin
from docling_core.types.doc.items.table.table_data import TableData
from docling_core.types.doc.labels import DocItemLabel

from actors.parser.bundled.layout.layout_model import BundledLayoutModel, BundledLayoutOptions
from actors.parser.bundled.tables.table_model import BundledTableOptions
from benchmarks.made_tables import MADE_TABLES, MadeTable, box_of, pdf_of


@dataclass(frozen=True)
class Score:
    shape: str  # rows x columns found, or "none"
    shape_right: bool
    headers_right: bool
    cells_right: float  # share, 0 to 1


NOT_FOUND = Score("none", shape_right=False, headers_right=False, cells_right=0.0)


def score(made: MadeTable, data: TableData) -> Score:
    found = {
        (cell.start_row_offset_idx, cell.start_col_offset_idx): (cell.row_span, cell.col_span, cell.text)
        for cell in data.table_cells
    }
    headers = {cell.start_row_offset_idx for cell in data.table_cells if cell.column_header}
    return Score(
        shape=f"{data.num_rows}x{data.num_cols}",
        shape_right=(data.num_rows, data.num_cols) == (len(made.rows), len(made.rows[0])),
        headers_right=headers == set(range(made.header_rows)),
        cells_right=mean(found.get(place) == cell for place, cell in made.cells.items()),
    )


class KnownBox(BundledLayoutModel):
    """A layout model that finds one table, in a given place."""

    box: tuple[float, float, float, float]

    def predict_layout(self, conv_res: ConversionResult, pages: Sequence[Page]) -> list[LayoutPrediction]:
        box = BoundingBox.from_tuple(self.box, CoordOrigin.TOPLEFT)
        return [
            LayoutPrediction(clusters=[Cluster(id=0, label=DocItemLabel.TABLE, bbox=box, confidence=1.0)])
            for _ in pages
        ]


class KnownBoxPipeline(StandardPdfPipeline):
    def __init__(self, pipeline_options: ThreadedPdfPipelineOptions) -> None:
        super().__init__(pipeline_options)
        self.layout_model = KnownBox(None, pipeline_options.accelerator_options, BundledLayoutOptions())


def bundled_converter(pipeline: type[StandardPdfPipeline] = StandardPdfPipeline) -> DocumentConverter:
    options = ThreadedPdfPipelineOptions(
        allow_external_plugins=True,
        ocr_options=RapidOcrOptions(backend="onnxruntime"),
        layout_options=BundledLayoutOptions(),
        table_structure_options=BundledTableOptions(),
        batch_polling_interval_seconds=0.02,
        accelerator_options=AcceleratorOptions(num_threads=1, device="cpu"),
    )
    pdf: FormatOption = PdfFormatOption(pipeline_cls=pipeline, pipeline_options=options)
    return DocumentConverter(format_options={InputFormat.PDF: pdf})


def measure(converter: DocumentConverter, made: MadeTable) -> Score:
    KnownBox.box = box_of(made)
    stream = DocumentStream(name=f"{made.name}.pdf", stream=BytesIO(pdf_of(made)))
    tables = converter.convert(stream).document.tables
    return score(made, tables[0].data) if tables else NOT_FOUND


def report(converter: DocumentConverter) -> None:
    print(f"{'table':22} {'want':>6} {'got':>6} shape headers cells  time")
    scores = []
    for made in MADE_TABLES:
        start = time.perf_counter()
        result = measure(converter, made)
        scores.append(result)
        shape, headers = ("yes" if right else "NO" for right in (result.shape_right, result.headers_right))
        row = f"{made.name:22} {f'{len(made.rows)}x{len(made.rows[0])}':>6} {result.shape:>6} {shape:5} {headers:7}"
        print(f"{row} {result.cells_right:5.2f} {time.perf_counter() - start:5.2f}s")
    print(
        f"{len(scores)} tables: shape {mean(s.shape_right for s in scores):.3f}, "
        f"headers {mean(s.headers_right for s in scores):.3f}, cells {mean(s.cells_right for s in scores):.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--known-boxes", action="store_true", help="give each table's box instead of finding it")
    parser.add_argument("pdfs", nargs="*", type=Path, help="PDFs whose tables are printed")
    arguments = parser.parse_args()
    report(bundled_converter(KnownBoxPipeline if arguments.known_boxes else StandardPdfPipeline))
    for path in arguments.pdfs:
        document = bundled_converter().convert(path).document
        for table in document.tables:
            print(f"\n{path.name}: {table.data.num_rows}x{table.data.num_cols}\n{table.export_to_markdown(document)}")


if __name__ == "__main__":
    main()
