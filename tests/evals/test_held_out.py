"""Held-out sets, and the files of JSON lines that they and other things are kept in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from evals.errors import EvalError
from evals.held_out import GoldComment, load_held_out, save_held_out
from evals.records import encode, load_document, save_document, save_lines
from tests.evals.small_sets import APP, MAIN, hold_out, human, write_set

HELD = [hold_out(1, APP, gold=[human("app.py", 5)]), hold_out(2, MAIN, complete=False), hold_out(3, APP)]


def test_a_set_is_read_back(tmp_path: Path) -> None:
    found = write_set(tmp_path / "set.jsonl", HELD, "gui")
    assert (found.name, list(found.pull_requests)) == ("gui", HELD)
    assert [held.key for held in found.pull_requests] == [("octo/demo", number) for number in (1, 2, 3)]


def test_a_sample_is_the_head_and_its_revision_is_its_own(tmp_path: Path) -> None:
    write_set(tmp_path / "set.jsonl", HELD)
    write_set(tmp_path / "two.jsonl", HELD[:2])
    sample = load_held_out(tmp_path / "set.jsonl", limit=2)
    assert list(sample.pull_requests) == HELD[:2]
    assert sample.revision == load_held_out(tmp_path / "two.jsonl").revision
    assert sample.revision != load_held_out(tmp_path / "set.jsonl").revision


def test_the_digest_is_of_what_is_shown() -> None:
    held = HELD[0]
    assert replace(held, gold=(), complete=False).digest == held.digest, "the answers are not shown"
    assert hold_out(1, APP, title="Other").digest != held.digest


def test_the_revision_changes_with_the_answers(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one.jsonl", HELD)
    two = write_set(tmp_path / "two.jsonl", [replace(HELD[0], gold=(human("app.py", 30),)), *HELD[1:]])
    assert one.revision != two.revision


def test_a_pull_request_twice_is_refused(tmp_path: Path) -> None:
    save_held_out(tmp_path / "set.jsonl", "demo", map(encode, [*HELD, HELD[0]]))
    with pytest.raises(EvalError, match=r"line 5, holds octo/demo#1 again"):
        load_held_out(tmp_path / "set.jsonl")


def test_bodies_hold_any_character(tmp_path: Path) -> None:
    gold = GoldComment(
        1, "caf\udce9.py", "LEFT", 3, 2, "line\u2028separator\x0cfeed\x85next\nand \ud800", teaches=False
    )
    held = replace(HELD[0], gold=(gold,))
    assert write_set(tmp_path / "set.jsonl", [held]).pull_requests == (held,)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is '', not 'glossator/held-out/1'"),
        (b'{"schema":"glossator/predictions/1"}\n', "is 'glossator/predictions/1'"),
        (b"\xff\xfe", "cannot be read"),
        (b'{"schema":"glossator/held-out/1","name":"x"}\n{"gold": []}\n', "line 2, cannot be read"),
        (b'{"schema":"glossator/held-out/1","name":"x"}\n{"bundle"', "line 2, cannot be read"),
        (b'{"schema":"glossator/held-out/1"}\n', "cannot be read"),
        (b'{"schema":"glossator/held-out/1","name":"x"}\n', "holds no pull request"),
    ],
)
def test_files_that_are_no_set(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "set.jsonl").write_bytes(content)
    with pytest.raises(EvalError, match=what):
        load_held_out(tmp_path / "set.jsonl")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="No such file"):
        load_held_out(tmp_path / "set.jsonl")


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    values: tuple[float, ...] = ()


def test_a_document_is_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "below" / "note.json"
    save_document(path, "glossator/note/1", Note("a", (1.5,)))
    assert load_document(path, "glossator/note/1", Note) == Note("a", (1.5,))
    assert path.read_text().startswith('{\n "schema": "glossator/note/1",')
    with pytest.raises(EvalError, match=r"is 'glossator/note/1', not 'glossator/note/2'"):
        load_document(path, "glossator/note/2", Note)
    with pytest.raises(EvalError, match="Cannot write"):
        save_document(path / "file", "glossator/note/1", Note("b"))
    assert list(path.parent.iterdir()) == [path], "nothing is left lying about"


def test_a_document_holds_any_character(tmp_path: Path) -> None:
    path, odd = tmp_path / "note.json", Note("caf\udce9\u2028", (1.5,))
    save_document(path, "glossator/note/1", odd)
    assert load_document(path, "glossator/note/1", Note) == odd
    assert path.read_text("ascii").startswith('{\n "schema": "glossator/note/1",'), "indented like any other"


def test_lines_that_fail_leave_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    save_lines(path, {"schema": "x"}, [b"{}"])

    def broken() -> object:
        yield b"{}"
        raise EvalError("It broke.")

    with pytest.raises(EvalError, match="It broke"):
        save_lines(path, {"schema": "y"}, broken())  # type: ignore[arg-type]
    assert path.read_bytes() == b'{"schema":"x"}\n{}\n'
    assert list(tmp_path.iterdir()) == [path]
