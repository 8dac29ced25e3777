"""The model endpoints that an operator names, and what a request may ask of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actors.endpoints import ModelEndpoint, keys_of, models_of, parse_endpoints, with_endpoints
from client.models import ParseOptions

GRANITE = {"url": "http://models.internal/v1/chat/completions", "model": "granite-docling"}


def parsed(**endpoint: Any) -> ModelEndpoint:
    return parse_endpoints(json.dumps({"granite": GRANITE | endpoint}))["granite"]


def test_endpoint_needs_a_url_and_a_model_and_has_defaults_for_the_rest() -> None:
    endpoint = parsed()
    assert (endpoint.concurrency, endpoint.timeout_s, endpoint.use) == (4, 120.0, ("page", "picture"))
    assert (endpoint.preset, endpoint.prompt, endpoint.key_env) == ("granite_docling", None, None)


def test_endpoints_come_from_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.json"
    file.write_text(json.dumps({"granite": GRANITE}))
    assert parse_endpoints(str(file)) == {"granite": parsed()}


def test_nothing_means_no_endpoints() -> None:
    assert parse_endpoints(" ") == {}


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ({"url": "ftp://models"}, "granite.url: must be an http or https URL"),
        ({"url": "models/v1"}, "granite.url: must be an http or https URL"),
        ({"url": "http://me:secret@models/v1"}, "name the key's environment variable in key_env"),
        ({"model": ""}, "granite.model: String should have at least 1 character"),
        ({"concurrency": 0}, "granite.concurrency: Input should be greater than or equal to 1"),
        ({"timeout_s": 0}, "granite.timeout_s: Input should be greater than 0"),
        ({"use": ["video"]}, "granite.use.0: Input should be 'page' or 'picture'"),
        ({"use": []}, "granite.use: Tuple should have at least 1 item"),
        ({"preset": "mineru2_pro"}, "granite.preset: Input should be"),
        ({"key": "sk-secret"}, "granite.key: Extra inputs are not permitted"),
        ({"params": {"model": "other"}}, "granite.params: must not set model"),
        ({"prompt": "Read it"}, "granite: a prompt is for one use; name it in use"),
    ],
)
def test_wrong_endpoint_is_refused_by_its_name_and_without_its_values(endpoint: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        parsed(**endpoint)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "the model endpoints are not JSON"),
        ("/nowhere/endpoints.json", "the file of the model endpoints cannot be read: No such file"),
        ('{"a b": {"url": "http://m", "model": "m"}}', "String should match pattern"),
        ('{"granite": {"model": "m"}}', r"granite\.url: Field required"),
    ],
)
def test_text_without_endpoints_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_endpoints(text)


def test_keys_come_from_the_environment_variables_that_the_endpoints_name() -> None:
    endpoints = {"granite": parsed(key_env="VLM_KEY"), "open": parsed()}
    assert keys_of(endpoints, {"VLM_KEY": "sk-1"}) == {"granite": "sk-1"}


@pytest.mark.parametrize(("environment", "reason"), [({}, "is not set"), ({"VLM_KEY": "a\nb"}, "holds no key")])
def test_key_that_is_missing_or_impossible_is_refused(environment: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=rf"granite\.key_env: the environment variable VLM_KEY {reason}"):
        keys_of({"granite": parsed(key_env="VLM_KEY")}, environment)


ENDPOINTS = {"pictures": parsed(use=["picture"]), "granite": parsed(), "qwen": parsed(preset="qwen", use=["page"])}


@pytest.mark.parametrize(
    ("asked", "taken"), [("vlm", "vlm:granite"), ("vlm:qwen", "vlm:qwen"), ("auto", "auto"), (None, None)]
)
def test_profile_without_a_name_takes_the_first_endpoint_for_pages(asked: str | None, taken: str | None) -> None:
    assert with_endpoints(ParseOptions(profile=asked), ENDPOINTS).profile == taken


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"profile": "vlm:gone"}, "no model endpoint 'gone' for pages; those for pages are granite, qwen"),
        ({"profile": "vlm:pictures"}, "no model endpoint 'pictures' for pages"),
        (
            {"picture_description": "gone"},
            "'gone' for pictures; those for pictures are pictures, granite",
        ),
        ({"picture_description": "qwen"}, "no model endpoint 'qwen' for pictures"),
        ({"profile": "vlm", "force_ocr": True}, "cannot be combined with force_ocr"),
        ({"profile": "vlm", "table_mode": "fast"}, "cannot be combined with table_mode"),
        ({"profile": "vlm", "include_images": True, "images_scale": 2}, "cannot be combined with images_scale"),
    ],
)
def test_endpoint_that_is_not_here_and_impossible_options_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        with_endpoints(ParseOptions(**options), ENDPOINTS)


def test_server_without_endpoints_for_pictures_says_so() -> None:
    with pytest.raises(ValueError, match="needs a model endpoint for pictures, and this server has none"):
        with_endpoints(ParseOptions(picture_description="any"), {})


def test_server_without_endpoints_says_so() -> None:
    with pytest.raises(ValueError, match="needs a model endpoint for pages, and this server has none"):
        with_endpoints(ParseOptions(profile="vlm"), {})


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "http://other/v1"},
        {"model": "m2"},
        {"preset": "qwen"},
        {"prompt": "Read", "use": ["page"]},
        {"params": {"a": 1}},
    ],
)
def test_result_depends_on_the_model_that_the_endpoint_names(changed: dict[str, Any]) -> None:
    for options in (ParseOptions(profile="vlm:granite"), ParseOptions(picture_description="granite")):
        assert models_of(options, {"granite": parsed()}) != models_of(options, {"granite": parsed(**changed)})


@pytest.mark.parametrize("changed", [{"concurrency": 9}, {"timeout_s": 9}, {"key_env": "OTHER"}])
def test_result_does_not_depend_on_how_the_model_is_asked(changed: dict[str, Any]) -> None:
    options = ParseOptions(profile="vlm:granite")
    assert models_of(options, {"granite": parsed()}) == models_of(options, {"granite": parsed(**changed)})
