"""Tiny text files that nest, repeat, expand or ask for quadratic work."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise

from tests.hostile.offices import ENTITIES, LAUGHS

DEPTH = 3_000


def nested(begin: str, end: str, depth: int = DEPTH, inner: str = "x") -> bytes:
    return (begin * depth + inner + end * depth).encode()


def page(body: bytes) -> bytes:
    return b"<!doctype html><html><body>" + body + b"</body></html>"


def html(begin: str, end: str, depth: int = DEPTH) -> bytes:
    return page(nested(begin, end, depth))


def mhtml(body: bytes) -> bytes:
    head = b'MIME-Version: 1.0\r\nContent-Type: multipart/related; type="text/html"; boundary="b"\r\n\r\n'
    part = b"--b\r\nContent-Type: text/html\r\nContent-Location: http://a.example/\r\n\r\n"
    return head + part + body + b"\r\n--b--\r\n"


def nested_mail(depth: int) -> bytes:
    begin = "".join(f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(depth))
    return ("From: a@example.org\nSubject: s\nMIME-Version: 1.0\n" + begin + "Content-Type: text/plain\n\nx\n").encode()


def macros_that_double() -> bytes:
    letters = "abcdefghijklmnopqrstuvwxyz"
    macros = [f"\\newcommand{{\\{a}}}{{\\{b}\\{b}}}" for a, b in pairwise(letters)]
    return "".join([*macros, "\\newcommand{\\z}{zzzz}\\begin{document}\\a\\end{document}"]).encode()


def docling_json(**changes: object) -> bytes:
    body = {"self_ref": "#/body", "children": [], "content_layer": "body", "name": "_root_", "label": "unspecified"}
    document: dict[str, object] = {"schema_name": "DoclingDocument", "version": "1.0.0", "name": "a", "body": body}
    return json.dumps(document | changes).encode()


def document_that_contains_itself() -> bytes:
    group = {"self_ref": "#/groups/0", "parent": {"$ref": "#/body"}, "children": [{"$ref": "#/groups/0"}] * 2,
             "content_layer": "body", "name": "g", "label": "list"}  # fmt: skip
    body = {"self_ref": "#/body", "children": [{"$ref": "#/groups/0"}], "content_layer": "body", "name": "_root_",
            "label": "unspecified"}  # fmt: skip
    return docling_json(groups=[group], body=body)


def document_with_a_large_table() -> bytes:
    table = {"self_ref": "#/tables/0", "parent": {"$ref": "#/body"}, "children": [], "content_layer": "body",
             "label": "table", "prov": [], "captions": [], "references": [], "footnotes": [],
             "data": {"table_cells": [], "num_rows": 100_000, "num_cols": 100_000}}  # fmt: skip
    body = {"self_ref": "#/body", "children": [{"$ref": "#/tables/0"}], "content_layer": "body", "name": "_root_",
            "label": "unspecified"}  # fmt: skip
    return docling_json(tables=[table], body=body)


def groups_in_groups(levels: int, children: int) -> bytes:
    """Each group holds the next one so many times."""
    groups = [
        {"self_ref": f"#/groups/{n}", "parent": {"$ref": f"#/groups/{n - 1}" if n else "#/body"},
         "children": [{"$ref": f"#/groups/{n + 1}"}] * (children if n < levels - 1 else 0),
         "content_layer": "body", "name": "g", "label": "list"}
        for n in range(levels)
    ]  # fmt: skip
    body = {"self_ref": "#/body", "children": [{"$ref": "#/groups/0"}], "content_layer": "body", "name": "_root_",
            "label": "unspecified"}  # fmt: skip
    return docling_json(groups=groups, body=body)


JATS = 'article PUBLIC "-//NLM//DTD JATS Journal Archiving DTD v1.2//EN" "JATS-archivearticle1.dtd"'


def jats(body: str, entities: str = "") -> bytes:
    front = "<front><article-meta><title-group><article-title>T</article-title></title-group></article-meta></front>"
    return f'<?xml version="1.0"?><!DOCTYPE {JATS} [{entities}]><article>{front}<body>{body}</body></article>'.encode()


def patent(body: str, entities: str = "") -> bytes:
    doctype = f'<!DOCTYPE us-patent-grant SYSTEM "us-patent-grant-v45-2014-04-03.dtd" [{entities}]>'
    grant = f"<us-patent-grant><description>{body}</description></us-patent-grant>"
    return f'<?xml version="1.0"?>{doctype}{grant}'.encode()


def wide_rows(cell: str = "<td colspan=1000>x</td>", row: str = "<tr></tr>", rows: int = 5_000) -> str:
    """One row that is a million columns wide, and many short ones."""
    return f"<table><tr>{cell * 1_500}</tr>{row * rows}</table>"


def wide_box_note() -> bytes:
    cell = {"type": "table_cell", "attrs": {"colspan": 1000, "rowspan": 9}, "content": []}
    rows = [{"type": "table_row", "content": [cell] * 900}, *[{"type": "table_row", "content": []}] * 600]
    return json.dumps({"doc": {"type": "doc", "content": [{"type": "table", "content": rows}]}}).encode()


CASES: dict[str, Callable[[], bytes]] = {
    "nested_divs.html": lambda: html("<div>", "</div>"),
    "nested_spans.html": lambda: html("<span>", "</span>"),
    "nested_lists.html": lambda: html("<ul><li>", "</li></ul>"),
    "nested_tables.html": lambda: html("<table><tr><td>", "</td></tr></table>", 1_000),
    "nested_quotes.html": lambda: html("<blockquote>", "</blockquote>"),
    "open_tags.html": lambda: page(b"<b><i><p>x" * 9_000),
    "wide_cell.html": lambda: page(b"<table><tr><td colspan=1000000 rowspan=1000000>x</td></tr></table>"),
    "wide_cells.html": lambda: page(b"<table>" + b"<tr><td colspan=1000 rowspan=1000>x</td></tr>" * 900 + b"</table>"),
    "wide_rows.html": lambda: page(wide_rows().encode()),
    "attributes.html": lambda: page(b"<p " + b"a=b " * 20_000 + b">x</p>"),
    "nested_divs.mhtml": lambda: mhtml(html("<div>", "</div>")),
    "wide_cell.mhtml": lambda: mhtml(page(b"<table><tr><td colspan=1000000 rowspan=1000000>x</td></tr></table>")),
    "nested_quotes.md": lambda: b">" * 40_000 + b" x\n",
    "nested_lists.md": lambda: "".join(f"{' ' * 2 * level}- x\n" for level in range(300)).encode(),
    "emphasis.md": lambda: b"*a **b " * 12_000,
    "brackets.md": lambda: b"[" * 50_000 + b"](" * 9_000,
    "backticks.md": lambda: b"".join(b"a" + b"`" * length for length in range(400)),
    "table.md": lambda: b"|" + b"a|" * 9_000 + b"\n|" + b"-|" * 9_000 + b"\n" + b"|x\n" * 900,
    "wide_cell.md": lambda: b"<table><tr><td colspan=1000000 rowspan=1000000>x</td></tr></table>\n",
    "nested_brackets.md": lambda: b"[" * 20_000 + b"x" * 50_000 + b"]" * 20_000,
    "dashes.md": lambda: (b"|" + b"-" * 49_000 + b"x\n") * 2,
    "links.txt": lambda: b"<http://a " * 9_000,
    "quotes.csv": lambda: b'a,"' * 16_000,
    "columns.csv": lambda: b"," * 40_000 + b"\n" + b"x\n" * 20_000,
    "sniffed.csv": lambda: b'"a"' * 9_000 + b"\n" + b"'" * 30_000,
    "macros.tex": lambda: b"\\def\\a{\\b\\b}\\def\\b{\\a\\a}\\begin{document}\\a\\end{document}",
    "macros_double.tex": macros_that_double,
    "braces.tex": lambda: b"\\begin{document}" + nested("{", "}", 20_000) + b"\\end{document}",
    "environments.tex": lambda: b"\\begin{document}" + nested("\\begin{itemize}\\item ", "\\end{itemize}", 900),
    "columns.tex": lambda: (
        b"\\begin{document}\\begin{tabular}{*{1000000}{c}}\\multicolumn{100000000}{c}{x}\\end{tabular}\\end{document}"
    ),
    "blocks.adoc": lambda: b"".join(b"=" * (level % 90 + 4) + b"\n" for level in range(900)),
    "table.adoc": lambda: b'[cols="1000000*"]\n|===\n1000000*|x\n.1000000+|y\n|===\n',
    "lists.adoc": lambda: b"".join(b"*" * level + b" x\n" for level in range(1, 400)),
    "tags.vtt": lambda: b"WEBVTT\n\n00:00.000 --> 00:01.000\n" + nested("<b>", "</b>", 9_000),
    "parts.eml": lambda: nested_mail(900),
    "nested.json": lambda: b'{"schema_name":"DoclingDocument","body":' + b"[" * 40_000,
    "loop.json": document_that_contains_itself,
    "table.json": document_with_a_large_table,
    "chain.json": lambda: groups_in_groups(500, 1),
    "doubling.json": lambda: groups_in_groups(60, 2),
    "lists.nxml": lambda: jats(nested("<list><list-item>", "</list-item></list>", 1_500, "<p>x</p>").decode()),
    "rows.dclg": lambda: b"<doclang><table>" + b"<fcel/><nl/>" * 3_000 + b"</table></doclang>",
    "wide_rows.boxnote": wide_box_note,
    "nested.boxnote": lambda: (
        b'{"doc":' + nested('{"type":"list_item","content":[', "]}", DEPTH, '{"type":"text"}') + b"}"
    ),
    "entities.nxml": lambda: jats("<p>&i;</p>", ENTITIES),
    "nested.nxml": lambda: jats(nested("<sec>", "</sec>").decode()),
    "wide_rows.nxml": lambda: jats(
        "<table-wrap>" + wide_rows("<td colspan='1000'>x</td>", "<tr/>", 9_000) + "</table-wrap>"
    ),
    "wide_cell.nxml": lambda: jats(
        "<table-wrap><table><tr><td colspan='9999999' rowspan='9999'>x</td></tr></table></table-wrap>"
    ),
    "external.nxml": lambda: jats("<p>&x;</p>", "<!ENTITY x SYSTEM 'file:///etc/passwd'>"),
    "entities.xml": lambda: patent("<p>&i;</p>", ENTITIES),
    "nested.xml": lambda: patent(nested("<p>", "</p>").decode()),
    "table.xml": lambda: patent(
        "<tables><table><tgroup cols='1000000'><colspec colname='1'/><tbody><row><entry namest='1' nameend='1000000' "
        "morerows='1000000'>x</entry></row></tbody></tgroup></table></tables>"
    ),
    "entities.dclg": lambda: f"{LAUGHS}<doclang>&i;</doclang>".encode(),
    "nested.dclg": lambda: b"<doclang>" + nested("<group>", "</group>") + b"</doclang>",
    "fields.afp": lambda: b"\x5a\xff\xff\xd3\xa8\xa8\0\0\0" * 9_000,
}  # fmt: skip
