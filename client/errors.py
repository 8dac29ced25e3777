"""The client's errors, one class per meaning.

ClientError                           base of every error that the client raises
├── MissingFile                       a path does not exist; nothing was sent   (a FileNotFoundError)
├── ConnectionFailed                  the server could not be reached           (a ConnectionError)
├── RequestTimeout                    the server did not answer in time         (a TimeoutError)
├── UnexpectedAnswer                  not an answer of a docfleet server: is the address right?
├── ApiError                          the server refused: `status`, `code`, `detail`, `request_id`
│   ├── InvalidRequest                the request or an option is wrong
│   │   ├── FileTooLarge
│   │   └── UnsupportedFormat
│   ├── Unauthorized                  the API key is missing or wrong
│   ├── NotFound                      no such resource
│   │   └── JobNotFound               no such job
│   │       └── JobExpired            the job ended, and its results were removed after their time to live
│   ├── JobEnded                      too late: the job has ended
│   ├── ResultNotReady                too early: the job has not ended
│   ├── ExportUnavailable             this result has no such representation
│   ├── IdempotencyConflict           another submit with this key is still uploading
│   ├── IdempotencyMismatch           the key was already used for another request
│   ├── TooManyRequests               the server asks to come back later
│   ├── ParseFailed                   the job of a blocking parse failed        (a RuntimeError)
│   └── ServerError                   the server failed
│       └── Unavailable               the server cannot answer now
├── JobFailed                         the job as a whole failed                 (a RuntimeError)
│   └── JobCancelled
├── JobTimeout                        the wait timed out; the job goes on       (a TimeoutError)
├── FileFailed                        one file could not be parsed
└── WebhookInvalid                    the webhook must not be trusted           (a ValueError)

Code written for the single-process server's clients catches the classes in brackets.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import httpx

from client.models import ErrorCode


class ClientError(Exception):
    """Base of every error that the client raises."""


class MissingFile(ClientError, FileNotFoundError):
    """A path is not a file. Nothing was sent."""

    def __init__(self, path: Path) -> None:
        FileNotFoundError.__init__(self, errno.ENOENT, "no such file", str(path))
        self.path = path

    def __reduce__(self) -> tuple[type[MissingFile], tuple[Path]]:
        return (MissingFile, (self.path,))


class ConnectionFailed(ClientError, ConnectionError):
    """The server could not be reached, even with retries."""


class RequestTimeout(ClientError, TimeoutError):
    """The server did not answer in the time allowed."""


class UnexpectedAnswer(ClientError):
    """The answer is not one of a docfleet server."""


class ApiError(ClientError):
    """The server refused. `code` is None when the answer has no code, for example from a proxy."""

    def __init__(self, status: int, detail: str, code: str | None = None, request_id: str | None = None) -> None:
        super().__init__(status, detail, code, request_id)
        self.status = status
        self.detail = detail
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        return f"{self.detail} (HTTP {self.status}{f', {self.code}' if self.code else ''})"


class InvalidRequest(ApiError):
    """The request, its metadata or one of its options is wrong. A retry cannot help."""


class FileTooLarge(InvalidRequest):
    """A file is larger than the server allows."""


class UnsupportedFormat(InvalidRequest):
    """The server does not parse this file format."""


class Unauthorized(ApiError):
    """The API key is missing or wrong."""


class NotFound(ApiError):
    """Nothing exists at this address. Old servers without error codes answer this for a missing job too."""


class JobNotFound(NotFound):
    """No job with this id exists, or it belongs to another caller."""


class JobExpired(JobNotFound):
    """The job ended, and its results were removed after their time to live."""


class JobEnded(ApiError):
    """The job has already ended and cannot be cancelled."""


class ResultNotReady(ApiError):
    """The job has not ended yet."""


class ExportUnavailable(ApiError):
    """The result has no such representation."""


class IdempotencyConflict(ApiError):
    """Another submit with the same Idempotency-Key is still uploading."""


class IdempotencyMismatch(ApiError):
    """The Idempotency-Key was already used for a different request."""


class TooManyRequests(ApiError):
    """The server asks to come back later."""


class ParseFailed(ApiError, RuntimeError):
    """The job of a blocking parse failed as a whole; `code` is the reason."""


class ServerError(ApiError):
    """The server failed."""


class Unavailable(ServerError):
    """The server, or something that it needs, is temporarily unavailable."""


class JobFailed(ClientError, RuntimeError):
    """The job as a whole failed. `reason` is the error code, if the server gives one."""

    def __init__(self, job_id: str, error: str, reason: str | None = None) -> None:
        super().__init__(job_id, error, reason)
        self.job_id = job_id
        self.error = error
        self.reason = reason

    def __str__(self) -> str:
        return f"job {self.job_id} failed: {self.error}"


class JobCancelled(JobFailed):
    """The job was cancelled."""

    def __str__(self) -> str:
        return f"job {self.job_id} was cancelled"


class JobTimeout(ClientError, TimeoutError):
    """The job did not end within the timeout. It goes on: `client.job(error.job_id)` returns a handle for it."""

    def __init__(self, job_id: str, timeout: float) -> None:
        super().__init__(job_id, timeout)
        self.job_id = job_id
        self.timeout = timeout

    def __str__(self) -> str:
        return f"job {self.job_id} did not end within {self.timeout:g} s; it goes on"


class FileFailed(ClientError):
    """One file could not be parsed. The other files of its job are not affected."""

    def __init__(self, filename: str, error: str, code: str | None = None) -> None:
        super().__init__(filename, error, code)
        self.filename = filename
        self.error = error
        self.code = code

    def __str__(self) -> str:
        return self.error


class WebhookInvalid(ClientError, ValueError):
    """The webhook's signature does not match the secret, or the webhook is too old."""


_BY_CODE: dict[str, type[ApiError]] = {
    ErrorCode.FILE_TOO_LARGE: FileTooLarge,
    ErrorCode.UNSUPPORTED_FORMAT: UnsupportedFormat,
    ErrorCode.UNSUPPORTED_ENCODING: InvalidRequest,
    ErrorCode.UNKNOWN_TOKENIZER: InvalidRequest,
    ErrorCode.UNAUTHORIZED: Unauthorized,
    ErrorCode.JOB_NOT_FOUND: JobNotFound,
    ErrorCode.JOB_EXPIRED: JobExpired,
    ErrorCode.JOB_ENDED: JobEnded,
    ErrorCode.RESULT_NOT_READY: ResultNotReady,
    ErrorCode.EXPORT_UNAVAILABLE: ExportUnavailable,
    ErrorCode.NO_PAGE_PICTURE: ExportUnavailable,
    ErrorCode.FILE_ENCRYPTED: ExportUnavailable,
    ErrorCode.INPUT_GONE: ExportUnavailable,
    ErrorCode.PICTURES_NOT_KEPT: ExportUnavailable,
    ErrorCode.IDEMPOTENCY_CONFLICT: IdempotencyConflict,
    ErrorCode.IDEMPOTENCY_MISMATCH: IdempotencyMismatch,
    ErrorCode.TOO_MANY_REQUESTS: TooManyRequests,
    ErrorCode.QUEUE_FULL: TooManyRequests,
    ErrorCode.UNAVAILABLE: Unavailable,
    ErrorCode.STORE_UNAVAILABLE: Unavailable,
    ErrorCode.CANCELLED: ParseFailed,
    ErrorCode.DEADLINE_EXCEEDED: ParseFailed,
    ErrorCode.POISON: ParseFailed,
}

# For answers without a code: from proxies and old servers. 502 and 504 come from a proxy that cannot reach its server.
_BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    410: JobExpired,
    413: FileTooLarge,
    415: UnsupportedFormat,
    422: InvalidRequest,
    429: TooManyRequests,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def error_from(response: httpx.Response) -> ApiError:
    """The typed error for an unsuccessful response."""
    problem = _problem(response)
    detail = problem.get("detail") or response.reason_phrase or "no reason given"
    code = problem.get("code")
    request_id = problem.get("request_id") or response.headers.get("x-request-id")
    made = _class_for(response.status_code, code)
    if made is NotFound and not problem:
        # A proxy's answer, not the application's: the application behind the proxy is still starting.
        made, detail = Unavailable, f"nothing answers at {response.request.url} at present"
    return made(response.status_code, str(detail), code, request_id)


def _class_for(status: int, code: str | None) -> type[ApiError]:
    if code in _BY_CODE:
        return _BY_CODE[code]
    return _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
