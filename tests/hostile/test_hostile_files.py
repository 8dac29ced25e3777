"""Tiny files that ask for too much: each ends within its budget, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from actors.parser.memory_limit import GROWTH, LEAST_GROWTH, MIB
from tests.hostile.cases import CASES, MAX_BYTES
from tests.hostile.process import task_for

pytestmark = pytest.mark.models

#: How many times its deadline a file may take on a busy machine. Those that end by themselves do so far earlier.
PATIENCE = 5

#: These take seconds each, or end their process.
SLOW = {
    "form_doubling.pdf", "picture_of_itself.pdf", "pattern_recursion.pdf", "stream_bomb.pdf", "form_recursion.pdf",
    "glyph_recursion_30.pdf", "picture_60000.pdf", "pages.tif", "uniform.tif", "nested_quotes.md",
    "paragraphs.docx", "found_annotation.pdf", "found_macro.tex", "found_glyph.pdf", "scans.jpg", "widths.pdf",
    "letters.pdf",
}  # fmt: skip

PARSED = {
    "addresses.md", "aliases.qmd", "all_bytes.txt", "annotation_recursion.pdf", "annotations.pdf",
    "attached.eml", "attributes.adoc", "attributes.html", "autolinks.md", "backticks.md", "base.html",
    "blocks.adoc", "boundary.eml", "braces.tex", "chapters.epub", "characters.html", "charset.eml",
    "charset.html", "colour_functions.pdf", "colour_loop.pdf", "columns.tex", "columns.xlsx", "commands.tex",
    "comments.eml", "comments.html", "conditions.adoc", "content_repeated.pdf", "count_million.pdf",
    "count_negative.pdf", "dashes.md", "dashes.pdf", "data_picture.html", "deep_arrays.pdf", "deep_content.pdf",
    "diagonal.xlsx", "digits.html", "digits.md", "directions.txt", "doctype.html", "emphasis.md",
    "empty_tables.html", "environment_loop.tex", "environments.tex", "external.nxml", "far_apart.xlsx",
    "far_page.json", "fields_loop.pdf", "fields_packed.pdf", "filters.pdf", "folded.eml", "formulas.xlsx",
    "fractions.tex", "glyph_recursion.pdf", "groups.eml", "half_characters.txt", "html_comment.md",
    "html_open.md", "includes_itself.adoc", "includes_itself.tex", "labels_loop.pdf", "layers_loop.pdf",
    "lines.mhtml", "links.txt", "list_level.docx", "list_start.html", "loop.tex", "macros.tex",
    "macros_double.tex", "marks.txt", "mask_of_itself.pdf", "math.md", "math.nxml", "merged.xlsx", "names.xlsx",
    "names_files.adoc", "names_files.boxnote", "names_files.eml", "names_files.epub", "names_files.html",
    "names_files.json", "names_files.md", "names_files.tex", "names_loop.pdf", "newlines.csv", "notes.vtt",
    "numbering_loop.docx", "objects_loop.pdf", "one_cell.csv", "one_line.txt", "open.vtt", "open_tags.html",
    "outline_loop.pdf", "packed_many_times.pdf", "padded.ods", "page_2000000000.pdf", "page_8000.pdf",
    "parameters.eml", "parent_loop.pdf", "parts.eml", "parts.mhtml", "pattern_tiny_steps.pdf",
    "picture_fax_60000.pdf", "picture_jbig2.pdf", "picture_jpx.pdf", "quotes.csv", "rows.dclg", "rules.xlsx",
    "separators.csv", "shading_loop.pdf", "shading_samples.pdf", "slide_repeated.pptx", "sniffed.csv",
    "spanned.ods", "spans.tex", "sparse.xlsx", "stars.md", "strikes.md", "styles_loop.docx", "table.adoc",
    "times.vtt", "turned.pdf", "unbalanced_states.pdf", "unicode_map.pdf", "unpacked.dclx", "unpacked.eml",
    "untyped.ods", "user_unit.pdf", "wide_cell.html", "wide_cell.md", "wide_cell.mhtml", "wide_cell.nxml",
    "wide_cells.html", "wide_line.pdf", "wide_rows.docx", "wide_table.docx", "wide_table.pptx", "words.eml",
    "xref_loop.pdf", "zeros.txt",
}  # fmt: skip
TOO_LARGE = {
    "brackets.md", "columns.csv", "covered.ods", "nested_brackets.md", "repeated_empty.ods", "staircase.xlsx",
    "table.md", "wide_rows.boxnote", "wide_rows.html", "wide_rows.nxml",
}  # fmt: skip
RESULT_TOO_LARGE = {
    "repeated.ods", "repeated_columns.ods", "spaces.odp", "spaces.ods", "spaces.odt", "table.odt", "texts.ods",
}  # fmt: skip
OTHERS = {
    "kids_repeated.pdf": "planned",
    "length_loop.pdf": "pages_lost",
    "loop.tif": "unsupported_format",  # of the profile that these tests use
    "newlines.txt": "empty_file",
    "frames.gif": "decompression_bomb",
    "locked.pdf": "password_required",
    "cropped.pdf": "no_pages",
    **dict.fromkeys(TOO_LARGE, "too_large_to_parse"),
    **dict.fromkeys(RESULT_TOO_LARGE, "result_too_large"),
    **dict.fromkeys((name for name in CASES if name.startswith(("declared.", "overlapping."))), "decompression_bomb"),
    **dict.fromkeys(
        ("declared.key", "declared.numbers", "declared.pages", "declared.tar.gz", "long_text.png"), "invalid_file"
    ),
}

#: The outcomes that a file may have. "died": its process ended itself at the end of the file's time.
CLEAR = {
    "parsed",
    "planned",
    "invalid_file",
    "pages_lost",
    "decompression_bomb",
    "too_large_to_parse",
    "result_too_large",
}


def expected(name: str) -> str:
    return "parsed" if name in PARSED else OTHERS.get(name, "invalid_file")


def run(
    profile: str, names: Sequence[str], folder: Path, timeout_s: float, patience: int = 1
) -> dict[str, dict[str, Any]]:
    """What became of each file that did not end its process."""
    for name in names:
        (folder / name).write_bytes(CASES[name]())
    command = [sys.executable, "-m", "tests.hostile.process", profile, str(patience)]
    paths = "".join(f"{folder / name}\n" for name in names)
    (folder / "temporary").mkdir()
    alone = os.environ | {"TMPDIR": str(folder / "temporary")}
    done = subprocess.run(
        command, input=paths, capture_output=True, text=True, check=False, timeout=timeout_s, env=alone
    )
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines()) if "outcome" in line}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return run("native", sorted(CASES.keys() - SLOW), tmp_path_factory.mktemp("hostile"), 280, PATIENCE)


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_tiny(name: str) -> None:
    assert len(CASES[name]()) <= MAX_BYTES


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", sorted(CASES.keys() - SLOW))
def test_a_hostile_file_ends_with_a_clear_outcome(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    ended = outcomes[name]
    assert ended["outcome"] == expected(name)
    assert ended["cpu_s"] < task_for(name, MAX_BYTES).time_limit_s
    assert ended["grown_mib"] < 512
    assert ended["left"] == []


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.parametrize("name", sorted(SLOW))
def test_a_hostile_file_that_takes_its_time_ends_within_its_budget(tmp_path: Path, name: str) -> None:
    rendered = name.endswith((".pdf", ".gif", ".jpg", ".tif"))
    limit_s = task_for(name, len(CASES[name]())).time_limit_s
    outcomes = run("bundled" if rendered else "native", [name], tmp_path, timeout_s=limit_s + 60)
    if name in outcomes:  # else its process ended, within its time limit and a minute to start
        assert outcomes[name]["outcome"] in CLEAR
        assert outcomes[name]["grown_mib"] * MIB < GROWTH + LEAST_GROWTH
        assert outcomes[name]["left"] == []
