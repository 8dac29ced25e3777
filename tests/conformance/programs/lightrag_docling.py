"""LightRAG's docling parser: upload, poll, download the zip file, and read its bundle."""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ |= {"DOCLING_ENDPOINT": sys.argv[1], "DOCLING_FORCE_OCR": "false"}

from lightrag.parser.external.docling.client import DoclingRawClient

with tempfile.TemporaryDirectory() as folder:
    asyncio.run(DoclingRawClient().download_into(Path(folder), Path(sys.argv[2])))
    document = json.loads((Path(folder) / "notes.json").read_text())
    assert document["schema_name"] == "DoclingDocument"
    assert "ferry" in (Path(folder) / "notes.md").read_text()
