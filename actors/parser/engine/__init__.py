"""From bytes to a document, through docling."""

from actors.parser.engine import lean_docling

lean_docling.load()
