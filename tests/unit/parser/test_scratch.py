from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from actors.parser.scratch import PREFIX, Scratch


def folders(parent: Path) -> list[Path]:
    return list(parent.glob(f"{PREFIX}*"))


def test_files_of_a_call_and_its_child_processes_go_to_a_folder_that_ends_with_the_call() -> None:
    before = tempfile.gettempdir()
    with Scratch().folder() as folder:
        child = subprocess.run(["mktemp"], capture_output=True, text=True, check=True).stdout.strip()
        assert Path(tempfile.mkdtemp()).parent == Path(child).parent == folder
    assert not folder.exists()
    assert (tempfile.gettempdir(), os.environ["TMPDIR"]) == (before, before)


def test_the_folder_goes_when_the_call_raises() -> None:
    scratch = Scratch()
    with pytest.raises(FileExistsError), scratch.folder() as folder:
        folder.mkdir()
    assert not folder.exists()
    with scratch.folder() as again:
        assert list(again.iterdir()) == []


def test_nobody_else_may_read_the_folder() -> None:
    with Scratch().folder() as folder:
        assert folder.stat().st_mode & 0o077 == folder.parent.stat().st_mode & 0o077 == 0


def test_a_new_process_removes_what_a_killed_one_left(nothing_is_left_behind: Path) -> None:
    program = (
        "import os\nfrom actors.parser.scratch import Scratch\n"
        "with Scratch().folder() as folder:\n    (folder / 'left').touch()\n    os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    (left,) = folders(nothing_is_left_behind)
    assert list(left.rglob("left"))
    scratch = Scratch()
    assert left not in folders(nothing_is_left_behind)
    del scratch


def test_a_new_process_leaves_the_folder_of_a_living_one(nothing_is_left_behind: Path) -> None:
    living = Scratch()
    with living.folder() as folder:
        subprocess.run([sys.executable, "-c", "from actors.parser.scratch import Scratch; Scratch()"], check=True)
        assert folders(nothing_is_left_behind) == [folder.parent]
