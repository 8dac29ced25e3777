"""What the server says it takes, and options that it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actors.formats import supported_suffixes
from client.models import ParseOptions
from client.offer import ServerOptions
from tests.unit.serve_app.service import MakeService, Service, form

MINILM = "sentence-transformers/all-MiniLM-L6-v2"


async def offered(service: Service) -> ServerOptions:
    answer = await service.http.get("/options")
    assert answer.status_code == 200
    return ServerOptions.model_validate_json(answer.content)


async def test_server_tells_what_a_request_may_choose(service: Service) -> None:
    told = await offered(service)
    assert told.suffixes == list(supported_suffixes())
    assert {"nodes", "markdown", "chunks", "chunks.jsonl", "confidence", "zip"} <= set(told.formats)
    assert told.chunkers == ["hybrid", "hierarchical", "page"]
    assert told.tokenizers[MINILM] == 256
    assert "en" in told.ocr_languages
    assert set(told.options_schema["properties"]) == set(ParseOptions.model_fields)
    assert (told.chunk_defaults.tokenizer, told.chunk_defaults.max_tokens) == (MINILM, 256)


async def test_defaults_and_limits_are_those_of_the_settings(make_service: MakeService, tmp_path: Path) -> None:
    service = await make_service(do_ocr=False, profile="native", max_file_size_mb=7, max_pages=9)
    told = await offered(service)
    assert (told.defaults["do_ocr"], told.defaults["profile"]) == (False, "native")
    assert ParseOptions(**told.defaults) == service.settings.parse_options
    assert (told.limits.max_file_bytes, told.limits.max_pages) == (7 << 20, 9)


@pytest.mark.parametrize(
    ("found", "listed"), [("bundled", False), ("standard", True)], ids=["without models", "with models"]
)
async def test_profile_without_its_models_is_not_offered(
    service: Service, monkeypatch: pytest.MonkeyPatch, found: str, listed: bool
) -> None:
    described = await service.parsers.describe()
    monkeypatch.setattr("tests.fakes.PARSER", described.model_copy(update={"profile": found}))
    assert ("standard" in (await offered(service)).profiles) is listed


async def test_server_without_a_ready_parser_offers_every_profile(service: Service) -> None:
    service.parsers.ready = False
    assert (await offered(service)).profiles == ["auto", "standard", "bundled", "native"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"ocr_lang": ["en", "ko", "ru"]}, "OCR does not read ko, ru; it reads ch, chinese_cht, en"),
        ({"ocr_lang": "en"}, "valid array"),
        ({"table_mode": "slow"}, "'accurate' or 'fast'"),
        ({"images_scale": 2}, "images_scale needs include_images: true"),
        ({"images_scale": 5, "include_images": True}, "less than or equal to 4"),
        ({"images_scale": 0, "include_images": True}, "greater than or equal to 0.5"),
        ({"heading_hierarchy": "perhaps"}, "valid boolean"),
    ],
)
async def test_impossible_option_is_refused_with_what_is_possible(
    service: Service, options: dict[str, Any], reason: str
) -> None:
    data = {"options": json.dumps(options)}
    answer = await service.http.post("/submit", files=form(("a.md", b"# A")), data=data)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_option")
    assert reason in answer.json()["detail"]


async def test_possible_options_reach_the_job(service: Service) -> None:
    options = {"ocr_lang": ["en", "de"], "table_mode": "fast", "images_scale": 3, "include_images": True}
    await service.submit(("a.md", b"# A"), options=json.dumps(options | {"heading_hierarchy": True}))
    [claim] = await service.registry.claim("worker", 1, 0.0)
    asked = claim.spec.options
    assert (asked.ocr_lang, asked.table_mode, asked.images_scale) == (("en", "de"), "fast", 3.0)
    assert (asked.include_images, asked.heading_hierarchy) == (True, True)
