"""What can go wrong, one class per meaning.

ClientError                           base: everything that this client raises
├── MissingFile                       a path is not there; nothing was sent     (a FileNotFoundError)
├── ConnectionFailed                  the server could not be reached           (a ConnectionError)
├── RequestTimeout                    no answer in the time allowed             (a TimeoutError)
├── UnexpectedAnswer                  an answer that this client can't read: is the address right?
├── ApiError                          the server refused: `status`, `code`, `detail`, `request_id`
│   ├── InvalidRequest                the request or an option is wrong
│   │   ├── FileTooLarge
│   │   └── UnsupportedFormat
│   ├── Unauthorized                  the API key is missing or wrong
│   ├── NotFound                      no such thing
│   │   └── JobNotFound               no such job
│   │       └── JobExpired            it ended, and its results are past their time to live
│   ├── JobEnded                      too late: the job has ended
│   ├── ResultNotReady                too early: the job has not ended
│   ├── ExportUnavailable             this result has no such representation
│   ├── IdempotencyConflict           a submit with this key is still uploading
│   ├── IdempotencyMismatch           this key came before, with another payload
│   ├── TooManyRequests               the server asks to come back later
│   ├── ParseFailed                   a blocking parse whose job failed          (a RuntimeError)
│   └── ServerError                   the server's fault
│       └── Unavailable               for the moment
├── JobFailed                         the job could not run as a whole          (a RuntimeError)
│   └── JobCancelled
├── JobTimeout                        the job goes on, the wait does not        (a TimeoutError)
├── FileFailed                        one file could not be parsed
└── WebhookInvalid                    a webhook that must not be trusted        (a ValueError)

The classes in brackets are what code written against the single-process server's clients catches.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import httpx

from client.models import ErrorCode


class ClientError(Exception):
    """Base of everything that this client raises."""


class MissingFile(ClientError, FileNotFoundError):
    """A path is not a file. Nothing was sent."""

    def __init__(self, path: Path) -> None:
        FileNotFoundError.__init__(self, errno.ENOENT, "no such file", str(path))
        self.path = path

    def __reduce__(self) -> tuple[type[MissingFile], tuple[Path]]:
        return (MissingFile, (self.path,))


class ConnectionFailed(ClientError, ConnectionError):
    """The server could not be reached, however often it was tried."""


class RequestTimeout(ClientError, TimeoutError):
    """The server did not answer in the time allowed."""


class UnexpectedAnswer(ClientError):
    """Something answered that does not speak this protocol."""


class ApiError(ClientError):
    """The server refused. `code` is None where the answer carried none, as a proxy's does."""

    def __init__(self, status: int, detail: str, code: str | None = None, request_id: str | None = None) -> None:
        super().__init__(status, detail, code, request_id)
        self.status = status
        self.detail = detail
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        return f"{self.detail} (HTTP {self.status}{f', {self.code}' if self.code else ''})"


class InvalidRequest(ApiError):
    """The request, its metadata or one of its options is wrong; sending it again won't help."""


class FileTooLarge(InvalidRequest):
    """A file is over the server's limit."""


class UnsupportedFormat(InvalidRequest):
    """A file's format is not one that the server parses."""


class Unauthorized(ApiError):
    """The API key is missing or wrong."""


class NotFound(ApiError):
    """Nothing at this address; a server older than the codes says so of a job, too."""


class JobNotFound(NotFound):
    """No job by this id, or not one of this caller's."""


class JobExpired(JobNotFound):
    """The job ended, and its results are past their time to live."""


class JobEnded(ApiError):
    """The job has ended, so it can't be cancelled any more."""


class ResultNotReady(ApiError):
    """The job has not ended yet."""


class ExportUnavailable(ApiError):
    """The result has no such representation."""


class IdempotencyConflict(ApiError):
    """A submit with the same Idempotency-Key is still uploading."""


class IdempotencyMismatch(ApiError):
    """The Idempotency-Key was used before, with another payload."""


class TooManyRequests(ApiError):
    """The server is well, and asks to come back later."""


class ParseFailed(ApiError, RuntimeError):
    """A blocking parse's job could not run as a whole; `code` is the reason."""


class ServerError(ApiError):
    """The server's fault."""


class Unavailable(ServerError):
    """The server, or something it needs, is away for the moment."""


class JobFailed(ClientError, RuntimeError):
    """The job could not run as a whole. `reason` is the machine code, if the server gives one."""

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
    """The time allowed for waiting is over. The job goes on: `client.job(error.job_id)` re-attaches."""

    def __init__(self, job_id: str, timeout: float) -> None:
        super().__init__(job_id, timeout)
        self.job_id = job_id
        self.timeout = timeout

    def __str__(self) -> str:
        return f"job {self.job_id} did not end within {self.timeout:g} s; it goes on"


class FileFailed(ClientError):
    """One file could not be parsed; the rest of its job is not touched by that."""

    def __init__(self, filename: str, error: str, code: str | None = None) -> None:
        super().__init__(filename, error, code)
        self.filename = filename
        self.error = error
        self.code = code

    def __str__(self) -> str:
        return self.error


class WebhookInvalid(ClientError, ValueError):
    """The webhook is not signed by someone who knows the secret, or it is stale."""


_BY_CODE: dict[str, type[ApiError]] = {
    ErrorCode.FILE_TOO_LARGE: FileTooLarge,
    ErrorCode.UNSUPPORTED_FORMAT: UnsupportedFormat,
    ErrorCode.UNAUTHORIZED: Unauthorized,
    ErrorCode.JOB_NOT_FOUND: JobNotFound,
    ErrorCode.JOB_EXPIRED: JobExpired,
    ErrorCode.JOB_ENDED: JobEnded,
    ErrorCode.RESULT_NOT_READY: ResultNotReady,
    ErrorCode.EXPORT_UNAVAILABLE: ExportUnavailable,
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

# For answers without a code: proxies, and servers older than the codes. 502 and 504 come from a proxy whose
# server is away.
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
    """The typed error for an answer that is not a success."""
    problem = _problem(response)
    detail = problem.get("detail") or response.reason_phrase or "no reason given"
    code = problem.get("code")
    request_id = problem.get("request_id") or response.headers.get("x-request-id")
    made = _class_for(response.status_code, code)
    if made is NotFound and not problem:
        # Not the application's own words, but a proxy's: while the application behind it is being started.
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
