"""The meaning of every error and warning code, for `docs/errors.md`. `ErrorCode` and `WarningCode` define the codes."""

from client.models import ErrorCode as E
from client.models import WarningCode as W

#: The `code` of a refused request.
REQUEST = {
    E.MALFORMED_REQUEST: "The body is incomplete, or does not match its `Content-Type`.",
    E.INVALID_REQUEST: "A parameter is missing, misspelt, repeated, out of range or of a wrong type. See `detail`.",
    E.NO_FILES: "The form has no part named `files`, or a file in a part with another name.",
    E.UNKNOWN_OPTION: "`options` has an unknown option. `detail` names it and lists the known ones.",
    E.INVALID_OPTION: "`options` is not a JSON object, or an option has an invalid value. `detail` names it.",
    E.UNKNOWN_TOKENIZER: "The server does not have this tokenizer for chunks. `detail` lists those it has.",
    E.INVALID_METADATA: "`metadata` is not a JSON object, is too large or too deep, or has an integer above 64 bits.",
    E.FILE_TOO_LARGE: "A file (on `/parse`: a failed entry) or the request is too large. `detail` gives the limit.",
    E.UNSUPPORTED_FORMAT: "The suffix of a file is not supported. On `/parse`, the file is a failed entry.",
    E.UNSUPPORTED_ENCODING: "The body has a `Content-Encoding` such as `gzip`. Send it without one.",
    E.NOT_FOUND: "The route does not exist, or the job has no such file.",
    E.METHOD_NOT_ALLOWED: "The route exists, but not with this method.",
    E.JOB_NOT_FOUND: "No job has this id, or the job belongs to another API key.",
    E.JOB_EXPIRED: "The job ended more than `JOB_TTL_S` ago, and its results have been deleted.",
    E.JOB_ENDED: "The job has already ended, so it cannot be cancelled.",
    E.RESULT_NOT_READY: "The job has not ended, and this format is only available after its end.",
    E.EXPORT_UNAVAILABLE: "The file or its job failed, or a document without times is asked for as `vtt`.",
    E.PAGE_NOT_FOUND: "The file has no page with this number. `detail` says how many it has.",
    E.NO_PAGE_PICTURE: "No page can be drawn of this file: it is neither a PDF nor a picture, or it is damaged.",
    E.FILE_ENCRYPTED: "The PDF is encrypted, and the server does not keep its password. No page can be drawn of it.",
    E.INPUT_GONE: "The uploaded file is not kept (`KEEP_INPUTS`): it can neither be drawn nor parsed again.",
    E.BOX_OUTSIDE_PAGE: "`box` is not on the page. `detail` gives the page's size.",
    E.PICTURE_TOO_LARGE: "The picture would have too many pixels. `detail` gives the largest `scale`.",
    E.PICTURES_NOT_KEPT: "The document was parsed without `include_images`, so its pictures cannot be embedded.",
    E.CALLBACK_REFUSED: "The server must not call this `callback_url` or `webhook_url`. `detail` gives the reason.",
    E.INVALID_SOURCE: "`sources` is not a list, or one of the sources is invalid. `detail` names it and the reason.",
    E.SOURCE_REFUSED: "The server must not call this URL (also as a failed file: what it leads or redirects to).",
    E.IDEMPOTENCY_CONFLICT: "Another upload with this `Idempotency-Key` is running. Repeat it after `Retry-After`.",
    E.IDEMPOTENCY_MISMATCH: "The `Idempotency-Key` was already used for a request with different files or fields.",
    E.UNAUTHORIZED: "The API key is missing, wrong or revoked.",
    E.TOO_MANY_REQUESTS: "The API key is over its rate or queue limit. Repeat the request after `Retry-After`.",
    E.QUEUE_FULL: "The queue is full. Repeat the request after `Retry-After`.",
    E.UNAVAILABLE: "The registry or all parsers are unavailable. Repeat the request after `Retry-After`.",
    E.STORE_UNAVAILABLE: "The journal or blob store is unavailable or full. Repeat the request after `Retry-After`.",
    E.INTERNAL: "A bug. The server's log has the traceback under the `request_id`.",
}

#: The `error_code` of one file. The other files of the job are not affected.
FILE = {
    E.EMPTY_FILE: "The file is empty.",
    E.INVALID_FILE: "The file is damaged, truncated, or not valid for its format.",
    E.CONTENT_MISMATCH: "The content does not match the suffix.",
    E.PASSWORD_REQUIRED: "The file is encrypted. For a PDF, send the option `password`.",
    E.WRONG_PASSWORD: "The option `password` does not open the file.",
    E.NO_PAGES: "The PDF has no pages.",
    E.PAGE_RANGE_OUTSIDE: "No page of `page_range` is in this document.",
    E.DECOMPRESSION_BOMB: "The file unpacks to far more data than a document of its size should.",
    E.TOO_LARGE_TO_PARSE: "The file needs more memory than a parser may use, or declares tables that would.",
    E.TOO_MANY_PAGES: "The document has more pages than `MAX_PAGES`. The option `page_range` chooses some of them.",
    E.RESULT_TOO_LARGE: "The nodes and the document together are larger than `MAX_RESULT_MB`.",
    E.SOURCE_DENIED: "The URL's server asks for other credentials: it answered 401 or 403.",
    E.SOURCE_NOT_FOUND: "The URL's server has no such file: it answered 404 or 410.",
    E.SOURCE_FAILED: "The file could not be fetched from its URL, also not in further tries. `error` has the reason.",
    E.MODEL_UNAVAILABLE: "The remote model that the options name is down, or refuses the server. Send the file again "
    "later: nothing is wrong with it. `error` has the reason.",
    E.PAGES_LOST: "Some pages could not be parsed. `pages_failed` lists them, and the result has all other pages.",
}

#: The `code` of a warning about a file that was parsed.
WARNING = {
    W.WORDS_DOUBLED: "Words of this page are in the document more often than they were read. Please report the file: "
    "this is a defect.",
    W.WORDS_LOST: "Words of this page, or of an office file, are not in the document. Please report the file: this is "
    "a defect.",
    W.NOTHING_READ: "OCR read no text on this page, but the page is not blank.",
    W.LAYOUT_FAILED: "The layout model failed on this page; its text is there as plain paragraphs.",
    W.TABLE_FAILED: "The table model failed on a table of this page; the table's text is there as paragraphs.",
    W.ENCODING_GUESSED: "The text file does not name its encoding, so the server guessed it; `parser.encoding` has it.",
    W.UNDECODABLE_TEXT: "Some characters of the text file are not valid in its encoding; U+FFFD stands for each.",
    W.CSV_QUOTES: "The quotes of the CSV file do not fit together; its cells keep them as they stand.",
    W.PDF_REPAIRED: "The PDF is damaged or cut off. What is left of it was read; pages and text may be missing.",
    W.PICTURE_NOT_DESCRIBED: "The remote model described a picture not, or not to its end. The message has the reason.",
    W.NOT_ENRICHED: "The model for pictures, or for code and formulas, failed on an item, which stays as it was.",
    W.ATTACHMENTS_LEFT_OUT: "The mail has more attachments than are parsed, or the PDF has attached files, which are "
    "not read. Send them as files of their own.",
    W.OCR_FAILED: "OCR failed on this page; only what its text layer says is there.",
}

#: The `reason` of a failed job.
JOB = {
    E.CANCELLED: "The job was cancelled.",
    E.DEADLINE_EXCEEDED: "The job took longer than `JOB_DEADLINE_S`.",
    E.POISON: "Several dispatchers died while they worked on this job, so it is not tried again.",
}
