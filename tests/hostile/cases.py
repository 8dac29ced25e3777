"""Every hostile file, by its name."""

from __future__ import annotations

from tests.hostile import found, markup, offices, pdfs, pictures

CASES = pdfs.CASES | pictures.CASES | offices.CASES | markup.CASES | found.CASES
MAX_BYTES = 100_000
