"""The part of an item that stands on each of its pages: docling makes one item of a paragraph that runs over pages."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from docling_core.types.doc.common.reference import ProvenanceItem
from docling_core.types.doc.items.text import TextItem


def parts_of(item: TextItem) -> Mapping[int, str]:
    """The text of an item by page. Parts on one page are joined by a space.

    An item whose places do not add up to its text stands as a whole on its first page.
    """
    if len(item.prov) == 1:
        return {item.prov[0].page_no: item.text}
    pages = [place.page_no for place in item.prov]
    starts = _starts(item) if len(set(pages)) > 1 else None
    if starts is None:
        return dict.fromkeys(pages[:1], item.text)
    parts: dict[int, str] = {}
    for page, (start, end) in zip(pages, pairwise([*starts, len(item.text)]), strict=True):
        part = item.text[start:end]
        if end < len(item.text) and not part.endswith(" "):
            part += "-"  # docling removes the hyphen of a word that runs over two pages
        parts[page] = f"{parts[page]} {part.strip()}" if page in parts else part.strip()
    return parts


def _starts(item: TextItem) -> list[int] | None:
    """Where the parts begin in the item's text. None where the places do not add up to it.

    docling appends a part after a space, or directly where it has removed a hyphen. In both cases the part's span
    begins one character after the text that was there before.
    """
    ends = [place.charspan[0] - 1 for place in item.prov[1:]] + [len(item.text)]
    starts = [end - _length(place) for end, place in zip(ends, item.prov, strict=True)]
    gaps = [start - end for end, start in zip(ends, starts[1:], strict=False)]
    return starts if starts[0] == 0 and all(gap in (1, -1) for gap in gaps) else None


def _length(place: ProvenanceItem) -> int:
    start, end = place.charspan
    return end - start
