"""The clients and models under the import path of the single-process server, for existing code."""

from client import (
    AsyncDoclingParserClient,
    BatchParseResponse,
    DoclingParserClient,
    HealthResponse,
    JobResultResponse,
    JobStatusEnum,
    JobStatusResponse,
    JobSubmitResponse,
    ParseResponse,
)

__all__ = [
    "AsyncDoclingParserClient",
    "BatchParseResponse",
    "DoclingParserClient",
    "HealthResponse",
    "JobResultResponse",
    "JobStatusEnum",
    "JobStatusResponse",
    "JobSubmitResponse",
    "ParseResponse",
]
