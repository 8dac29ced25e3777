"""EPUB books that list a chapter again and again. docling reads it each time; the standard allows it once."""

from __future__ import annotations

from docling.backend.epub_backend import EpubDocumentBackend


class Book(EpubDocumentBackend):
    """docling's reader, which reads each chapter once."""

    def _check_content_sizes(self) -> None:
        self.content_files = list(dict.fromkeys(self.content_files))
        super()._check_content_sizes()
