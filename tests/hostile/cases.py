"""Every hostile file, by its name."""

from __future__ import annotations

from tests.hostile import found, markup, offices, packages, pdfs, pictures, texts

CASES = pdfs.CASES | pictures.CASES | offices.CASES | markup.CASES | texts.CASES | packages.CASES | found.CASES
MAX_BYTES = 100_000
