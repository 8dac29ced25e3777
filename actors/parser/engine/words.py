"""Counts the words that were read on each page, and those of them that are in the document.

A word is a run of characters between spaces that has a letter or a digit. Only its letters and digits count, in
Unicode's compatibility form: a PDF writes ligatures, quotation marks and hyphens that docling replaces. A word that
docling joins with its neighbours ("algo-" and "rithms"), or splits, is kept as well.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from docling.datamodel.base_models import Page
from docling_core.types.doc.common.content_layer import ContentLayer
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.code import CodeItem
from docling_core.types.doc.items.node import DocItem
from docling_core.types.doc.items.table.table import TableItem
from docling_core.types.doc.items.table.table_data import RichTableCell
from docling_core.types.doc.items.text import FormulaItem, ListItem, TextItem

from actors.parser.engine.content import items_below
from actors.parser.engine.page_parts import parts_of
from actors.parser.engine.page_text import text_read
from client.models import FileWarning, WarningCode

WordsByPage = Mapping[int, Sequence[str]]

#: The ASCII characters that count in no word and part none.
_PUNCTUATION = str.maketrans("", "", "".join(c for c in map(chr, range(128)) if not (c.isalnum() or c.isspace())))

#: How many of the missing words a warning quotes.
QUOTED = 5


@dataclass(frozen=True, slots=True)
class Count:
    """How many words were read; by page those that are not in the document, and those that are in it more often than
    they were read; and how many are inside figures. `read` and `in_figures` are None without a count."""

    read: int | None = None
    lost: WordsByPage = field(default_factory=dict)
    doubled: WordsByPage = field(default_factory=dict)
    in_figures: int | None = None

    @property
    def totals(self) -> dict[str, int | None]:
        """The fields `words_read`, `words_kept` and `words_in_figures` of a file's parser."""
        kept = None if self.read is None else self.read - sum(map(len, self.lost.values()))
        return {"words_read": self.read, "words_kept": kept, "words_in_figures": self.in_figures}

    @property
    def warnings(self) -> list[FileWarning]:
        """A warning for each page that lost words, and for each that has words twice."""
        return [
            *_warnings(WarningCode.WORDS_LOST, "are not in the document", self.lost),
            *_warnings(WarningCode.WORDS_DOUBLED, "are in the document more often than on the page", self.doubled),
        ]


def _warnings(code: WarningCode, what: str, pages: WordsByPage) -> Iterator[FileWarning]:
    for page, words in sorted(pages.items()):
        message = f"{len(words)} of the page's words {what}: {quoted(words)}"
        yield FileWarning(code=code, message=message, page_number=page)


def quoted(words: Sequence[str]) -> str:
    """The first of the words, for a warning."""
    return ", ".join([*words[:QUOTED], *(["…"] if len(words) > QUOTED else ())])


def count(pages: Iterable[Page], document: DoclingDocument) -> Count:
    """Compare the words read on each page with the words of the document."""
    kept = texts_by_page(document)
    read, lost, doubled = 0, {}, {}
    for page in pages:
        text, texts = text_read(page), kept.get(page.page_no, ())
        words = words_of(text)
        read += len(words)
        if text != "\n".join(texts) and Counter(words) != Counter(in_document := _words_of_all(texts)):
            lost[page.page_no] = missing(words, in_document)
            doubled[page.page_no] = added(words, in_document)
    return Count(
        read=read,
        lost={number: words for number, words in lost.items() if words},
        doubled={number: words for number, words in doubled.items() if words},
        in_figures=words_in_figures(document),
    )


def words_of(text: str) -> list[str]:
    """The words of a text, each by its letters and digits."""
    if text.isascii():  # then it is in its compatibility form
        return text.translate(_PUNCTUATION).split()
    folded = ("".join(filter(str.isalnum, unicodedata.normalize("NFKC", run))) for run in text.split())
    return [word for word in folded if word]


def words_by_page(document: DoclingDocument) -> WordsByPage:
    """The words of all items by page, in the document's order, whatever their content layer."""
    return {page: _words_of_all(texts) for page, texts in texts_by_page(document).items()}


def texts_by_page(document: DoclingDocument) -> Mapping[int, Sequence[str]]:
    """The texts of all items by page, likewise."""
    by_page: defaultdict[int, list[str]] = defaultdict(list)
    for item in items_below(document, document.body):
        for page, text in _texts(item):
            by_page[page].append(text)
    return by_page


def _words_of_all(texts: Iterable[str]) -> list[str]:
    return [word for text in texts for word in words_of(text)]


def words_in_figures(document: DoclingDocument) -> int:
    """How many words docling's exports leave out: those inside figures, and of formulas that no model has read."""
    if not document.pictures and not any(isinstance(item, FormulaItem) for item in document.texts):
        return 0
    shown = {item.self_ref for item in _items(document, in_figures=False) if not _is_unread_formula(item)}
    hidden = [item for item in _items(document, in_figures=True) if item.self_ref not in shown]
    return sum(len(words_of(text)) for item in hidden for _, text in _texts(item))


def _items(document: DoclingDocument, *, in_figures: bool) -> Iterator[DocItem]:
    every = document.iterate_items(traverse_pictures=in_figures, included_content_layers=set(ContentLayer))
    return (item for item, _ in every if isinstance(item, DocItem))


def _is_unread_formula(item: DocItem) -> bool:
    return isinstance(item, FormulaItem) and not item.text


def _texts(item: DocItem) -> Iterator[tuple[int, str]]:
    """The item's own text by page. The text of a rich table cell is in items of its own.

    A model may have written the text of code and formulas anew. Then that of the page counts.
    """
    if isinstance(item, TableItem) and item.prov:
        cells = [cell.text for cell in item.data.table_cells if not isinstance(cell, RichTableCell)]
        yield item.prov[0].page_no, "\n".join(cells)
    elif isinstance(item, CodeItem | FormulaItem) and len(item.prov) == 1:
        yield item.prov[0].page_no, item.orig or item.text
    elif isinstance(item, TextItem):
        marker = f"{item.marker} " if isinstance(item, ListItem) else ""
        for page, text in parts_of(item).items():
            yield page, marker + (text or item.orig)
            marker = ""


def missing(read: Sequence[str], kept: Sequence[str]) -> list[str]:
    """The words of `read` that are not in `kept`."""
    wanted = Counter(read) - Counter(kept)
    if not wanted:
        return []
    spare = Counter(kept) - Counter(read)
    run = "".join(_take(kept, spare))  # in the document's order: neighbours that were one word stand together
    lost = []
    for word in sorted(_take(read, wanted), key=len, reverse=True):
        if word in run:
            run = run.replace(word, "\n", 1)
        else:
            lost.append(word)
    return lost


def added(read: Sequence[str], kept: Sequence[str]) -> list[str]:
    """The words of `kept` that are not in `read`, in whatever order a PDF has the two parts of a word."""
    spare = Counter(read) - Counter(kept)
    return [word for word in missing(kept, read) if not _takes_parts(word, spare)]


def _takes_parts(word: str, spare: Counter[str]) -> bool:
    """Whether `spare` words make up the word. Then they no longer are spare."""
    parts: Counter[str] = Counter()
    while word:
        begins = (part for part in spare if spare[part] > parts[part] and word.startswith(part))
        part = max(begins, key=len, default=None)
        if part is None:
            return False
        parts[part] += 1
        word = word.removeprefix(part)
    spare.subtract(parts)
    return True


def _take(words: Iterable[str], wanted: Counter[str]) -> Iterator[str]:
    """The `wanted` ones of `words`, in order."""
    left = wanted.copy()
    for word in words:
        if left[word]:
            left[word] -= 1
            yield word
