"""The exact search for near-duplicates, beside comparing all with all, and what it says of the check."""

from __future__ import annotations

import random
import sys
from itertools import product
from pathlib import Path

import pytest

from bench.leaks import PLANTED, ExactIndex, Held, Text, ask_check, find_pairs, list_grams, main, make_near, plant
from reviewer.domain import Split
from tests.training.small_project import SmallProject, write_code, write_remark
from tests.training.test_leaks import plant as place
from tests.training.test_near_duplicates import edit, make_text
from training.split_facts import Unit
from training.splits import SPLITS

SIDES: dict[str, Split] = {"a/train#1": "train", "a/train#2": "train", "a/train#3": "train", "b/test#1": "test"}


def exact(one: str, other: str) -> float:
    grams = (list_grams(one), list_grams(other))
    return len(grams[0] & grams[1]) / len(grams[0] | grams[1])


@pytest.mark.parametrize("similarity", [0.3, 0.7, 0.9, 1.0])
def test_it_finds_what_comparing_all_with_all_finds(similarity: float) -> None:
    bodies = [edit(make_text(seed // 4, 12), seed, seed % 9) for seed in range(90)] + ["nit", "Nit", "", "ab"] * 3
    dice = random.Random(1)
    texts = [Text(dice.choice(SPLITS), f"a/b#{at} comment 1", body, True) for at, body in enumerate(bodies)]
    pairs = list(find_pairs(texts, similarity))
    found = {(pair.one.row, pair.other.row) for pair in pairs}
    assert len(found) == len(pairs) > 3
    assert found == {
        (one.row, other.row)
        for one, other in product(texts, texts)
        if SPLITS.index(one.split) < SPLITS.index(other.split) and exact(one.text, other.text) >= similarity
    }


def test_the_very_similarity_counts() -> None:
    one, other = Text("train", "one", "abcdefghijklmn", True), Text("test", "other", "abcdefghijklxy", True)
    similarity = exact(one.text, other.text)
    index = ExactIndex([other], similarity)
    index.add(other)
    assert [pair.similarity for pair in index.find(one)] == [similarity]


def test_what_is_planted_is_hardly_near_and_both_find_it() -> None:
    held = [Held("train", "a/b", at, (Unit("comment", "1", make_text(at)),)) for at in range(40)]
    extra, rows = plant(held, 20, 0.7)
    assert (extra.split, len(extra.kept), len(rows)) == ("test", 20, 20)
    assert ask_check([*held, extra], 0.7) == rows
    assert all(0.7 <= exact(make_text(at), make_near(make_text(at), 0.7, random.Random(at))) < 0.8 for at in range(40))


def run(project: SmallProject, monkeypatch: pytest.MonkeyPatch) -> int:
    folders = [f"--{name}={project.folder / name}" for name in ("snapshots", "aligned", "filtered", "splits")]
    monkeypatch.setattr(sys, "argv", ["bench.leaks", *folders, "--plant", "2"])
    return main()


def test_the_command_names_a_leak_and_counts_what_was_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = SmallProject(tmp_path)
    code = write_code("shared", 20)
    for at in range(3):
        project.add("a/train", at + 1, code=code if at == 0 else None)
    project.add("b/test", 1, code=[*code[:-1], "other = 1"])
    place(project, SIDES)
    assert run(project, monkeypatch) == 1
    told = capsys.readouterr().out
    assert "In the splits as they stand: 1 pairs." in told
    assert "a/train#1 hunk " in told
    assert PLANTED not in told
    project.add("b/test", 1, remark=write_remark("other"))
    place(project, SIDES)
    assert run(project, monkeypatch) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "In the splits as they stand: 0 pairs."
    assert lines[-1] == "Of all rows only the search finds 0, only the check 0."
