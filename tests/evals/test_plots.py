"""The pictures: what they tell, that they are the same each time, and that names do not cover each other."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import pytest

from evals.picture import COLORS, WIDTH, draw_picture
from evals.picture_labels import Spot, place_labels
from evals.plots import draw_calibration, draw_curves, draw_seconds, list_spots, wilson
from evals.plots_rows import Dot, draw_differences, draw_dots, draw_drops, draw_lifts, draw_slices
from evals.report import build_report
from evals.scorecard import Bin, Estimate, Point
from evals.statistics import Comparison
from tests.evals.report_cards import make_scorecard, make_slice

CROWD = [Spot(0.2 + at / 200, 0.2 + at / 300, f"candidate {at}", "#060606") for at in range(8)]


def test_a_picture_is_the_same_each_time_and_takes_the_pages_colours() -> None:
    report = build_report(make_scorecard())
    first, second = draw_calibration(report), draw_calibration(report)
    assert first == second
    assert "var(--ours)" in first
    assert not any(color in first for color in COLORS)
    assert not re.search(r"#[0-9a-f]{6}", first)
    assert "<?xml" not in first
    assert "<metadata" not in first
    assert "font-family" not in first


def test_two_pictures_of_a_page_share_no_name() -> None:
    def paint(axes: object) -> None:
        axes.plot([0, 1], [0, 1], "o")  # type: ignore[attr-defined]

    names = [set(re.findall(r' id="([^"]+)"', draw_picture(name, "t", "w", 1, paint))) for name in ("a", "b")]
    assert all(names)
    assert names[0].isdisjoint(names[1])


def test_curves_name_every_candidate_and_tell_its_figures() -> None:
    card = make_scorecard(curves={"location.hunk": [Point(0.5, 0.4, 0.1), Point(1.0, 0.2, 0.3)]})
    card.metrics["location.hunk.precision"] = Estimate(0.25, 0.2, 0.3, 40)
    card.metrics["location.hunk.recall"] = Estimate(0.125, 0.1, 0.15, 40)
    pictures = list(draw_curves(build_report(card, make_scorecard("embedded", 2), [make_scorecard("silent", 3)])))
    assert len(pictures) == 4
    assert "tuned: precision 0.250, recall 0.125." in pictures[2]
    assert all(f">{name}</text>" in pictures[2] for name in ("tuned", "embedded", "silent"))


def test_baselines_at_one_place_share_a_dot_and_have_no_interval() -> None:
    places = {"tuned": (0.3, 0.4), "locator": (0.2, 0.5), "template": (0.201, 0.499), "silent": (0.1, 0.1)}
    cards = []
    for name, (precision, recall) in places.items():
        card = make_scorecard(name, curves={})
        card.metrics["location.hunk.precision"] = Estimate(precision, precision / 2, 0.9, 40)
        card.metrics["location.hunk.recall"] = Estimate(recall, recall / 2, 0.9, 40)
        cards.append(card)
    spots = list_spots(build_report(cards[0], None, cards[1:]), "hunk")
    assert [(spot.name, spot.ranges is not None) for spot in spots] == [
        ("tuned", True),
        ("locator\ntemplate", False),
        ("silent", False),
    ]


def test_no_curve_without_anything_to_show() -> None:
    assert list(draw_curves(build_report(make_scorecard(metrics={}, curves={})))) == []


def test_names_do_not_cover_each_other() -> None:
    boxes: list[tuple[float, float, float, float]] = []

    from matplotlib.text import Text

    def paint(axes: object) -> None:
        axes.set(xlim=(0, 1), ylim=(0, 1))  # type: ignore[attr-defined]
        place_labels(axes, CROWD)  # type: ignore[arg-type]
        for text in axes.texts:  # type: ignore[attr-defined]
            box = Text.get_window_extent(text)
            boxes.append((box.x0, box.y0, box.x1, box.y1))

    draw_picture("crowd", "t", "w", 3.3, paint)
    assert len(boxes) == 8
    for first, second in combinations(boxes, 2):
        width = min(first[2], second[2]) - max(first[0], second[0])
        height = min(first[3], second[3]) - max(first[1], second[1])
        assert min(width, height) <= 2, (first, second)


def test_a_name_stands_beside_a_curve() -> None:
    curve = [(0.5 + at / 200, 0.5) for at in range(60)]
    offsets: list[tuple[float, float]] = []

    def paint(axes: object) -> None:
        axes.set(xlim=(0, 1), ylim=(0, 1))  # type: ignore[attr-defined]
        for avoided in ((), curve):
            place_labels(axes, [Spot(0.5, 0.5, "candidate", "#060606")], avoided)  # type: ignore[arg-type]
            offsets.append(axes.texts[-1].get_position())  # type: ignore[attr-defined]

    draw_picture("beside", "t", "w", 3.3, paint)
    assert offsets == [(6.0, 0.0), (-6.0, 0.0)]


def test_wilson_is_the_interval_of_the_textbook() -> None:
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0.0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    low, high = wilson(1.0, 5)
    assert (low, high) == pytest.approx((0.5655, 1.0), abs=1e-4)


def test_calibration_tells_its_bins() -> None:
    picture = draw_calibration(build_report(make_scorecard(calibration=[Bin(0.25, 0.5, 10), Bin(0.75, 0.6, 5)])))
    assert "Score 0.25: 50% of 10. Score 0.75: 60% of 5." in picture


def test_a_small_slice_is_hollow_and_says_so() -> None:
    report = build_report(make_scorecard())
    first = next(iter(draw_slices(report)))
    assert "6 PRs, 12 comments, too small" in first
    assert "80 PRs, 160 comments<" in first
    assert "fill: var(--paper)" in first


def test_a_slice_that_is_not_scored_keeps_its_row() -> None:
    import random

    part = replace(make_slice(random.Random(1), "kind", "docs", 30), metrics={})
    report = build_report(make_scorecard(slices=[make_slice(random.Random(1), "kind", "bugfix", 30), part]))
    assert "30 PRs, 60 comments, not scored" in next(iter(draw_slices(report)))


def test_lifts_are_shown_for_all_comments_and_for_prose() -> None:
    card = make_scorecard()
    card.metrics["text.bertscore.lift_template"] = Estimate(-0.0123, -0.05, 0.02, 30)
    card.metrics["text.prose.bertscore.lift_template"] = Estimate(0.0321, 0.01, 0.06, 20)
    (first, *_) = draw_lifts(build_report(card))
    assert "all comments" in first
    assert "comments in prose only" in first
    assert ">\u22120.012</text>" in first
    assert ">+0.032</text>" in first


def test_differences_are_drawn_only_against_a_champion() -> None:
    assert list(draw_differences(build_report(make_scorecard()))) == []
    report = build_report(make_scorecard(skill=0.9), make_scorecard("embedded", 2, skill=0.0))
    (picture,) = draw_differences(report)
    assert "Difference to embedded" in picture
    assert "var(--good)" in picture
    found: Comparison = report.columns[1].comparisons["location.hunk.f1"]
    assert found.difference is not None
    assert f"+{100 * found.difference:.1f} points" in picture


def read_ticks(picture: str) -> list[float]:
    """The numbers at an axis."""
    return [float(text.replace("\u2212", "-")) for text in re.findall(r">(\u2212?\d+(?:\.\d+)?)</text>", picture)]


def test_the_ends_of_all_intervals_lie_between_ticks() -> None:
    for low, high in ((-0.22, 0.19), (-0.443, 0.02), (0.31, 0.62), (0.0, 1.0)):
        ticks = read_ticks(draw_dots("x", "t", [Dot("row", (low + high) / 2, low, high)], "share"))
        assert ticks[0] <= 100 * low, ticks
        assert ticks[-1] >= 100 * high, ticks


def test_an_axis_says_its_unit_once() -> None:
    dots = [Dot("row", 0.1, 0.05, 0.2)]
    assert draw_dots("x", "t", dots, "share").count(">%</text>") == 1
    assert ">points</text>" in draw_dots("x", "t", dots, "share", axis="points")


def test_the_corner_of_a_curve_has_one_zero() -> None:
    picture = next(iter(draw_curves(build_report(make_scorecard()))))
    assert len(re.findall(r">0(?:\.0+)?</text>", picture)) == 1


def test_what_is_far_off_does_not_squeeze_the_others() -> None:
    near, far = Dot("near", 0.01, 0.0, 0.02), Dot("far", -0.9, -0.95, -0.85, note="\u221290.0 points")
    pictures = [draw_dots("x", "t", [near, far], "share", 0.0, reach) for reach in (0.3, 2.0)]
    ends = [read_ticks(picture)[0] for picture in pictures]
    assert ends[0] >= -40
    assert ends[1] < -50
    assert "\u221290.0 points" in pictures[0]


def test_drops_are_counted_largest_first() -> None:
    (picture,) = draw_drops(build_report(make_scorecard(drops={"duplicate": 1, "outside-diff": 3})))
    assert "4 findings and replies left out" in picture
    assert picture.index("outside diff: 3.") < picture.index("duplicate: 1.")
    assert "3 (75%)" in picture
    assert list(draw_drops(build_report(make_scorecard(drops={})))) == []


def test_seconds_tell_the_median_and_the_tail() -> None:
    card = make_scorecard(metrics={})
    card.columns["running.seconds"] = [float(at) for at in range(1, 41)]
    (picture,) = draw_seconds(build_report(card))
    assert "half of the pull requests within 20.5 s, nine tenths within 36.1 s, the longest 40.0 s" in picture
    card.columns["running.seconds"] = [0.0] * 40
    assert list(draw_seconds(build_report(card))) == []


def test_a_name_with_mathematics_or_strange_letters_is_drawn_as_it_is() -> None:
    picture = draw_dots("x", "t", [Dot("$x_1$ <b> & \u202eevil", 0.5, 0.4, 0.6)], "share")
    assert ">$x_1$ &lt;b&gt; &amp; evil</text>" in picture
    assert f'viewBox="0 0 {WIDTH * 72:g}' in picture
