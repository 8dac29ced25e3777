"""What docling finds under its `docling` entry point: the bundled models.

docling calls these hooks once per process when `allow_external_plugins` is set; imports stay inside so that the
native profile never loads a model library.
"""

from typing import Any


def layout_engines() -> dict[str, list[type[Any]]]:
    from actors.parser.bundled.layout.layout_model import BundledLayoutModel

    return {"layout_engines": [BundledLayoutModel]}


def table_structure_engines() -> dict[str, list[type[Any]]]:
    from actors.parser.bundled.tables.table_model import BundledTableModel

    return {"table_structure_engines": [BundledTableModel]}
