"""haiku.rag: convert a PDF with pictures of its pages into a zip file, and cut the document, sent back as JSON."""

import asyncio
import sys
from pathlib import Path

from haiku.rag.chunkers.docling_serve import DoclingServeChunker
from haiku.rag.config import AppConfig
from haiku.rag.converters.docling_serve import DoclingServeConverter

config = AppConfig()
config.providers.docling_serve.base_url = sys.argv[1]
config.processing.chunking_tokenizer = "sentence-transformers/all-MiniLM-L6-v2"


async def main() -> None:
    report = Path(sys.argv[2]).with_name("report.pdf")
    document = await DoclingServeConverter(config).convert_file(report)
    assert sorted(document.pages) == [1, 2, 3, 4, 5, 6]
    for page in document.pages.values():
        picture = page.image.pil_image
        assert abs(picture.width - 2 * page.size.width) <= 1, (picture.size, page.size)
    chunks = await DoclingServeChunker(config).chunk(document)
    assert len(chunks) > 3
    assert all(chunk.metadata["doc_item_refs"] and chunk.metadata["page_numbers"] for chunk in chunks)


asyncio.run(main())
