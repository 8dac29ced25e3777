"""Mail: its text, whatever its encoding, and the names of its attachments."""

from __future__ import annotations

from email.message import EmailMessage
from typing import TYPE_CHECKING, Literal

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


def attached(engine: Engine, data: bytes, attachments: Literal["list", "parse"]) -> ParsedFile:
    task = make_task("a.eml", attachments=attachments)
    file = engine.open(as_document(data), task, split_above=9)
    assert isinstance(file, ParsedFile)
    return file


def test_attachments_that_are_to_be_parsed_come_with_their_bytes(engine: Engine) -> None:
    message = EmailMessage()
    message["Subject"] = "Two files"
    message.set_content("Please read.")
    message.add_attachment(bytes(range(256)), maintype="application", subtype="pdf", filename="scan.pdf")
    message.add_attachment("Grüße\n", subtype="plain", charset="iso-8859-1", filename="note.txt")
    found = attached(engine, message.as_bytes(), "parse").attachments
    assert [(each.filename, each.data.strip()) for each in found] == [
        ("scan.pdf", bytes(range(256))),
        ("note.txt", "Grüße".encode("iso-8859-1")),
    ]


def test_attachments_that_are_only_listed_come_without_their_bytes(engine: Engine) -> None:
    assert attached(engine, mail("a.txt"), "list").attachments == ()


def test_a_mail_with_too_many_attachments_says_that_some_are_left_out(engine: Engine) -> None:
    file = attached(engine, mail(*(f"{number}.txt" for number in range(103))), "parse")
    assert len(file.attachments) == 100
    assert [warning.code for warning in file.warnings] == ["attachments_left_out"]
