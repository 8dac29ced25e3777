"""Reading a multipart body part by part, in chunks of any size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve_app.multipart import multipart_parts
from serve_app.problems import Refused

TYPE = 'multipart/form-data; boundary="x-y"'


async def chunks(body: bytes, cuts: Sequence[int]) -> AsyncIterator[bytes]:
    edges = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        yield body[start:end]


def encoded(parts: Sequence[tuple[str, str | None, bytes]]) -> bytes:
    body = b""
    for name, filename, data in parts:
        label = "" if filename is None else f'; filename="{filename}"'
        body += f'--x-y\r\nContent-Disposition: form-data; name="{name}"{label}\r\n\r\n'.encode() + data + b"\r\n"
    return body + b"--x-y--\r\n"


async def read(body: bytes, cuts: Sequence[int] = ()) -> list[tuple[str, str | None, bytes]]:
    return [
        (part.name, part.filename, b"".join([piece async for piece in part.data()]))
        async for part in multipart_parts(chunks(body, cuts), TYPE)
    ]


@given(
    parts=st.lists(
        st.tuples(
            st.text("abcé", min_size=1),
            st.none() | st.text("a.é/ ", min_size=1),
            st.binary() | st.sampled_from([b"\r\n--x-y", b"\r\n--x-", b"--x-y--", b"\r\n\r\n", b"\r" * 50]),
        ).filter(lambda part: b"\r\n--x-y" not in b"\r\n" + part[2]),
        min_size=1,
    ),
    cuts=st.lists(st.integers(0, 10_000)),
)
async def test_parts_are_read_as_they_were_sent_wherever_the_body_is_cut(
    parts: list[tuple[str, str | None, bytes]], cuts: list[int]
) -> None:
    assert await read(encoded(parts), cuts) == parts


@given(kept=st.floats(0, 1, exclude_max=True), cuts=st.lists(st.integers(0, 10_000)))
async def test_a_body_that_breaks_off_is_never_taken_for_whole(kept: float, cuts: list[int]) -> None:
    body = encoded([("files", "a.md", b"# A"), ("files", "b.md", b"# B")]).removesuffix(b"-\r\n")
    with pytest.raises(Refused, match="ends before its last boundary"):
        await read(body[: int(len(body) * kept)], cuts)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("filename=\"=?utf-8?B?w7xidW5nLm1k?=\"; filename*=utf-8''%C3%BCbung.md", "übung.md"),  # .NET
        ("filename*=utf-8''%C3%BCbung.md", "übung.md"),  # older requests
        ("filename=\"_bung.md\"; filename*=UTF-8''%C3%BCbung.md", "übung.md"),
        ('filename="=?utf-8?B?w7xidW5nLm1k?="', "übung.md"),
        ('filename="=?utf-8?Q?=C3=BCbung.md?="', "übung.md"),
        ("filename*=iso-8859-1''%FCbung.md", "übung.md"),
        ('filename="übung.md"', "übung.md"),
        ('filename="=?nope?B?w7xidW5nLm1k?="', "=?nope?B?w7xidW5nLm1k?="),
        ('filename="=?utf-8?B?w?="', "=?utf-8?B?w?="),
        ("filename=\"a.md; filename*=utf-8''b.md\"", "a.md; filename*=utf-8''b.md"),
        ("filename=\"b.md\"; filename*=undefined''a.md", "b.md"),  # a codec of Python that decodes nothing
    ],
)
async def test_a_file_name_arrives_in_every_form_that_clients_send(sent: str, name: str) -> None:
    head = f'--x-y\r\nContent-Disposition: form-data; name="files"; {sent}\r\n\r\n'
    assert await read(head.encode() + b"# A\r\n--x-y--\r\n") == [("files", name, b"# A")]


async def test_a_part_that_is_not_read_is_skipped() -> None:
    body = encoded([("a", None, b"1"), ("b", None, b"2")])
    assert [part.name async for part in multipart_parts(chunks(body, range(len(body))), TYPE)] == ["a", "b"]
