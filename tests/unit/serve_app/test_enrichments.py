"""Options about single items, whose models not every server has: refused at the submit, with what to do."""

from __future__ import annotations

from typing import Any

import pytest

from client.offer import ServerOptions
from client.options import ENRICHMENTS
from client.picture_classes import PICTURE_CLASSES
from tests.unit.serve_app.service import Service, form, submitted

DESCRIBED = {"picture_description": "pictures"}
ENDPOINTS = {"pictures": {"url": "http://models.internal/v1/chat", "model": "qwen3-vl", "use": ["picture"]}}


@pytest.fixture
def endpoints() -> dict[str, Any]:
    return ENDPOINTS


@pytest.mark.parametrize("option", ENRICHMENTS)
async def test_option_without_its_model_is_refused_and_leaves_nothing_behind(service: Service, option: str) -> None:
    answer = await submitted(service, {option: True})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_option")
    assert answer.json()["detail"] == f"This server does not have the model of {option}"
    assert service.stored() == []


@pytest.mark.parametrize("option", ENRICHMENTS)
async def test_docling_serve_s_option_without_its_model_is_refused_for_the_same_reason(
    service: Service, option: str
) -> None:
    answer = await service.http.post("/v1/convert/file/async", files=form(("a.md", b"# A")), data={option: "true"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_option")
    assert answer.json()["detail"] == f"This server does not have the model of {option}"


async def test_option_with_its_model_reaches_the_job(service: Service) -> None:
    service.parsers.enrichments = ENRICHMENTS
    filters = {"picture_allow": ["photograph", "bar_chart"], "picture_min_confidence": 0.5}
    answer = await submitted(service, dict.fromkeys(ENRICHMENTS, True) | DESCRIBED | filters)
    assert answer.status_code == 202
    [claim] = await service.registry.claim("worker", 1, 0.0)
    asked = claim.spec.options
    assert all(getattr(asked, name) for name in ENRICHMENTS)
    assert (asked.picture_allow, asked.picture_min_confidence) == (("photograph", "bar_chart"), 0.5)


@pytest.mark.parametrize("state", ["ready", "busy"])
async def test_job_is_taken_while_no_parser_can_say_whether_it_has_the_model(service: Service, state: str) -> None:
    setattr(service.parsers, state, state == "busy")
    assert (await submitted(service, {"do_code_enrichment": True})).status_code == 202


async def test_option_that_is_switched_off_needs_no_model(service: Service) -> None:
    assert (await submitted(service, dict.fromkeys(ENRICHMENTS, False))).status_code == 202


async def test_server_tells_which_of_these_options_it_can_do(service: Service) -> None:
    service.parsers.enrichments = ("do_code_enrichment",)
    told = ServerOptions.model_validate_json((await service.http.get("/options")).content)
    assert told.enrichments == ["do_code_enrichment"]
    assert told.picture_classes == list(PICTURE_CLASSES)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"picture_allow": ["logo"]}, "picture_allow needs picture_description, and do_picture_classification: true"),
        (
            DESCRIBED | {"picture_deny": ["logo"]},
            "picture_deny needs picture_description, and do_picture_classification: true",
        ),
        (DESCRIBED | {"do_picture_classification": True, "picture_allow": []}, "at least 1 item"),
        (DESCRIBED | {"do_picture_classification": True, "picture_allow": ["logos"]}, "'bar_chart', 'box_plot'"),
        (DESCRIBED | {"picture_min_confidence": 0.5}, "picture_min_confidence needs picture_allow or picture_deny"),
        ({"picture_min_confidence": 2}, "less than or equal to 1"),
        ({"do_code_enrichment": "perhaps"}, "valid boolean"),
    ],
)
async def test_impossible_filter_is_refused_with_what_is_possible(
    service: Service, options: dict[str, Any], reason: str
) -> None:
    answer = await submitted(service, options)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_option")
    assert reason in answer.json()["detail"]
