"""The stable codes of errors and warnings, which programs may depend on. Codes are added and never change."""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """Every stable error code. The first group is about a request, the second about a file, the third about a job."""

    # A refused request: the `code` of a problem+json body.
    MALFORMED_REQUEST = "malformed_request"
    INVALID_REQUEST = "invalid_request"
    NO_FILES = "no_files"
    UNKNOWN_OPTION = "unknown_option"
    INVALID_OPTION = "invalid_option"
    UNKNOWN_TOKENIZER = "unknown_tokenizer"
    INVALID_METADATA = "invalid_metadata"
    FILE_TOO_LARGE = "file_too_large"
    UNSUPPORTED_FORMAT = "unsupported_format"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    JOB_NOT_FOUND = "job_not_found"
    JOB_EXPIRED = "job_expired"
    JOB_ENDED = "job_ended"
    RESULT_NOT_READY = "result_not_ready"
    EXPORT_UNAVAILABLE = "export_unavailable"
    PAGE_NOT_FOUND = "page_not_found"
    NO_PAGE_PICTURE = "no_page_picture"
    FILE_ENCRYPTED = "file_encrypted"
    INPUT_GONE = "input_gone"
    BOX_OUTSIDE_PAGE = "box_outside_page"
    PICTURE_TOO_LARGE = "picture_too_large"
    PICTURES_NOT_KEPT = "pictures_not_kept"
    CALLBACK_REFUSED = "callback_refused"
    INVALID_SOURCE = "invalid_source"
    SOURCE_REFUSED = "source_refused"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    UNAUTHORIZED = "unauthorized"
    TOO_MANY_REQUESTS = "too_many_requests"
    QUEUE_FULL = "queue_full"
    UNAVAILABLE = "unavailable"
    STORE_UNAVAILABLE = "store_unavailable"
    INTERNAL = "internal"

    # One file that could not be parsed: `ParseResponse.error_code`.
    EMPTY_FILE = "empty_file"
    INVALID_FILE = "invalid_file"
    CONTENT_MISMATCH = "content_mismatch"
    PASSWORD_REQUIRED = "password_required"
    WRONG_PASSWORD = "wrong_password"
    NO_PAGES = "no_pages"
    PAGE_RANGE_OUTSIDE = "page_range_outside"
    DECOMPRESSION_BOMB = "decompression_bomb"
    TOO_LARGE_TO_PARSE = "too_large_to_parse"
    TOO_MANY_PAGES = "too_many_pages"
    RESULT_TOO_LARGE = "result_too_large"
    PAGES_LOST = "pages_lost"
    SOURCE_DENIED = "source_denied"
    SOURCE_NOT_FOUND = "source_not_found"
    SOURCE_FAILED = "source_failed"
    MODEL_UNAVAILABLE = "model_unavailable"

    # A job that failed as a whole: `JobStatusResponse.reason`.
    CANCELLED = "cancelled"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    POISON = "poison"


class WarningCode(StrEnum):
    """Every stable warning code: what may be missing or wrong in the result of a parsed file."""

    WORDS_LOST = "words_lost"
    WORDS_DOUBLED = "words_doubled"
    NOTHING_READ = "nothing_read"
    LAYOUT_FAILED = "layout_failed"
    TABLE_FAILED = "table_failed"
    OCR_FAILED = "ocr_failed"
    ENCODING_GUESSED = "encoding_guessed"
    UNDECODABLE_TEXT = "undecodable_text"
    CSV_QUOTES = "csv_quotes"
    PDF_REPAIRED = "pdf_repaired"
    ATTACHMENTS_LEFT_OUT = "attachments_left_out"
    PICTURE_NOT_DESCRIBED = "picture_not_described"
    NOT_ENRICHED = "not_enriched"
