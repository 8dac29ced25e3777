"""Where settings come from and what they must be."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from client.models import ParseOptions
from serve_app.settings import Settings


@pytest.fixture(autouse=True)
def _only_what_a_test_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_environment_names_of_the_single_process_server_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = {
        "HOST": "0.0.0.0", "PORT": "9000", "MAX_CONCURRENT_REQUESTS": "3", "MAX_CONCURRENT_FILES": "2",
        "MAX_FILE_SIZE_MB": "7", "PAGE_CHUNKS": "false", "DO_OCR": "0", "DO_TABLE_STRUCTURE": "no",
    }  # fmt: skip
    for name, value in sent.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert [getattr(settings, name.lower()) for name in sent] == ["0.0.0.0", 9000, 3, 2, 7, False, False, False]


def test_their_defaults_hold_too() -> None:
    settings = Settings(parser_max_replicas=2)
    names = ("port", "max_concurrent_requests", "max_concurrent_files", "max_file_size_mb")
    assert [getattr(settings, name) for name in names] == [8080, 10, 4, 100]
    assert settings.parse_options == ParseOptions(
        profile="auto", page_chunks=True, content=("body", "notes"), do_ocr=True, do_table_structure=True
    )


@pytest.mark.parametrize(
    ("given", "content"),
    [
        ("", ("body",)),
        ("notes", ("body", "notes")),
        ("notes, furniture", ("body", "furniture", "notes")),
        (["furniture"], ("body", "furniture")),
    ],
)
def test_the_server_s_content_is_a_list_that_always_has_the_body(given: object, content: tuple[str, ...]) -> None:
    assert Settings.model_validate({"content": given}).parse_options.content == content


def test_the_server_s_content_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTENT", "furniture,notes")
    assert Settings().parse_options.content == ("body", "furniture", "notes")


@pytest.mark.parametrize(("given", "jobs"), [({}, 32), ({"max_concurrent_requests": 3}, 3)])
def test_a_fleet_gets_two_jobs_for_each_parser_unless_a_number_is_set(given: dict[str, Any], jobs: int) -> None:
    assert Settings(parser_max_replicas=16, **given).max_concurrent_requests == jobs


def test_a_serve_config_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.setenv("MAX_FILE_SIZE_MB", "7")
    settings = Settings.model_validate({"port": 9001})
    assert (settings.port, settings.max_file_size_mb) == (9001, 7)


@pytest.mark.parametrize(
    "wrong",
    [
        {"prot": 9000},
        {"port": -1},
        {"profile": "best"},
        {"max_file_size_mb": 0},
        {"content": "body,margins"},
        {"parser_min_replicas": 3, "parser_max_replicas": 2},
        {"database_url": "mysql://h/db"},
        {"database_url": "journal.db"},
        {"blob_url": "file:///blobs"},
        {"blob_url": "https://bucket"},
        {"blob_url": "s3:/bucket"},
        {"blob_url": "az://"},
        {"blob_url": ""},
        {"state_dir": ""},
        {"database_url": "sqlite:///:memory:"},
        {"cors_origins": "app.example.org"},
        {"cors_origins": "https://app.example.org/"},
        {"job_ttl_s": float("inf")},
        {"page_deadline_s": "nan"},
    ],
)
def test_what_a_serve_config_must_not_say(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_state_lives_in_one_folder_named_from_where_the_service_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(state_dir="state")
    assert settings.state_dir == str(tmp_path / "state")
    assert settings.database_url == f"sqlite:///{tmp_path}/state/journal.db"
    assert settings.blob_url == f"{tmp_path}/state/blobs"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HOST", "PORT", "STATE_DIR", "DATABASE_URL", "BLOB_URL", "TOKENIZERS_DIR", "PARSER_MAX_MEMORY_MB"):
        monkeypatch.setenv(name, "")
    assert Settings() == Settings(state_dir=str(tmp_path / ".docfleet"))
    assert Settings().host == "127.0.0.1"


def test_paths_become_absolute_and_urls_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    local = Settings(database_url="sqlite:///x.db", blob_url="b")
    outside = Settings(database_url="postgresql+psycopg://h/db", blob_url="s3://bucket/prefix")
    assert (local.database_url, local.blob_url) == (f"sqlite:///{tmp_path}/x.db", f"{tmp_path}/b")
    assert (outside.database_url, outside.blob_url) == ("postgresql+psycopg://h/db", "s3://bucket/prefix")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_may_be_named_as_its_own_programs_do(scheme: str) -> None:
    assert Settings(database_url=f"{scheme}://user@h/db").database_url == "postgresql+psycopg://user@h/db"


@pytest.mark.parametrize("origins", ["*", "https://a.example, http://localhost:3000", "chrome-extension://abc", ""])
def test_origins_are_those_that_browsers_send(origins: str) -> None:
    assert Settings(cors_origins=origins).allowed_origins == origins.replace(",", "").split()


@pytest.mark.parametrize(
    ("database_url", "blob_url", "is_local"),
    [
        ("sqlite:////x/j.db", "/x/blobs", True),
        ("sqlite:////x/j.db", "s3://bucket", True),
        ("postgresql+psycopg://h/db", "/x/blobs", True),
        ("postgresql+psycopg://h/db", "s3://bucket", False),
    ],
)
def test_one_local_store_is_enough_to_be_local(database_url: str, blob_url: str, is_local: bool) -> None:
    assert Settings(database_url=database_url, blob_url=blob_url).is_local is is_local


def test_settings_travel_to_other_processes_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = pickle.dumps(Settings(port=9000))
    monkeypatch.setenv("MAX_FILE_SIZE_MB", "7")  # another machine's environment
    received = pickle.loads(sent)
    assert (received.port, received.max_file_size_mb) == (9000, 100)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "room", "kept", "most"),
    [
        ({}, 3, 3, 3),
        ({}, 0, 1, 1),
        ({"parser_max_replicas": "2"}, 3, 2, 2),
        ({"parser_max_replicas": "8"}, 3, 3, 8),
        ({"parser_min_replicas": "1"}, 3, 1, 3),
        ({"parser_min_replicas": "0"}, 3, 0, 3),
        ({"parser_min_replicas": "4"}, 3, 4, 4),
        ({"parser_min_replicas": "4", "parser_max_replicas": "4"}, 3, 4, 4),
    ],
)
def test_a_single_machine_keeps_the_parsers_that_it_has_room_for_unless_the_operator_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], room: int, kept: int, most: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    for name, value in given.items():
        monkeypatch.setenv(name.upper(), value)
    settings = Settings().with_parsers(room)
    assert (settings.parser_min_replicas, settings.parser_max_replicas) == (kept, most)


def test_a_folder_cannot_remove_its_files_by_a_rule(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="blobs_expire needs an object store"):
        Settings(state_dir=str(tmp_path), blobs_expire=True)
    assert Settings(state_dir=str(tmp_path), blob_url="s3://bucket", blobs_expire=True).blobs_expire


def test_a_user_config_changes_deadlines_only(tmp_path: Path) -> None:
    settings = Settings(state_dir=str(tmp_path), page_deadline_s=60, api_keys="")
    assert settings.with_live({"page_deadline_s": 5}).page_deadline_s == 5
    assert settings.with_live({}) == settings
    with pytest.raises(ValueError, match="user_config cannot change profile"):
        settings.with_live({"profile": "native"})
    with pytest.raises(ValueError, match="page_deadline_s"):
        settings.with_live({"page_deadline_s": 0})
