"""A folder whose entries change together: two runs at once, and what a killed one left behind."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from training.errors import DataError
from training.folder import replace_entries

FILES = ("a.txt", "counts.json")


def start(stack: ExitStack, folder: Path, text: str) -> Path:
    """What a run does until it ends."""
    new = stack.enter_context(replace_entries(folder, "counts.json"))
    for name in FILES:
        (new / name).write_text(text)
    return new


def read(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_two_runs_at_once_do_not_mix(tmp_path: Path) -> None:
    with ExitStack() as first, ExitStack() as second:
        start(first, tmp_path, "whole of the first")
        new = start(second, tmp_path, "half of the sec")
        first.close()
        (new / "counts.json").unlink()
        found = {name: (tmp_path / name).read_text() for name in FILES}
        assert found == dict.fromkeys(FILES, "whole of the first")
        for name in FILES:
            (new / name).write_text("whole of the second")
    assert read(tmp_path) == dict.fromkeys(FILES, "whole of the second")


def test_two_that_end_at_the_same_moment_do_not_mix(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("before")
    with ExitStack() as stack:
        start(stack, tmp_path, "new")
        other = tmp_path / f".old-{os.getpid()}-x"  # the other one has begun to put its own in place
        other.mkdir()
        with pytest.raises(DataError, match="Another run is changing") as caught:
            stack.close()
    assert str(other) in caught.value.hint
    assert read(tmp_path) == {"a.txt": "before"}
    other.rmdir()
    with ExitStack() as stack:
        start(stack, tmp_path, "new")
    assert read(tmp_path) == dict.fromkeys(FILES, "new")


def test_what_a_killed_run_left_behind_goes(tmp_path: Path) -> None:
    for name in (".partial-999999999-x", ".old-999999999-x", ".partial", ".partial-1-running"):
        (tmp_path / name).mkdir()
    with ExitStack() as stack:
        start(stack, tmp_path, "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".partial-1-running", *FILES]
