"""The attachments of a mail as files."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from docling.backend.email_backend import EmailDocumentBackend
from docling.datamodel.document import InputDocument

from actors.messages import Attachment
from client.models import FileWarning, WarningCode

MOST = 100  # a mail of a few kilobytes can have thousands of empty ones


def attachments_of(opened: InputDocument) -> tuple[Attachment, ...]:
    """The attachments of an opened mail, in its order and at most MOST; none for other formats."""
    return tuple(_attachment(number, each) for number, each in enumerate(_all(opened)[:MOST], start=1))


def left_out(opened: InputDocument) -> tuple[FileWarning, ...]:
    """A warning if a mail has more attachments than `attachments_of` returns."""
    count = len(_all(opened))
    if count <= MOST:
        return ()
    message = f"Only the first {MOST} of {count} attachments are parsed. Send the others as files of their own."
    return (FileWarning(code=WarningCode.ATTACHMENTS_LEFT_OUT, message=message),)


def _all(opened: InputDocument) -> list[Mapping[str, Any]]:
    backend = opened._backend
    if not isinstance(backend, EmailDocumentBackend) or backend.mail is None:
        return []
    return list(backend.mail.attachments or ())


def _attachment(number: int, attachment: Mapping[str, Any]) -> Attachment:
    """The mail library gives binary data as base64, and text decoded."""
    payload: str = attachment["payload"]
    data = base64.b64decode(payload) if attachment["binary"] else payload.encode(errors="surrogateescape")
    return Attachment(filename=attachment.get("filename") or f"attachment-{number}", data=data)
