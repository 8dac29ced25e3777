"""docling's own SDK, and langchain-docling over it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from io import BytesIO
from typing import Any

from tests.conformance.checks import DOCUMENTS, NOTES, REPORT, Check
from tests.unit.parser.files import make_pdf

SUCCESS = "success"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None: ...


@contextmanager
def documents_on_the_web() -> Iterator[str]:
    """The URL of a server of the sample documents, on the loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(DOCUMENTS)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def client(url: str, **settings: Any) -> Any:
    from docling.service_client import DoclingServiceClient

    return DoclingServiceClient(url, **settings)


def stream(name: str, data: bytes) -> Any:
    from docling_core.types.io import DocumentStream

    return DocumentStream(name=name, stream=BytesIO(data))


def healthy(url: str) -> None:
    with client(url) as docling:
        assert docling.health().status == "healthy"
        assert docling.version()["docling"]


def converts_a_file(url: str) -> None:
    with client(url) as docling:
        result = docling.convert(REPORT)
    assert (result.status.value, result.errors) == (SUCCESS, [])
    assert (result.document.name, len(result.document.pages)) == ("report", 6)
    assert result.document.origin.filename == "report.pdf"
    assert set(result.confidence.pages) == {1, 2, 3, 4, 5, 6}


def converts_bytes(url: str) -> None:
    with client(url) as docling:
        result = docling.convert(stream("notes.md", NOTES.read_bytes()))
    assert "evening ferry" in result.document.export_to_markdown()


def converts_a_url(url: str) -> None:
    with documents_on_the_web() as web, client(url) as docling:
        result = docling.convert(f"{web}/notes.md")
    assert "evening ferry" in result.document.export_to_markdown()


def converts_some_pages(url: str) -> None:
    with client(url) as docling:
        result = docling.convert(REPORT, page_range=(2, 3))
    assert sorted(result.document.pages) == [2, 3]


def converts_many(url: str) -> None:
    sources = [NOTES, DOCUMENTS / "article.html", DOCUMENTS / "memo.docx", stream("bad.pdf", b"garbage")]
    with client(url) as docling:
        results = list(docling.convert_all(sources))
    assert [result.status.value for result in results] == [SUCCESS, SUCCESS, SUCCESS, "failure"]


def watches(url: str, kind: str) -> None:
    from docling.service_client.client import StatusWatcherKind

    with client(url, status_watcher=StatusWatcherKind(kind), ws_fallback_to_poll=False) as docling:
        job = docling.submit(NOTES)
        statuses = [update.task_status.value for update in job.watch()]
        assert statuses[-1] == SUCCESS
        assert job.result().status.value == SUCCESS


def gets_a_zip(url: str) -> None:
    from docling.datamodel.service.targets import ZipTarget

    with client(url) as docling:
        result = docling.submit(NOTES, target=ZipTarget()).result()
    assert (result.content_type, result.filename) == ("application/zip", "converted_docs.zip")


def chunks(url: str, chunker: str) -> None:
    from docling.service_client.client import ChunkerKind

    with client(url) as docling:
        answer = docling.chunk(REPORT, chunker=ChunkerKind(chunker))
    assert len(answer.chunks) > 3
    assert all(chunk.doc_items and chunk.page_numbers for chunk in answer.chunks)


def told_of_an_encrypted_file(url: str) -> None:
    with client(url) as docling:
        result = docling.convert(stream("locked.pdf", make_pdf(password="secret")), raises_on_error=False)
    assert result.status.value == "failure"
    assert "password" in result.errors[0].error_message


def told_of_garbage(url: str) -> None:
    from docling.service_client.exceptions import ConversionError

    with client(url) as docling:
        try:
            docling.convert(stream("bad.pdf", b"garbage"))
        except ConversionError as error:
            assert "not a readable .pdf file" in str(error)  # noqa: PT017 - the client's error is what is looked at
        else:
            raise AssertionError("garbage was converted")


def told_of_an_unknown_task(url: str) -> None:
    from docling.service_client.exceptions import TaskNotFoundError

    with client(url) as docling:
        job = docling.submit(NOTES)
        job.result()
        job.task_id = "unknown"
        try:
            job.poll()
        except TaskNotFoundError:
            return
    raise AssertionError("an unknown task was found")


def loads(url: str) -> None:
    from langchain_docling import DoclingLoader
    from langchain_docling.loader import ExportType

    with client(url) as docling:
        loader = DoclingLoader(file_path=str(NOTES), converter=docling, export_type=ExportType.MARKDOWN)
        [document] = loader.load()
    assert "evening ferry" in document.page_content


SDK = [
    Check("docling SDK", version("docling"), what, run)
    for what, run in (
        ("health and version", healthy),
        ("convert a file", converts_a_file),
        ("convert bytes", converts_bytes),
        ("convert a URL", converts_a_url),
        ("convert some pages", converts_some_pages),
        ("convert many, one of them broken", converts_many),
        ("submit, watch by WebSocket", partial(watches, kind="websocket")),
        ("submit, watch by polling", partial(watches, kind="polling")),
        ("a zip file", gets_a_zip),
        ("chunks, hybrid", partial(chunks, chunker="hybrid")),
        ("chunks, hierarchical", partial(chunks, chunker="hierarchical")),
        ("an encrypted file is told", told_of_an_encrypted_file),
        ("garbage is told", told_of_garbage),
        ("an unknown task is told", told_of_an_unknown_task),
    )
]
LANGCHAIN = [Check("langchain-docling", "3.0.0", "load a file as Markdown", loads)]
