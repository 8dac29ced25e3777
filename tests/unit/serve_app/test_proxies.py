"""The middleware for Serve's proxies: clean headers, and an answer in place of a dead replica."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.proxies import middlewares

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]


async def ask(app: ASGIApp, headers: Headers = ((b"X-Request-ID", b"r-1"),)) -> httpx.Response:
    for middleware in middlewares():  # as Serve does it
        app = middleware.cls(app, *middleware.args, **middleware.kwargs)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy") as http:
        return await http.get("/jobs/a", headers=list(headers))


async def echoing(scope: Scope, receive: Receive, send: Send) -> None:
    """As Serve: it decodes headers, and sends the request id back as it is."""
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    await PlainTextResponse(json.dumps(headers), headers={"X-Request-ID": headers["x-request-id"]})(
        scope, receive, send
    )


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """As Serve's proxy, when the replica has died."""


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("the replica has died")


async def breaking_off(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("the replica has died")


@pytest.mark.parametrize("app", [silent, failing])
async def test_a_replica_that_dies_before_it_answers_is_a_503_to_be_repeated(app: ASGIApp) -> None:
    answer = await ask(app)
    assert (answer.status_code, answer.json()["code"], answer.json()["request_id"]) == (503, "unavailable", "r-1")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("sent", [b"\xff", b"a b", b"x" * 129, b"<script>", "é".encode()])
@pytest.mark.parametrize("app", [echoing, silent])
async def test_a_request_id_that_is_no_plain_word_is_replaced_and_never_echoed(app: ASGIApp, sent: bytes) -> None:
    answer = await ask(app, [(b"X-Request-ID", sent)])
    made = answer.headers["X-Request-ID"] if app is echoing else answer.json()["request_id"]
    assert re.fullmatch("[0-9a-f]{32}", made)


async def test_a_request_id_that_is_a_plain_word_reaches_the_application() -> None:
    answer = await ask(echoing)
    assert (answer.headers["X-Request-ID"], answer.json()["x-request-id"]) == ("r-1", "r-1")


@pytest.mark.parametrize("name", [b"serve_multiplexed_model_id", b"Serve-Multiplexed-Model-Id", b"X-Session-Id"])
async def test_headers_that_serve_cannot_decode_are_ignored(name: bytes) -> None:
    answer = await ask(echoing, [(name, b"\xff"), (b"X-Other", b"kept")])
    assert (answer.status_code, answer.json()["x-other"]) == (200, "kept")
    assert name.decode().lower() not in answer.json()


async def test_the_model_of_a_request_is_no_business_of_serve() -> None:
    assert "serve_multiplexed_model_id" not in (await ask(echoing, [(b"serve_multiplexed_model_id", b"m")])).json()


async def test_an_answer_passes_as_it_is() -> None:
    answer = await ask(PlainTextResponse("as it is", status_code=404))
    assert (answer.status_code, answer.text) == (404, "as it is")


async def test_an_answer_that_breaks_off_is_no_other_answer() -> None:
    with pytest.raises(RuntimeError, match="died"):
        await ask(breaking_off)


NO_SUCH_PATH = "Path '/jobs/a' not found. Ping http://.../-/routes for available routes."


async def test_a_path_is_not_missing_while_no_application_is_deployed() -> None:
    answer = await ask(PlainTextResponse(NO_SUCH_PATH, 404))
    assert (answer.status_code, answer.json()["code"], answer.json()["request_id"]) == (503, "unavailable", "r-1")
    assert int(answer.headers["Retry-After"]) > 0


def test_these_are_the_words_of_serve() -> None:
    ray = importlib.util.find_spec("ray")
    assert ray is not None
    assert ray.origin is not None
    said = (Path(ray.origin).parent / "serve/_private/proxy.py").read_text()
    assert "not found. " in said
    assert "Ping http://.../-/routes for available routes." in said
