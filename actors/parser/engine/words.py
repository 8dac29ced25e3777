"""Counts the words that were read on each page, and those of them that are in the document.

A word is a run of characters between spaces that has a letter or a digit. Only its letters and digits count, in
Unicode's compatibility form: a PDF writes ligatures, quotation marks and hyphens that docling replaces. A word that
docling joins with its neighbours ("algo-" and "rithms"), or splits, is kept as well.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from docling.datamodel.base_models import Page
from docling_core.types.doc.common.content_layer import ContentLayer
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.node import DocItem
from docling_core.types.doc.items.table.table import TableItem
from docling_core.types.doc.items.table.table_data import RichTableCell
from docling_core.types.doc.items.text import ListItem, TextItem

from actors.parser.engine.page_parts import parts_of
from actors.parser.engine.page_text import text_read
from client.models import FileWarning, WarningCode

#: How many of a page's missing words a warning quotes.
QUOTED = 5


@dataclass(frozen=True, slots=True)
class Count:
    """How many words were read, and by page those that are not in the document. `read` is None without a count."""

    read: int | None = None
    lost: Mapping[int, Sequence[str]] = field(default_factory=dict)

    @property
    def totals(self) -> dict[str, int | None]:
        """The fields `words_read` and `words_kept` of a file's parser."""
        kept = None if self.read is None else self.read - sum(map(len, self.lost.values()))
        return {"words_read": self.read, "words_kept": kept}

    @property
    def warnings(self) -> list[FileWarning]:
        """A warning for each page that lost words."""
        return [
            FileWarning(code=WarningCode.WORDS_LOST, message=_quoting(words), page_number=page)
            for page, words in sorted(self.lost.items())
        ]


def _quoting(words: Sequence[str]) -> str:
    more = ", …" if len(words) > QUOTED else ""
    return f"{len(words)} of the page's words are not in the document: {', '.join(words[:QUOTED])}{more}"


def count(pages: Iterable[Page], document: DoclingDocument) -> Count:
    """Compare the words read on each page with the words of the document."""
    kept = words_by_page(document)
    read = {page.page_no: words_of(text_read(page)) for page in pages}
    lost = {number: missing(words, kept.get(number, ())) for number, words in read.items()}
    return Count(sum(map(len, read.values())), {number: words for number, words in lost.items() if words})


def words_of(text: str) -> list[str]:
    """The words of a text, each by its letters and digits."""
    folded = ("".join(filter(str.isalnum, unicodedata.normalize("NFKC", run))) for run in text.split())
    return [word for word in folded if word]


def words_by_page(document: DoclingDocument) -> Mapping[int, list[str]]:
    """The words of all items by page, in the document's order, whatever their content layer."""
    words: dict[int, list[str]] = {}
    layers = set(ContentLayer)
    for item, _ in document.iterate_items(traverse_pictures=True, included_content_layers=layers):
        for page, text in _texts(item) if isinstance(item, DocItem) else ():
            words.setdefault(page, []).extend(words_of(text))
    return words


def _texts(item: DocItem) -> Iterator[tuple[int, str]]:
    """The item's own text by page. The text of a rich table cell is in items of its own."""
    if isinstance(item, TableItem) and item.prov:
        cells = [cell.text for cell in item.data.table_cells if not isinstance(cell, RichTableCell)]
        yield item.prov[0].page_no, "\n".join(cells)
    elif isinstance(item, TextItem):
        marker = f"{item.marker} " if isinstance(item, ListItem) else ""
        for page, text in parts_of(item).items():
            yield page, marker + (text or item.orig)
            marker = ""


def missing(read: Sequence[str], kept: Sequence[str]) -> list[str]:
    """The words of `read` that are not in `kept`."""
    spare = Counter(kept) - Counter(read)
    run = "".join(_take(kept, spare))  # in the document's order: neighbours that were one word stand together
    lost = []
    for word in sorted(_take(read, Counter(read) - Counter(kept)), key=len, reverse=True):
        if word in run:
            run = run.replace(word, "\n", 1)
        else:
            lost.append(word)
    return lost


def _take(words: Iterable[str], wanted: Counter[str]) -> Iterator[str]:
    """The `wanted` ones of `words`, in order."""
    left = wanted.copy()
    for word in words:
        if left[word]:
            left[word] -= 1
            yield word
