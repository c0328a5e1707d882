from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from reviewer.domain import SELDOM, Bundle, ChangedFile, FileStatus, Hunk, Line, LineKind, PullRequest
from reviewer.file_classes import file_class, is_excluded, language_of, parse_glob, skip_path_reason
from reviewer.fixed_order import score_hunk
from reviewer.locate import PIECE_LINES, PIECE_TOKENS, Plan, choose_hunks, count_tokens, split_hunk
from reviewer.locator import Linear, Prior, load_locator, render_locator
from reviewer.locator_features import HUNK_FEATURES, LINE_FEATURES
from reviewer.settings import Settings

SETTINGS = Settings()


def make_hunk(path: str, marked: list[str], source: int = 1, target: int = 1, section: str = "") -> Hunk:
    """A hunk of lines that start with their mark."""
    lines, at_source, at_target = [], source, target
    for text in marked:
        kind: LineKind = "+" if text[0] == "+" else "-" if text[0] == "-" else " "
        lines.append(Line(kind, text[1:], None if kind == "+" else at_source, None if kind == "-" else at_target))
        at_source += kind != "+"
        at_target += kind != "-"
    source -= not any(line.kind != "+" for line in lines)
    target -= not any(line.kind != "-" for line in lines)
    return Hunk(path, section, source, target, tuple(lines))


def make_file(path: str, *marked: str, status: FileStatus = "modified", note: str = "") -> ChangedFile:
    hunks = (make_hunk(path, list(marked)),) if marked else ()
    return ChangedFile(path, status, hunks, note=note)


def make_bundle(*files: ChangedFile, reviewed: tuple[str, ...] = ()) -> Bundle:
    return Bundle(PullRequest("o/r", 1, "", "", "a", "b", "h", tuple(files)), reviewed=reviewed)


def plan_of(*files: ChangedFile, **changes: object) -> Plan:
    return choose_hunks(make_bundle(*files), replace(SETTINGS, **changes))  # type: ignore[arg-type]


def reasons(plan: Plan) -> dict[str, str]:
    return {entry.path: entry.reason for entry in plan.left_out}


MIXED = (
    make_file("README.md", "+A new paragraph", "+of two lines"),
    make_file("src/space.py", "-if a :", "+if a:"),
    make_file("src/imports.py", "+import os", "+from re import sub"),
    make_file("src/gone.py", " a()", "-b()", "-c()"),
    make_file("settings.toml", "+x = 1"),
    make_file("tests/test_a.py", "+assert f(1)"),
    make_file("src/small.py", "+f(1)"),
    make_file("src/large.py", *["+f(1)"] * 9),
)


def test_the_fixed_order_is_by_class_then_changed_lines_then_minor_changes() -> None:
    hunks = [file.hunks[0] for file in MIXED]
    assert [hunk.path for hunk in sorted(hunks, key=score_hunk, reverse=True)] == [
        "src/large.py",
        "src/small.py",
        "tests/test_a.py",
        "settings.toml",
        "README.md",
        "src/imports.py",
        "src/gone.py",
        "src/space.py",
    ]


def test_the_trained_locator_gives_the_order() -> None:
    plan = plan_of(*MIXED)
    located = load_locator().locate(make_bundle(*MIXED).pull_request, [file.hunks[0] for file in MIXED])
    assert sorted(plan.scores.values()) == sorted(located.hunks)
    assert all(0 <= score <= 1 for score in plan.scores.values())
    assert [plan.scores[hunk.digest] for hunk in plan.hunks] == sorted(plan.scores.values(), reverse=True)
    assert not plan.note


def test_without_a_locator_the_fixed_order_goes_and_the_plan_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reviewer.locate.SHIPPED", tmp_path / "locator.json")
    plan = plan_of(*MIXED)
    assert [hunk.path for hunk in plan.hunks][:2] == ["src/large.py", "src/small.py"]
    assert plan.note.startswith("Cannot read the locator locator.json")
    assert "fixed order" in plan.note


def test_the_repository_s_own_locator_goes_before_the_shipped_one() -> None:
    weights = tuple(float(name == "docs") for name in HUNK_FEATURES)
    zeros = tuple(0.0 for _ in HUNK_FEATURES)
    line = Linear(tuple(0.0 for _ in LINE_FEATURES), tuple(0.0 for _ in LINE_FEATURES))
    own = render_locator(Linear(weights, zeros), line, Prior(tuple(0.0 for _ in range(101))), {})
    plan = choose_hunks(replace(make_bundle(*MIXED), locator=own), SETTINGS)
    assert plan.hunks[0].path == "README.md"
    assert not plan.note


def make_flat(prior: float) -> str:
    """A locator that gives each hunk the probability .5, where so many of the repository's have less."""
    zeros = tuple(0.0 for _ in HUNK_FEATURES)
    line = Linear(tuple(0.0 for _ in LINE_FEATURES), tuple(0.0 for _ in LINE_FEATURES))
    spread = tuple(0.1 if at < 101 * prior else 0.9 for at in range(101))
    return render_locator(Linear(zeros, zeros), line, Prior(spread), {})


@pytest.mark.parametrize(
    ("prior", "share", "looked_at", "inline"),
    [(0.4, 15, 0, 0), (0.6, 15, 1, 0), (0.9, 15, 1, 1), (0.4, 100, 1, 1), (0.99, 0, 1, 0), (0.6, 45, 1, 1)],
)
def test_the_likelier_half_is_looked_at_and_the_likeliest_get_comments_inline(
    prior: float, share: int, looked_at: int, inline: int
) -> None:
    bundle = replace(make_bundle(make_file("a.py", "+x = 1")), locator=make_flat(prior))
    plan = choose_hunks(bundle, replace(SETTINGS, comment_share=share))
    assert (len(plan.hunks), len(plan.likely)) == (looked_at, inline)
    assert [part.reason for part in plan.left_out] == [SELDOM] * (1 - looked_at)


def test_a_repository_s_locator_that_cannot_be_used_gives_way_to_the_shipped_one() -> None:
    plan = choose_hunks(replace(make_bundle(*MIXED), locator="{"), SETTINGS)
    assert plan.note == "The locator of the repository is damaged: it is no JSON."
    assert plan.hunks == plan_of(*MIXED).hunks


def test_one_very_long_line_does_not_hide_the_code_beside_it() -> None:
    code = [f"+check_{number}(data)" for number in range(3)]
    plan = plan_of(make_file("test_a.py", "+data = '" + "00ff" * 2_000 + "'", *code))
    assert [line.text for hunk in plan.hunks for line in hunk.lines][1:] == [line[1:] for line in code]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (make_file("uv.lock", "+a"), "lock file"),
        (make_file("web/package-lock.json", "+{"), "lock file"),
        (make_file("vendor/lib/a.go", "+a"), "vendored"),
        (make_file("dist/app.js", "+a"), "generated"),
        (make_file("api/user_pb2.py", "+a"), "generated"),
        (make_file("static/app.min.js", "+a"), "generated"),
        (make_file("tests/__snapshots__/a.snap", "+a"), "generated"),
        (make_file("data/table.csv", "+1,2"), "data, not code"),
        (make_file("a.go", "+// Code generated by mockgen. DO NOT EDIT.", "+package a"), "generated"),
        (make_file("a.py", "+# @generated", "+x = 1"), "generated"),
        (make_file("a.js", "+" + "x=1;" * 800), "minified"),
        (make_file("a.py", "-x = 1", status="removed"), "file removed"),
        (make_file("a.py", status="renamed"), "renamed without a change"),
        (make_file("logo.png", note="binary"), "binary"),
        (make_file("lib", "-Subproject commit 1234", "+Subproject commit 5678"), "submodule"),
        (make_file("link", "+../target", note="symlink"), "symlink"),
        (make_file("empty.py"), "no changed line"),
    ],
)
def test_what_is_not_worth_reading_is_skipped_with_its_reason(file: ChangedFile, reason: str) -> None:
    plan = plan_of(file)
    assert plan.hunks == ()
    assert [(entry.state, entry.reason) for entry in plan.left_out] == [("skipped", reason)]


@pytest.mark.parametrize(
    "file",
    [
        make_file("a.py", '+MARK = "@generated"', "+if MARK in text:"),
        make_file("a.py", "+x = 1", note="mode changed"),
        make_file("src/distance.py", "+x = 1"),
        make_file("src/generator/lock.py", "+x = 1"),
        make_file("a.py", *["+x"] * 99, "+" + "y" * 3000),
    ],
)
def test_code_that_only_resembles_it_is_read(file: ChangedFile) -> None:
    assert plan_of(file).hunks


def test_exclude_globs_and_reviewed_digests_leave_hunks_out() -> None:
    files = (make_file("a/x.py", "+1"), make_file("b/x.py", "+2"), make_file("c/x.py", "+3"))
    reviewed = (files[1].hunks[0].digest,)
    plan = choose_hunks(make_bundle(*files, reviewed=reviewed), replace(SETTINGS, exclude=("a/**",)))
    assert [hunk.path for hunk in plan.hunks] == ["c/x.py"]
    assert [(entry.path, entry.state) for entry in plan.left_out] == [
        ("a/x.py", "skipped"),
        ("b/x.py", "already-reviewed"),
    ]


def test_the_budget_counts_the_prefix_once_and_cuts_the_lowest_ranked() -> None:
    files = [make_file(f"src/f{i}.py", *["+call(value)"] * (20 - i)) for i in range(10)]
    cost = sum(count_tokens(file.hunks[0]) for file in files[:4])
    plan = plan_of(*files, max_prompt_tokens=SETTINGS.context_tokens + cost)
    assert [hunk.path for hunk in plan.hunks] == [file.path for file in files[:4]]
    assert {entry.state for entry in plan.left_out} == {"over-budget"}
    assert len(plan.left_out) == 6


def test_a_small_hunk_after_the_budget_is_spent_is_not_slipped_in() -> None:
    files = (make_file("src/a.py", *["+call(value)"] * 50), make_file("src/b.py", "+x"))
    plan = plan_of(*files, max_prompt_tokens=SETTINGS.context_tokens + 100)
    assert plan.hunks == ()
    assert len(plan.left_out) == 2


def test_a_new_file_of_800_lines_is_cut_between_functions() -> None:
    block = ["+def function(a):", "+    if a:", "+        return compute(a, 1, 2, 3)", "+    return None", "+"]
    hunk = make_hunk("src/new.py", block * 160)
    pieces = split_hunk(hunk)
    assert len(pieces) > 3
    assert all(len(piece.lines) <= PIECE_LINES and count_tokens(piece) <= PIECE_TOKENS + 100 for piece in pieces)
    assert {piece.lines[0].text for piece in pieces} == {"def function(a):"}
    assert [piece.section for piece in pieces] == ["", *["def function(a):"] * (len(pieces) - 1)]
    assert {piece.source_start for piece in pieces} == {0}
    assert [piece.target_start for piece in pieces] == [piece.lines[0].target_line for piece in pieces]


def test_a_line_longer_than_a_piece_is_a_piece_of_bounded_cost() -> None:
    hunk = make_hunk("src/a.py", ["+x = 1", "+" + "word " * 100_000, "+y = 2"])
    assert sum(len(piece.lines) for piece in split_hunk(hunk)) == 3
    assert all(count_tokens(piece) <= PIECE_TOKENS for piece in split_hunk(hunk))


def test_a_piece_without_lines_of_one_side_starts_at_the_line_before() -> None:
    hunk = make_hunk("src/a.py", [" a", *["-" + "old(1, 2, 3)"] * 200, *["+" + "new(1, 2, 3)"] * 200], 10, 20)
    pieces = split_hunk(hunk)
    removed = next(piece for piece in pieces if all(line.kind == "-" for line in piece.lines))
    added = next(piece for piece in pieces if all(line.kind == "+" for line in piece.lines))
    assert removed.target_start == 20
    assert removed.source_start == removed.lines[0].source_line
    assert added.source_start == 210
    assert added.target_start == added.lines[0].target_line


STATUSES: tuple[FileStatus, ...] = ("modified", "added", "removed", "renamed")
PATHS = st.sampled_from(["src/a.py", "tests/b.py", "c.md", "d.toml", "vendor/e.c", "uv.lock", "f.csv", "g"])
TEXTS = st.sampled_from(
    ["", "x = 1", "    return x", "}", "def f():", "w " * 400, "# @generated", "Subproject commit 1"]
)
MARKED = st.lists(st.tuples(st.sampled_from("+- "), TEXTS).map("".join), min_size=1, max_size=60)


@st.composite
def bundles(draw: st.DrawFn) -> Bundle:
    files = []
    for number in range(draw(st.integers(0, 6))):
        path = f"{number}/{draw(PATHS)}"
        hunks, at = [], 1
        for marked in draw(st.lists(MARKED, max_size=3)):
            repeat = draw(st.sampled_from([1, 1, 7]))
            hunks.append(make_hunk(path, marked * repeat, at, at))
            at += len(marked) * repeat + 1
        status = draw(st.sampled_from(STATUSES))
        files.append(
            ChangedFile(path, status, tuple(hunks), note=draw(st.sampled_from(["", "", "binary", "mode changed"])))
        )
    digests = [hunk.digest for file in files for hunk in file.hunks]
    reviewed = draw(st.lists(st.sampled_from(digests), max_size=3)) if digests else []
    return make_bundle(*files, reviewed=tuple(reviewed))


@hypothesis_settings(deadline=None)
@given(bundles(), st.integers(4_000, 9_000), st.sampled_from([(), ("1/**",), ("*.py", "!0/**")]))
def test_every_line_and_file_is_chosen_or_left_out_exactly_once(
    bundle: Bundle, budget: int, exclude: tuple[str, ...]
) -> None:
    settings = replace(SETTINGS, max_prompt_tokens=budget, context_tokens=3_000, exclude=exclude)
    plan = choose_hunks(bundle, settings)
    pieces = Counter(
        piece.digest for file in bundle.pull_request.files for hunk in file.hunks for piece in (hunk, *split_hunk(hunk))
    )
    accounted = Counter((hunk.path, line.id) for hunk in plan.hunks for line in hunk.lines)
    known = {
        piece.digest: piece
        for file in bundle.pull_request.files
        for hunk in file.hunks
        for piece in (hunk, *split_hunk(hunk))
    }
    ranges = Counter((entry.path, entry.first_line, entry.digest) for entry in plan.left_out)
    left_lines = sum(len(known[digest].lines) * times for (_, _, digest), times in ranges.items() if digest)
    all_lines = Counter(
        (hunk.path, line.id) for file in bundle.pull_request.files for hunk in file.hunks for line in hunk.lines
    )
    assert sum(accounted.values()) + left_lines == sum(all_lines.values())
    assert accounted <= all_lines
    assert all(hunk.digest in pieces and hunk.digest in plan.scores for hunk in plan.hunks)
    without_hunks = [file.path for file in bundle.pull_request.files if not file.hunks]
    assert [entry.path for entry in plan.left_out if not entry.digest] == without_hunks
    assert sum(count_tokens(hunk) for hunk in plan.hunks) <= max(budget - 3_000, 0)


@given(MARKED, st.integers(1, 9), st.integers(1, 9), st.integers(1, 8))
def test_pieces_together_are_the_hunk_and_each_is_a_valid_hunk(
    marked: list[str], source: int, target: int, times: int
) -> None:
    hunk = make_hunk("a.py", marked * times, source, target)
    pieces = split_hunk(hunk)
    assert tuple(line for piece in pieces for line in piece.lines) == hunk.lines
    for piece in pieces:
        rebuilt = make_hunk(
            "a.py",
            [line.kind + line.text for line in piece.lines],
            piece.source_start + all(line.kind == "+" for line in piece.lines),
            piece.target_start + all(line.kind == "-" for line in piece.lines),
        )
        assert replace(rebuilt, section=piece.section) == piece


@pytest.mark.slow
def test_a_pull_request_at_githubs_limit_is_planned_in_seconds() -> None:
    marked = ["+    value = compute(argument, 12)", "-    value = compute(argument)", "     return value"] * 16
    files = [make_file(f"src/part{i}/module{i}.py", *marked) for i in range(3_000)]
    bundle = make_bundle(*files)
    started = time.process_time()
    plan = choose_hunks(bundle, replace(SETTINGS, exclude=("docs/**", "*.md")))
    assert time.process_time() - started < 3
    assert plan.hunks
    assert len(plan.hunks) + len(plan.left_out) == 3_000


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.py", "a/b.py", True),
        ("/*.py", "a/b.py", False),
        ("docs", "a/docs/b.md", True),
        ("docs/", "docs/b.md", True),
        ("docs/", "docs", False),
        ("a/**/z.py", "a/z.py", True),
        ("a/**/z.py", "a/b/c/z.py", True),
        ("a/**", "a/b/c", True),
        ("a/*", "b/a/c", False),
        ("**/*.{ts,tsx}", "x/y.tsx", True),
        ("**/*.{ts,tsx}", "x/y.js", False),
        ("**", "any/thing", True),
        ("*.py[co]", "a.pyc", True),
        ("[!a].c", "b.c", True),
        ("[+--].c", ",.c", True),
        ("[+--].c", "..c", False),
        ("[a-c-e].c", "-.c", True),
        ("[z-a]", "[z-a]", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a.c", "abc", False),
        ("{open", "{open", True),
    ],
)
def test_globs_are_gitignore_like(pattern: str, path: str, matches: bool) -> None:
    assert (parse_glob(pattern).fullmatch(path) is not None) == matches


@given(st.text(alphabet="ab*?[]{}!-,/\\.^", max_size=12), st.text(alphabet="ab/.", max_size=8))
def test_any_glob_can_be_tried(pattern: str, path: str) -> None:
    assert is_excluded(path, (pattern,)) in {True, False}


def test_the_last_matching_glob_decides() -> None:
    assert is_excluded("docs/a.md", ("docs/**",))
    assert not is_excluded("docs/a.md", ("docs/**", "!docs/a.md"))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/app.py", "product"),
        ("Makefile", "product"),
        ("src/testing.go", "product"),
        ("src/app.test.ts", "test"),
        ("pkg/app_test.go", "test"),
        ("src/test/java/AppTest.java", "test"),
        ("spec/app_spec.rb", "test"),
        (".github/workflows/ci.yml", "config"),
        ("webpack.config.js", "config"),
        ("src/CMakeLists.txt", "config"),
        ("requirements-dev.txt", "config"),
        ("docs/index.rst", "docs"),
        ("README", "docs"),
    ],
)
def test_file_classes(path: str, kind: str) -> None:
    assert file_class(path) == kind
    assert skip_path_reason(path) == ""


def test_languages_and_scores() -> None:
    assert [language_of(path) for path in ("a.tsx", "b/c.PY", "Makefile")] == ["typescript", "python", ""]
    assert score_hunk(make_hunk("a.py", ["-a = b", "+a=b"])) == 0
    assert score_hunk(make_hunk("a.py", ["+a"] * 9000)) <= 1
