"""The import path that code written for the single-process server uses: the same clients and models."""

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
