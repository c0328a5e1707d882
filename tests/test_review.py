"""The hot path with a fake model: whatever it answers, each hunk is accounted for and nothing is raised."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from reviewer.domain import Bundle, Coverage, CoverageState, DropReason, Hunk, PullRequest, Review, Usage
from reviewer.errors import ModelRefused, ModelUnavailable
from reviewer.locate import choose_hunks, split_hunk
from reviewer.prompt import EXAMPLE_MESSAGE, Prompt, Reply
from reviewer.review import PATIENCE, HunkResult, Model, add_usage, decide_status, review_pull_request
from reviewer.settings import Settings
from tests.fakes import NOTHING, FakeModel, make_bundle, make_diff, make_pull_request, make_reply

ONE_AT_A_TIME = Settings(concurrency=1)
OLD = "def total(items):\n    return sum(items)\n"
NEW = "def total(items):\n    count = len(items)\n    return sum(items) / count\n"
FINDING = {"line": "R3", "quote": "return sum(items) / count", "message": "Divides by zero for no items."}
GOOD = make_reply(FINDING)
PROSE = "I like this change."
HALF = GOOD.removesuffix("]}") + ', {"line": "R2", "quo'
DOWN = ModelUnavailable("The server does not answer.", "Start it.")
NO = ModelRefused("The prompt is too long.")


def one_hunk() -> Bundle:
    return make_bundle(make_diff("shop.py", OLD, NEW))


def many_hunks(count: int) -> Bundle:
    return make_bundle(*(make_diff(f"shop{number}.py", OLD, NEW) for number in range(count)))


def review(bundle: Bundle, model: Model, settings: Settings = ONE_AT_A_TIME, **options: Any) -> Review:
    return asyncio.run(review_pull_request(bundle, model, settings, **options))


def reasons(result: Review) -> list[DropReason]:
    return [entry.reason for entry in result.dropped]


def test_a_good_answer_becomes_a_comment() -> None:
    model = FakeModel(Reply(GOOD, prompt_tokens=900, cached_tokens=800, completion_tokens=40))
    result = review(one_hunk(), model)
    (comment,) = result.comments
    assert (comment.path, comment.line, comment.finding.message) == ("shop.py", 3, "Divides by zero for no items.")
    assert comment.score == round(choose_hunks(one_hunk(), Settings()).scores[comment.finding.hunk], 4), "the locator's"
    assert (result.status, result.note, result.dropped, result.routed) == ("reviewed", "", (), ())
    assert (result.repo, result.number, result.head_sha, result.model) == ("octo/demo", 7, "a" * 40, model.version)
    (hunk,) = one_hunk().pull_request.files[0].hunks
    assert result.coverage == (Coverage("shop.py", 1, 3, "reviewed", "", hunk.digest),)
    assert comment.finding.hunk == hunk.digest
    assert result.usage == replace(Usage(1, 900, 800, 40), seconds=result.usage.seconds)
    assert 0 <= result.usage.seconds < 60
    assert "R3    +     return sum(items) / count" in model.prompts[0].hunk


def test_no_finding_is_a_plain_review() -> None:
    result = review(one_hunk(), FakeModel(NOTHING))
    assert (result.status, result.note, result.comments, result.dropped) == ("reviewed", "", (), ())


def test_an_unreadable_answer_is_asked_for_again_once() -> None:
    model = FakeModel(PROSE, GOOD)
    result = review(one_hunk(), model)
    assert (result.status, len(result.comments), result.dropped) == ("reviewed", 1, ())
    assert result.usage.requests == 2
    first, second = model.prompts
    assert first.repair == ()
    assert second.repair[0] == PROSE
    assert "no list of comments" in second.repair[1]
    assert (second.prefix, second.hunk, second.schema) == (first.prefix, first.hunk, first.schema)


@pytest.mark.parametrize(
    ("replies", "reason", "found"),
    [
        ((PROSE, PROSE), DropReason.UNREADABLE_REPLY, 0),
        (("", ""), DropReason.UNREADABLE_REPLY, 0),
        ((PROSE, Reply('{"comments": [{"line', cut=True)), DropReason.CUT_REPLY, 0),
        ((Reply(NOTHING, cut=True), Reply(NOTHING, cut=True)), DropReason.CUT_REPLY, 0),
        ((HALF, HALF), DropReason.CUT_REPLY, 1),
        ((HALF, PROSE), DropReason.CUT_REPLY, 1),
        ((PROSE, Reply(GOOD, cut=True)), DropReason.CUT_REPLY, 1),
        ((PROSE, NO), DropReason.MODEL_FAILED, 0),
        ((NO,), DropReason.MODEL_FAILED, 0),
        ((DOWN,), DropReason.MODEL_FAILED, 0),
    ],
)
def test_what_is_never_answered_whole_costs_the_hunk_but_not_what_was_read(
    replies: tuple[str | Reply | Exception, ...], reason: DropReason, found: int
) -> None:
    result = review(one_hunk(), FakeModel(*replies))
    assert reasons(result) == [reason]
    assert len(result.comments) == found
    assert [entry.state for entry in result.coverage] == ["failed"]
    assert result.coverage[0].reason
    assert result.status == "not-reviewed"
    assert result.note == "No piece of this change was reviewed: of 1, 1 got no usable answer."


def test_an_answer_that_was_repaired_after_half_of_it_is_whole() -> None:
    result = review(one_hunk(), FakeModel(Reply(GOOD, cut=True), NOTHING))
    assert (result.status, result.comments, result.dropped) == ("reviewed", (), ())


def test_half_an_answer_stays_when_the_second_try_fails_and_both_are_told() -> None:
    result = review(one_hunk(), FakeModel(HALF, DOWN))
    assert len(result.comments) == 1
    assert reasons(result) == [DropReason.CUT_REPLY, DropReason.MODEL_FAILED]
    assert result.coverage[0].reason == "The server does not answer."


def test_of_two_broken_answers_the_one_that_says_more_counts() -> None:
    other = {"line": "R2", "quote": "count = len(items)", "message": "An iterator has no length."}
    more = make_reply(FINDING, other).removesuffix("]}")
    for replies in ((more, HALF), (HALF, more)):
        assert len(review(one_hunk(), FakeModel(*replies)).comments) == 2


def test_what_is_unreadable_is_complained_of_even_when_a_comment_is_empty_too() -> None:
    odd = make_reply(FINDING, {**FINDING, "message": None}, {**FINDING, "message": " "})
    model = FakeModel(odd, odd)
    result = review(one_hunk(), model)
    assert "no message" in model.prompts[1].repair[1]
    assert result.coverage[0].reason == "a comment has no message"
    assert set(reasons(result)) == {DropReason.UNREADABLE_REPLY, DropReason.EMPTY_MESSAGE}


def test_an_error_without_words_is_still_a_failure() -> None:
    result = review(one_hunk(), FakeModel(ModelRefused("")))
    assert (result.status, result.coverage[0].state, result.coverage[0].reason) == (
        "not-reviewed",
        "failed",
        "ModelRefused",
    )


def test_one_bad_hunk_costs_itself_only() -> None:
    result = review(many_hunks(3), FakeModel(GOOD, NO, NOTHING))
    assert [entry.state for entry in result.coverage] == ["reviewed", "failed", "reviewed"]
    assert (result.status, result.note) == ("partial", "Of 3 pieces of this change, 1 got no usable answer.")
    assert [comment.path for comment in result.comments] == ["shop0.py"]
    assert [(entry.path, entry.detail) for entry in result.dropped] == [("shop1.py", "The prompt is too long.")]


def test_a_model_that_is_down_is_given_up() -> None:
    model = FakeModel(otherwise=DOWN)
    result = review(many_hunks(PATIENCE + 4), model)
    assert len(model.prompts) == PATIENCE
    assert result.status == "not-reviewed"
    assert (
        result.note == f"No piece of this change was reviewed: of {PATIENCE + 4}, {PATIENCE + 4} got no usable answer."
    )
    assert reasons(result) == [DropReason.MODEL_FAILED] * (PATIENCE + 4)
    assert result.coverage[-1].reason == f"not asked: the model had not answered {PATIENCE} times in a row"


def test_an_answer_in_between_gives_new_patience() -> None:
    quiet = [DOWN] * (PATIENCE - 1)
    model = FakeModel(*quiet, GOOD, *quiet, NO, *quiet, NOTHING)
    result = review(many_hunks(3 * PATIENCE), model)
    assert len(model.prompts) == 3 * PATIENCE
    assert Counter(entry.state for entry in result.coverage) == {"failed": 3 * PATIENCE - 2, "reviewed": 2}


def test_a_refusal_is_no_silence() -> None:
    model = FakeModel(otherwise=NO)
    review(many_hunks(PATIENCE + 3), model)
    assert len(model.prompts) == PATIENCE + 3


def test_with_many_at_once_a_model_that_is_down_costs_at_most_a_round_more() -> None:
    model = FakeModel(otherwise=DOWN)
    result = review(many_hunks(20), model, Settings(concurrency=4, comment_share=100))
    assert PATIENCE <= len(model.prompts) <= PATIENCE + 4
    assert Counter(entry.state for entry in result.coverage) == {"failed": 20}


@pytest.mark.parametrize(("concurrency", "hunks", "expected"), [(1, 5, 1), (3, 8, 3), (64, 5, 4)])
def test_no_more_requests_at_once_than_allowed(concurrency: int, hunks: int, expected: int) -> None:
    model = FakeModel(otherwise=NOTHING, pause=0.01)
    review(many_hunks(hunks), model, Settings(concurrency=concurrency))
    assert (model.at_once, len(model.prompts)) == (expected, hunks)


def test_progress_is_told_from_nothing_to_all() -> None:
    seen: list[tuple[int, int]] = []
    review(many_hunks(3), FakeModel(otherwise=NOTHING), on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    seen.clear()
    review(make_bundle(), FakeModel(), on_progress=lambda done, total: seen.append((done, total)))
    assert seen == []


class SlowFirst(FakeModel):
    """Answers later prompts sooner."""

    async def complete(self, prompt: Prompt) -> Reply:
        self.prompts.append(prompt)
        number = len(self.prompts)
        await asyncio.sleep(0.05 / number)
        return Reply(make_reply({**FINDING, "message": f"w{number}a w{number}b w{number}c"}))


def test_the_result_does_not_depend_on_who_answers_first() -> None:
    result = review(many_hunks(6), SlowFirst(), Settings(concurrency=6, max_comments=2, comment_share=100))
    assert [entry.path for entry in result.coverage] == [f"shop{number}.py" for number in range(6)]
    assert [comment.path for comment in result.comments] == ["shop0.py", "shop1.py"]
    assert [entry.finding.path for entry in result.routed] == [f"shop{number}.py" for number in range(2, 6)]


def test_hidden_characters_are_found_without_the_model() -> None:
    bundle = make_bundle(make_diff("shop.py", OLD, NEW.replace("len(items)", "len(items)  # \u202e")))
    result = review(bundle, FakeModel(otherwise=DOWN))
    assert [(c.line, c.finding.category) for c in result.comments] == [(2, "security")]
    assert result.status == "not-reviewed"


def test_findings_are_placed_and_ranked_with_a_reason_for_each_that_is_left_out() -> None:
    outside = {**FINDING, "line": "R99", "message": "Far away."}
    unsure = {**FINDING, "quote": "something else entirely", "message": "Where is this?"}
    low = {**FINDING, "line": "R2", "quote": "count = len(items)", "message": "A nit.", "severity": "info"}
    settings = replace(ONE_AT_A_TIME, min_severity="warning")
    result = review(one_hunk(), FakeModel(make_reply(FINDING, outside, unsure, low, FINDING)), settings)
    assert len(result.comments) == 1
    assert [entry.reason for entry in result.routed] == ["quote-not-found"]
    assert sorted(reasons(result)) == [DropReason.BELOW_SEVERITY, DropReason.OUTSIDE_DIFF]
    assert result.status == "reviewed"


def test_nothing_of_the_model_is_asked_about_what_is_skipped_or_seen() -> None:
    (hunk,) = one_hunk().pull_request.files[0].hunks
    seen = make_bundle(make_diff("shop.py", OLD, NEW), reviewed=(hunk.digest,))
    result = review(seen, FakeModel())
    assert (result.status, [entry.state for entry in result.coverage]) == ("reviewed", ["already-reviewed"])
    skipped = review(make_bundle(make_diff("package-lock.json", OLD, NEW)), FakeModel())
    assert (skipped.status, skipped.coverage[0].state) == ("not-reviewed", "skipped")
    assert skipped.note.startswith("No changed line calls for a review")
    assert skipped.usage.requests == 0


def test_a_budget_that_fits_nothing_is_not_the_models_fault() -> None:
    result = review(one_hunk(), FakeModel(), Settings(max_prompt_tokens=1000, context_tokens=2000))
    assert (result.status, result.coverage[0].state) == ("not-reviewed", "over-budget")
    assert result.note == "No piece of this change was reviewed: of 1, 1 did not fit the token budget."


@pytest.mark.parametrize(
    ("states", "status", "note"),
    [
        ("", "not-reviewed", "no line that could be reviewed"),
        ("s", "not-reviewed", "each was skipped"),
        ("r", "reviewed", ""),
        ("a", "reviewed", ""),
        ("ras", "reviewed", ""),
        ("f", "not-reviewed", "of 1, 1 got no usable answer."),
        ("o", "not-reviewed", "of 1, 1 did not fit the token budget."),
        ("ffos", "not-reviewed", "of 3, 2 got no usable answer and 1 did not fit the token budget."),
        ("rf", "partial", "Of 2 pieces of this change, 1 got no usable answer."),
        ("ro", "partial", "Of 2 pieces of this change, 1 did not fit the token budget."),
        ("af", "partial", "Of 2 pieces"),
        ("raffos", "partial", "Of 5 pieces of this change, 2 got no usable answer and 1 did not fit the token budget."),
    ],
)
def test_the_status_and_its_sentence(states: str, status: str, note: str) -> None:
    names: dict[str, CoverageState] = {
        "r": "reviewed", "a": "already-reviewed", "s": "skipped", "f": "failed", "o": "over-budget"
    }  # fmt: skip
    found = decide_status(Coverage("a.py", 1, 2, names[letter]) for letter in states)
    assert found[0] == status
    assert note in found[1]
    assert bool(found[1]) == (status != "reviewed")


def test_usage_is_the_sum_of_all_replies_or_not_known() -> None:
    (hunk,) = one_hunk().pull_request.files[0].hunks
    first, second, silent = Reply("", False, 10, 0, 3), Reply("", False, 20, 15, 0), Reply("")
    whole = [HunkResult(hunk, replies=(first, second)), HunkResult(hunk), HunkResult(hunk, replies=(first,))]
    assert add_usage(whole, 1.23456) == Usage(3, 40, 15, 6, 1.235)
    assert add_usage([*whole, HunkResult(hunk, replies=(silent,))], 0) == Usage(4, None, None, None, 0)
    assert add_usage([HunkResult(hunk)], 0) == Usage(0)


# --- any answers about any change -------------------------------------------------------------------------------------

FILES = {
    "shop.py": (OLD, NEW),
    "app/big.py": ("", "".join(f"value_{number} = compute({number})\n" for number in range(400))),
    "tests/test_shop.py": (OLD, NEW),
    "README.md": ("One.\n", "Two.\n"),
    "package-lock.json": ("{}\n", "[]\n"),
    "gone.py": (OLD, ""),
    "twice.py": ("a = 1\n" * 20, "a = 2\n" + "a = 1\n" * 18 + "a = 2\n"),
}
BINARY = "diff --git a/x.png b/x.png\nindex 1..2 100644\nBinary files a/x.png and b/x.png differ\n"
ANSWERS = st.sampled_from(
    [GOOD, NOTHING, PROSE, HALF, Reply(GOOD, cut=True), Reply("", cut=True), DOWN, NO, "[]", "\x00{"]
)


def expected_pieces(pull_request: PullRequest, seen: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Each hunk whole, when that is how it was accounted for, else its pieces; and each file without hunks."""
    expected: Counter[tuple[str, str]] = Counter()
    for file in pull_request.files:
        expected.update([(file.path, "")] if not file.hunks else [])
        for hunk in file.hunks:
            pieces: tuple[Hunk, ...] = (hunk,) if (file.path, hunk.digest) in seen else split_hunk(hunk)
            expected.update((file.path, piece.digest) for piece in pieces)
    return expected


@hypothesis_settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    paths=st.sets(st.sampled_from([*FILES, "x.png"])),
    answers=st.lists(ANSWERS, max_size=12),
    otherwise=ANSWERS,
    concurrency=st.integers(1, 5),
    tokens=st.sampled_from([1000, 3500, 5000, 60_000]),
    seen=st.booleans(),
)
def test_each_hunk_is_accounted_for_exactly_once_whatever_the_model_answers(
    paths: set[str], answers: list[Any], otherwise: Any, concurrency: int, tokens: int, *, seen: bool
) -> None:
    diffs = [BINARY if path == "x.png" else make_diff(path, *FILES[path]) for path in sorted(paths)]
    bundle = Bundle(make_pull_request(*diffs))
    if seen and "shop.py" in paths:
        bundle = replace(bundle, reviewed=(bundle.pull_request.hunks_of("shop.py")[0].digest,))
    model = FakeModel(*answers, otherwise=otherwise)
    result = review(bundle, model, Settings(concurrency=concurrency, max_prompt_tokens=tokens))
    covered = Counter((entry.path, entry.digest) for entry in result.coverage)
    assert covered == expected_pieces(bundle.pull_request, covered)
    assert all(entry.reason for entry in result.coverage if entry.state not in {"reviewed", "already-reviewed"})
    failed = [entry.path for entry in result.coverage if entry.state == "failed"]
    told = {entry.path for entry in result.dropped if entry.finding is None}
    assert set(failed) <= told
    assert (result.status == "reviewed") == (result.note == "")
    assert result.status != "reviewed" or not failed
    assert model.at_once <= concurrency
    assert result.usage.requests <= len(model.prompts)


@pytest.mark.parametrize(("code", "kept"), [("total = price\n", False), ("data = json.load(file)\n", True)])
def test_the_example_of_the_instructions_is_no_remark_about_other_code(code: str, *, kept: bool) -> None:
    copied = EXAMPLE_MESSAGE.replace("Open it in", "Open in")
    reply = make_reply({"line": "R2", "quote": code.strip(), "message": copied})

    result = review(make_bundle(make_diff("a.py", "x = 1\n", f"x = 1\n{code}")), FakeModel(reply))

    assert len(result.comments) == kept
    assert reasons(result) == ([] if kept else [DropReason.COPIED_EXAMPLE])
    assert result.status == "reviewed"
