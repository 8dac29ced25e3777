"""Turns every error into an RFC 9457 problem+json response with `detail`, a stable `code` and the request id.

`STATUS` maps codes to HTTP statuses. Domain errors carry their code. The API itself raises `Refused`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from actors.errors import DocfleetError, StoreUnavailable
from actors.telemetry.logs import get_logger
from actors.telemetry.retries import OnceAMinute, cause_of
from client.models import ErrorCode, Problem

log = get_logger()

PROBLEM_JSON = "application/problem+json"

STATUS: Mapping[ErrorCode, HTTPStatus] = {
    ErrorCode.MALFORMED_REQUEST: HTTPStatus.BAD_REQUEST,
    ErrorCode.INVALID_REQUEST: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.NO_FILES: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.UNKNOWN_OPTION: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.INVALID_OPTION: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.UNKNOWN_TOKENIZER: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.INVALID_METADATA: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.CALLBACK_REFUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.INVALID_SOURCE: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.SOURCE_REFUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.IDEMPOTENCY_MISMATCH: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.FILE_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ErrorCode.UNSUPPORTED_FORMAT: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ErrorCode.UNSUPPORTED_ENCODING: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ErrorCode.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
    ErrorCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    ErrorCode.JOB_NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.JOB_EXPIRED: HTTPStatus.GONE,
    ErrorCode.JOB_ENDED: HTTPStatus.CONFLICT,
    ErrorCode.RESULT_NOT_READY: HTTPStatus.CONFLICT,
    ErrorCode.EXPORT_UNAVAILABLE: HTTPStatus.CONFLICT,
    ErrorCode.PAGE_NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.NO_PAGE_PICTURE: HTTPStatus.NOT_FOUND,
    ErrorCode.FILE_ENCRYPTED: HTTPStatus.NOT_FOUND,
    ErrorCode.INPUT_GONE: HTTPStatus.GONE,
    ErrorCode.BOX_OUTSIDE_PAGE: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.PICTURE_TOO_LARGE: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.PICTURES_NOT_KEPT: HTTPStatus.CONFLICT,
    ErrorCode.IDEMPOTENCY_CONFLICT: HTTPStatus.CONFLICT,
    ErrorCode.TOO_MANY_REQUESTS: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.QUEUE_FULL: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.STORE_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    # Answers of `POST /parse` when the whole job failed.
    ErrorCode.CANCELLED: HTTPStatus.CONFLICT,
    ErrorCode.DEADLINE_EXCEEDED: HTTPStatus.GATEWAY_TIMEOUT,
    ErrorCode.POISON: HTTPStatus.INTERNAL_SERVER_ERROR,
}

#: Codes for Starlette's own errors.
_CODE_OF_STATUS = {
    HTTPStatus.BAD_REQUEST: ErrorCode.MALFORMED_REQUEST,
    HTTPStatus.NOT_FOUND: ErrorCode.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: ErrorCode.METHOD_NOT_ALLOWED,
}

#: What follows Starlette's own words. `{}` are the method and the path.
_WHERE_TO_LOOK = {
    ErrorCode.NOT_FOUND: ". There is no route {} {}; GET /docs describes all routes",
    ErrorCode.METHOD_NOT_ALLOWED: ". {} is not a method of {}; the Allow header names those that are",
}


class Refused(Exception):
    """The API refuses a request. `detail` is for the user; `retry_after` is in seconds."""

    def __init__(self, code: ErrorCode, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after


def install_problems(api: FastAPI) -> None:
    """Answer the errors of `api` with problems. The middleware answers unexpected errors with `on_unknown`."""
    api.add_exception_handler(Refused, _on_refused)  # type: ignore[arg-type] # Starlette asks for any Exception
    api.add_exception_handler(DocfleetError, partial(_on_domain_error, OnceAMinute()))
    api.add_exception_handler(RequestValidationError, _on_invalid)  # type: ignore[arg-type]
    api.add_exception_handler(HTTPException, _on_http_error)  # type: ignore[arg-type]


def problem(
    code: ErrorCode,
    detail: str,
    request_id: str | None,
    *,
    retry_after: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    status = STATUS.get(code, HTTPStatus.INTERNAL_SERVER_ERROR)  # the code of a file, when it ended the whole job
    body = Problem(title=status.phrase, status=status, detail=detail, code=code, request_id=request_id)
    extra = dict(headers or {})
    if retry_after is not None:
        extra["Retry-After"] = str(retry_after)
    return Response(body.model_dump_json(), status, extra, PROBLEM_JSON)


def on_unknown(request_id: str) -> Response:
    """The answer to a bug. The log has the traceback under the request id."""
    return problem(
        ErrorCode.INTERNAL, "Internal server error. The server's log has details under this request id", request_id
    )


async def _on_refused(request: Request, error: Refused) -> Response:
    return problem(error.code, error.detail, request.state.request_id, retry_after=error.retry_after)


async def _on_domain_error(outages: OnceAMinute, request: Request, error: DocfleetError) -> Response:
    if isinstance(error, StoreUnavailable) and error.__cause__ and outages.is_due(error.message):
        log.warning("store_unavailable", reason=cause_of(error))  # only the operator may see it
    retry_after = getattr(error, "retry_after", None)
    return problem(error.code, error.message, request.state.request_id, retry_after=retry_after)


async def _on_invalid(request: Request, error: RequestValidationError) -> Response:
    """Names the invalid parameters and the reasons. Never echoes a value: it may be a secret."""
    wrong = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
    return problem(ErrorCode.INVALID_REQUEST, "; ".join(wrong), request.state.request_id)


async def _on_http_error(request: Request, error: HTTPException) -> Response:
    code = _CODE_OF_STATUS.get(HTTPStatus(error.status_code), ErrorCode.INVALID_REQUEST)
    detail = f"{error.detail}{_WHERE_TO_LOOK.get(code, '').format(request.method, request.url.path)}"
    headers = {"Allow": _methods(request)} if code is ErrorCode.METHOD_NOT_ALLOWED else error.headers
    return problem(code, detail, request.state.request_id, headers=headers)


def _methods(request: Request) -> str:
    """The methods of the requested path. Starlette names only those of the first route with this path."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    fitting = (route.methods or () for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return ", ".join(sorted({method for methods in fitting for method in methods}))
