"""Random changes to a file that keep most of its structure: text, the parts of an archive, the objects of a PDF."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

import pikepdf

from tests.hostile.cases import MAX_BYTES
from tests.unit.parser.files import make_zip

NUMBERS = (b"0", b"1", b"-1", b"7", b"255", b"65536", b"1000000", b"2147483647", b"2147483648", b"99999999999999999999",
           b"1e308", b"-0.0001", b"NaN", b"")  # fmt: skip
TOKENS = (
    b"\0", b"\xff\xfe", b"\xc3", b"\xe2\x80\xae", b"\n\n", b"\t", b" " * 99, b"\r", b"\\", b'"', b"'", b"`" * 7, b"|",
    b"|-|", b"> " * 40, b"* ", b"1. ", b"#" * 9, b"[^1]", b"](", b"![", b"$$", b"<!--", b"-->", b"<![CDATA[", b"]]>",
    b"<?x", b"&#0;", b"&#x110000;", b"&a;", b"<td colspan=9999 rowspan=9999>", b"<table>", b"</table>", b"<tr>",
    b"<li>", b"<p>", b"</p>", b"<b>", b"<br>", b"<base href=x>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"{", b"}", b"[",
    b"]", b",", b";", b":", b"null", b"true", b'{"$ref":"#/body"}', b"\\begin{tabular}{c}", b"\\end{tabular}",
    b"\\item", b"\\def\\a", b"\\a", b"&", b"\\\\", b"|===", b"----", b"--> ", b"00:00", b"--b",
    b"Content-Type: text/html\r\n\r\n", b"=?utf-8?B?",
)  # fmt: skip
_NUMBER = re.compile(rb"\d+")
_TAG = re.compile(rb"<[A-Za-z][^<>]{0,200}>")


def mutated(name: str, data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A changed copy of at most `MAX_BYTES`. `others` are files to take pieces from."""
    if name.endswith(".pdf") and rng.random() < 0.8:
        changed = _pdf(data, rng)
    elif data.startswith(b"PK") and rng.random() < 0.95:
        changed = _archive(data, rng)
    else:
        changed = text(data, others, rng)
    return changed[:MAX_BYTES]


def text(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        data = rng.choice(_CHANGES)(data, others, rng)[:MAX_BYTES]
    return data


def _slice(data: bytes, rng: random.Random, longest: int = 2_000) -> tuple[int, int]:
    begin = rng.randint(0, len(data))
    return begin, min(len(data), begin + rng.choice((1, 4, 20, 100, longest)))


def _remove(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    begin, end = _slice(data, rng)
    return data[:begin] + data[end:]


def _repeat(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    begin, end = _slice(data, rng)
    return data[:begin] + data[begin:end] * rng.choice((2, 3, 30, 300, 3_000)) + data[end:]


def _insert(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    at, times = rng.randint(0, len(data)), rng.choice((1, 1, 1, 2, 50, 2_000))
    return data[:at] + rng.choice(TOKENS) * times + data[at:]


def _splice(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    other = rng.choice(others)
    begin, end = _slice(other, rng)
    at = rng.randint(0, len(data))
    return data[:at] + other[begin:end] + data[at:]


def _number(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    one = rng.choice(found)
    return data[: one.start()] + rng.choice(NUMBERS) + data[one.end() :]


def _flip(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 3, 20)) if data else 0):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _swap(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    a, b, c = sorted(rng.randint(0, len(data)) for _ in range(3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def _cut(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    return data[: rng.randint(1, max(1, len(data)))]


def _nest(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Open an element of the file many times, and sometimes close it as often."""
    found = list(_TAG.finditer(data))
    if not found:
        return _insert(data, others, rng)
    tag, depth = rng.choice(found), rng.choice((2, 20, 200, 2_000))
    close = b"</" + re.split(rb"[\s/>]", tag.group()[1:])[0] + b">"
    return data[: tag.start()] + tag.group() * depth + rng.choice((b"", close * depth)) + data[tag.end() :]


_CHANGES: tuple[Callable[[bytes, list[bytes], random.Random], bytes], ...] = (
    _remove, _repeat, _insert, _insert, _splice, _number, _number, _flip, _swap, _cut, _nest,
)  # fmt: skip


def _archive(data: bytes, rng: random.Random) -> bytes:
    """Change the text of one part, or rarely its presence."""
    try:
        with ZipFile(BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except (BadZipFile, ValueError):
        return data
    names = [name for name in members if name.endswith((".xml", ".rels", ".opf", ".xhtml", ".iwa"))] or list(members)
    name = rng.choice(names)
    if rng.random() < 0.05:
        del members[name]
    else:
        members[name] = text(members[name], list(members.values()), rng)
    return make_zip(members)


def _pdf(data: bytes, rng: random.Random) -> bytes:
    """Change some objects: their entries, what they refer to, the content of streams."""
    out = BytesIO()
    try:
        with pikepdf.open(BytesIO(data)) as document:
            objects = [thing for thing in document.objects if isinstance(thing, pikepdf.Object)]
            for _ in range(rng.choice((1, 1, 2, 5))):
                _change_object(rng.choice(objects), objects, document, rng)
            document.save(out, static_id=True, compress_streams=False)
    except (pikepdf.PdfError, RuntimeError, ValueError):  # qpdf cannot read it, or cannot write what it has become
        return text(data, [data], rng)
    return out.getvalue()


def _change_object(thing: Any, objects: list[Any], document: pikepdf.Pdf, rng: random.Random) -> None:
    if isinstance(thing, pikepdf.Stream) and rng.random() < 0.5:
        content = thing.read_raw_bytes()
        thing.write(text(content, [content], rng))
    elif isinstance(thing, (pikepdf.Dictionary, pikepdf.Stream)) and (keys := list(thing.keys())):
        key = rng.choice(keys)
        if rng.random() < 0.15 and key != "/Length":
            del thing[key]
        elif key != "/Length":
            thing[key] = _value(objects, document, rng)
    elif isinstance(thing, pikepdf.Array) and len(thing):
        thing[rng.randrange(len(thing))] = _value(objects, document, rng)


def _value(objects: list[Any], document: pikepdf.Pdf, rng: random.Random, depth: int = 0) -> Any:
    match rng.randrange(7 if depth < 3 else 5):
        case 0:
            return rng.choice((0, -1, 1, 3, 65_536, 2_147_483_647, -2_147_483_648, 9_000_000_000))
        case 1:
            return pikepdf.Name(rng.choice(("/Pages", "/Page", "/Image", "/Form", "/FlateDecode", "/DeviceRGB", "/X")))
        case 2:
            return rng.choice((pikepdf.String("x" * 50), True, pikepdf.String("")))
        case 3 | 4:
            return rng.choice(objects)
        case 5:
            return pikepdf.Array([_value(objects, document, rng, depth + 1) for _ in range(rng.choice((1, 4, 6)))])
        case _:
            return pikepdf.Dictionary({"/X": _value(objects, document, rng, depth + 1)})
