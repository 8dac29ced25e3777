"""Every answer is one by docling's own models, and every option of docling's is in the table."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

from actors.messages import Failure
from client.confidence import Confidence, FileConfidence
from client.models import ErrorCode
from serve_app.docling_v1.chunking import ChunkingRequest, chunking_of
from serve_app.docling_v1.options import ConvertOptions, translate
from tests.unit.serve_app.docling_v1.calls import converted, finished, result, submitted
from tests.unit.serve_app.docling_v1.sockets import connected
from tests.unit.serve_app.service import Service, form

if TYPE_CHECKING:
    from pydantic import BaseModel


@pytest.fixture(scope="module")
def models() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # docling's own
        from docling.datamodel.service import responses
    return responses


def strictly(model: type[BaseModel], sent: dict[str, Any]) -> Any:
    """`sent` as a model. No key of it may be unknown to the model."""
    read = model.model_validate(sent)
    assert set(sent) <= set(model.model_fields), "an unknown key"
    return read


async def test_the_status_of_a_task(service: Service, models: Any) -> None:
    task = strictly(models.TaskStatusResponse, await submitted(service))
    assert (task.task_type.value, task.task_status.value) == ("convert", "pending")
    polled = await service.http.get(f"/v1/status/poll/{await finished(service, ('a.md', b'bad'))}")
    assert strictly(models.TaskStatusResponse, polled.json()).failure.retryable is False


async def test_a_frame_of_a_socket(service: Service, models: Any) -> None:
    async with connected(service.api, f"/v1/status/ws/{await finished(service)}") as socket:
        await socket.message()
        frames = [strictly(models.WebsocketMessage, await socket.frame()) for _ in range(2)]
    assert [frame.message.value for frame in frames] == ["connection", "update"]


async def test_a_document(service: Service, models: Any) -> None:
    answer = await result(service, to_formats=["md", "json", "html", "text", "doctags", "doclang"])
    read = strictly(models.ConvertDocumentResponse, answer.json())
    assert read.document.json_content.name == "report.md"
    assert read.document.doclang_content == "doclang: report.md ü"
    assert (read.status.value, read.document.md_content) == ("success", "markdown: report.md üplaceholder")


async def test_the_confidence_of_a_document(service: Service, models: Any) -> None:
    page = Confidence(layout_score=0.75, mean_score=0.75, mean_grade="fair")
    service.worker.confidence = FileConfidence(mean_score=0.75, mean_grade="fair", pages={"1": page})
    read = strictly(models.ConvertDocumentResponse, (await result(service)).json())
    assert (read.confidence.mean_grade.value, read.confidence.pages[1].layout_score) == ("fair", 0.75)


async def test_a_document_with_lost_pages(service: Service, models: Any) -> None:
    service.worker.lost = (2, 5)
    read = strictly(models.ConvertDocumentResponse, (await result(service)).json())
    assert [error.page_no for error in read.errors] == [2, 5]


async def test_a_file_that_failed(service: Service, models: Any) -> None:
    answer = await converted(service, files=form(("a.md", b"bad")))
    read = strictly(models.ConvertDocumentResponse, answer.json())
    assert (read.status.value, read.errors[0].category.value) == ("failure", "backend_failure")


@pytest.mark.parametrize("code", [code for code in ErrorCode if code in ("cancelled", "deadline_exceeded", "poison")])
async def test_a_job_that_failed(service: Service, models: Any, code: ErrorCode) -> None:
    task_id = (await submitted(service))["task_id"]
    await service.worker.work(Failure(code=code, message="It failed"))
    answer = await service.http.get(f"/v1/result/{task_id}")
    assert answer.status_code == 200
    assert strictly(models.TaskFailureResult, answer.json()).failure.message == "It failed"


async def test_chunks(service: Service, models: Any) -> None:
    files = form(("a.md", b"# A"), ("b.md", b"bad"))
    answer = await converted(service, "/v1/chunk/hybrid/file", files=files, data={"include_converted_doc": "true"})
    read = strictly(models.ChunkDocumentResponse, answer.json())
    assert [(chunk.filename, chunk.chunk_index, chunk.text) for chunk in read.chunks] == [
        ("a.md", 0, "one ü"), ("a.md", 1, "two"),
    ]  # fmt: skip
    assert [item.status.value for item in read.documents] == ["success", "failure"]
    assert read.documents[0].document.json_content.name == "a.md"


async def test_the_small_answers(service: Service, models: Any) -> None:
    models.HealthCheckResponse.model_validate((await service.http.get("/health")).json())
    strictly(models.ReadinessResponse, (await service.http.get("/ready")).json())
    strictly(models.ClearResponse, (await service.http.get("/v1/clear/results")).json())


def docling_options() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from docling.datamodel.service.options import ConvertDocumentsOptions
    return ConvertDocumentsOptions


def test_every_option_of_docling_is_in_the_table() -> None:
    assert set(docling_options().model_fields) == set(ConvertOptions.model_fields)


@pytest.mark.parametrize("name", ["HybridChunkerOptions", "HierarchicalChunkerOptions"])
def test_every_chunking_option_of_docling_is_in_the_table(models: Any, name: str) -> None:
    from docling.datamodel.service import chunking

    theirs = getattr(chunking, name)
    assert set(theirs.model_fields) - {"chunker"} <= set(ChunkingRequest.model_fields)
    sent = ChunkingRequest.model_validate(theirs().model_dump(mode="json"))
    made = chunking_of(sent, theirs().chunker.value, include_document=False)
    assert made.options.tables == "triplets"


def test_every_default_of_docling_is_taken_as_it_is() -> None:
    """Generated clients send all of them."""
    translation = translate(ConvertOptions.model_validate(docling_options()().model_dump(mode="json")))
    assert translation.substituted == {}
    sent = translation.parse.model_dump(exclude_none=True)
    assert sent == {
        "do_ocr": True, "force_ocr": False, "do_table_structure": True, "include_images": True, "images_scale": 2.0,
        "heading_hierarchy": False, "do_picture_classification": False, "do_code_enrichment": False,
        "do_formula_enrichment": False,
    }  # fmt: skip
