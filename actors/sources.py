"""Which code this process runs, as far as it matters to somebody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]


def digest_of(sources: Iterable[Path]) -> str:
    """Of the text of some source files, whatever their order."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:16]
