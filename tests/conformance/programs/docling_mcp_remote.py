"""docling-mcp in remote mode: is the service there, and convert a file by its tool."""

import os
import sys

os.environ["DOCLING_MCP_SERVICE_URL"] = sys.argv[1]

from docling_mcp.shared import local_document_cache
from docling_mcp.tools.conversion import convert_document_into_docling_document
from docling_mcp.tools.converters.remote import RemoteDocumentConverter

assert RemoteDocumentConverter().is_available()
converted = convert_document_into_docling_document(sys.argv[2])
assert "ferry" in local_document_cache[converted.document_key].export_to_markdown()
