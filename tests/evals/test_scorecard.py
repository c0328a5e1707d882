from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evals.errors import EvalError
from evals.score import METRICS
from evals.scorecard import Estimate, SavedPool, Scorecard, Slice, load_scorecard, save_scorecard
from evals.scorecard_text import BESIDE, render_scorecards
from reviewer.domain import ModelVersion


def make_card(candidate: str = "ours", notes: tuple[str, ...] = ("Said once.",)) -> Scorecard:
    columns = {"location.gold": [2.0, 0.0, 1.0], "location.hunk.tp": [1.0, 0.0, 0.0]}
    return Scorecard(
        candidate=candidate,
        kind="reviewer",
        model=ModelVersion("tiny", "1"),
        dataset="demo",
        revision="0123456789abcdef",
        glossator="0.1.0",
        metrics={
            "location.hunk.f1": Estimate(0.25, 0.125, 0.5, 9),
            "running.noise": Estimate(None, note="nothing to count it on"),
            "running.seconds": Estimate(12.34, 10.0, 15.0, 9),
        },
        keys=[("octo/demo", 1), ("octo/demo", 2), ("octo/other", 1)],
        columns=columns,
        pools={"location.hunk": SavedPool([0, 2], [0.5, 0.25], [1.0, 0.0], "location.gold")},
        slices=[
            Slice("kind", "bugfix", 2, 3, {"location.hunk.f1": Estimate(0.5, 0.25, 0.75, 9)}, "", [0, 2]),
            Slice("code", "test", 1, 1, {}, "Too small to rely on: ...", [2], {"location.gold": [1.0]}),
        ],
        notes=list(notes),
    )


def test_a_scorecard_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "scorecard.json"
    save_scorecard(make_card(), path)
    loaded = load_scorecard(path)
    assert loaded == make_card()
    save_scorecard(loaded, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_its_counts_are_a_table() -> None:
    table = make_card().table
    assert table.keys == (("octo/demo", 1), ("octo/demo", 2), ("octo/other", 1))
    assert table.column("location.gold").tolist() == [2, 0, 1]
    assert table.pools["location.hunk"].rows.tolist() == [0, 2]
    assert table.pools["location.hunk"].scores.dtype == np.float64


def test_a_slice_has_rows_of_the_whole_or_counts_of_its_own() -> None:
    card = make_card()
    whole, files = (card.slice_table(part) for part in card.slices)
    assert whole.keys == (("octo/demo", 1), ("octo/other", 1))
    assert whole.column("location.gold").tolist() == [2, 1]
    assert files.column("location.gold").tolist() == [1]
    assert files.column("location.hunk.tp").tolist() == [0]


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"schema": "glossator/eval-run/1"}', None])
def test_another_file_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "scorecard.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(EvalError, match=r"scorecard\.json"):
        load_scorecard(path)


def test_a_scorecard_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scorecard.json"
    save_scorecard(make_card(), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(EvalError, match=r"scorecard\.json"):
        load_scorecard(path)


def test_the_table_has_figures_with_their_intervals() -> None:
    text = render_scorecards([make_card(), make_card("theirs")])
    assert text.startswith(
        "demo, revision `0123456789abcdef`: 3 pull requests, 2 with a human comment, 3 commented spots.\n"
    )
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "| | ours | theirs |" in lines
    assert "| F1, same hunk | 25.0 % (12.5 to 50.0) | 25.0 % (12.5 to 50.0) |" in lines
    assert "| kind: bugfix | 2 | 3 | 50.0 % (25.0 to 75.0) | 50.0 % (25.0 to 75.0) |" in lines
    assert "| code: test (too small) | 1 | 1 | \u2013 | \u2013 |" in lines
    assert text.count("Said once.") == 1
    assert "12.3 s (10.0 to 15.0)" in text
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert all(len({len(line) for line in table}) == 1 for table in tables)


def test_many_scorecards_stand_in_several_tables() -> None:
    cards = [make_card(f"candidate-{number}") for number in range(BESIDE + 1)]
    heads = [line for line in render_scorecards(cards).splitlines() if "candidate-" in line]
    assert [head.count("candidate-") for head in heads] == [3, 2, 3, 2]


def test_a_candidate_that_lacks_a_slice_has_a_dash_there() -> None:
    other = make_card("theirs")
    other.slices.clear()
    assert "| 50.0 % (25.0 to 75.0) |" in render_scorecards([make_card(), other])
    assert "kind: bugfix" not in render_scorecards([other, make_card()])


@pytest.mark.parametrize("width", [80, 100, 133])
@pytest.mark.parametrize("number", [1, 3, BESIDE + 1])
def test_tables_are_no_wider_than_the_terminal(width: int, number: int) -> None:
    cards = [make_card(f"a-candidate-with-a-name-{at}") for at in range(number)]
    lines = render_scorecards(cards, METRICS, width).splitlines()
    assert max(map(len, lines)) <= width
    heads = [line for line in lines if "a-name-" in line]
    assert sum(head.count("a-name-") for head in heads) == 2 * number
    rows = [re.sub(r"[|\s]+", " ", row) for row in lines if row.startswith("|")]
    words = "".join(rows)
    assert all(" ".join(metric.label.split()[:3]) in words for metric in METRICS)


def test_a_long_label_goes_on_in_the_next_line() -> None:
    lines = render_scorecards([make_card(), make_card("theirs")], METRICS, 80).splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("| Human comments found in"))
    assert re.fullmatch(r"\| [^|]*[a-z] +\| +\| +\|", lines[at + 1])
    assert len(lines[at + 1]) == len(lines[at])


def test_the_name_of_a_candidate_is_no_markup() -> None:
    assert "| `@alice` \\| &lt;b&gt; |" in render_scorecards([make_card("@alice | <b>")])
    assert "<b>" not in render_scorecards([replace(make_card(), revision="<b>x</b>")])


def test_a_terminal_shows_names_as_they_are_without_escapes() -> None:
    text = render_scorecards([make_card("R&D <\x1b[31mx> \u202ey\nz")], (), 80)
    assert " R&D <x> y z |" in text
