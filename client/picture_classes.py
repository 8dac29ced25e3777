"""The classes of pictures that docling's model tells, by docling's names."""

from __future__ import annotations

from typing import Literal, get_args

PictureClass = Literal[
    "bar_chart", "box_plot", "flow_chart", "line_chart", "pie_chart", "scatter_plot", "table", "other_chart",
    "full_page_image", "page_thumbnail", "photograph", "chemistry_structure", "bar_code", "icon", "logo", "qr_code",
    "signature", "stamp", "engineering_drawing", "screenshot_from_computer", "screenshot_from_manual",
    "geographical_map", "topographical_map", "calendar", "crossword_puzzle", "music", "other", "cad_drawing",
    "electrical_diagram", "map", "heatmap", "chemistry_markush_structure", "chemistry_molecular_structure",
    "natural_image", "picture_group", "remote_sensing", "scatter_chart", "screenshot", "stacked_bar_chart",
    "stratigraphic_chart",
]  # fmt: skip

PICTURE_CLASSES: tuple[PictureClass, ...] = get_args(PictureClass)
