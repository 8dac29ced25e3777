"""What a proxy answers in place of a replica."""

from __future__ import annotations

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.proxies import DeadReplica503, middlewares


async def ask(app: ASGIApp) -> httpx.Response:
    (middleware,) = middlewares()
    assert middleware.cls is DeadReplica503
    transport = httpx.ASGITransport(DeadReplica503(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://proxy") as http:
        return await http.get("/jobs/a", headers={"X-Request-ID": "r-1"})


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


async def test_an_answer_passes_as_it_is() -> None:
    answer = await ask(PlainTextResponse("as it is", status_code=404))
    assert (answer.status_code, answer.text) == (404, "as it is")


async def test_an_answer_that_breaks_off_is_no_other_answer() -> None:
    with pytest.raises(RuntimeError, match="died"):
        await ask(breaking_off)
