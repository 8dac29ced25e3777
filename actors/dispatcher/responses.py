"""A file's ParseResponse as JSON, for those who store it or hand it over."""

from __future__ import annotations

from typing import Any

import orjson

from actors.messages import Failure, ParsedFile
from client.models import ErrorCode, PageFailure


def response_body(filename: str, result: ParsedFile | Failure, elapsed_ms: float) -> bytes:
    """A file's ParseResponse as JSON."""
    entry = _success(result) if isinstance(result, ParsedFile) else _failed(result)
    return orjson.dumps({"filename": filename, "processing_time_ms": elapsed_ms, **entry})


def _success(parsed: ParsedFile) -> dict[str, Any]:
    return {
        "success": True,
        "nodes": orjson.Fragment(parsed.nodes),  # already JSON: not decoded and encoded again
        "num_nodes": parsed.num_nodes,
        "error": _lost_pages_message(parsed.lost),
        "error_code": ErrorCode.PAGES_LOST if parsed.lost else None,
        "pages_failed": [page.model_dump() for page in parsed.lost],
        "warnings": [warning.model_dump() for warning in parsed.warnings],
        "parser": parsed.parser.model_dump(),
        "confidence": parsed.confidence.model_dump(),
        "cached": parsed.cached,
    }


def _failed(failure: Failure) -> dict[str, Any]:
    return {
        "success": False,
        "nodes": [],
        "num_nodes": 0,
        "error": failure.message,
        "error_code": failure.code,
        "pages_failed": [],
        "warnings": [],
        "parser": None,
        "confidence": None,
        "cached": False,
    }


def _lost_pages_message(lost: tuple[PageFailure, ...]) -> str | None:
    if not lost:
        return None
    return f"Lost page{'s' if len(lost) > 1 else ''} {', '.join(str(page.page_number) for page in lost)}"
