"""The bundled models as docling plugins: docling finds this module through its `docling` entry point.

docling calls these functions once per process when `allow_external_plugins` is set. The imports are inside the
functions, so the native profile never loads a model library.
"""

from typing import Any


def layout_engines() -> dict[str, list[type[Any]]]:
    """The layout models that docling can choose by their options class."""
    from actors.parser.bundled.layout.layout_model import BundledLayoutModel

    return {"layout_engines": [BundledLayoutModel]}


def ocr_engines() -> dict[str, list[type[Any]]]:
    """The OCR models that docling can choose by their options class."""
    from actors.parser.bundled.ocr.ocr_model import BundledOcrModel

    return {"ocr_engines": [BundledOcrModel]}


def table_structure_engines() -> dict[str, list[type[Any]]]:
    """The table models that docling can choose by their options class."""
    from actors.parser.bundled.tables.table_model import BundledTableModel

    return {"table_structure_engines": [BundledTableModel]}
