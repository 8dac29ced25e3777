"""Names of documents in a zip file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actors.formats import suffix_of
from serve_app.archive import safe_name
from serve_app.docling_v1.files import UNNAMED


def stems(filenames: Iterable[str]) -> Iterator[str]:
    """The names without their suffixes, safe on every file system. A second `report` is `report_2`, and so on."""
    taken: set[str] = set()
    for filename in filenames:
        stem = safe_name(filename.removesuffix(filename[len(filename) - len(suffix_of(filename)) :])) or UNNAMED
        names = (stem, *(f"{stem}_{number}" for number in range(2, len(taken) + 2)))
        name = next(each for each in names if each not in taken)
        taken.add(name)
        yield name
