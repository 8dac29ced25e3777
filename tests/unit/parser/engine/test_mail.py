"""Mail: its text, whatever its encoding, and the names of its attachments."""

from __future__ import annotations

from email.message import EmailMessage
from typing import TYPE_CHECKING

import orjson
import pytest

from actors.messages import ParsedFile
from tests.unit.parser.files import as_document, make_task

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models


def mail(*attachments: str) -> bytes:
    message = EmailMessage()
    message["From"] = "Jürgen Beispiel <j@example.org>"
    message["To"] = "b@example.org"
    message["Subject"] = "Grüße vom Amt"
    message.set_content("Die Datei wird geöffnet.", charset="iso-8859-1")
    for name in attachments:
        message.add_attachment(b"SECRET", maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def text_of(engine: Engine, data: bytes) -> str:
    file = engine.open(as_document(data), make_task("a.eml"), split_above=9)
    assert isinstance(file, ParsedFile)
    (node,) = orjson.loads(file.nodes)
    return str(node["text"])


def test_the_attachments_of_a_mail_are_listed_by_name(engine: Engine) -> None:
    text = text_of(engine, mail("anhang.txt", "Übersicht 1.pdf"))
    assert "Die Datei wird geöffnet." in text
    assert text.endswith(
        "## Attachments\n\n- anhang.txt (application/octet-stream)\n- Übersicht 1.pdf (application/octet-stream)"
    )


def test_a_mail_without_attachments_lists_none(engine: Engine) -> None:
    assert "Attachments" not in text_of(engine, mail())
