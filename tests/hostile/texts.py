"""Tiny texts, mails and pages with endless numbers, references, tags, encodings and headers."""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import pairwise

from tests.hostile.markup import jats, mhtml, page
from tests.hostile.pictures import png

DIGITS = b"9" * 6_000  # Python refuses to read more than 4,300 as a number
MAIL = b"Subject: x\nFrom: a@b.example\n"


def mail(headers: bytes, body: bytes = b"x\n") -> bytes:
    return MAIL + headers + b"\n\n" + body


def aliases(levels: str = "abcdef") -> bytes:
    """YAML whose lists name each other, eight times each."""
    lines = [f"{levels[0]}: &{levels[0]} [x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 8)}]" for old, new in pairwise(levels)]
    return "---\n{}\n---\n\nx\n".format("\n".join(lines)).encode()


CASES: dict[str, Callable[[], bytes]] = {
    "digits.html": lambda: page(b"<table><tr><td colspan=%s rowspan=%s>x</td></tr></table>" % (DIGITS, DIGITS)),
    "list_start.html": lambda: page(b"<ol start=%s><li value=%s>x</li></ol>" % (DIGITS, DIGITS)),
    "digits.md": lambda: DIGITS + b". x\n",
    "times.vtt": lambda: b"WEBVTT\n\n%s:00:00.000 --> %s:00:01.000\nx\n" % (DIGITS, DIGITS),
    "voices.vtt": lambda: b"WEBVTT\n\n00:00.000 --> 00:01.000\n" + b"<v a><c.b.c.d>" * 6_000 + b"x",
    "data_picture.html": lambda: page(b"<img src='data:image/png;base64,%s'>" % base64.b64encode(png(60_000))),
    "comments.html": lambda: page(b"<!--" * 20_000 + b"x"),
    "doctype.html": lambda: b"<!DOCTYPE html [" + b"<!ENTITY a 'b'>" * 5_000 + b"]><p>&a;",
    "characters.html": lambda: page(b"&#x110000;&#99999999999999999999;&amp" * 2_500),
    "empty_tables.html": lambda: page(b"<table></table>" * 1_500),
    "details.html": lambda: page(b"<details><summary>" * 400 + b"x"),
    "charset.html": lambda: b"<meta charset='punycode'><p>" + b"a" * 20_000 + b"-" + b"b" * 60_000,
    "html_open.md": lambda: b"<a " * 30_000,
    "html_comment.md": lambda: b"<!-- " * 18_000,
    "autolinks.md": lambda: b"http://" * 13_000,
    "addresses.md": lambda: b"a@" * 45_000,
    "math.md": lambda: b"$" * 49_000 + b"\n\n" + b"$$ x " * 9_000,
    "aliases.qmd": aliases,
    "one_line.txt": lambda: b"x" * 99_000,
    "newlines.txt": lambda: b"\n" * 99_000,
    "marks.txt": lambda: ("e" + "\u0301" * 45_000).encode(),
    "directions.txt": lambda: ("\u202e\u2066a" * 14_000).encode(),
    "all_bytes.txt": lambda: bytes(range(128, 256)) * 780,
    "half_characters.txt": lambda: b"\xff\xfe" + b"\xd8\x00" * 45_000 + b"x",
    "zeros.txt": lambda: b"\0" * 90_000 + b"x",
    "charset.eml": lambda: mail(b"Content-Type: text/plain; charset=punycode", b"a" * 20_000 + b"-" + b"b" * 70_000),
    "words.eml": lambda: mail(b"Cc: " + b"=?utf-8?q?a?= " * 7_000),
    "folded.eml": lambda: mail(b"Cc: a\n" + b" b\n" * 30_000),
    "groups.eml": lambda: mail(b"To: " + b"a:" * 45_000),
    "comments.eml": lambda: mail(b"To: " + b"(" * 4_000 + b"\nDate: " + DIGITS),
    "parameters.eml": lambda: mail(
        b"Content-Type: text/plain" + b"".join(b"; a*%d*=x" % part for part in range(8_000))
    ),
    "attached.eml": lambda: mail(
        b"Content-Type: multipart/mixed; boundary=a",
        b"--a\nContent-Disposition: attachment; filename=../../../etc/passwd\n\nx\n" * 1_200 + b"--a--\n",
    ),
    "parts.mhtml": lambda: (
        b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=a\n\n--a\nContent-Type: text/html\n\nx\n"
        + b"--a\nContent-ID: <a>\nContent-Type: text/html\n\n<img src='cid:a'>\n" * 1_300
        + b"--a--\n"
    ),
    "lines.mhtml": lambda: mhtml(page(b"x" + b"=\n" * 45_000)),
    "commands.tex": lambda: (
        b"\\newcommand{\\a}[9]{#1#1#1#1#1#1#1#1#1\\a{#1}{#2}}\\begin{document}\\a{x}{y}\\end{document}"
    ),
    "spans.tex": lambda: (
        b"\\begin{document}\\begin{tabular}{*{1000000}{c}}\\multicolumn{1000000}{c}{x}\\end{tabular}\\end{document}"
    ),
    "loop.tex": lambda: b"\\begin{document}\\loop\\iftrue x\\repeat\\expandafter\\def\\x{\\x}\\x\\end{document}",
    "attributes.adoc": lambda: b":a: {a}{a}\n:b: {a}{a}\n{b}\n" * 3_000,
    "separators.csv": lambda: b",;|\t:" * 19_000,
    "newlines.csv": lambda: b'"' + b"\n" * 49_000 + b'"\n' + b"\n" * 49_000,
    "math.nxml": lambda: jats(f"<p><inline-formula><tex-math>{'{' * 20_000}</tex-math></inline-formula></p>"),
    "one_cell.csv": lambda: b'a,"' + b"x,\n" * 30_000 + b'"\n',
    "stars.md": lambda: b"* " * 49_000,
    "strikes.md": lambda: b"~~" * 49_000,
    "includes_itself.adoc": lambda: b"= x\n\ninclude::includes_itself.adoc[]\n" * 500,
    "conditions.adoc": lambda: b"ifdef::a[]\n" * 8_000,
    "includes_itself.tex": lambda: (
        b"\\begin{document}\\input{includes_itself.tex}\\include{includes_itself}x\\end{document}"
    ),
    "environment_loop.tex": lambda: b"\\newenvironment{a}{\\begin{a}}{\\end{a}}\\begin{document}\\begin{a}x\\end{a}",
    "fractions.tex": lambda: b"\\begin{document}$" + b"\\frac{" * 9_000 + b"x" + b"}" * 9_000 + b"$",
    "notes.vtt": lambda: b"WEBVTT\n\n" + b"NOTE x\n\n" * 9_000 + b"00:00.000 --> 00:01.000\nx\n",
    "open.vtt": lambda: b"WEBVTT\n\n00:00.000 --> 00:01.000\n" + b"<c.a" * 24_000,
    "messages.eml": lambda: b"Subject: x\nContent-Type: message/rfc822\n\n" * 2_000 + MAIL + b"\nx\n",
    "boundary.eml": lambda: mail(
        b'Content-Type: multipart/mixed; boundary="%s"' % (b"-" * 30_000), (b"--" + b"-" * 29_999 + b"\n") * 2
    ),
    "unpacked.eml": lambda: mail(
        b"Content-Transfer-Encoding: x-uuencode\nContent-Type: text/html", b"begin 644 a\n" + b"M" * 90_000
    ),
    "base.html": lambda: b"<base href='" + b"a/../" * 15_000 + b"'>" + page(b"<a href='../b'>x</a>" * 900),
    "length_zero.afp": lambda: b"\x5a\0\0\xd3\xa8\xa8\0\0\0" * 9_000,
}
