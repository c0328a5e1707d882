"""Few and good: what stands inline, what goes to the summary, what is dropped and why."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from reviewer.domain import SEVERITIES, Dropped, DropReason, Finding, ReviewComment, Routed
from reviewer.invisible import find_invisible
from reviewer.place import Placement, fingerprint, place_findings
from reviewer.rank import MAX_ROUTED, Ranking, rank_comments
from reviewer.settings import Settings
from tests.fakes import make_diff, make_pull_request

WORDS = ("alpha", "bravo", "carol", "delta", "eagle", "frost", "grape", "hotel", "index", "joker")


def message(number: int) -> str:
    """Three words that no other number shares."""
    return " ".join(f"{WORDS[number % 10]}{number}{end}" for end in "abc")


def comment(line: int, words: str = "", **fields: Any) -> ReviewComment:
    path = fields.pop("path", "a.py")
    text = fields.pop("text", f"line {line}")
    side = fields.pop("side", "RIGHT")
    start, suggestion = fields.pop("start_line", None), fields.pop("suggestion", None)
    found = Finding(path, f"{side[0]}{line}", text, words or message(line), **fields)
    return ReviewComment(
        found, path, line, side, start, text, suggestion, fingerprint(path, text, found.category)
    )  # fmt: skip


def unsure(number: int, words: str = "", **fields: Any) -> Routed:
    return Routed(
        Finding(fields.pop("path", "a.py"), f"R{number}", "?", words or message(number), **fields), "quote-not-found"
    )


def rank(*entries: ReviewComment | Routed, scores: dict[int, float] | None = None, **options: Any) -> Ranking:
    placement = Placement(
        tuple(entry for entry in entries if isinstance(entry, ReviewComment)),
        tuple(entry for entry in entries if isinstance(entry, Routed)),
        options.pop("dropped", ()),
    )
    settings = Settings(**{key: options.pop(key) for key in ("max_comments", "min_severity") if key in options})
    return rank_comments(placement, settings, lambda c: (scores or {}).get(c.line, 0.0), **options)


def lines(ranking: Ranking) -> list[int]:
    return [comment.line for comment in ranking.comments]


def reasons(ranking: Ranking) -> list[tuple[str, DropReason]]:
    return [(entry.finding.line if entry.finding else "", entry.reason) for entry in ranking.dropped]


def test_the_locators_best_first_then_the_gravest() -> None:
    found = [
        comment(1),
        comment(2, severity="error"),
        comment(3, severity="info"),
        comment(4),
        comment(5, severity="error"),
    ]
    ranking = rank(*found, scores={4: 0.4, 3: 0.3, 1: 0.2, 5: 0.1}, max_comments=9)
    assert lines(ranking) == [4, 3, 1, 5, 2]
    assert [one.score for one in ranking.comments] == [0.4, 0.3, 0.2, 0.1, 0.0]
    assert lines(rank(*found, max_comments=9)) == [2, 5, 1, 4, 3]


def test_where_humans_seldom_comment_a_finding_goes_to_the_summary() -> None:
    found = [comment(1), comment(2), comment(3, rule="invisible"), comment(4)]
    ranking = rank(*found, max_comments=9, is_likely=lambda one: one.line == 2)
    assert lines(ranking) == [3, 2], "what a rule found stands inline wherever it is"
    assert [(entry.finding.line, entry.reason) for entry in ranking.routed] == [
        ("R1", "unlikely-place"),
        ("R4", "unlikely-place"),
    ]
    assert not rank(comment(1), is_likely=lambda _: False).comments


def test_equals_stand_in_the_order_of_the_diff() -> None:
    found = [comment(9), comment(2, path="b.py"), comment(3), comment(2, side="LEFT", text="old")]
    ranking = rank(*found, max_comments=9)
    assert [(one.path, one.line) for one in ranking.comments] == [("a.py", 2), ("a.py", 3), ("a.py", 9), ("b.py", 2)]


def test_of_two_on_one_line_the_one_with_a_suggestion_stays() -> None:
    with_it = comment(3, "one two three", suggestion="x", category="design")
    for found in ([comment(3), with_it], [with_it, comment(3)]):
        ranking = rank(*found)
        assert [one.suggestion for one in ranking.comments] == ["x"]
        assert [entry.detail for entry in ranking.dropped] == ["another comment stands on the same line"]


@pytest.mark.parametrize(
    ("budget", "left", "inline"), [(3, None, 3), (3, 1, 1), (3, 0, 0), (3, -2, 0), (0, None, 0), (1, 4, 4)]
)
def test_over_the_budget_is_the_summarys(budget: int, left: int | None, inline: int) -> None:
    ranking = rank(*(comment(line) for line in range(1, 6)), max_comments=budget, inline_left=left)
    assert lines(ranking) == list(range(1, inline + 1))
    assert [entry.comment.line for entry in ranking.routed if entry.comment] == list(range(inline + 1, 6))
    assert {entry.reason for entry in ranking.routed} == {"over-budget"}
    assert ranking.dropped == ()


def test_the_summary_has_its_own_budget_and_sure_lines_go_first() -> None:
    sure = [comment(line) for line in range(1, 3 + MAX_ROUTED)]
    ranking = rank(*sure, unsure(200, severity="error"), unsure(201), unsure(202, severity="info"))
    assert (len(ranking.comments), len(ranking.routed)) == (3, MAX_ROUTED)
    assert [entry.finding.line for entry in ranking.routed[-2:]] == [f"R{2 + MAX_ROUTED}", "R200"]
    assert reasons(ranking) == [("R201", DropReason.OVER_BUDGET), ("R202", DropReason.OVER_BUDGET)]


def test_comments_beyond_all_budgets_are_dropped_with_the_reason() -> None:
    ranking = rank(*(comment(line) for line in range(1, MAX_ROUTED + 6)), max_comments=2)
    assert reasons(ranking) == [(f"R{line}", DropReason.OVER_BUDGET) for line in range(MAX_ROUTED + 3, MAX_ROUTED + 6)]
    assert str(MAX_ROUTED) in ranking.dropped[0].detail


@pytest.mark.parametrize(("floor", "kept"), [("info", [1, 2, 3]), ("warning", [1, 2]), ("error", [1])])
def test_findings_under_the_severity_are_dropped(floor: str, kept: list[int]) -> None:
    found = [comment(number, severity=severity) for number, severity in enumerate(SEVERITIES, 1)]
    more = [unsure(10 + number, severity=severity) for number, severity in enumerate(SEVERITIES, 1)]
    ranking = rank(*found, *more, min_severity=floor)
    assert lines(ranking) == kept
    assert [entry.finding.line for entry in ranking.routed] == [f"R{10 + number}" for number in kept]
    assert {reason for _, reason in reasons(ranking)} <= {DropReason.BELOW_SEVERITY}
    assert len(ranking.dropped) == 2 * (3 - len(kept))
    if floor == "error":
        assert ranking.dropped[0].detail == "warning is under error"


def test_what_stands_on_the_pull_request_is_not_said_again() -> None:
    ranking = rank(comment(1), comment(2), posted={comment(1).fingerprint})
    assert lines(ranking) == [2]
    assert reasons(ranking) == [("R1", DropReason.ALREADY_POSTED)]


def test_the_same_is_said_once() -> None:
    said = "The file is never closed when an error comes"
    twice = [comment(1, said), comment(8, said.upper() + " up")]
    ranking = rank(*twice)
    assert lines(ranking) == [1]
    assert reasons(ranking) == [("R8", DropReason.DUPLICATE)]
    assert ranking.dropped[0].detail == "another comment says the same"


def test_the_same_fingerprint_is_the_same_finding() -> None:
    ranking = rank(comment(1, text="close()"), comment(8, text="close()"), comment(9, text="close()", category="docs"))
    assert lines(ranking) == [1, 9]


@pytest.mark.parametrize("other", [comment(1, "one two three four", path="b.py"), comment(2, "one two five six")])
def test_other_words_or_another_file_are_another_finding(other: ReviewComment) -> None:
    assert len(rank(comment(1, "one two three four"), other).comments) == 2


def test_two_sides_of_one_number_are_two_lines() -> None:
    assert len(rank(comment(4), comment(4, message(5), side="LEFT", text="old")).comments) == 2


def test_a_finding_without_a_line_is_not_said_twice_either() -> None:
    said = "The file is never closed when an error comes"
    ranking = rank(comment(1, said), unsure(5, said), unsure(6), unsure(7, message(6)))
    assert [entry.finding.line for entry in ranking.routed] == ["R6"]
    assert reasons(ranking) == [("R5", DropReason.DUPLICATE), ("R7", DropReason.DUPLICATE)]


def test_what_place_dropped_stays_dropped() -> None:
    gone = Dropped(DropReason.OUTSIDE_DIFF, "a.py", "R99 is not in the diff of this file", comment(99).finding)
    assert rank(comment(1), dropped=(gone,)).dropped == (gone,)


def test_nothing_comes_of_nothing() -> None:
    assert rank() == Ranking((), (), ())


ENTRIES = st.lists(
    st.builds(
        lambda line, words, severity, category, side, sure: (
            comment(line, words, severity=severity, category=category, side=side, text=f"{side} {line % 4}")
            if sure
            else unsure(line, words, severity=severity, category=category)
        ),
        st.integers(1, 6),
        st.sampled_from(["one two three", "one two three four", "five six", "seven"]),
        st.sampled_from(SEVERITIES),
        st.sampled_from(["bug", "docs"]),
        st.sampled_from(["LEFT", "RIGHT"]),
        st.booleans(),
    ),
    max_size=40,
)


@hypothesis_settings(deadline=None)
@given(entries=ENTRIES, seed=st.integers(), budget=st.integers(0, 4), floor=st.sampled_from(SEVERITIES))
def test_the_order_of_the_input_does_not_matter_and_nothing_is_lost(
    entries: list[ReviewComment | Routed], seed: int, budget: int, floor: str
) -> None:
    options: dict[str, Any] = {"max_comments": budget, "min_severity": floor, "scores": {2: 0.7, 3: 0.2}}
    ranking = rank(*entries, **options)
    shuffled = random.Random(seed).sample(entries, len(entries))
    again = rank(*shuffled, **options)
    assert (again.comments, again.routed) == (ranking.comments, ranking.routed)
    assert Counter(again.dropped) == Counter(ranking.dropped)
    ends = [one.finding for one in ranking.comments]
    ends += [one.finding for one in ranking.routed]
    ends += [one.finding for one in ranking.dropped if one.finding]
    assert Counter(ends) == Counter([entry.finding for entry in entries])
    assert len(ranking.comments) <= budget
    assert len({one.fingerprint for one in ranking.comments}) == len(ranking.comments)
    assert sorted(ranking.comments, key=lambda one: -one.score) == list(ranking.comments)


@pytest.mark.slow
@pytest.mark.timeout(30)
def test_a_hostile_number_of_findings_takes_no_square_of_time() -> None:
    found = [comment(line, f"{message(line)} {line}x") for line in range(1, 8_001)]
    ranking = rank(*found, *(unsure(line, f"u{line} v{line} w{line}") for line in range(8_001, 12_001)))
    assert (len(ranking.comments), len(ranking.routed), len(ranking.dropped)) == (
        3,
        MAX_ROUTED,
        12_000 - 3 - MAX_ROUTED,
    )


def test_no_words_of_a_model_push_aside_what_a_rule_found() -> None:
    pull_request = make_pull_request(make_diff("a.py", "x = 1\n", "x = 1\nrole = 'user\u202e'\n"))
    [hidden] = find_invisible(pull_request)
    flattery = replace(hidden, message="Nice variable name.", rule="", severity="error", category="style")

    ranking = rank_comments(
        place_findings([flattery, hidden], pull_request), Settings(min_severity="error"), lambda _: 1.0
    )

    assert [comment.finding for comment in ranking.comments] == [hidden]
    assert [dropped.finding for dropped in ranking.dropped] == [flattery]


def test_a_line_with_hidden_characters_hides_no_other_one() -> None:
    added = "".join(f"name_{number} = 'user\u202e{number}'\n" for number in range(5))
    pull_request = make_pull_request(make_diff("a.py", "x = 1\n", f"x = 1\n{added}"))
    placement = place_findings(find_invisible(pull_request), pull_request)

    ranking = rank_comments(placement, Settings(), lambda _: 1.0)

    assert (len(ranking.comments), len(ranking.routed), ranking.dropped) == (3, 2, ())
