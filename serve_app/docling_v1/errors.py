"""Errors as docling-serve's clients read them: `detail` is a text, or a list for invalid values.

The other members of docfleet's problems stand beside it.
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import Response

from client.models import ErrorCode
from serve_app.docling_v1.models import DoclingProblem, InvalidValue
from serve_app.docling_v1.requests import Invalid
from serve_app.problems import PROBLEM_JSON

#: docling's SDK tells by the exact text that a task is unknown, and by its beginning that there is no result.
TASK_NOT_FOUND = "Task not found."
NOT_READY = "Task result not found. Please wait for a completion status."
EXPIRED = "Task result not found. It was removed after its time to live."


class NotThere(Exception):
    """A task, or its result, that does not exist. `detail` is one of the texts above."""

    def __init__(self, detail: str, code: ErrorCode) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code


def install_errors(api: FastAPI) -> None:
    api.add_exception_handler(Invalid, _on_invalid)  # type: ignore[arg-type] # Starlette asks for any Exception
    api.add_exception_handler(NotThere, _on_not_there)  # type: ignore[arg-type]


async def _on_invalid(request: Request, error: Invalid) -> Response:
    return _problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, ErrorCode.INVALID_OPTION, error.errors)


async def _on_not_there(request: Request, error: NotThere) -> Response:
    return _problem(request, HTTPStatus.NOT_FOUND, error.code, error.detail)


def _problem(request: Request, status: HTTPStatus, code: ErrorCode, detail: str | list[InvalidValue]) -> Response:
    request_id = request.state.request_id
    body = DoclingProblem(title=status.phrase, status=status, detail=detail, code=code, request_id=request_id)
    return Response(body.model_dump_json(), status, media_type=PROBLEM_JSON)
