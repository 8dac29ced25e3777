"""What can go wrong below HTTP, one class per meaning.

DocfleetError                 base: carries a stable `code` and a message that a user may read
├── FileError                 this file cannot be parsed; the rest of its job goes on
├── UnknownTokenizer          chunks were asked for with a tokenizer that is not here
├── JobFailed                 a job has no results: it was cancelled, or could not run as a whole
├── JobNotFound, JobExpired, JobEnded
├── QueueFull                 admission was refused; `retry_after` seconds
├── OwnerOverLimit            admission was refused: this owner has too much in the queue
├── IdempotencyConflict       another upload with this key is in progress
├── IdempotencyMismatch       the key was used before, with another payload
├── StaleLease                the lease of a job ran out; another dispatcher may hold the job
├── StoreUnavailable          the journal or the blob store cannot be reached or is full
├── BlobMissing               the blob store has no such key
├── ModelUnavailable          a remote model is down; sending the file again later may help
├── FleetUnavailable          no registry, dispatcher or parser answers now
├── ParserDied                the replica died; the call may be repeated elsewhere
│   └── ResultLost            a node died with parsed pages on it; they have to be parsed again
└── ParserFailed              a parser raised an unexpected error, or returned the wrong kind of result
    └── ParserOutOfMemory     a call would have passed the memory limit of its parser; a second try may succeed
"""

from __future__ import annotations

from typing import ClassVar, Self

from client.models import ErrorCode


class DocfleetError(Exception):
    """Base of all domain errors. The message is safe to show to a user."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class FileError(DocfleetError):
    """A file that cannot be parsed; trying again does not help."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.file_code = code

    def __reduce__(self) -> tuple[type[FileError], tuple[ErrorCode, str]]:
        """Ray pickles errors; the default would drop the second argument."""
        return (FileError, (self.file_code, self.message))


def result_too_large(size: int, limit: int) -> FileError:
    """The error of a file whose result has `size` bytes, when it may have `limit`."""
    message = f"The result would be {size >> 20} MiB; at most {limit >> 20} MiB are kept. Parse fewer pages at a time"
    return FileError(ErrorCode.RESULT_TOO_LARGE, message)


class UnknownTokenizer(DocfleetError):
    code = ErrorCode.UNKNOWN_TOKENIZER


class JobFailed(DocfleetError):
    """A job that ended without results. `job_code` says why."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.job_code = code

    def __reduce__(self) -> tuple[type[JobFailed], tuple[ErrorCode, str]]:
        """As for FileError."""
        return (JobFailed, (self.job_code, self.message))


class JobNotFound(DocfleetError):
    code = ErrorCode.JOB_NOT_FOUND

    @classmethod
    def of(cls, job_id: str) -> Self:
        return cls(f"Job {job_id} not found")


class JobExpired(DocfleetError):
    """`owner` is the job's owner: nobody else learns that the job existed."""

    code = ErrorCode.JOB_EXPIRED

    def __init__(self, message: str, owner: str) -> None:
        super().__init__(message)
        self.owner = owner

    def __reduce__(self) -> tuple[type[JobExpired], tuple[str, str]]:
        """As for FileError."""
        return (JobExpired, (self.message, self.owner))


class JobEnded(DocfleetError):
    code = ErrorCode.JOB_ENDED


class QueueFull(DocfleetError):
    code = ErrorCode.QUEUE_FULL
    retry_after = 5  # seconds


class OwnerOverLimit(DocfleetError):
    code = ErrorCode.TOO_MANY_REQUESTS
    retry_after = 5  # seconds


class IdempotencyConflict(DocfleetError):
    code = ErrorCode.IDEMPOTENCY_CONFLICT
    retry_after = 2  # seconds


class IdempotencyMismatch(DocfleetError):
    code = ErrorCode.IDEMPOTENCY_MISMATCH


class StaleLease(DocfleetError):
    code = ErrorCode.INTERNAL


class StoreUnavailable(DocfleetError):
    code = ErrorCode.STORE_UNAVAILABLE
    retry_after = 5  # seconds


class BlobMissing(DocfleetError):
    code = ErrorCode.INTERNAL


class ModelUnavailable(DocfleetError):
    code = ErrorCode.MODEL_UNAVAILABLE


class FleetUnavailable(DocfleetError):
    code = ErrorCode.UNAVAILABLE
    retry_after = 2  # seconds


#: Raised while the registry or a store is away. The caller may retry.
AWAY = (FleetUnavailable, StoreUnavailable)


class ParserDied(DocfleetError):
    """`parser` identifies the process that died, if it is known."""

    code = ErrorCode.INTERNAL

    def __init__(self, message: str, parser: str = "") -> None:
        super().__init__(message)
        self.parser = parser


class ResultLost(ParserDied):
    pass


class ParserFailed(DocfleetError):
    code = ErrorCode.INTERNAL


class ParserOutOfMemory(ParserFailed):
    code = ErrorCode.TOO_LARGE_TO_PARSE
