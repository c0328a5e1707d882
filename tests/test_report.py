"""Reports: honest about what happened, harmless to whoever shows them, and valid for the tools that read them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from reviewer.diff import parse_diff
from reviewer.domain import (
    CATEGORIES,
    EMBEDDED,
    SELDOM,
    SEVERITIES,
    Category,
    Coverage,
    Dropped,
    DropReason,
    Finding,
    ModelVersion,
    PullRequest,
    Review,
    ReviewComment,
    Routed,
    Severity,
    Side,
    Usage,
)
from reviewer.jsonfile import parse_json
from reviewer.report import FORMATS, Format, decide_exit_code, render, wants_color
from reviewer.sarif import render_uri
from tests.test_settings import assert_current

HERE = Path(__file__).parent
SARIF = jsonschema.Draft202012Validator(json.loads((HERE / "report_schemas" / "sarif-2.1.0.json").read_text("utf-8")))
RDJSON = jsonschema.Draft202012Validator(json.loads((HERE / "report_schemas" / "rdjson.json").read_text("utf-8")))
REVIEW_SCHEMA = jsonschema.Draft202012Validator(
    json.loads((HERE.parent / "schemas" / "review.schema.json").read_text("utf-8"))
)

DIFF = b"""\
diff --git a/src/cache.py b/src/cache.py
--- a/src/cache.py
+++ b/src/cache.py
@@ -40,5 +40,7 @@ def cache_path(name):
 def load(path):
-    with open(path) as file:
-        return json.load(file)
+    file = open(path)
+    if not file:
+        return None
+    return json.load(file)
 def save(path, value):
     path.write_text(json.dumps(value))
@@ -90,5 +92,4 @@ def prune(days):
     for entry in entries():
-        if entry.age > days:
+        if entry.age >= days:
             entry.delete()
-            log.info("deleted %s", entry)
     return None
diff --git a/old.py b/old.py
deleted file mode 100644
--- a/old.py
+++ /dev/null
@@ -1,2 +0,0 @@
-gone = 1
-gone = 2
"""
PULL_REQUEST = PullRequest(
    "octo/demo", 7, "Load the cache by hand", "", "mona", "b" * 40, "1a2b3c4" + "0" * 33, parse_diff(DIFF)
)
CACHE = "src/cache.py"


def make_comment(
    line: int,
    message: str,
    *,
    severity: Severity = "warning",
    category: Category = "bug",
    side: Side = "RIGHT",
    path: str = CACHE,
    start: int | None = None,
    suggestion: str | None = None,
) -> ReviewComment:
    finding = Finding(path, f"{side[0]}{line}", "", message, severity, category, suggestion=suggestion)
    return ReviewComment(finding, path, line, side, start, "", suggestion, f"print{line:011}", 0.5)


LEAK = make_comment(
    44,
    "The file is never closed when `json.load` raises. Keep the `with` block.",
    severity="error",
    start=41,
    suggestion="    with open(path) as file:\n        return json.load(file)",
)
LOG = make_comment(93, "The deletion is no longer logged.", severity="info", category="design", side="LEFT")
EARLY = make_comment(93, "This deletes entries a day early.")
UNSURE = Finding(
    CACHE, "R99", "", "There is no test for prune.", "info", "test", hunk=PULL_REQUEST.files[0].hunks[1].digest
)
REVIEW = Review(
    "octo/demo",
    7,
    PULL_REQUEST.head_sha,
    "partial",
    ModelVersion("qwen2.5-coder", "1.5b", "champion"),
    (LEAK, LOG),
    (Routed(EARLY.finding, "over-budget", EARLY), Routed(UNSURE, "quote-not-found")),
    (Dropped(DropReason.CUT_REPLY, "src/other.py", "cut"), Dropped(DropReason.DUPLICATE, CACHE, "", UNSURE)),
    (
        Coverage(CACHE, 38, 48, "reviewed"),
        Coverage(CACHE, 92, 95, "reviewed"),
        Coverage("src/other.py", 1, 30, "failed", "cut"),
        Coverage("package-lock.json", 0, 0, "skipped", "lock file"),
    ),
    Usage(3, 4210, 3300, 412, 21.4),
    "Of 3 pieces of this change, 1 got no usable answer.",
)
EMPTY = replace(REVIEW, status="reviewed", note="", comments=(), routed=(), dropped=(), coverage=REVIEW.coverage[:2])
FAILED = replace(
    EMPTY,
    status="not-reviewed",
    note="The model gave no usable answer.",
    coverage=(Coverage(CACHE, 38, 48, "failed", "refused"),),
)


def text(review: Review, pull_request: PullRequest = PULL_REQUEST, **page: Any) -> str:
    return render(review, pull_request, "text", **page)


def load(review: Review, output_format: Format, pull_request: PullRequest = PULL_REQUEST) -> Any:
    """The JSON of a report, valid for those who read it."""
    report = json.loads(render(review, pull_request, output_format))
    {"sarif": SARIF, "rdjson": RDJSON, "json": REVIEW_SCHEMA}[output_format].validate(report)
    return report


# Text


def test_the_text_is_what_a_person_likes_to_read() -> None:
    assert_current(HERE / "test_report.txt", text(REVIEW))


@pytest.mark.parametrize("output_format", ["text", "markdown"])
def test_the_first_lines_say_the_status_and_why(output_format: Format) -> None:
    def outcome(review: Review) -> str:
        return " ".join(render(review, PULL_REQUEST, output_format, width=100).replace("`", "").split())

    assert "Partly reviewed octo/demo#7 at 1a2b3c4: 2 comments and 2 more findings. Of 3 pieces" in outcome(REVIEW)
    assert "Reviewed octo/demo#7 at 1a2b3c4: no findings" in outcome(EMPTY)
    passed_over = replace(EMPTY, coverage=(*EMPTY.coverage[:1], Coverage(CACHE, 38, 48, "skipped", SELDOM)))
    assert "1a2b3c4: no findings in the 1 of 2 pieces that were looked at" in outcome(passed_over)
    failed = outcome(FAILED)
    assert "Not reviewed octo/demo#7 at 1a2b3c4: this says nothing about the change. The model gave no" in failed
    partial = outcome(replace(REVIEW, comments=(), routed=()))
    assert "nothing found in the part that was looked at. Of 3 pieces" in partial
    for report in (failed, partial):
        assert "no findings" not in report


def test_a_local_change_has_a_name_too() -> None:
    local = replace(EMPTY, repo="", number=0, head_sha="")
    assert text(local, replace(PULL_REQUEST, title="")).startswith("Reviewed the change: no findings\n\n")


def test_the_text_fits_its_width() -> None:
    wide = make_comment(44, "漢字" * 60 + " " + "x" * 150 + " e\u0301" * 40)
    for width in (40, 60, 80, 100, 400):
        rows = text(replace(REVIEW, comments=(LEAK, wide)), width=width).split("\n")
        rows = [row for row in rows if not row.startswith("src/")]  # a path stays whole, to be copied
        columns = [len(row) + sum(map(row.count, "漢字")) - row.count("\u0301") for row in rows]
        assert min(width, 100) - 8 <= max(columns) <= min(width, 100)


def test_colour_is_there_only_when_asked_for() -> None:
    plain, painted = text(REVIEW), text(REVIEW, color=True)
    assert "\x1b" not in plain
    assert "\x1b[1;31merror\x1b[0m" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == plain


@pytest.mark.parametrize(
    ("environ", "is_terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colour_follows_the_customs(environ: dict[str, str], is_terminal: bool, expected: bool) -> None:
    assert wants_color(environ, is_terminal=is_terminal) is expected


def test_a_long_anchor_is_shortened_and_long_lists_are_counted() -> None:
    body = b"".join(b"+line %d\n" % number for number in range(1, 101))
    diff = b"diff --git a/a b/a\nnew file mode 100644\n--- /dev/null\n+++ b/a\n@@ -0,0 +1,100 @@\n" + body
    pull_request = replace(PULL_REQUEST, files=parse_diff(diff))
    skipped = tuple(Coverage(f"gen/{number}.js", 0, 0, "skipped", "generated") for number in range(3000))
    review = replace(EMPTY, comments=(make_comment(100, "Long.", path="a", start=1),), coverage=skipped)
    report = text(review, pull_request)
    assert "… 88 more lines" in report
    assert report.count("line ") == 12
    assert report.count("generated") == 10
    assert "and 2,990 more, all listed by --format json" in report


def test_a_range_over_removed_lines_replaces_only_what_is_left() -> None:
    fix = "    for entry in entries():\n        if entry.age > days:"
    report = text(replace(EMPTY, comments=(make_comment(93, "A day early.", start=92, suggestion=fix),)))
    code, suggested = report.split("A day early.")
    assert [row[:10].split() for row in code.split("\n") if row.startswith(">")] == [
        [">", "92"],
        [">", "91", "-"],
        [">", "93", "+"],
    ]
    assert "-         if entry.age >= days:\n    +         if entry.age > days:\n" in suggested
    assert suggested.count("entry.age") == 2


def test_a_comment_without_its_lines_at_hand_is_shown_all_the_same() -> None:
    report = text(REVIEW, replace(PULL_REQUEST, files=()))
    assert "src/cache.py:41-44  error, bug\n  The file is never closed" in report


# What a stranger's text may not do


HOSTILE = (
    "a\x1b[2Jb\x07\u202ec\u200bd\x9b31me\udc80f\r::error::g ![x](https://evil.example/p.png) @octo/all <img src=x>"
)


@pytest.mark.parametrize("output_format", FORMATS)
def test_hostile_text_reaches_no_terminal_and_breaks_no_format(output_format: Format) -> None:
    comment = replace(
        make_comment(44, HOSTILE, suggestion=HOSTILE, path=f"src/{HOSTILE}"), anchored_text=HOSTILE, start_line=None
    )
    routed = Routed(comment.finding, "quote-not-found")
    hostile = replace(
        REVIEW,
        comments=(comment,),
        routed=(routed,),
        note=HOSTILE,
        model=ModelVersion(HOSTILE),
        dropped=(Dropped(DropReason.DUPLICATE, HOSTILE, HOSTILE),),
        coverage=(Coverage(HOSTILE, 1, 2, "failed", HOSTILE),),
    )
    line = replace(PULL_REQUEST.files[0].hunks[0].lines[5], text=HOSTILE, target_line=44)
    hunk = replace(PULL_REQUEST.files[0].hunks[0], path=comment.path, lines=(line,))
    file = replace(PULL_REQUEST.files[0], path=comment.path, hunks=(hunk,))
    report = render(hostile, replace(PULL_REQUEST, title=HOSTILE, files=(file,)), output_format)
    report.encode("utf-8")
    assert not [character for character in report if character in "\x1b\x07\x9b\u202e\u200b\r"]
    assert not [row for row in report.split("\n") if row.startswith("::")]
    if output_format in ("sarif", "rdjson", "json"):
        load(hostile, output_format)
    if output_format in ("sarif", "markdown", "rdjson"):
        assert "](https://evil" not in json.dumps(messages_of(report, output_format))


def messages_of(report: str, output_format: Format) -> object:
    """What a reader would render as text: not the code to be inserted."""
    if output_format == "sarif":
        return [result["message"] for result in json.loads(report)["runs"][0]["results"]]
    if output_format == "rdjson":
        return [diagnostic["message"] for diagnostic in json.loads(report)["diagnostics"]]
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", report, flags=re.DOTALL)  # what is no code


# JSON


def test_json_is_the_review_file() -> None:
    load(REVIEW, "json")
    assert parse_json(render(REVIEW, PULL_REQUEST, "json").encode(), Review, "review.json") == REVIEW


# Markdown


def test_markdown_shows_code_suggestion_and_what_was_left_out() -> None:
    report = render(REVIEW, PULL_REQUEST, "markdown")
    for part in [
        "## `src/cache.py:41-44`: error, bug",
        "+    file = open(path)",
        "Suggested change:",
        "## Also noted",
        "`src/cache.py` (line not certain) info, test",
        "`package-lock.json` skipped: lock file",
        "Dropped: 1 cut reply, 1 duplicate",
    ]:
        assert part in report


# SARIF


def test_sarif_has_the_findings_at_their_lines() -> None:
    (run,) = load(REVIEW, "sarif")["runs"]
    leak, log, early, unsure = run["results"]
    place = leak["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": CACHE, "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 41, "endLine": 44},
    }
    assert [result["level"] for result in run["results"]] == ["error", "note", "warning", "note"]
    assert leak["partialFingerprints"] == {"glossator/v1": LEAK.fingerprint}
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [f"glossator/{category}" for category in CATEGORIES]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    (replacement,) = leak["fixes"][0]["artifactChanges"][0]["replacements"]
    assert replacement == {
        "deletedRegion": {"startLine": 41, "endLine": 44},
        "insertedContent": {"text": LEAK.suggestion},
    }
    assert log["locations"][0]["physicalLocation"]["region"] == {"startLine": 95, "endLine": 95}
    assert log["message"]["text"] == "(Removed line 93) The deletion is no longer logged."
    assert "fixes" not in log
    assert early["properties"] == {"routed": "over-budget"}
    assert unsure["locations"][0]["physicalLocation"]["region"] == {"startLine": 92, "endLine": 95}
    assert unsure["message"]["text"].startswith("(Line not certain)")


def test_sarif_points_into_a_deleted_file_as_well_as_it_can() -> None:
    gone = make_comment(2, "Still imported elsewhere.", side="LEFT", path="old.py", start=1)
    (result,) = load(replace(EMPTY, comments=(gone,)), "sarif")["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1, "endLine": 1}
    assert result["message"]["text"].startswith("(Removed lines 1-2)")


def test_sarif_never_calls_a_failed_run_a_success() -> None:
    def invocation(review: Review) -> Any:
        return load(review, "sarif")["runs"][0]["invocations"][0]

    assert invocation(EMPTY) == {"executionSuccessful": True}
    partial, failed = invocation(REVIEW), invocation(FAILED)
    assert (partial["executionSuccessful"], failed["executionSuccessful"]) == (True, False)
    assert partial["toolExecutionNotifications"][0]["level"] == "warning"
    assert failed["toolExecutionNotifications"][0]["level"] == "error"
    assert "The model gave no usable answer" in failed["toolExecutionNotifications"][0]["message"]["text"]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/c#d?.py", "a%20b/c%23d%3F.py"),
        ("100%/ü.py", "100%25/%C3%BC.py"),
        ("c:/x", "c%3A/x"),
        ("caf\udce9.txt", "caf%E9.txt"),
        ("\ud800", "%3F"),
        ("a\nb\t[c]", "a%0Ab%09%5Bc%5D"),
    ],
)
def test_odd_paths_become_uris(path: str, uri: str) -> None:
    assert render_uri(path) == uri


# rdjson


def test_rdjson_has_line_ranges_and_suggestions() -> None:
    report = load(REVIEW, "rdjson")
    leak, log, early, unsure = report["diagnostics"]
    span = {"start": {"line": 41}, "end": {"line": 44}}
    assert (report["source"], report["severity"]) == ({"name": "glossator"}, "ERROR")
    assert leak["location"] == {"path": CACHE, "range": span}
    assert leak["suggestions"] == [{"range": span, "text": LEAK.suggestion}]
    assert leak["code"] == {"value": "bug"}
    assert [item["severity"] for item in report["diagnostics"]] == ["ERROR", "INFO", "WARNING", "INFO"]
    assert log["location"]["range"] == {"start": {"line": 95}, "end": {"line": 95}}
    assert "suggestions" not in log
    assert early["location"]["range"]["start"] == {"line": 93}
    assert unsure["location"] == {"path": CACHE}


def test_a_suggestion_that_deletes_lines_is_no_empty_line() -> None:
    review = replace(EMPTY, comments=(make_comment(42, "Never false.", suggestion=""),))
    (diagnostic,) = load(review, "rdjson")["diagnostics"]
    assert diagnostic["suggestions"][0]["text"] == ""
    (result,) = load(review, "sarif")["runs"][0]["results"]
    assert "fixes" not in result
    assert "Suggested change:\n    -     if not file:\n\n" in text(review)


# Every format, every review


comments = st.builds(
    make_comment,
    st.integers(1, 100),
    st.text(st.characters(exclude_categories=()), max_size=80),
    severity=st.sampled_from(SEVERITIES),
    category=st.sampled_from(CATEGORIES),
    side=st.sampled_from(["LEFT", "RIGHT"]),
    path=st.sampled_from([CACHE, "old.py", "none.py"]) | st.text(st.characters(exclude_categories=()), min_size=1),
    suggestion=st.none() | st.text(max_size=40),
)
reviews = st.builds(
    Review,
    repo=st.text(max_size=9),
    number=st.integers(0, 9),
    head_sha=st.text("0123456789abcdef", max_size=40),
    status=st.sampled_from(["reviewed", "partial", "not-reviewed"]),
    model=st.builds(ModelVersion, name=st.text(max_size=9)),
    comments=st.lists(comments, max_size=3).map(tuple),
    routed=st.lists(comments.map(lambda comment: Routed(comment.finding, "over-budget", comment)), max_size=2).map(
        tuple
    ),
    dropped=st.lists(st.builds(Dropped, reason=st.sampled_from(DropReason)), max_size=3).map(tuple),
    coverage=st.lists(st.from_type(Coverage), max_size=3).map(tuple),
)


@settings(deadline=None, max_examples=40, phases=[Phase.generate])
@given(reviews)
def test_any_review_can_be_shown_in_any_format(review: Review) -> None:
    for output_format in FORMATS:
        report = render(review, PULL_REQUEST, output_format)
        report.encode("utf-8")
        assert report.endswith("\n")
        assert "\x1b" not in report
    load(review, "sarif")
    load(review, "rdjson")
    assert ("no findings" in text(review)) <= (review.status == "reviewed")


# Exit codes


@pytest.mark.parametrize(("fail_on", "expected"), [("never", 0), ("error", 1), ("warning", 1), ("info", 1)])
def test_fail_on_counts_findings_at_least_that_grave(fail_on: Any, expected: int) -> None:
    assert decide_exit_code(REVIEW, fail_on) == expected
    assert decide_exit_code(EMPTY, fail_on) == 0


def test_fail_on_counts_the_summary_but_no_finding_without_a_sure_line() -> None:
    routed = replace(EMPTY, routed=(Routed(EARLY.finding, "over-budget", EARLY),))
    unsure = replace(EMPTY, routed=(Routed(UNSURE, "quote-not-found"),))
    assert (decide_exit_code(routed, "error"), decide_exit_code(routed, "warning")) == (0, 1)
    assert decide_exit_code(unsure, "info") == 0


def test_a_model_that_failed_is_exit_code_4_whatever_fail_on_says() -> None:
    assert decide_exit_code(FAILED, "never") == 4
    assert decide_exit_code(replace(FAILED, coverage=()), "error") == 4
    skipped = replace(FAILED, coverage=(Coverage("yarn.lock", 0, 0, "skipped", "lock file"),))
    assert decide_exit_code(skipped, "error") == 0


def test_a_small_embedded_model_is_named_as_such() -> None:
    review = Review("patch", 0, "", "reviewed", ModelVersion("tiny", "1", EMBEDDED))

    assert "A small model, run here" in render(review, PullRequest("patch", 0, "", "", "", "", "", ()), "text")
