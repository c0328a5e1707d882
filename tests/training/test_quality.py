"""The rules on a comment's words, the score, and the labels that they are measured against."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from training.comment_rules import find_reason, is_english, read_text
from training.filtered import FilterReason
from training.quality import WEIGHTS, measure_features, score_quality

LABELS = Path(__file__).parents[2] / "training" / "labels" / "quality.csv"
SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("🤖 Generated with [Claude Code](https://claude.ai/code)\nUse a lock.", FilterReason.AGENT),
        ("_⚠️ Potential issue_\n\nThis leaks.", FilterReason.AGENT),
        ("Leaks.\n<!-- fingerprinting:phantom:poseidon -->", FilterReason.AGENT),
        ("**[Critical]** The lock is never released.", FilterReason.AGENT),
        ("**issue (bug_risk):** This may be null.", FilterReason.AGENT),
        ("src/a.c:12:3: warning: unused variable 'x' [-Wunused-variable]", FilterReason.LINTER),
        ("```\nlib/a.py:3:1: E302 expected 2 blank lines\n```", FilterReason.LINTER),
        ("https://example.com/docs#x", FilterReason.LINKS),
        ("![image](https://example.com/a.png)", FilterReason.LINKS),
        ("Thanks, nice catch!", FilterReason.ACKNOWLEDGEMENT),
        ("Done \U0001f44d", FilterReason.ACKNOWLEDGEMENT),
        ("utACK 1234abcd", FilterReason.ACKNOWLEDGEMENT),
        ("Please squash these commits.", FilterReason.PROCESS),
        ("Can you explain that in the PR description?", FilterReason.PROCESS),
        (
            'In commit "move code" (790733e54c3daff547acbc90fb179b48b6d2fb3c)\n\nThis belongs in the previous commit.',
            FilterReason.PROCESS,
        ),
        ("Please move this to the first commit.", FilterReason.PROCESS),
        ("Same here.", FilterReason.ELSEWHERE),
        ("ditto", FilterReason.ELSEWHERE),
        ("(as above)", FilterReason.ELSEWHERE),
    ],
)
def test_rules_name_what_teaches_nothing(body: str, reason: FilterReason) -> None:
    assert find_reason(read_text(body)) == reason


@pytest.mark.parametrize(
    "body",
    [
        "**suggestion (non-blocking):** rename this to `limit`.",
        "Good, but the `lock` is never released.",
        "```suggestion\nthanks\n```",
        "Ditto, suggest to rename it to `readAll`.",
        "This does not rebase the pointer `p` after `realloc`.",
        "[Reverse the condition and return early.](https://example.com)",
        "Is this right?",
        "nit: spacing",
        "We fixed this warning in a.c:12 before, it should not come back.",
        "The CLAMP macro evaluates its argument twice.",
        "Please move it above the loop, thanks!",
        "Why is the last commit ignored when the loop ends early?",
        "The first commit in the batch is skipped, so the reader loses a record.",
    ],
)
def test_rules_leave_remarks_alone(body: str) -> None:
    assert find_reason(read_text(body)) is None


def test_markdown_is_taken_apart() -> None:
    text = read_text("> quoted\nUse [this](https://a.b) `x`<!-- mark --> don\u2019t\n```suggestion\ncode();\n```\nend")
    assert text.words == ("use", "this", "don't", "end")
    assert "code();" in text.code
    assert text.has_suggestion
    assert "quoted" not in text.prose
    assert "mark" not in text.prose


def test_a_block_that_is_never_closed_is_code_to_the_end() -> None:
    assert read_text("See:\n```c\nint x;").words == ("see",)


@pytest.mark.parametrize(
    ("body", "english"),
    [
        ("This should be a constant, I think, for the reader.", True),
        ("nit: typo", True),
        ("这些工具函数的实现放到cpp里面", False),
        ("Dieser Name sagt dem Leser leider gar nichts über den Inhalt", False),
    ],
)
def test_english_is_told_by_letters_and_common_words(body: str, *, english: bool) -> None:
    assert is_english(read_text(body)) is english


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("\u8fd9\u91cc\u5e94\u8be5\u52a0\u9501", 3),
        ("\u5b9a\u6570\u306b\u3059\u3079\u304d map \u3067\u3059", 5),
        ("\u0417\u0434\u0435\u0441\u044c \u043d\u0443\u0436\u0435\u043d lock", 3),
    ],
)
def test_words_are_counted_where_no_spaces_stand_between_them(body: str, words: int) -> None:
    assert len(read_text(body).words) == words


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("Please free `p` here, otherwise it leaks.", "Why?"),
        ("```suggestion\nfree(p);\n```", "I've removed this and it was fine."),
        ("This should use `calloc` instead.", "Unrelated change."),
        ("nit: rename `a`", "1g"),
    ],
)
def test_the_score_orders_comments(better: str, worse: str) -> None:
    assert score_quality(read_text(worse)) < score_quality(read_text(better))


def test_the_score_is_a_share_and_each_fact_has_a_weight() -> None:
    text = read_text("Why?")
    assert set(WEIGHTS) == {"bias", *measure_features(text)}
    assert 0 < score_quality(text) < 1


def test_labels_are_enough_and_hold_no_text() -> None:
    with LABELS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["repo", "number", "comment_id", "sample", "half", "label"]
    assert Counter(row["sample"] for row in rows) == {"random": 240, "short": 80}
    assert Counter(row["half"] for row in rows) == {"tune": 160, "held-out": 160}
    assert len({row["comment_id"] for row in rows}) == len(rows)
    assert {row["label"] for row in rows} == {
        *("useful", "thin", "elsewhere", "process", "talk", "acknowledgement", "noise"),
    }


@pytest.mark.slow
def test_the_filter_agrees_with_the_held_out_labels(tmp_path: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip("The shared data are not beside this checkout.")
    from bench.filter_labels import fit, kappa, load_labelled, make_judges, make_matrix
    from training.published import import_files
    from training.store import SnapshotStore

    store = SnapshotStore(tmp_path)
    import_files([*sorted(SHARED.glob("hunks-*.gz")), SHARED / "prs-bitcoin-gui.jsonl.gz"], store)
    rows, missing = load_labelled(store)
    assert missing == []
    tune = [row for row in rows if row.half == "tune"]
    held_out = [row for row in rows if row.half == "held-out"]
    assert dict(zip(WEIGHTS, (round(float(each), 2) for each in fit(*make_matrix(tune))), strict=True)) == WEIGHTS
    judges = make_judges(tune)
    agreement = {name: kappa([keep(row) for row in held_out], held_out) for name, keep in judges.items()}
    assert agreement["the filter"] > 0.35
    assert agreement["the filter"] > max(value for name, value in agreement.items() if name != "the filter")
