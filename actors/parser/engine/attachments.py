"""The attachments of a mail as files, and a warning about those of a PDF."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docling.backend.email_backend import EmailDocumentBackend
from docling.datamodel.document import InputDocument

from actors.documents import Attachment
from actors.parser.engine.pdf import attached_files
from actors.parser.engine.words import QUOTED, quoted
from client.models import FileWarning, WarningCode

MOST = 100  # a mail of a few kilobytes can have thousands of empty ones


@dataclass(frozen=True, slots=True)
class Attached:
    """The attachments of a mail in its order, and a warning if some are left out."""

    files: tuple[Attachment, ...] = ()
    warnings: tuple[FileWarning, ...] = ()


def attachments_of(opened: InputDocument) -> Attached:
    """At most MOST attachments of an opened mail; none for other formats."""
    found = _all(opened)
    files = tuple(_attachment(number, each) for number, each in enumerate(found[:MOST], start=1))
    if len(found) <= MOST:
        return Attached(files)
    message = f"Only the first {MOST} of {len(found)} attachments are parsed. Send the others as files of their own."
    return Attached(files, (FileWarning(code=WarningCode.ATTACHMENTS_LEFT_OUT, message=message),))


def warnings_about_attached(data: bytes, password: str | None) -> list[FileWarning]:
    """A warning if files are attached to a PDF. A portfolio has all of its text in them."""
    names = attached_files(data, password, QUOTED + 1)
    message = f"The PDF has attached files, which are not read: {quoted(names)}. Send them as files of their own."
    return [FileWarning(code=WarningCode.ATTACHMENTS_LEFT_OUT, message=message)] if names else []


def _all(opened: InputDocument) -> list[Mapping[str, Any]]:
    backend = opened._backend
    if not isinstance(backend, EmailDocumentBackend) or backend.mail is None:
        return []
    return list(backend.mail.attachments or ())


def _attachment(number: int, attachment: Mapping[str, Any]) -> Attachment:
    """The mail library encodes binary data in base64, and decodes text."""
    payload: str = attachment["payload"]
    data = base64.b64decode(payload) if attachment["binary"] else payload.encode(errors="surrogateescape")
    return Attachment(filename=attachment.get("filename") or f"attachment-{number}", data=data)
