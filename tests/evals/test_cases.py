"""The cases: each is read, holds for the product, and can fail; and a model is measured as it deserves."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from evals import case_checks
from evals.case_changes import build_bundle, build_variant, build_versions, list_ids, render_file
from evals.case_checks import Trial, check_failure_mode, check_invariance, find_faults, find_surprises, try_model
from evals.case_files import CASES, load_cases
from evals.case_format import (
    FAULTS,
    Case,
    Change,
    DirectionalCase,
    Expect,
    FailureMode,
    FileText,
    Invariance,
    Patch,
    Plant,
    Repeat,
    Rewrite,
    Variant,
)
from evals.case_measures import (
    find_places,
    is_commented,
    measure_directional,
    measure_invariance,
    rank_place,
)
from evals.case_models import ADVERSARIES, FakeModel, comment_everywhere, judge_by_shape, say_nothing, talk_garbage
from evals.case_results import (
    CaseResult,
    Directional,
    Paired,
    count_results,
    load_case_results,
    pair_results,
    save_case_results,
)
from evals.case_run import count_directional, render_results, run_cases
from evals.commands.cases import command
from evals.content_store import ContentStore
from evals.errors import EvalError
from evals.held_out import HeldOut
from evals.predictions import Predicted, Prediction
from evals.remembered import RememberedModel
from evals.run import ReviewerCandidate
from reviewer.diff import parse_diff
from reviewer.domain import Bundle, Guideline, ModelVersion, Review
from reviewer.prompt import Prompt
from reviewer.review import Model, review_pull_request
from reviewer.settings import Settings
from tests.command import ROOT
from tests.model_server import ModelServer, careful_model, empty_model

ALL = load_cases()
FAILURE_MODES = [case for case in ALL.cases if isinstance(case, FailureMode)]
INVARIANCES = [case for case in ALL.cases if isinstance(case, Invariance)]
DIRECTIONAL = [case for case in ALL.cases if isinstance(case, DirectionalCase)]
SETTINGS = Settings()
FAKE = ModelVersion("fake")


def name_of(case: Case) -> str:
    return case.name


def get_case(name: str) -> Any:
    (case,) = load_cases([name]).cases
    return case


def hold(bundle: Bundle) -> HeldOut:
    return HeldOut(bundle, (), complete=True)


def make_reviewer(answer: Callable[[Prompt], str]) -> ReviewerCandidate:
    model = RememberedModel(FakeModel(answer.__name__, answer), ContentStore(Path(":memory:")))
    return ReviewerCandidate("fake", model, SETTINGS)


# What is there


def test_there_are_enough_cases_of_every_kind() -> None:
    assert len(ALL.cases) >= 60
    assert len(DIRECTIONAL) >= 30
    assert {case.kind for case in FAILURE_MODES} >= {
        *("huge-diff", "outdated-diff", "rename-only", "empty-file", "generated-file", "deletion-only", "non-english"),
        *("binary", "mode-change", "submodule", "crlf", "no-final-newline", "odd-bytes", "very-long-line"),
        *("white-space-only", "import-only", "hunk-edges", "odd-file-names", "conflict-markers", "vendored", "symlink"),
    }
    assert {case.kind for case in INVARIANCES} >= {
        *("white-space", "renamed-variables", "title", "same-diff", "reordered", "author", "number")
    }


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_planted_in_three_languages(fault: str) -> None:
    assert len({case.language for case in DIRECTIONAL if case.kind == fault}) >= 3


def test_faults_are_planted_in_seven_languages() -> None:
    languages = {case.language for case in DIRECTIONAL}
    assert languages == {"python", "java", "go", "typescript", "c", "cpp", "rust"}


# What the product must get right


@pytest.mark.parametrize("case", FAILURE_MODES, ids=name_of)
async def test_a_failure_mode_is_handled(case: FailureMode) -> None:
    result = await check_failure_mode(case, SETTINGS)
    assert (result.outcome, result.why) == ("passed", "")


@pytest.mark.parametrize("case", INVARIANCES, ids=name_of)
async def test_an_invariance_holds(case: Invariance) -> None:
    result = await check_invariance(case, SETTINGS)
    assert (result.outcome, result.why) == ("passed", "")


# A product that were wrong would be caught


async def try_case(name: str, adversary: str) -> Trial:
    bundle = build_bundle(get_case(name).change, name)
    return await try_model(adversary, FakeModel(adversary, ADVERSARIES[adversary]), bundle, SETTINGS)


async def find_first(trial: Trial, **changes: Any) -> str:
    return next(find_faults(replace(trial, review=replace(trial.review, **changes)), SETTINGS), "")


async def test_a_comment_beside_the_diff_is_a_fault() -> None:
    trial = await try_case("white-space-only", "everywhere")
    (first,) = (comment for comment in trial.review.comments if comment.side == "RIGHT" and comment.line == 42)
    assert await find_first(trial) == ""
    for wrong in (replace(first, line=999), replace(first, side="LEFT"), replace(first, path="other.js")):
        assert "comment on" in await find_first(trial, comments=(wrong,))
    over = replace(first, start_line=8)
    assert "is not on lines of one hunk" in await find_first(trial, comments=(over,))
    assert "about another line" in await find_first(trial, comments=(replace(first, anchored_text="else"),))


async def test_too_many_comments_are_a_fault() -> None:
    trial = await try_case("white-space-only", "everywhere")
    assert "3 are allowed" in await find_first(trial, comments=trial.review.comments * 2)


async def test_a_piece_that_nobody_accounts_for_is_a_fault() -> None:
    trial = await try_case("two-hunks", "silent")
    first, second = trial.review.coverage
    assert "src/pool.cpp from line" in await find_first(trial, coverage=(first,))
    assert "src/pool.cpp from line" in await find_first(trial, coverage=(second,))
    assert "nothing says what became of src/pool.cpp" in await find_first(trial, coverage=())


async def test_a_status_that_flatters_is_a_fault() -> None:
    garbage = await try_case("two-hunks", "garbage")
    assert "the review reads as reviewed" in await find_first(garbage, status="reviewed")
    skipped = await try_case("binary", "silent")
    assert "nothing was looked at" in await find_first(skipped, status="reviewed")


async def test_a_comment_out_of_nothing_is_a_fault() -> None:
    told = await try_case("two-hunks", "everywhere")
    silent = await try_case("two-hunks", "silent")
    assert "a comment of its own" in await find_first(silent, comments=told.review.comments[:1])
    assert "none of it is left" in await find_first(told, comments=(), routed=())


async def test_a_control_character_in_a_prompt_is_a_fault() -> None:
    trial = await try_case("bidi-override", "silent")
    loud = tuple(replace(prompt, hunk=prompt.hunk + "\u202e") for prompt in trial.prompts)
    assert next(find_faults(trial, SETTINGS), "") == ""
    assert "U+202E" in next(find_faults(replace(trial, prompts=loud), SETTINGS))


@pytest.mark.parametrize(
    ("expect", "problem"),
    [
        (Expect(status="partial"), "the status is reviewed"),
        (Expect(asked=1), "2 pieces are asked about, not 1"),
        (Expect(at_least_asked=3), "not 3 or more"),
        (Expect(over_budget=True), "no piece is over the budget"),
        (Expect(skipped={"src/pool.cpp": "vendored"}), "left out for 'nothing'"),
        (Expect(previous={"src/pool.cpp": "pool.cc"}), "was None, not 'pool.cc'"),
        (Expect(changed={"src/pool.cpp": "R20 R63"}), "are R20 R64, not R20 R63"),
        (Expect(shown=("R99",)), "no piece shows 'R99'"),
        (Expect(first="R99"), "asked about first does not show 'R99'"),
        (Expect(hidden=("notify",)), "a prompt holds 'notify'"),
        (Expect(flagged=("src/pool.cpp R20",)), "comments on none, not on src/pool.cpp R20"),
    ],
    ids=str,
)
async def test_each_expectation_can_fail(expect: Expect, problem: str) -> None:
    trial = await try_case("two-hunks", "silent")
    assert problem in next(find_surprises(trial, expect), "")


async def test_what_is_left_out_without_being_expected_is_a_surprise() -> None:
    trial = await try_case("vendored", "silent")
    assert "unexpected: 'vendored'" in next(find_surprises(trial, Expect()))


async def test_comments_elsewhere_than_expected_are_a_surprise() -> None:
    trial = await try_case("two-hunks", "everywhere")
    assert "not on src/pool.cpp R64" in next(find_surprises(trial, Expect(everywhere=("src/pool.cpp R64",))))


@pytest.mark.parametrize(
    ("kept", "gone"), [(["app/report.py R23"], []), ([], ["app/report.py R22"])], ids=["kept", "gone"]
)
async def test_an_outdated_diff_can_fail(kept: list[str], gone: list[str]) -> None:
    case = get_case("outdated-line-gone")
    expect = msgspec.structs.replace(case.expect, kept=tuple(kept), gone=tuple(gone))
    result = await check_failure_mode(msgspec.structs.replace(case, expect=expect), SETTINGS)
    assert result.outcome == "failed"
    assert "after the change" in result.why


async def review_with_title(bundle: Bundle, model: Model, settings: Settings) -> Review:
    """A product that tells the model the title."""
    return await review_pull_request(
        replace(bundle, guidelines=(Guideline("title", bundle.pull_request.title, ""),)), model, settings
    )


async def test_a_product_that_shows_the_title_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_checks, "review_pull_request", review_with_title)
    result = await check_invariance(get_case("title-bug-free"), SETTINGS)
    assert (result.outcome, result.why) == ("failed", "the prompts differ")


async def review_first_file(bundle: Bundle, model: Model, settings: Settings) -> Review:
    """A product that reads the first file alone."""
    files = bundle.pull_request.files[:1]
    return await review_pull_request(
        replace(bundle, pull_request=replace(bundle.pull_request, files=files)), model, settings
    )


async def test_a_product_that_heeds_the_order_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_checks, "review_pull_request", review_first_file)
    result = await check_invariance(get_case("files-reversed"), SETTINGS)
    assert (result.outcome, result.why) == ("failed", "the pieces that are asked about differ")


async def test_a_variant_that_changes_nothing_is_no_test() -> None:
    case = get_case("title-bug-free")
    result = await check_invariance(msgspec.structs.replace(case, prompts="different"), SETTINGS)
    assert "the variant tests nothing" in result.why


# Planted faults


@pytest.mark.parametrize("case", DIRECTIONAL, ids=name_of)
async def test_a_model_that_sees_the_fault_alone_passes(case: DirectionalCase) -> None:
    clean, faulty = (hold(bundle) for bundle in build_versions(case))
    (path, blamed), (_, harmless) = find_places(case, clean, faulty)
    assert list_ids(clean.bundle)[path]
    assert clean.bundle != faulty.bundle
    changed = sum(hunk.changed for file in faulty.bundle.pull_request.files for hunk in file.hunks)
    assert changed >= 12, "among several changed lines one is to blame"

    def see_the_fault(prompt: Prompt) -> str:
        is_here = f"File: {path}\n" in prompt.hunk and prompt.prefix == faulty_prefix
        shown = [row for row in prompt.hunk.split("\n") if row.startswith(f"{blamed.id} ")]
        return remark(blamed.id, blamed.text) if is_here and shown else say_nothing(prompt)

    faulty_prefix = (await prompts_of(faulty.bundle))[0].prefix
    result = await measure_directional(case, make_reviewer(see_the_fault))
    assert (result.outcome, result.why) == ("passed", "")
    figures = result.directional
    assert figures is not None
    assert (figures.hit, figures.alarm, figures.rank) == (True, False, 0.0)
    assert figures.clean_rank > 0
    assert blamed.kind == harmless.kind == "+"


async def prompts_of(bundle: Bundle) -> list[Prompt]:
    model = FakeModel("fake", say_nothing)
    await review_pull_request(bundle, model, SETTINGS)
    return model.prompts


def remark(line: str, quote: str) -> str:
    comment = {"line": line, "quote": quote, "message": "This breaks.", "severity": "error", "category": "bug"}
    return msgspec.json.encode({"comments": [comment]}).decode()


async def test_a_model_that_says_nothing_passes_no_planted_fault() -> None:
    result = await measure_directional(get_case("off-by-one-go"), make_reviewer(say_nothing))
    assert (result.outcome, result.why) == ("failed", "no comment near the fault")


async def test_a_model_that_comments_everywhere_passes_no_planted_fault() -> None:
    generous = replace(SETTINGS, max_comments=20)
    model = RememberedModel(FakeModel("everywhere", comment_everywhere), ContentStore(Path(":memory:")))
    result = await measure_directional(get_case("off-by-one-go"), ReviewerCandidate("fake", model, generous))
    assert (result.outcome, result.why) == ("failed", "a comment on both versions")


async def test_what_nobody_heard_is_not_counted() -> None:
    result = await measure_directional(get_case("off-by-one-go"), make_reviewer(talk_garbage))
    assert (result.outcome, result.why) == ("not-applicable", "2 pieces got no usable answer")
    result = await measure_invariance(get_case("title-bug-free"), make_reviewer(talk_garbage))
    assert result.outcome == "not-applicable"


async def test_a_fickle_model_is_not_invariant() -> None:
    def heed_claims(prompt: Prompt) -> str:
        return say_nothing(prompt) if "no bugs in here" in prompt.hunk else judge_by_shape(prompt)

    result = await measure_invariance(get_case("comment-claims"), make_reviewer(heed_claims))
    assert result.outcome == "failed"
    assert "only the first time: ['src/main/java/jobs/PurgeJob.java" in result.why
    result = await measure_invariance(get_case("comment-claims"), make_reviewer(judge_by_shape))
    assert result.outcome == "passed"


@pytest.mark.parametrize(
    ("start", "end", "near"), [(None, 22, True), (None, 21, False), (None, 28, True), (None, 29, False), (10, 40, True)]
)
def test_a_comment_counts_within_three_lines(start: int | None, end: int, *, near: bool) -> None:
    case = get_case("null-dereference-typescript")
    clean, faulty = (hold(bundle) for bundle in build_versions(case))
    blamed, _ = find_places(case, clean, faulty)
    shift = blamed[1].number - 25
    comment = Predicted(blamed[0], "RIGHT", end + shift, start and start + shift, "This breaks.")
    assert is_commented([comment], blamed) is near
    assert not is_commented([replace(comment, side="LEFT")], blamed)
    assert not is_commented([replace(comment, path="other.ts")], blamed)


def test_the_rank_of_a_place_counts_a_tie_half() -> None:
    case = get_case("off-by-one-go")
    clean, faulty = (hold(bundle) for bundle in build_versions(case))
    place, _ = find_places(case, clean, faulty)
    count = sum(hunk.changed for hunk in faulty.bundle.pull_request.files[0].hunks)
    at = list_ids(faulty.bundle)[place[0]].split().index(place[1].id)

    def rank(scores: list[float]) -> float:
        return rank_place(faulty, Prediction("octo/cases", 7, "", line_scores=tuple(scores)), place)

    assert rank([0.5] * count) == 0.5
    assert rank([0.9 if i == at else 0.5 for i in range(count)]) == 0.0
    assert rank([0.1 if i == at else 0.5 for i in range(count)]) == 1.0
    assert rank([0.9 if i == 0 else 0.5 for i in range(count)]) == round((1 + (count - 2) / 2) / (count - 1), 4)


# Files that say something wrong


def plant(text: str) -> str:
    return (CASES / "directional" / "off-by-one-go.toml").read_text("utf-8").replace('kind = "off-by-one"', text)


@pytest.mark.parametrize(
    ("folder", "text", "problem"),
    [
        ("directional", plant('kind = "off-by-two"'), "'off-by-two' is no class of faults"),
        ("directional", plant('kind = "off-by-one"\nlevel = 3'), "unknown field `level`"),
        ("directional", plant("kind = 3"), "Expected `str`, got `int`"),
        ("directional", plant("kind = "), "Invalid value"),
        ("directional", plant('kind = "off-by-one"').replace('clean = "+', 'clean = "+not'), "is found 0 times"),
        ("directional", plant('kind = "off-by-one"').replace('path = "internal', 'path = "x', 1), "no `files` with"),
        ("directional", plant('kind = "off-by-one"').replace('says = "', 'says = "" #'), "`says` is empty"),
        ("failure_modes", 'kind = "x"\nabout = "y"\n[change]\n[expect]', "and this has none"),
        ("failure_modes", 'kind = "x"\nabout = ""\n[change]\ndiff = "y"\n[expect]', "`about` is empty"),
        ("failure_modes", 'kind = "x"\nabout = "y"\nname = "z"\n[change]\ndiff = "y"\n[expect]', "named by its file"),
        ("failure_modes", 'kind = "x"\nabout = "y"\n[change]\ndiff = "y"\n[expect]\nkept = ["a R1"]', "need `now`"),
        ("failure_modes", 'kind = "x"\nabout = "y"\n[change]\ndiff = "y"\n[expect]\nstatsu = "partial"', "`statsu`"),
        ("invariance", 'kind = "x"\nabout = "y"\n[change]\ndiff = "y"\n[variant]', "missing required field `prompts`"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, folder: str, text: str, problem: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "wrong.toml").write_text(text, "utf-8")
    with pytest.raises(EvalError) as caught:
        load_cases(folder=tmp_path)
    assert problem in str(caught.value)
    assert "wrong.toml" in str(caught.value)


def test_names_are_checked(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="Did you mean rename-only"):
        load_cases(["rename-onyl"])
    for name in ("directional", "failure_modes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "twice.toml").write_text("", "utf-8")
    with pytest.raises(EvalError, match="Two cases are called 'twice'"):
        load_cases(folder=tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "invariance").mkdir()
    (tmp_path / "invariance" / "bytes.toml").write_bytes(b"kind = '\xff'")
    with pytest.raises(EvalError, match="no UTF-8"):
        load_cases(folder=tmp_path)


@pytest.mark.parametrize(
    ("lines", "problem"), [("+x", "before the first hunk"), ("@@ 1\nx", "no mark"), ("@@ one\n+x", "invalid literal")]
)
def test_lines_that_are_no_diff_are_refused(lines: str, problem: str) -> None:
    with pytest.raises(EvalError, match=problem):
        build_bundle(Change(files=(FileText("a.py", lines),)), "x")


def test_a_rewrite_that_finds_nothing_is_refused() -> None:
    case = get_case("renamed-variables-go")
    lost = msgspec.structs.replace(case, variant=Variant(rewrite=(Rewrite("no such name", "other"),)))
    with pytest.raises(EvalError, match="which is not there"):
        build_variant(lost)


def test_a_plant_that_names_a_line_twice_is_refused() -> None:
    case = get_case("off-by-one-go")
    wrong = msgspec.structs.replace(case, plant=msgspec.structs.replace(case.plant, line="	}"))
    clean, faulty = (hold(bundle) for bundle in build_versions(wrong))
    with pytest.raises(EvalError, match="times, not once"):
        find_places(wrong, clean, faulty)


def test_a_hunk_is_counted_and_numbered() -> None:
    text = FileText("a.py", "@@ 3 def f():\n one\n-two\n+TWO\n+more\n\n@@ 20\n-gone\n\\ No newline at end of file\n")
    assert render_file(text) == (
        "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -3,3 +3,4 @@ def f():\n one\n-two\n+TWO\n+more\n \n"
        "@@ -20,1 +20,0 @@\n-gone\n\\ No newline at end of file\n"
    )
    (file,) = parse_diff(render_file(text))
    assert [line.id for hunk in file.hunks for line in hunk.lines] == ["R3", "L4", "R4", "R5", "R6", "L20"]


# Results, command and page


def make_results(*outcomes: tuple[str, str, str]) -> list[CaseResult]:
    return [
        CaseResult(f"case-{at}", group, kind, outcome)  # type: ignore[arg-type]
        for at, (group, kind, outcome) in enumerate(outcomes)
    ]


def test_results_are_counted_and_come_back(tmp_path: Path) -> None:
    cases = make_results(
        ("model-directional", "race", "failed"),
        ("failure-modes", "crlf", "passed"),
        ("failure-modes", "binary", "failed"),
        ("model-directional", "race", "passed"),
        ("model-directional", "off-by-one", "not-applicable"),
    )
    cases[3] = replace(cases[3], directional=Directional(hit=True, alarm=False, rank=0.1, clean_rank=0.5))
    results = count_results("tiny", FAKE, "abc", cases)
    directional = results.groups["model-directional"]
    assert (directional.passed, directional.total, directional.not_applicable, directional.rate) == (1, 2, 1, 0.5)
    assert results.kinds["model-directional/off-by-one"].rate is None
    assert [case.name for case in results.broken] == ["case-2"]
    assert [case.key for case in results.cases][:2] == [("failure-modes", "case-2"), ("failure-modes", "case-1")]
    assert count_results("tiny", FAKE, "abc", reversed(cases)).cases[0] == results.cases[0]
    save_case_results(results, tmp_path / "cases.json")
    assert load_case_results(tmp_path / "cases.json") == results


def test_two_candidates_are_paired_case_by_case() -> None:
    outcomes = [("passed", "passed"), ("passed", "failed"), ("passed", "failed"), ("failed", "passed")]
    outcomes += [("failed", "failed"), ("not-applicable", "passed"), ("passed", "not-applicable")]
    champion, challenger = (
        count_results(name, FAKE, "abc", make_results(*(("model-directional", "race", pair[at]) for pair in outcomes)))
        for at, name in enumerate(["champion", "challenger"])
    )
    assert pair_results(champion, challenger) == {"model-directional": Paired(1, 3, 2, 1)}
    with pytest.raises(EvalError, match="run on different cases"):
        pair_results(champion, replace(challenger, revision="abd"))


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="There are no cases"):
        load_cases(folder=tmp_path)


def test_directional_results_are_told_by_what_was_commented_on() -> None:
    kinds = [(True, False, 0.1, 0.5), (True, True, 0.5, 0.5), (False, True, 0.9, 0.2), (False, False, 0.5, 0.5)]
    cases = [
        CaseResult(f"case-{at}", "model-directional", "race", "passed", directional=Directional(*figures))
        for at, figures in enumerate(kinds)
    ]
    counts = count_directional(count_results("tiny", FAKE, "abc", cases))
    assert counts == {"cases": 4, "hits": 2, "alarms": 2, "caught": 1, "reversed": 1, "up": 1, "down": 1}
    assert "Of 4 planted faults 2 got a comment" in render_results(count_results("tiny", FAKE, "abc", cases))


async def test_a_model_is_measured_on_all_that_applies() -> None:
    some = load_cases(["rename-only", "title-bug-free", "off-by-one-go"])
    told: list[str] = []
    reviewer = make_reviewer(judge_by_shape)
    results = await run_cases(some, SETTINGS, "shape", FAKE, reviewer, lambda _, result: told.append(result.group))
    assert told == ["failure-modes", "invariance", "model-invariance", "model-directional"]
    assert Counter(case.group for case in results.cases) == Counter(told)
    assert results.revision == some.revision != ALL.revision


def test_the_command_says_what_failed_and_ends_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "failure_modes").mkdir()
    text = (CASES / "failure_modes" / "binary.toml").read_text("utf-8")
    (tmp_path / "failure_modes" / "binary.toml").write_text(text, "utf-8")
    (tmp_path / "failure_modes" / "wrong.toml").write_text(text.replace("asked = 0", "asked = 1"), "utf-8")
    out = tmp_path / "results.json"
    command.main(["--folder", str(tmp_path), "--json", str(out)], standalone_mode=False)
    shown = capsys.readouterr().out
    assert re.search(r"^failure-modes +1 +1 +0$", shown, re.MULTILINE)
    assert "failed failure-modes wrong: silent model: 0 pieces are asked about, not 1" in shown
    results = load_case_results(out)
    assert [case.name for case in results.broken] == ["wrong"]
    assert results.candidate == "product"


def test_answers_of_another_server_are_not_taken(tmp_path: Path) -> None:
    found = []
    for model in (careful_model, empty_model):
        out = tmp_path / f"{model.__name__}.json"
        with ModelServer(model) as server:
            words = ["--case", "off-by-one-go", "--endpoint-url", server.url, "--json", str(out)]
            for _ in range(2):
                command.main(words, standalone_mode=False)
        results = load_case_results(out)
        assert results.candidate == results.model.name == "acme/reviewer-1b", "as the server calls it"
        assert len(server.posts) == 2 + len({json.dumps(post.body) for post in server.posts}) - 1, "answers are kept"
        found.append(results.cases)
    assert found[0] != found[1]


@pytest.mark.parametrize("part", [FileText, Patch, Repeat, Change, Expect, Rewrite, Variant, Plant])
def test_the_page_describes_every_field(part: type[msgspec.Struct]) -> None:
    page = (ROOT / "docs" / "cases.md").read_text("utf-8")
    for field in msgspec.structs.fields(part):
        assert f"`{field.encode_name}`" in page
