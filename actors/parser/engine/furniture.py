"""Decides which items of a document are furniture: running headers, running footers and page numbers.

A layout model sees one page, so its headers and footers are candidates. The decision needs all pages, and is taken
when they are assembled. A split document and an unsplit one come to the same decision.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from docling.datamodel.base_models import AssembledUnit, FigureElement, Page, PageElement, Table, TextElement
from docling.models.base_layout_model import PAGE_HEADER_LABELS
from docling_core.types.doc.labels import DocItemLabel

from actors.parser.engine.page_text import text_element
from actors.parser.engine.words import words_of

#: A running header stands on at least this many pages, and on at least this share of the document's pages.
FEWEST_PAGES = 2
SMALLEST_SHARE = 1 / 3
#: How far apart two items in the same place may be, as a share of the page's height.
SAME_PLACE = 0.02

#: The body shows no text of these. A formula has none until a formula model reads it.
_SHOWS_NOTHING = (*PAGE_HEADER_LABELS, DocItemLabel.FORMULA)

_ROMAN = r"(?=[ivxlc])c{0,3}(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})"
#: A number of four digits is as often a year. It needs the evidence of other pages.
_PAGE_NUMBER = re.compile(
    rf"(page\s+|seite\s+|[-–(]\s*)?(\d{{1,3}}|{_ROMAN})(\s*[-–)]|\s*(of|von|/)\s*\d+)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that may be furniture: its page, its text without digits, and its height as a share of the page's."""

    page: int
    element: TextElement
    label: DocItemLabel
    text: str
    height: float


def settle(pages: Sequence[Page]) -> None:
    """Label the furniture of a document. Every page that has words keeps some of them in its body."""
    enough = max(FEWEST_PAGES, ceil(SMALLEST_SHARE * len(pages)))
    for alike in _by_text(candidate for page in pages for candidate in _candidates(page)).values():
        for candidate in alike:
            if _is_page_number(candidate.element.text) or len(_pages_in_place(candidate, alike)) >= enough:
                _label(candidate.element, candidate.label)
    for page in pages:
        _keep_some_text(page)


def _candidates(page: Page) -> Iterator[Candidate]:
    """A layout model of ours names the label that an item takes as furniture. docling's own models decide alone."""
    for element in page.assembled.elements if page.assembled else ():
        label = getattr(element.cluster, "furniture", None)
        if label and isinstance(element, TextElement) and page.size:
            text = re.sub(r"\d+", "#", " ".join(element.text.split()))
            box = element.cluster.bbox
            yield Candidate(page.page_no, element, label, text, (box.t + box.b) / 2 / page.size.height)


def _by_text(candidates: Iterable[Candidate]) -> Mapping[str, list[Candidate]]:
    alike: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        alike[candidate.text].append(candidate)
    return alike


def _pages_in_place(candidate: Candidate, alike: Sequence[Candidate]) -> set[int]:
    """The pages that have the same text in the same place."""
    return {other.page for other in alike if abs(other.height - candidate.height) <= SAME_PLACE}


def _is_page_number(text: str) -> bool:
    return _PAGE_NUMBER.fullmatch(text.strip()) is not None


def _label(element: PageElement, label: DocItemLabel) -> None:
    element.label = element.cluster.label = label


def _keep_some_text(page: Page) -> None:
    """Where furniture and figures hold all words of a page, put them into its body, and page numbers if there is
    nothing else."""
    elements = page.assembled.elements if page.assembled else []
    if not any(_shows_words(element) for element in elements):
        elements = [part for element in elements for part in _freed(element)]
        texts = [element for element in elements if isinstance(element, TextElement) and words_of(element.text)]
        for text in [text for text in texts if not _is_page_number(text.text)] or texts:
            if text.label in _SHOWS_NOTHING:
                _label(text, DocItemLabel.TEXT)
    headers = [element for element in elements if element.label in PAGE_HEADER_LABELS]
    body = [element for element in elements if element.label not in PAGE_HEADER_LABELS]
    page.assembled = AssembledUnit(elements=elements, headers=headers, body=body)


def _shows_words(element: PageElement) -> bool:
    """Whether the body of the page shows words of the element."""
    if isinstance(element, Table):
        return any(words_of(cell.text) for cell in element.cluster.cells)
    return isinstance(element, TextElement) and element.label not in _SHOWS_NOTHING and bool(words_of(element.text))


def _freed(element: PageElement) -> Iterator[PageElement]:
    """The element; then the texts of a figure as items of their own."""
    yield element
    if isinstance(element, FigureElement):
        yield from (text_element(element.page_no, child) for child in element.cluster.children)
        element.cluster.children = []
