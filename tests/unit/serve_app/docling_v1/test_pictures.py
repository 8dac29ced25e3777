"""How pictures and page breaks come into the answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.serve_app.docling_v1.calls import finished, result, submitted
from tests.unit.serve_app.service import MakeService, Service


async def parse_options(service: Service, **sent: Any) -> Any:
    await submitted(service, **sent)
    [claim] = await service.registry.claim("test", 1, 0.0)
    return claim.spec.options


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({}, None),
        ({"image_export_mode": "referenced"}, None),
        ({"image_export_mode": "embedded"}, True),
        ({"include_images": "true"}, True),
        ({"image_export_mode": "embedded", "include_images": "false"}, False),
    ],
)
async def test_pictures_are_kept_if_they_are_asked_for(
    service: Service, sent: dict[str, str], kept: bool | None
) -> None:
    assert (await parse_options(service, **sent)).include_images is kept


async def test_pictures_are_kept_if_they_cannot_be_drawn_later(make_service: MakeService) -> None:
    service = await make_service(keep_inputs=False)
    assert (await parse_options(service, image_export_mode="referenced")).include_images is True


async def test_a_page_break_stands_in_markdown_alone(service: Service) -> None:
    sent = {"md_page_break_placeholder": "\f", "to_formats": ["md", "text"]}
    document = (await result(service, **sent)).json()["document"]
    assert document["md_content"] == "markdown: report.md üplaceholder\f"
    assert document["text_content"] == "text: report.md ü"


async def test_pictures_that_are_referenced_are_links_of_this_server(make_service: MakeService) -> None:
    service = await make_service(root_path="/docs-api")
    task_id = await finished(service, image_export_mode="referenced")
    text = (await service.http.get(f"/v1/result/{task_id}")).json()["document"]["md_content"]
    assert text.endswith(f"referenced/docs-api/jobs/{task_id}/files/0/artifacts/")


async def test_pictures_that_were_to_be_embedded_but_not_kept_are_marks(service: Service) -> None:
    sent = {"image_export_mode": "embedded", "include_images": "false"}
    assert (await result(service, **sent)).json()["document"]["md_content"].endswith("placeholder")
