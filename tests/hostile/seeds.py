"""Small sound files of every kind, with as many of its features as fit. The fuzzer changes them."""

from __future__ import annotations

from pathlib import Path

from tests.hostile.markup import JATS
from tests.hostile.offices import docx, iwork, odf, ods, repeated_cells, xlsx
from tests.hostile.pdfs import TEXT, form_that_draws_itself, outline_that_loops, pdf, stream, with_resource
from tests.unit.parser.engine.test_made_formats import MADE, picture, scanned_book
from tests.unit.parser.files import make_pdf

DOCUMENTS = Path(__file__).parents[2] / "examples" / "documents"

MARKDOWN = b"""# Title

Text with *stress*, **weight**, `code`, [a link](http://a.example "t") and ![a picture](data:image/png;base64,AAAA).

> quoted
>> twice

1. one
   - nested
     - [ ] deeper
2. two

| a | b |
|---|:-:|
| 1 | <b>2</b> |

```python
print("x")
```

<table><tr><td colspan=2 rowspan=2>x</td><td>y</td></tr></table>

Term $x^2$ and $$\\frac{1}{2}$$ with a note[^1].

[^1]: The note.
"""

HTML = b"""<!doctype html><html lang=en><head><title>T</title><style>p{}</style></head><body><h1>H</h1><p>a<br>b
<a href="http://a.example">c</a> <img src="data:image/png;base64,AAAA" alt="d"></p><ul><li>x<ol start=3><li>y</ol></ul>
<table><caption>C</caption><thead><tr><th colspan=2>h</th></tr></thead><tr><td rowspan=2>1<td>2<tr><td>3</table>
<dl><dt>t<dd>d</dl><pre><code>z</code></pre><figure><figcaption>f</figcaption></figure><details><summary>s</summary>
</details><form><input type=checkbox checked><label for=i>l</label><select><option>o</select></form>
<math><mi>x</mi></math><!-- c --></body></html>"""

ASCIIDOC = b"""= Title
:toc:

== Section

Text *bold* _italic_ `code` http://a.example[link] image::a.png[alt]

* one
** two
. first
.. second

[cols="1,2*",options="header"]
|===
|a 2+|b
.2+|c |d |e
|f |g
|===

----
listing
----

NOTE: a note
"""

LATEX = rb"""\documentclass{article}\usepackage{amsmath}\newcommand{\x}[1]{\textbf{#1}}
\begin{document}\title{T}\maketitle\section{S}\label{s} Text \x{bold} $a^2$ \cite{b} \ref{s}\footnote{f}
\begin{itemize}\item one \begin{enumerate}\item two\end{enumerate}\end{itemize}
\begin{table}\begin{tabular}{|l|c|}\hline a & \multicolumn{2}{c}{b} \\ \hline\end{tabular}\caption{C}\end{table}
\begin{equation}\frac{1}{2}\end{equation}\begin{verbatim}v\end{verbatim}\includegraphics[width=1cm]{a.png}
\begin{thebibliography}{9}\bibitem{b} B\end{thebibliography}\end{document}"""

MAIL = b"""From: A <a@example.org>\r\nTo: =?utf-8?B?w7w=?= <b@example.org>\r\nSubject: =?utf-8?Q?s=C3=BC?=\r
Date: Mon, 1 Jan 2024 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r
Content-Type: multipart/alternative; boundary="c"\r\n\r\n--c\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nplain\r
--c\r\nContent-Type: text/html\r\n\r\n<p>rich</p>\r\n--c--\r\n--b\r\nContent-Type: text/plain; name="a.txt"\r
Content-Disposition: attachment; filename="a.txt"\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj\r\n--b--\r\n"""

SUBTITLES = b"""WEBVTT - title

STYLE
::cue { color: red }

NOTE a note

id
00:00:01.000 --> 00:00:02.500 align:start position:10%
<v Ann><b>Hello</b> <i.c>there</i> <00:00:02.000>you</v>

00:02.500 --> 01:00:04.000
- second
"""

JATS_TABLE = b"""<article><front><article-meta><title-group><article-title>T</article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>S</surname><given-names>G</given-names></name>
<xref ref-type="aff" rid="a1"/></contrib><aff id="a1">A</aff></contrib-group>
<abstract><p>a</p></abstract></article-meta></front><body><sec><title>S</title><p>x
<xref ref-type="bibr" rid="r">1</xref></p><list list-type="order"><list-item><p>i</p></list-item></list>
<table-wrap><label>1</label><caption><p>c</p></caption><table><thead><tr><th colspan="2">h</th></tr></thead><tbody>
<tr><td rowspan="2">1</td><td>2</td></tr><tr><td>3</td></tr></tbody></table></table-wrap>
<disp-formula><tex-math>x</tex-math></disp-formula><fig><graphic href="a.png"/></fig></sec>
</body><back><ref-list><ref id="r"><element-citation><article-title>R</article-title><year>2000</year>
</element-citation></ref></ref-list></back></article>"""

PATENT_TABLE = b"""<?xml version="1.0"?><!DOCTYPE us-patent-grant SYSTEM "us-patent-grant-v45-2014-04-03.dtd" [ ]>
<us-patent-grant><us-bibliographic-data-grant><invention-title id="t">T</invention-title></us-bibliographic-data-grant>
<abstract id="a"><p id="p">a</p></abstract><description><heading id="h" level="1">H</heading><p id="q">x<sub>2</sub></p>
<tables id="t1"><table frame="none"><tgroup align="left" cols="2"><colspec colname="1" colwidth="9pt"/>
<colspec colname="2" colwidth="9pt"/><thead><row><entry namest="1" nameend="2">h</entry></row></thead><tbody><row>
<entry morerows="1">1</entry><entry>2</entry></row><row><entry>3</entry></row></tbody></tgroup></table></tables>
</description><claims><claim id="c" num="1"><claim-text>c</claim-text></claim></claims></us-patent-grant>"""

ODT = (
    '<text:h text:outline-level="1">H</text:h><text:p>a<text:s text:c="3"/>b<text:tab/><text:line-break/></text:p>'
    "<text:list><text:list-item><text:p>x</text:p><text:list><text:list-item><text:p>y</text:p></text:list-item>"
    "</text:list></text:list-item></text:list><table:table>"
    + repeated_cells(2, 2)
    + '<table:table-row><table:table-cell table:number-columns-spanned="2" table:number-rows-spanned="2">'
    "<text:p>z</text:p></table:table-cell><table:covered-table-cell/></table:table-row></table:table>"
)

CSV = b'a;"b, c";d\n1;2,5;"x ""y"""\n\n3;4;\n'


def _examples() -> list[tuple[str, bytes]]:
    names = ("article.html", "figures.xlsx", "memo.docx", "notes.md", "report.pdf", "slides.pptx")
    return [(name, (DOCUMENTS / name).read_bytes()) for name in names]


def seeds() -> list[tuple[str, bytes]]:
    """Names and contents."""
    jats_table = f"<!DOCTYPE {JATS}>".encode() + JATS_TABLE
    texts = [("a.md", MARKDOWN), ("a.html", HTML), ("a.adoc", ASCIIDOC), ("a.tex", LATEX), ("a.eml", MAIL),
             ("a.vtt", SUBTITLES), ("table.nxml", jats_table), ("table.xml", PATENT_TABLE), ("a.csv", CSV),
             ("a.txt", MARKDOWN)]  # fmt: skip
    offices = [("full.odt", odf("text", ODT)), ("full.ods", ods(repeated_cells(2, 3))), ("a.docx", docx(b"")),
               ("a.xlsx", xlsx("A1", "C3")), ("a.pages", iwork(99)), ("a.numbers", iwork(99)),
               ("a.key", iwork(99))]  # fmt: skip
    image = b"/Type/XObject/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray"
    pdfs = [("one.pdf", pdf()), ("two.pdf", make_pdf(2)), ("form.pdf", form_that_draws_itself()),
            ("outline.pdf", outline_that_loops()), ("long.pdf", pdf(content=stream(TEXT * 20))),
            ("image.pdf", with_resource(b"XObject", b"q 9 0 0 9 0 0 cm /X Do Q", stream(b"abcd", image)))]  # fmt: skip
    pictures = [(f"a.{form}", picture(form)) for form in ("bmp", "gif", "jpeg", "png", "tiff", "webp")]
    return [*MADE, *_examples(), *texts, *offices, *pdfs, *pictures, ("a.tar.gz", scanned_book())]
