"""Files that the tests of the parser's room make for themselves."""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from numpy.typing import NDArray
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from actors.derivations import Export
from actors.messages import FileTask, ParsedFile
from client.models import Content, ExportFormat, ParseOptions

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine


def as_document(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, dtype=np.uint8)


def make_pdf(pages: int = 1, password: str | None = None) -> bytes:
    out = BytesIO()
    canvas = Canvas(out, invariant=True, encrypt=StandardEncryption(password, strength=128) if password else None)
    for number in range(1, pages + 1):
        canvas.drawString(72, 720, f"This is page {number}.")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def exported(document: bytes, form: ExportFormat, content: tuple[Content, ...], **options: Any) -> str:
    """A parsed document in another format."""
    from actors.parser.engine.exports import export

    return export(document, make_export(form, content=content, **options)).decode()


def make_export(form: ExportFormat, **options: Any) -> Export:
    return Export(job_id="j", folder="results/j/0", source="results/j/0/document.json", form=form, **options)


def make_zip(members: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def make_lying_zip(name: str, unpacked: int) -> bytes:
    """An archive of one member of `unpacked` zero bytes, whose headers both claim that it is 10 bytes long."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = bytes(1024 * 1024)
    packed = b"".join(packer.compress(block) for _ in range(unpacked // len(block))) + packer.flush()
    path, claimed = name.encode(), 10
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(packed), claimed, len(path), 0) + path
    central = struct.pack(
        "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(packed), claimed, len(path), 0, 0, 0, 0, 0, 0
    )
    central += path
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local) + len(packed), 0)
    return local + packed + central + end


def make_task(filename: str = "file.pdf", *, metadata: dict[str, Any] | None = None, **options: Any) -> FileTask:
    return FileTask(
        job_id="job-1", index=0, filename=filename, size=123, options=ParseOptions(**options), metadata=metadata or {}
    )


def parsed(engine: Engine, filename: str, data: bytes, **options: Any) -> ParsedFile:
    """The file parsed in one call."""
    file = engine.open(as_document(data), make_task(filename, **options), split_above=1_000)
    assert isinstance(file, ParsedFile)
    return file


def texts(file: ParsedFile) -> list[str]:
    """The text of each node."""
    return [node["text"] for node in orjson.loads(file.nodes)]


def make_empty_pdf() -> bytes:
    """A sound PDF that has no pages."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"]
    out, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(out)
    tail = b"trailer<</Root 1 0 R/Size 3>>\nstartxref\n%d\n%%%%EOF" % start
    return out + b"xref\n0 3\n0000000000 65535 f \n" + table + tail
