"""What one file may cost: pages, time and output, by its kind and its size. A tiny file must not take hours."""

from __future__ import annotations

from dataclasses import dataclass

from actors.formats import FAMILIES, suffix_of
from actors.messages import FileTask

KIB = 1024
MIB = 1024 * KIB

#: Families whose pages are read by models. A page of a scan has at least `PAGE_BYTES`.
PAGED = frozenset({"pdf", "image", "mets_gbs"})
PAGE_BYTES = 16 * KIB

#: Families that LibreOffice converts first. It takes seconds to start.
SLOW_TO_START = frozenset({"doc", "ppt", "xls", "rtf"})

#: Families that are ZIP archives. They hold many times their own size, and docling reads them slowly.
ARCHIVES = frozenset({"docx", "pptx", "xlsx", "odt", "ods", "odp", "epub", "dclx"}) | frozenset(
    {"iwork_pages", "iwork_keynote", "iwork_numbers"}
)

#: The times of other families, in page deadlines: for any file, and for each MiB. They are 20 times what the slowest
#: file takes, for each byte (docs/reliability.md).
FLOOR = 0.125
EACH_MIB = 12.0
EACH_MIB_OF = dict.fromkeys(ARCHIVES, 60.0) | {"epub": 120.0, "ods": 120.0}

#: Files above this time get less for each further MiB: four times what the slowest text takes.
CEILING = 16.0
EACH_MIB_OF_A_LARGE_FILE = 2.4

#: What a page may take with code or formulas to read anew, in page deadlines: the model writes them word by word.
WRITTEN_ANEW = 5

#: The time to put one parsed page into its document, in page deadlines.
ASSEMBLY_OF_A_PAGE = 0.01

#: Without `max_result_bytes`: the bytes of output for each byte of input, and for any file. Tables have the most: the
#: result of a sheet or a CSV file is up to 85 times as large as the file.
OUTPUT_FACTOR = 200
OUTPUT_FLOOR = 64 * MIB
OUTPUT_CEILING = 1024 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The server's limits for one file. Every call of a parser has a deadline that follows from them.

    The parser ends itself when a call passes its deadline; a page may take `page_deadline_s`.
    """

    page_deadline_s: float = 60.0
    max_pages: int = 10_000
    max_result_bytes: int | None = None

    def opening_s(self, task: FileTask, split_above: int) -> float:
        """The deadline of a call that opens the file, and parses it when it has no more pages than `split_above`."""
        family = FAMILIES.get(suffix_of(task.filename), "")
        if family in PAGED or not family:  # a name without a known suffix: the content may be pages
            return self.whole_s(task, max(split_above, 1))
        floor = 1.0 if family in SLOW_TO_START else FLOOR
        mib = task.size / MIB
        small = floor + EACH_MIB_OF.get(family, EACH_MIB) * mib
        return self.page_deadline_s * min(small, CEILING + EACH_MIB_OF_A_LARGE_FILE * mib)

    def pages_s(self, task: FileTask, pages: int) -> float:
        """The deadline of a call that parses so many pages of a file."""
        anew = task.options.do_code_enrichment or task.options.do_formula_enrichment
        return self.page_deadline_s * pages * (WRITTEN_ANEW if anew else 1)

    def whole_s(self, task: FileTask, pages: int) -> float:
        """The deadline of a call that parses `pages` pages of one file. A small file can declare thousands of pages,
        so its bytes count too."""
        return self.pages_s(task, min(pages, 1 + task.size // PAGE_BYTES))

    def assembly_s(self, task: FileTask, pages: int) -> float:
        """The deadline of a call that makes a document of so many parsed pages."""
        return self.opening_s(task, 1) + self.page_deadline_s * ASSEMBLY_OF_A_PAGE * pages

    def result_bytes(self, size: int) -> int:
        """The bytes of nodes and document that a file of `size` bytes may have."""
        if self.max_result_bytes is not None:
            return self.max_result_bytes
        return min(max(OUTPUT_FLOOR, OUTPUT_FACTOR * size), OUTPUT_CEILING)
