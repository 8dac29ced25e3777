"""API keys and the file that holds their hashes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli import app
from client.keys import KeyFileError, add_key, digest, new_key, parse_keys, read_keys, revoke_key

HASH = digest("a key")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_a_key_is_256_random_bits_behind_a_prefix() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert {key[:4] for key in keys} == {"dfk_"}
    assert {len(key) for key in keys} == {4 + 43}  # 32 bytes in base64


def test_a_hash_is_sha256() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_file_holds_the_hash_and_not_the_key_for_its_owners_eyes_only(path: Path) -> None:
    key = add_key(path, "alice")
    assert path.read_text() == f"alice:{digest(key)}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_are_added_and_revoked_one_by_one(path: Path) -> None:
    for name in ("alice", "bob", "carol.2"):
        add_key(path, name)
    revoke_key(path, "bob")
    assert list(read_keys(path)) == ["alice", "carol.2"]
    assert list(path.parent.iterdir()) == [path]


def test_who_could_read_the_file_still_can(path: Path) -> None:
    add_key(path, "alice")
    path.chmod(0o640)
    if os.geteuid() == 0:  # others may give no file away
        os.chown(path, 1001, 1002)
    before = path.stat()
    add_key(path, "bob")
    revoke_key(path, "alice")
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_a_key_file_may_hold_comments_and_empty_lines() -> None:
    assert parse_keys(f"# people\n\n  alice:{HASH}  \n#bob:{HASH}\n") == {"alice": HASH}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alice", "the API key 'alice' has no SHA-256 hash"),
        (f"alice:{HASH.upper()}", "the API key 'alice' has no SHA-256 hash"),
        (f"alice:{HASH}0", "the API key 'alice' has no SHA-256 hash"),
        (f"\n:{HASH}", "line 2 of the API keys does not begin with a name and a colon"),
        (f"two words:{HASH}", "line 1 of the API keys does not begin with a name and a colon"),
        (f"{'x' * 65}:{HASH}", "line 1 of the API keys does not begin with a name and a colon"),
        (f"alice:{HASH}\nalice:{HASH}", "the API key 'alice' appears twice; remove one of the lines"),
    ],
)
def test_a_line_that_is_no_key_is_refused(text: str, message: str) -> None:
    with pytest.raises(KeyFileError, match=message):
        parse_keys(text)


def test_what_is_wrong_with_a_file_is_said_without_a_key_that_somebody_put_there() -> None:
    key = new_key()
    for text in (f"alice:{key}", f"{key}{key}", f"- {key}"):
        with pytest.raises(KeyFileError) as refused:
            parse_keys(text)
        assert key not in str(refused.value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "#a", "../a", "é", "x" * 65])
def test_a_name_must_be_a_plain_word(path: Path, name: str) -> None:
    with pytest.raises(KeyFileError, match="a key's name"):
        add_key(path, name)
    assert not path.exists()


def test_a_name_belongs_to_one_key(path: Path) -> None:
    add_key(path, "alice")
    before = path.read_text()
    with pytest.raises(KeyFileError, match="there is a key 'alice' already"):
        add_key(path, "alice")
    assert path.read_text() == before


def test_a_key_that_is_not_there_cannot_be_revoked(path: Path) -> None:
    add_key(path, "alice")
    with pytest.raises(KeyFileError, match="there is no key 'bob'"):
        revoke_key(path, "bob")


def test_the_command_line_prints_a_key_once(path: Path) -> None:
    run = CliRunner()
    added = run.invoke(app, ["keys", "add", "alice", "--file", str(path)])
    assert (added.exit_code, read_keys(path)) == (0, {"alice": digest(added.stdout.strip())})
    listed = run.invoke(app, ["keys", "list"], env={"API_KEYS_FILE": str(path)})
    assert (listed.exit_code, listed.stdout) == (0, "alice\n")
    revoked = run.invoke(app, ["keys", "revoke", "alice", "--file", str(path)])
    assert (revoked.exit_code, read_keys(path)) == (0, {})


@pytest.mark.parametrize("command", [["add", "a b"], ["revoke", "bob"]])
def test_the_command_line_says_what_is_wrong(path: Path, command: list[str]) -> None:
    add_key(path, "alice")
    result = CliRunner().invoke(app, ["keys", *command, "--file", str(path)])
    assert result.exit_code == 2
    assert "key" in result.stderr
    assert "Traceback" not in result.stderr


def test_keys_are_made_without_the_server_and_without_any_package() -> None:
    code = "import sys, client.keys; print(sorted(set(sys.modules) & {'serve_app', 'httpx', 'pydantic', 'typer'}))"
    isolated = "import sys; sys.modules['client'] = type(sys)('client'); sys.modules['client'].__path__ = ['client'];"
    root = Path(__file__).parents[3]
    loaded = subprocess.run([sys.executable, "-c", isolated + code], cwd=root, capture_output=True, text=True)
    assert loaded.stdout == "[]\n", loaded.stderr
