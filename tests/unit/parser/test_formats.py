import pytest

from actors.formats import FAMILIES, suffix_of, supported_suffixes


@pytest.mark.parametrize(
    ("filename", "suffix"),
    [
        ("a.pdf", ".pdf"),
        ("A.B.PDF", ".pdf"),
        ("scans.tar.gz", ".tar.gz"),
        ("x.gz", ".gz"),
        ("x.dclg.xml", ".dclg.xml"),
        ("../../etc/passwd", ""),
        ("folder.d/passwd", ""),
        ("folder.d\\passwd", ""),
        ("", ""),
        ("é" * 300 + ".DocX", ".docx"),
    ],
)
def test_a_suffix_is_what_follows_the_last_dot_in_lower_case(filename: str, suffix: str) -> None:
    assert suffix_of(filename) == suffix


def test_everything_the_single_process_server_took_is_still_taken() -> None:
    promised = ".pdf .docx .pptx .xlsx .xls .html .htm .png .jpg .jpeg .tiff .bmp .asciidoc .adoc .md .txt"
    assert set(promised.split()) <= set(supported_suffixes())


@pytest.mark.models
def test_the_table_of_suffixes_agrees_with_docling() -> None:
    from docling.datamodel.base_models import FormatToExtensions, InputFormat

    left_out = {InputFormat.AUDIO, InputFormat.VIDEO, InputFormat.EBCDIC, InputFormat.XML_XBRL}
    theirs = {
        f".{suffix.lower()}"
        for form, suffixes in FormatToExtensions.items()
        if form not in left_out
        for suffix in suffixes
    }
    assert set(supported_suffixes()) == theirs
    families = set(FAMILIES.values()) - {"xml", "text"}
    assert families <= {form.value for form in InputFormat}
