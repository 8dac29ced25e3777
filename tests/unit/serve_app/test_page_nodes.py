"""Selecting the nodes of some pages from a stored response while it is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from actors.messages import PageSpan
from serve_app.page_nodes import PageSelection
from serve_app.settings import MIB
from tests.peak_memory import peak_memory
from tests.unit.serve_app.service import Service

tricky = st.text('ab"\\{}[],:é\n', max_size=12)
nodes = st.builds(
    lambda text, page, extra: {"text": text, "metadata": {"page_number": page, "extra": extra}, "children_ids": []},
    tricky,
    st.integers(1, 5) | st.none() | tricky,
    tricky | st.lists(st.dictionaries(tricky, tricky), max_size=2),
)


async def select(response: dict[str, Any], pages: PageSpan, cuts: Sequence[int] = ()) -> dict[str, Any]:
    body = orjson.dumps(response)

    async def pieces() -> AsyncIterator[bytes]:
        for start, end in pairwise(sorted({0, len(body), *(cut % len(body) for cut in cuts)})):
            yield body[start:end]

    selected: dict[str, Any] = orjson.loads(b"".join([piece async for piece in PageSelection(pages).of(pieces())]))
    return selected


@given(filename=tricky, all_nodes=st.lists(nodes, max_size=4), cuts=st.lists(st.integers(0, 10_000), max_size=8))
async def test_the_selected_nodes_are_those_of_the_pages_wherever_the_body_is_cut(
    filename: str, all_nodes: list[dict[str, Any]], cuts: list[int]
) -> None:
    response = {"filename": filename, "success": True, "nodes": all_nodes, "num_nodes": len(all_nodes), "error": None}
    wanted = [node for node in all_nodes if node["metadata"]["page_number"] in (2, 3)]
    selected = await select(response, PageSpan(2, 3), cuts)
    assert selected == response | {"nodes": wanted, "num_nodes": len(wanted)}
    assert list(selected) == list(response)


async def test_pages_of_a_large_result_move_memory_by_less_than_10_mb(service: Service) -> None:
    service.worker.node_text = 'quote " and \\ and {brace}\n' * 5_000
    service.worker.pages = 400
    job_id = await service.completed(("a.pdf", b"# A"))
    assert (await service.blobs.size(f"results/{job_id}/0/response.json") or 0) > 50 * MIB
    with peak_memory() as peak:
        answer = await asyncio.wait_for(service.http.get(f"/jobs/{job_id}/results?pages=399-400"), 120)
    [file] = answer.json()["results"]["results"]
    assert [node["metadata"]["page_number"] for node in file["nodes"]] == [399, 400]
    assert answer.json()["results"]["total_nodes"] == 2
    assert peak.bytes < 10 * MIB
