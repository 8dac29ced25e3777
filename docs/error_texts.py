"""What every error and warning code means, for the people who read `docs/errors.md`.

The codes themselves are in `ErrorCode` and `WarningCode`.
"""

from client.models import ErrorCode as E
from client.models import WarningCode as W

#: The `code` of a problem: a request that was refused.
REQUEST = {
    E.MALFORMED_REQUEST: "The body breaks off or is not the multipart form that it says it is.",
    E.INVALID_REQUEST: "A parameter is missing, has the wrong type, or is out of range; `detail` names it.",
    E.NO_FILES: "The form holds no part named `files`, or a file under another name.",
    E.UNKNOWN_OPTION: "`options` holds a name that is no option; `detail` says which.",
    E.INVALID_OPTION: "`options` is not a JSON object, or an option has a value that it cannot have.",
    E.INVALID_METADATA: "`metadata` is not a JSON object, or is nested deeper than 100 levels.",
    E.FILE_TOO_LARGE: "A file is over `MAX_FILE_SIZE_MB` (on `/parse`: its failed entry), or a request over the queue.",
    E.UNSUPPORTED_FORMAT: "A file's suffix is none that is parsed. On `/parse`: that file's failed entry.",
    E.NOT_FOUND: "No such route, or the job has no such file.",
    E.METHOD_NOT_ALLOWED: "The route exists, but not with this method.",
    E.JOB_NOT_FOUND: "No job has this id, or it is another caller's.",
    E.JOB_EXPIRED: "The job ended, and its results are past their time to live (`JOB_TTL_S`).",
    E.JOB_ENDED: "The job has ended, so it cannot be cancelled any more.",
    E.RESULT_NOT_READY: "The job has not ended yet, and this representation exists only afterwards.",
    E.EXPORT_UNAVAILABLE: "The result has no such representation: the file or its job failed.",
    E.CALLBACK_REFUSED: "`callback_url` or `webhook_url` is not an address that this server may call.",
    E.IDEMPOTENCY_CONFLICT: "A submit with the same `Idempotency-Key` is still uploading.",
    E.IDEMPOTENCY_MISMATCH: "The `Idempotency-Key` was used before, with other files or options.",
    E.UNAUTHORIZED: "The API key is missing or wrong.",
    E.TOO_MANY_REQUESTS: "This caller is over one of its limits; `Retry-After` says when to come back.",
    E.QUEUE_FULL: "The queue is full; `Retry-After` says when to come back.",
    E.UNAVAILABLE: "The registry or every parser is away for the moment; `Retry-After` says when to come back.",
    E.STORE_UNAVAILABLE: "The journal or the blob store is away or full; `Retry-After` says when to come back.",
    E.INTERNAL: "A bug. The log has the traceback under the `request_id`.",
}

#: The `error_code` of one file's result; the other files of its job are not touched by it.
FILE = {
    E.EMPTY_FILE: "The file has no bytes.",
    E.INVALID_FILE: "The file is damaged, truncated, or not readable as its format.",
    E.CONTENT_MISMATCH: "The content is not what the suffix says.",
    E.PASSWORD_REQUIRED: "The file is encrypted; a PDF opens with the option `password`.",
    E.WRONG_PASSWORD: "The option `password` does not open the file.",
    E.NO_PAGES: "The PDF has no pages.",
    E.PAGE_RANGE_OUTSIDE: "`page_range` names no page of this document.",
    E.DECOMPRESSION_BOMB: "The file unpacks to far more than a document of its size would.",
    E.PAGES_LOST: "Pages that no parser survived, named in `pages_failed`; the rest of the document is there.",
}

#: The `code` of a warning about a file that was parsed.
WARNING = {
    W.WORDS_LOST: "Words of this page were read and are not in the document. Please report the file: this is a defect.",
    W.NOTHING_READ: "OCR read no text on this page, but the page is not blank.",
    W.LAYOUT_FAILED: "The layout model failed on this page; its text is there as plain paragraphs.",
    W.TABLE_FAILED: "The table model failed on a table of this page; the table's text is there as paragraphs.",
    W.OCR_FAILED: "OCR failed on this page; only what its text layer says is there.",
}

#: The `reason` of a job that could not run as a whole.
JOB = {
    E.CANCELLED: "Somebody cancelled the job.",
    E.DEADLINE_EXCEEDED: "The job took longer than it was allowed to.",
    E.POISON: "The job was delivered again and again, and no dispatcher lived to finish it.",
}
