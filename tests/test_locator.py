"""The trained locator: what it refuses, what it says, and that it says the same everywhere."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from reviewer.diff import parse_diff
from reviewer.domain import Hunk, PullRequest
from reviewer.errors import LocatorError
from reviewer.locator import (
    MAX_BYTES,
    SHIPPED,
    Linear,
    Located,
    Prior,
    digest_locator,
    load_locator,
    parse_locator,
    render_locator,
)
from reviewer.locator_features import CHANGE_FEATURES, HUNK_FEATURES, LINE_FEATURES, read_change
from reviewer.locator_reasons import WORDS, render_reasons
from tests.test_locate import make_file

DIFF = """\
diff --git a/src/pool.py b/src/pool.py
--- a/src/pool.py
+++ b/src/pool.py
@@ -1,4 +1,5 @@
 import os
+import threading
·
 LIMIT = 3
·
@@ -20,6 +21,17 @@ class Pool:
     def size(self):
         return len(self._items)
·
+    def take(self, timeout=None):
+        # TODO: what if timeout is negative?
+        if timeout and timeout > 30 and not self._closed:
+            timeout = 30
+        while not self._items:
+            try:
+                self._wait(timeout)
+            except Exception:
+                pass
+        return self._items.pop()
+
     def close(self):
         self._closed = True
·
diff --git a/docs/pool.md b/docs/pool.md
--- a/docs/pool.md
+++ b/docs/pool.md
@@ -3,3 +3,3 @@

 A pool of things.
-It has a limmit.
+It has a limit.
""".replace("·", " ")
"""An empty line of context is a space."""


STORED = Path(__file__).with_name("locator_scores.json")


def make_pull_request(diff: str = DIFF, title: str = "Take an item from the pool") -> PullRequest:
    return PullRequest("o/r", 1, title, "", "a", "b", "h", tuple(parse_diff(diff)))


def list_hunks(pull_request: PullRequest) -> list[Hunk]:
    return [hunk for file in pull_request.files for hunk in file.hunks]


def flatten(scores: Any) -> list[float]:
    return [score for row in scores for score in (row if isinstance(row, Sequence) else [row])]


def locate(pull_request: PullRequest) -> Located:
    return load_locator().locate(pull_request, list_hunks(pull_request))


def test_the_scores_are_the_stored_ones() -> None:
    located = locate(make_pull_request())
    found = {"hunks": located.hunks, "ranks": located.ranks, "lines": [located.score_lines(at) for at in range(3)]}
    if os.environ.get("GLOSSATOR_UPDATE") == "1":
        STORED.write_text(json.dumps({"version": load_locator().version, **found}, indent=1) + "\n", encoding="utf-8")
    stored = json.loads(STORED.read_bytes())
    assert stored["version"] == load_locator().version, "run this test with GLOSSATOR_UPDATE=1 and commit the result"
    for name, scores in found.items():
        assert flatten(scores) == pytest.approx(flatten(stored[name]), abs=2e-6)


def test_a_hunk_s_lines_share_its_probability() -> None:
    located = locate(make_pull_request())
    for at, hunk in enumerate(list_hunks(make_pull_request())):
        lines = located.score_lines(at)
        assert len(lines) == hunk.changed
        assert sum(lines) == pytest.approx(located.hunks[at], abs=1e-5)


def test_new_logic_goes_before_an_import_and_a_corrected_word() -> None:
    imported, logic, word = locate(make_pull_request()).hunks
    assert logic > max(imported, word)


def test_the_reasons_are_the_parts_of_the_log_odds_the_largest_first() -> None:
    pull_request, locator = make_pull_request(), load_locator()
    located = locator.locate(pull_request, list_hunks(pull_request))
    of_hunk, of_change = located.explain(1), located.explain_change()
    logit = locator.hunk.intercept + sum(reason.weight for reason in (*of_hunk, *of_change))
    assert 1 / (1 + math.exp(-logit)) == pytest.approx(located.hunks[1], abs=1e-6)
    assert {reason.feature for reason in of_change} <= set(CHANGE_FEATURES)
    for reasons in (of_hunk, of_change):
        assert [abs(reason.weight) for reason in reasons] == sorted((abs(r.weight) for r in reasons), reverse=True)
    words = [WORDS[reason.feature][not reason.above] for reason in of_hunk]
    assert render_reasons(of_hunk) == ", ".join(
        f"{reason.weight:+.1f} {word}" for reason, word in zip(of_hunk[:3], words, strict=False)
    )
    assert "a TODO" in words


def test_each_feature_has_its_words() -> None:
    assert set(WORDS) == set(HUNK_FEATURES)


def test_nothing_is_located_in_nothing() -> None:
    assert locate(PullRequest("o/r", 1, "", "", "a", "b", "h", ())).hunks == ()


def test_another_language_another_alphabet_and_odd_bytes_are_scored_too() -> None:
    odd = make_file("日本/読む.zig", "+const é = ∂x; // \ud800 \u202e", "+\x00\x0c\u2028", "-", "+")
    assert 0 < locate(PullRequest("o/r", 1, "Títle ∂x", "\ud800", "a", "b", "h", (odd,))).hunks[0] < 1


@given(st.lists(st.text(max_size=60), min_size=1, max_size=30), st.text(max_size=40))
@hypothesis_settings(max_examples=50, deadline=None)
def test_every_line_gets_a_number_from_0_to_1(texts: list[str], title: str) -> None:
    marked = [("+", "-", " ")[len(text) % 3] + text.replace("\n", "") for text in texts]
    pull_request = PullRequest("o/r", 1, title, title, "a", "b", "h", (make_file("src/a.c", *marked),))
    located = locate(pull_request)
    assert all(0 <= score <= 1 for score in (*located.hunks, *located.score_lines(0)))
    change = read_change(pull_request, list_hunks(pull_request))
    assert {len(row) for row in change.rows} == {len(HUNK_FEATURES)}
    assert {len(row) for row in change.measure_lines(0)} <= {len(LINE_FEATURES)}


def test_an_indented_or_reordered_diff_has_the_same_words() -> None:
    one = read_change(make_pull_request(), list_hunks(make_pull_request()))
    other = make_pull_request(DIFF.replace("+    def take", "+        def take"))
    assert read_change(other, list_hunks(other)).rows == one.rows


def test_a_hunk_is_ranked_among_the_repository_s_and_the_change_s_own() -> None:
    prior = Prior(tuple(at / 100 for at in range(101)))
    assert prior.rank([]) == ()
    assert prior.rank([0.5]) == pytest.approx([0.5], abs=0.02)
    assert prior.rank([1.0]) == pytest.approx([1.0], abs=0.02)
    many = prior.rank([0.9] * 5_000 + [0.95] * 5_000)
    assert many[0] == pytest.approx(0.5, abs=0.02), "among 10,000 hunks the lower half is no more among the surest"
    assert many[-1] == pytest.approx(1, abs=0.02)


def change_shipped(**values: object) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SHIPPED.read_bytes()) | values
    return document | {"digest": digest_locator(document)}


def without(table: dict[str, Any], name: str) -> dict[str, Any]:
    return {**table, "features": {key: row for key, row in table["features"].items() if key != name}}


def with_weight(weight: object) -> dict[str, Any]:
    table = json.loads(SHIPPED.read_bytes())["hunk"]
    return {**table, "features": {**table["features"], "todo": {"mean": 0.0, "weight": weight}}}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "is none"),
        ({}, "is none"),
        (change_shipped(schema="glossator/locator/2"), "'glossator/locator/2', and this is 'glossator/locator/1'"),
        ({**change_shipped(), "about": {}}, "digest"),
        (change_shipped(hunk=without(change_shipped()["hunk"], "todo")), r"other features \('todo'\)"),
        (change_shipped(line={}), "does not fit"),
        (change_shipped(hunk=with_weight(math.nan)), "no number"),
        (change_shipped(hunk=with_weight(math.inf)), "no number"),
        (change_shipped(hunk=with_weight(1e308)), "too large"),
        (change_shipped(hunk=with_weight(10**400)), "does not fit"),
        (change_shipped(hunk={"intercept": 0, "features": {"x" * 10_000: {}}}), "does not fit"),
        (change_shipped(hunk=with_weight("much")), "does not fit"),
        (change_shipped(hunk=with_weight(None)), "does not fit"),
        (change_shipped(prior=[0.0] * 100), "not 101 probabilities in their order"),
        (change_shipped(prior=[1.0] + [0.0] * 100), "not 101 probabilities in their order"),
        (change_shipped(prior=None), "does not fit"),
        (change_shipped(prior=[math.nan] * 101), "not 101 probabilities in their order"),
        (change_shipped(prior=[0.0] * 100 + [math.inf]), "not 101 probabilities in their order"),
        (change_shipped(prior=[-5.0] + [0.0] * 100), "not 101 probabilities in their order"),
        (change_shipped(about=3), "does not fit"),
    ],
)
def test_a_locator_that_does_not_fit_is_refused(document: object, words: str) -> None:
    with pytest.raises(LocatorError, match=words) as refused:
        parse_locator(json.dumps(document), "locator.json")
    assert len(refused.value.what) < 300
    assert "glossator-train locator" in refused.value.hint


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocatorError, match="Cannot read"):
        load_locator(tmp_path / "none.json")
    for name, content, words in (("cut", b'{"schema"', "damaged"), ("deep", b"[" * 100_000, "damaged")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(LocatorError, match=words):
            load_locator(tmp_path / name)
    (tmp_path / "large").write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(LocatorError, match="more than 1 MB"):
        load_locator(tmp_path / "large")


def test_what_is_nested_as_deep_as_can_just_be_read_is_refused() -> None:
    for depth in range(850, 1_010):
        with pytest.raises(LocatorError):
            parse_locator(
                json.dumps(change_shipped() | {"digest": ""})[:-1] + f', "x": {"[" * depth}{"]" * depth}}}', "deep"
            )


def test_a_score_that_is_no_number_is_none() -> None:
    shipped = load_locator()
    broken = replace(shipped, hunk=replace(shipped.hunk, intercept=math.nan))
    changed = make_pull_request()
    with pytest.raises(LocatorError, match="no numbers"):
        broken.locate(changed, changed.files[0].hunks)


def test_a_written_locator_reads_as_it_was() -> None:
    hunk = Linear(tuple(0.5 for _ in HUNK_FEATURES), tuple(0.25 for _ in HUNK_FEATURES), -2.0)
    line = Linear(tuple(-1.0 for _ in LINE_FEATURES), tuple(0.0 for _ in LINE_FEATURES))
    prior = Prior(tuple(at / 100 for at in range(101)))
    text = render_locator(hunk, line, prior, {"pull_requests": 3})
    read = parse_locator(text, "locator.json")
    assert (read.hunk, read.line, read.prior, read.about) == (hunk, line, prior, {"pull_requests": 3})
    assert render_locator(hunk, line, prior, {"pull_requests": 3}) == text


def test_the_shipped_one_is_small_and_loads_at_once() -> None:
    assert SHIPPED.stat().st_size < 100_000
    load_locator.cache_clear()
    started = time.process_time()
    load_locator()
    assert time.process_time() - started < 0.05
