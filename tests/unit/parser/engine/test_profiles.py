"""Options as docling gets them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from actors.errors import FileError
from actors.parser.engine.device import Device
from actors.parser.engine.options import Models, Recipe, recipe_of
from client.languages import OCR_LANGUAGES
from client.models import ParseOptions

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models


def pdf_options_for(**options: Any) -> Any:
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.profiles import pdf_options

    asked = ParseOptions(**options)
    return pdf_options(recipe_of(asked, asked.profile or "bundled"), Hardware(threads=3, device="cpu"), None)


def test_what_is_left_open_is_read_with_ocr_and_tables_and_without_pictures() -> None:
    assert recipe_of(ParseOptions(), "bundled") == Recipe(
        models="bundled", ocr=True, ocr_everywhere=False, tables=True, images=False
    )


def test_every_option_takes_effect() -> None:
    options = pdf_options_for(do_ocr=False, do_table_structure=False, include_images=True)
    assert (options.do_ocr, options.do_table_structure, options.generate_picture_images) == (False, False, True)
    options = pdf_options_for()
    assert (options.do_ocr, options.do_table_structure, options.generate_picture_images) == (True, True, False)


def test_pictures_are_as_large_as_asked() -> None:
    assert pdf_options_for(include_images=True).images_scale == 2.0
    assert pdf_options_for(include_images=True, images_scale=3).images_scale == 3.0
    assert pdf_options_for(include_images=True, images_scale=3, profile="native").images_scale == 3.0


def test_table_mode_is_that_of_doclings_own_model() -> None:
    assert pdf_options_for(profile="standard").table_structure_options.mode.value == "accurate"
    assert pdf_options_for(profile="standard", table_mode="fast").table_structure_options.mode.value == "fast"


def test_levels_of_headings_need_the_whole_document_in_one_parser() -> None:
    from actors.parser.engine.profiles import splittable

    assert splittable(pdf_options_for())
    asked = pdf_options_for(heading_hierarchy=True)
    assert (asked.heading_hierarchy_options.enabled, asked.generate_parsed_pages) == (True, True)
    assert not splittable(asked)


def test_languages_of_ocr_are_those_of_its_model() -> None:
    import rapidocr
    import yaml

    routes = yaml.safe_load((Path(rapidocr.__file__).parent / "default_models.yaml").read_text())["model_routes"]
    [small] = routes["PP-OCRv6"]["rec"]["small"]
    assert set(OCR_LANGUAGES) == {*small["supported_langs"], *routes["PP-OCRv6"]["aliases"]}


def test_ocr_everywhere_means_ocr() -> None:
    options = pdf_options_for(do_ocr=False, force_ocr=True)
    assert options.do_ocr
    assert options.ocr_options.mode.value == "full_page"


def test_without_models_there_is_one_recipe_whatever_is_asked_of_models() -> None:
    asked = ParseOptions(do_ocr=False, do_table_structure=False)
    assert recipe_of(asked, "native") == recipe_of(ParseOptions(), "native")


def test_models_run_on_the_replica_s_threads() -> None:
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.profiles import backend_options

    assert pdf_options_for().accelerator_options.num_threads == 3
    recipe = recipe_of(ParseOptions(), "bundled")
    assert backend_options(recipe, Hardware(threads=3, device="cpu")).parser_threads == 3


@pytest.mark.parametrize("profile", ["bundled", "standard"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_page_meets_no_other_in_a_model(profile: Models, device: Device) -> None:
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.profiles import pdf_options

    options: Any = pdf_options(recipe_of(ParseOptions(), profile), Hardware(threads=1, device=device), None)
    assert (options.layout_batch_size, options.ocr_batch_size, options.table_batch_size) == (1, 1, 1)


def test_ocr_models_are_files_that_are_there() -> None:
    ocr = pdf_options_for().ocr_options
    assert all(Path(path).is_file() for path in (ocr.det_model_path, ocr.cls_model_path, ocr.rec_model_path))


@pytest.mark.parametrize(
    "enrichment",
    ["do_picture_classification", "do_picture_description", "do_code_enrichment", "do_formula_enrichment",
     "do_chart_extraction", "generate_page_images", "generate_parsed_pages"],
)  # fmt: skip
def test_what_needs_the_pages_after_they_are_parsed_is_never_split(enrichment: str) -> None:
    from actors.parser.engine.profiles import splittable

    options = pdf_options_for()
    assert splittable(options)
    assert not splittable(options.model_copy(update={enrichment: True}))


def test_document_with_pictures_is_split() -> None:
    from actors.parser.engine.profiles import splittable

    assert splittable(pdf_options_for(include_images=True))
    assert splittable(pdf_options_for(picture_description="pictures", profile="native"))


def test_docling_s_own_models_are_found_in_an_artifacts_folder(tmp_path: Path) -> None:
    from actors.parser.engine.profiles import STANDARD_MODELS, standard_on_disk

    for repo, _, file in STANDARD_MODELS:
        assert not standard_on_disk(tmp_path)
        path = tmp_path / repo.replace("/", "--") / file
        path.parent.mkdir(parents=True)
        assert not standard_on_disk(tmp_path)  # as after a download that broke off
        path.touch()
    assert standard_on_disk(tmp_path)


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache, empty, in a folder of the test's own."""
    from huggingface_hub import constants

    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


def fill_hub_cache(folder: Path) -> None:
    from actors.parser.engine.profiles import STANDARD_MODELS

    for repo, revision, file in STANDARD_MODELS:
        kept = folder / f"models--{repo.replace('/', '--')}"
        path = kept / "snapshots" / "abc" / file
        path.parent.mkdir(parents=True)
        path.touch()
        (kept / "refs").mkdir()
        (kept / "refs" / revision).write_text("abc")


def test_docling_s_own_models_are_found_in_the_hub_s_cache(hub_cache: Path) -> None:
    from actors.parser.engine.profiles import STANDARD_MODELS, standard_on_disk

    assert not standard_on_disk(None)
    fill_hub_cache(hub_cache)
    assert standard_on_disk(None)
    _, _, file = STANDARD_MODELS[-1]
    next(hub_cache.rglob(Path(file).name)).unlink()
    assert not standard_on_disk(None)


def test_a_folder_without_all_models_does_not_hide_the_hub_s_cache(tmp_path: Path, hub_cache: Path) -> None:
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine

    def profile_with(folder: Path) -> str:
        return Engine(ParseOptions(profile="auto"), Hardware(threads=1, device="cpu"), folder).describe().profile

    folder = tmp_path / "models"
    (folder / "RapidOcr").mkdir(parents=True)
    assert profile_with(folder) == "bundled"
    fill_hub_cache(hub_cache)
    assert profile_with(folder) == "standard"


def test_docling_gets_a_folder_only_if_all_models_are_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from actors.parser.engine import engine
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.profiles import STANDARD_MODELS

    given: list[Path | None] = []
    monkeypatch.setattr(engine, "Converters", lambda _, folder, *rest: given.append(folder))
    for repo, _, file in STANDARD_MODELS:
        engine.Engine(ParseOptions(profile="standard"), Hardware(threads=1, device="cpu"), tmp_path)
        path = tmp_path / repo.replace("/", "--") / file
        path.parent.mkdir(parents=True)
        path.touch()
    engine.Engine(ParseOptions(profile="standard"), Hardware(threads=1, device="cpu"), tmp_path)
    assert given == [None, None, tmp_path]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"profile": "native", "heading_hierarchy": True}, "finds no headings"),
        ({"profile": "bundled", "table_mode": "fast"}, "table_mode 'fast'"),
    ],
)
def test_option_that_a_profile_cannot_follow_is_refused(engine: Engine, options: Any, reason: str) -> None:
    with pytest.raises(FileError, match=reason) as refused:
        engine.describe(ParseOptions(**options))
    assert refused.value.file_code == "invalid_option"
