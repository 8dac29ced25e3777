"""Tiny PDFs that declare, nest, repeat, recur or expand without end."""

from __future__ import annotations

import zlib
from collections.abc import Callable

PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>%s>>%s>>"
TEXT = b"BT /F1 12 Tf 72 700 Td (Hello page) Tj ET"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def stream(content: bytes, entries: bytes = b"", *, packed: bool = False) -> bytes:
    if packed:
        content, entries = zlib.compress(content, 9), entries + b"/Filter/FlateDecode"
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(content), content)


def pdf(*more: bytes, **replaced: bytes) -> bytes:
    """A PDF of one page. Objects 1 to 5 are `catalog`, `pages`, `page`, `content` and `font`; others follow."""
    parts = {
        "catalog": b"<</Type/Catalog/Pages 2 0 R>>",
        "pages": b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "page": PAGE % (b"", b""),
        "content": stream(TEXT),
        "font": FONT,
    }
    return assemble([*(parts | replaced).values(), *more])


def assemble(objects: list[bytes], trailer: bytes = b"") -> bytes:
    out, table = b"%PDF-1.7\n", b"0000000000 65535 f \n"
    for number, content in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    size = len(objects) + 1
    end = b"trailer\n<</Root 1 0 R/Size %d%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, len(out))
    return out + b"xref\n0 %d\n%s" % (size, table) + end


def with_resource(kind: bytes, content: bytes, *objects: bytes) -> bytes:
    """A page whose content uses object 6, known as /X among its resources of a kind."""
    return pdf(*objects, page=PAGE % (b"/%s<</X 6 0 R>>" % kind, b""), content=stream(content))


def with_picture(entries: bytes, data: bytes) -> bytes:
    picture = stream(data, b"/Type/XObject/Subtype/Image/ColorSpace/DeviceGray/BitsPerComponent 8" + entries)
    return with_resource(b"XObject", b"q 600 0 0 700 0 0 cm /X Do Q", picture)


def sized(points: int) -> bytes:
    return pdf(page=(PAGE % (b"", b"")).replace(b"612 792", b"%d %d" % (points, points)))


def form_that_draws_itself() -> bytes:
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 100 100]/Resources<</XObject<</X 6 0 R>>>>"
    return with_resource(b"XObject", b"/X Do", stream(b"/X Do /X Do", form))


def forms_that_multiply(levels: int = 30) -> bytes:
    """Each form draws the next one twice."""
    head = b"/Type/XObject/Subtype/Form/BBox[0 0 100 100]/Resources<</XObject<</X %d 0 R>>>>"
    forms = [stream(b"/X Do /X Do", head % (7 + level)) for level in range(levels)]
    return with_resource(b"XObject", b"/X Do", *forms, stream(b"0 0 9 9 re f", head % 5))


def pattern(step: bytes, content: bytes) -> bytes:
    entries = b"/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]/XStep %s/YStep %s" % (step, step)
    entries += b"/Resources<</Pattern<</X 6 0 R>>>>"
    return with_resource(b"Pattern", b"/Pattern cs /X scn 0 0 612 792 re f", stream(content, entries))


def glyph_that_draws_itself(times: int = 1) -> bytes:
    font = b"<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[1 0 0 1 0 0]/FirstChar 65/LastChar 65/Widths[9]"
    font += b"/Encoding<</Differences[65/a]>>/CharProcs<</a 6 0 R>>/Resources<</Font<</F1 5 0 R>>>>>>"
    glyph = b"9 0 d0 " + b"BT /F1 1 Tf (AA) Tj ET " * times
    return pdf(stream(glyph), font=font, content=stream(b"BT /F1 9 Tf (AA) Tj ET"))


def annotation_that_draws_itself() -> bytes:
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 7 0 R>>>>"
    annotation = b"<</Type/Annot/Subtype/Stamp/Rect[0 0 99 99]/AP<</N 7 0 R>>>>"
    return pdf(annotation, stream(b"/X Do /X Do", form), page=PAGE % (b"", b"/Annots[6 0 R]"))


def tree_that_repeats(levels: int = 6, width: int = 10) -> bytes:
    """A million pages, all of them one object."""
    branches = [b"<</Type/Pages/Count %d/Kids[%s]>>" % (width ** (levels - level), b"%d 0 R " % (7 + level) * width)
                for level in range(levels - 1)]  # fmt: skip
    leaf = b"<</Type/Pages/Count %d/Kids[%s]>>" % (width, b"3 0 R " * width)
    return pdf(*branches, leaf, pages=b"<</Type/Pages/Count %d/Kids[6 0 R]>>" % width**levels)


def outline_that_loops() -> bytes:
    item = b"<</Title(again)/Parent 6 0 R/First 7 0 R/Last 7 0 R/Next 7 0 R/Prev 7 0 R>>"
    catalog = b"<</Type/Catalog/Pages 2 0 R/Outlines 6 0 R>>"
    return pdf(b"<</Type/Outlines/First 7 0 R/Last 7 0 R/Count 1>>", item, catalog=catalog)


def loop_of_tables() -> bytes:
    """The cross-reference table names itself as the one before it."""
    whole = pdf()
    start = b"%d" % whole.rindex(b"xref\n0 ")
    return whole.replace(b"/Size 6", b"/Size 6/Prev " + start)


def with_forms(forms: bytes, *objects: bytes) -> bytes:
    return pdf(*objects, catalog=b"<</Type/Catalog/Pages 2 0 R%s>>" % forms)


def packed_many_times(times: int = 12) -> bytes:
    data = bytes(20_000_000)
    for _ in range(times):
        data = zlib.compress(data, 9)
    filters = b"/FlateDecode " * times
    return pdf(content=b"<</Length %d/Filter[%s]>>\nstream\n%s\nendstream" % (len(data), filters, data))


def locked() -> bytes:
    """Encrypted with hashes that no password fits, which take many rounds to tell."""
    rule = b"<</Filter/Standard/V 5/R 6/Length 256/P -4/O(%s)/U(%s)/OE(%s)/UE(%s)/Perms(%s)/StmF/StdCF/StrF/StdCF"
    rule %= (b"a" * 48, b"b" * 48, b"c" * 32, b"d" * 32, b"e" * 16)
    rule += b"/CF<</StdCF<</CFM/AESV3/Length 32>>>>>>"
    catalog, pages = b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    return assemble([catalog, pages, PAGE % (b"", b""), stream(TEXT), FONT, rule], b"/Encrypt 6 0 R/ID[(a)(a)]")


def with_unicode_map(ranges: bytes) -> bytes:
    head = b"begincmap 1 begincodespacerange <00000000> <ffffffff> endcodespacerange 1 beginbfrange "
    unicode_map = stream(head + ranges + b" endbfrange endcmap")
    return pdf(unicode_map, font=FONT.replace(b">>", b"/ToUnicode 6 0 R>>"))


def shading(function: bytes) -> bytes:
    head = b"<</ShadingType 2/ColorSpace/DeviceGray/Coords[0 0 600 700]/Function 7 0 R>>"
    return with_resource(b"Shading", b"/X sh", head, function)


def mask_that_uses_itself() -> bytes:
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 600 700]/Group<</S/Transparency/CS/DeviceGray>>"
    form += b"/Resources<</ExtGState<</X 6 0 R>>>>"
    drawn = stream(b"/X gs 0 0 99 99 re f /X gs 0 0 9 9 re f", form)
    return with_resource(b"ExtGState", b"/X gs 0 0 600 700 re f", b"<</SMask<</S/Luminosity/G 7 0 R>>>>", drawn)


def colour_of_functions() -> bytes:
    """A colour that is made from itself, by a program of nothing but braces."""
    program = stream(b"{" * 5_000 + b"}" * 5_000, b"/FunctionType 4/Domain[0 1]/Range[0 1]")
    return with_resource(b"ColorSpace", b"/X cs 1 scn 0 0 99 99 re f", b"[/Separation/A 6 0 R 7 0 R]", program)


def table_that_never_ends() -> bytes:
    """A cross-reference stream of two thousand million entries that names itself as the one before it."""
    entries = b"/Type/XRef/Size 2000000000/W[1 4 2]/Index[0 2000000000]/Root 2 0 R/Prev 9"
    objects = b"1 0 obj\n%s\nendobj\n2 0 obj\n<</Type/Catalog/Pages 3 0 R>>\nendobj\n" % stream(bytes(40), entries)
    return b"%PDF-1.7\n" + objects + b"3 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\nstartxref\n9\n%%EOF"


#: A code stream of JPEG 2000, and a page of JBIG2, of two thousand million pixels on a side.
JPX = b"\xff\x4f\xff\x51\x00\x29\x00\x00" + b"\x7f\xff\xff\xff" * 2 + bytes(8) + b"\x00\x00\x00\x01" * 2 + bytes(8)
JBIG2 = b"\0\0\0\0\x30\0\1\0\0\0\x13" + b"\x7f\xff\xff\xff" * 2 + bytes(11)

CASES: dict[str, Callable[[], bytes]] = {
    "count_million.pdf": lambda: pdf(pages=b"<</Type/Pages/Kids[3 0 R]/Count 1000000>>"),
    "count_negative.pdf": lambda: pdf(pages=b"<</Type/Pages/Kids[3 0 R]/Count -7>>"),
    "kids_repeated.pdf": lambda: pdf(pages=b"<</Type/Pages/Count 9999/Kids[%s]>>" % (b"3 0 R " * 9999)),
    "kids_loop.pdf": lambda: pdf(pages=b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>"),
    "kids_million.pdf": tree_that_repeats,
    "page_8000.pdf": lambda: sized(8_000),
    "page_2000000000.pdf": lambda: sized(2_000_000_000),
    "form_recursion.pdf": form_that_draws_itself,
    "form_doubling.pdf": forms_that_multiply,
    "glyph_recursion.pdf": glyph_that_draws_itself,
    "glyph_recursion_30.pdf": lambda: glyph_that_draws_itself(30),
    "annotation_recursion.pdf": annotation_that_draws_itself,
    "pattern_recursion.pdf": lambda: pattern(b"1", b"/Pattern cs /X scn 0 0 1 1 re f"),
    "pattern_tiny_steps.pdf": lambda: pattern(b"0.0001", b"0 0 1 1 re f"),
    "outline_loop.pdf": outline_that_loops,
    "xref_loop.pdf": loop_of_tables,
    "length_loop.pdf": lambda: pdf(content=stream(TEXT).replace(b"/Length 41", b"/Length 4 0 R")),
    "deep_arrays.pdf": lambda: pdf(b"[" * 40_000 + b"]" * 40_000),
    "deep_content.pdf": lambda: pdf(content=stream(b"[" * 40_000)),
    "unbalanced_states.pdf": lambda: pdf(content=stream(b"q " * 40_000 + TEXT)),
    "stream_bomb.pdf": lambda: pdf(content=stream(b"0 0 m 9 9 l S\n" * 3_500_000, packed=True)),
    "picture_60000.pdf": lambda: with_picture(
        b"/Width 60000/Height 60000/Filter/FlateDecode", zlib.compress(b"\0" * 99)
    ),
    "picture_fax_60000.pdf": lambda: with_picture(
        b"/Width 60000/Height 60000/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns 60000/Rows 60000>>", b"\0" * 99
    ),
    "picture_jpx.pdf": lambda: with_picture(b"/Width 9/Height 9/Filter/JPXDecode", JPX),
    "picture_jbig2.pdf": lambda: with_picture(b"/Width 9000/Height 9000/Filter/JBIG2Decode", JBIG2),
    "annotations.pdf": lambda: pdf(
        b"<</Type/Annot/Subtype/Link/Rect[0 0 99 99]/A<</S/URI/URI(http://a.example)>>>>",
        page=PAGE % (b"", b"/Annots[%s]" % (b"6 0 R " * 14_000)),
    ),
    "fields_loop.pdf": lambda: with_forms(
        b"/AcroForm 6 0 R", b"<</Fields[7 0 R]>>", b"<</T(a)/Kids[7 0 R 7 0 R]/Parent 7 0 R>>"
    ),
    "names_loop.pdf": lambda: with_forms(
        b"/Names<</Dests 6 0 R/EmbeddedFiles 6 0 R>>/StructTreeRoot 6 0 R", b"<</Kids[6 0 R 6 0 R]>>"
    ),
    "labels_loop.pdf": lambda: with_forms(
        b"/PageLabels 6 0 R", b"<</Nums[0 <</S/r/St 2000000000>>]/Kids[6 0 R 6 0 R]>>"
    ),
    "objects_loop.pdf": lambda: with_forms(
        b"/AcroForm 7 0 R", stream(b"7 0 8 0 <</A 6 0 R>>", b"/Type/ObjStm/N 2000000000/First 8/Extends 6 0 R")
    ),
    "fields_packed.pdf": lambda: with_forms(b"/AcroForm<</Fields[]/XFA 6 0 R>>", stream(b"<x>" * 900_000, packed=True)),
    "filters.pdf": lambda: pdf(
        content=b"<</Length 9/Filter[%s]>>\nstream\naaaaaaaa>\nendstream" % (b"/ASCIIHexDecode " * 5_000)
    ),
    "packed_many_times.pdf": packed_many_times,
    "locked.pdf": locked,
    "unicode_map.pdf": lambda: with_unicode_map(b"<00000000> <ffffffff> <0041>"),
    "shading_loop.pdf": lambda: shading(
        b"<</FunctionType 3/Domain[0 1]/Functions[7 0 R 7 0 R]/Bounds[.5]/Encode[0 1 0 1]>>"
    ),
    "shading_samples.pdf": lambda: shading(
        stream(b"\0" * 99, b"/FunctionType 0/Domain[0 1 0 1 0 1]/Range[0 1]/Size[60000 60000 60000]/BitsPerSample 32")
    ),
    "dashes.pdf": lambda: pdf(content=stream(b"[0.0001 0.0001] 0 d 9 w 0 0 m 600 700 l S " + TEXT)),
    "wide_line.pdf": lambda: pdf(content=stream(b"1e9 w 0 0 m 1e9 1e9 l S " + TEXT)),
    "user_unit.pdf": lambda: pdf(page=PAGE % (b"", b"/UserUnit 1000000000")),
    "turned.pdf": lambda: pdf(page=PAGE % (b"", b"/Rotate 2147483640")),
    "cropped.pdf": lambda: pdf(page=PAGE % (b"", b"/CropBox[0 0 0.000001 99999999999999999999999]")),
    "mask_of_itself.pdf": mask_that_uses_itself,
    "colour_loop.pdf": lambda: with_resource(b"ColorSpace", b"/X cs 1 sc 0 0 99 99 re f", b"[/Indexed 6 0 R 255 (a)]"),
    "colour_functions.pdf": colour_of_functions,
    "layers_loop.pdf": lambda: with_resource(
        b"Properties", b"/OC /X BDC EMC", b"<</Type/OCMD/OCGs 6 0 R/VE[/And 7 0 R 7 0 R]>>", b"[/Or 7 0 R 7 0 R]"
    ),
    "parent_loop.pdf": lambda: pdf(page=b"<</Type/Page/Parent 3 0 R/Contents 4 0 R>>"),
    "xref_stream_loop.pdf": table_that_never_ends,
    "content_repeated.pdf": lambda: pdf(page=(PAGE % (b"", b"")).replace(b"4 0 R", b"[%s]" % (b"4 0 R " * 2_000), 1)),
    "widths.pdf": lambda: pdf(
        b"<</Type/Font/Subtype/CIDFontType2/BaseFont/A/W[0 2000000000 500]>>",
        font=b"<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/DescendantFonts[6 0 R]>>",
    ),
    "letters.pdf": lambda: pdf(content=stream(b"BT /F1 9 Tf 9 400 Td (" + b"a" * 2_000_000 + b") Tj ET", packed=True)),
    "picture_of_itself.pdf": lambda: with_picture(b"/Width 9/Height 9/SMask 6 0 R", b"\0" * 81),
}
