"""Where docling's own test documents are, if they are at hand: beside the repository."""

from __future__ import annotations

from pathlib import Path

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
