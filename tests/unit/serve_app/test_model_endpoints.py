"""What a request may say about the operator's model endpoints, and that their keys are said nowhere."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from client.offer import ServerOptions
from serve_app.settings import ServeArguments, Settings
from tests.unit.serve_app.service import MakeService, Service, submitted

KEY = "sk-a-secret-of-the-operator"
ENDPOINTS = {
    "granite": {"url": "http://models.internal/v1/chat", "model": "granite-docling", "key_env": "VLM_KEY"},
    "pictures": {"url": "http://models.internal/v1/chat", "model": "qwen3-vl", "use": ["picture"]},
}


@pytest.fixture(autouse=True)
def key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_KEY", KEY)


@pytest.fixture
def endpoints() -> dict[str, Any]:
    return ENDPOINTS


async def test_server_tells_its_endpoints_by_name_and_use(service: Service) -> None:
    told = ServerOptions.model_validate_json((await service.http.get("/options")).content)
    assert told.model_endpoints == {"granite": ["page", "picture"], "pictures": ["picture"]}
    assert told.profiles[-2:] == ["vlm", "vlm:granite"]


async def test_server_without_endpoints_offers_no_profile_for_them(make_service: MakeService) -> None:
    told = ServerOptions.model_validate_json((await (await make_service()).http.get("/options")).content)
    assert (told.model_endpoints, "vlm" in told.profiles) == ({}, False)


async def test_job_names_the_endpoint_that_its_request_left_open(service: Service) -> None:
    assert (await submitted(service, {"profile": "vlm"})).status_code == 202
    [claim] = await service.registry.claim("worker", 1, 0.0)
    assert claim.spec.options.profile == "vlm:granite"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"profile": "vlm:gone"}, "There is no model endpoint 'gone' for pages; those for pages are granite"),
        ({"profile": "vlm:pictures"}, "There is no model endpoint 'pictures' for pages"),
        (
            {"picture_description": "gone"},
            "'gone' for pictures; those for pictures are granite, pictures",
        ),
        ({"picture_description": ""}, "at least 1 character"),
        ({"picture_area": 0.1}, "picture_area needs picture_description"),
        ({"picture_description": "pictures", "picture_area": 2}, "less than or equal to 1"),
        ({"profile": "vlm:a b"}, "must be auto, standard, bundled, native, vlm, or vlm: and the name of"),
        ({"profile": "http://models.internal/v1/chat"}, "must be auto, standard, bundled, native, vlm"),
        ({"profile": "vlm", "force_ocr": True}, "The profile 'vlm' cannot be combined with force_ocr"),
    ],
)
async def test_endpoint_that_is_not_here_is_refused_with_those_that_are(
    service: Service, options: dict[str, Any], reason: str
) -> None:
    answer = await submitted(service, options)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_option")
    assert reason in answer.json()["detail"]


async def test_server_without_endpoints_refuses_their_profile(make_service: MakeService) -> None:
    answer = await submitted(await make_service(), {"profile": "vlm"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_option")
    assert "this server has none" in answer.json()["detail"]


async def test_neither_key_nor_address_of_an_endpoint_is_told(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await submitted(service, {"profile": "vlm"})
    told = [(await service.http.get(path)).text for path in ("/options", "/health", "/jobs", "/openapi.json")]
    refused = (await submitted(service, {"profile": "vlm:gone"})).text
    seen = "".join([*told, refused, caplog.text])
    assert KEY not in seen
    assert "models.internal" not in seen


def test_settings_hold_the_endpoints_without_their_keys() -> None:
    settings = Settings(model_endpoints=json.dumps(ENDPOINTS))
    assert settings.endpoints["granite"].key_env == "VLM_KEY"
    assert KEY not in repr(settings) + settings.model_dump_json()
    assert KEY.encode() not in pickle.dumps(settings)


def test_endpoints_of_a_file_are_read_once(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.json"
    file.write_text(json.dumps(ENDPOINTS))
    settings = Settings(model_endpoints=str(file))
    file.unlink()
    assert list(pickle.loads(pickle.dumps(settings)).endpoints) == ["granite", "pictures"]


def test_endpoints_of_a_serve_config_are_a_mapping() -> None:
    assert list(ServeArguments(model_endpoints=ENDPOINTS).endpoints) == ["granite", "pictures"]


def test_profile_of_an_endpoint_may_be_the_server_s_own() -> None:
    assert Settings(model_endpoints=json.dumps(ENDPOINTS), profile="vlm").parse_options.profile == "vlm"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"model_endpoints": "{"}, "the model endpoints are not JSON"),
        ({"model_endpoints": '{"granite": {"url": "nowhere", "model": "m"}}'}, "granite.url"),
        ({"profile": "vlm"}, "needs a model endpoint for pages, and this server has none"),
        ({"profile": "vlm:gone", "model_endpoints": json.dumps(ENDPOINTS)}, "no model endpoint 'gone'"),
        ({"profile": "best"}, "must be auto, standard, bundled, native, vlm"),
    ],
)
def test_server_does_not_start_with_wrong_endpoints(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Settings(**settings)


def test_server_does_not_start_without_a_key_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VLM_KEY")
    with pytest.raises(ValidationError, match=r"granite\.key_env: the environment variable VLM_KEY is not set"):
        Settings(model_endpoints=json.dumps(ENDPOINTS))
