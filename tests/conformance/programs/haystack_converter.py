"""docling-serve-haystack: convert a file in a synchronous call and as a task, and hear of a broken one."""

import sys
from pathlib import Path

from haystack.dataclasses import ByteStream
from haystack_integrations.components.converters.docling_serve import (
    ConversionMode,
    DoclingServeConverter,
    ExportType,
)

url, notes = sys.argv[1], Path(sys.argv[2])
for mode in (ConversionMode.SYNC, ConversionMode.ASYNC):
    for export_type, expected in ((ExportType.MARKDOWN, "ferry"), (ExportType.JSON, "DoclingDocument")):
        converter = DoclingServeConverter(base_url=url, export_type=export_type, mode=mode)
        [document] = converter.run(sources=[notes])["documents"]
        assert expected in document.content, document.content
    bad = ByteStream(b"garbage", mime_type="application/pdf", meta={"name": "bad.pdf"})
    assert DoclingServeConverter(base_url=url, mode=mode).run(sources=[bad])["documents"] == []
