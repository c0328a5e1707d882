"""bundle.json and review.json: read back as written, and refused with a place when they are not what they should be."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewer.domain import (
    Bundle,
    ChangedFile,
    Coverage,
    Dropped,
    DropReason,
    Finding,
    Guideline,
    Hunk,
    Line,
    ManifestEntry,
    ModelVersion,
    PullRequest,
    Review,
    ReviewComment,
    Routed,
    Usage,
)
from reviewer.errors import UsageError
from reviewer.jsonfile import (
    load_bundle,
    load_review,
    parse_json,
    render_document_schema,
    render_json,
    run_record,
    save_json,
)
from tests.test_settings import assert_current

SCHEMAS = Path(__file__).parent.parent / "schemas"

HUNK = Hunk("src/a.py", "def f():", 1, 1, (Line("-", "old()", 1, None), Line("+", "new()\r", None, 1)))
PULL_REQUEST = PullRequest(
    "octo/demo", 7, "Title", "Body", "mona", "b" * 40, "h" * 40, (ChangedFile("src/a.py", "modified", (HUNK,)),)
)
BUNDLE = Bundle(
    PULL_REQUEST,
    (Guideline("CONTRIBUTING.md", "Close files.", "guideline"),),
    (ManifestEntry("CONTRIBUTING.md", 5, 9, "guideline"),),
    {"max-comments": 5, "exclude": ["dist/**"], "review-drafts": True},
    (HUNK.digest,),
)
FINDING = Finding("src/a.py", "R1", "new()", "SECRETMESSAGE", "error", "bug", suggestion="SECRETFIX()")
COMMENT = ReviewComment(FINDING, "src/a.py", 1, "RIGHT", None, "SECRETCODE", "SECRETFIX()", "f" * 16, 0.5)
REVIEW = Review(
    "octo/demo",
    7,
    "h" * 40,
    "partial",
    ModelVersion("qwen", "3", "champion"),
    (COMMENT,),
    (Routed(FINDING, "quote-not-found"),),
    (Dropped(DropReason.CUT_REPLY, "src/b.py", "SECRETDETAIL"), Dropped(DropReason.DUPLICATE, "src/a.py", "", FINDING)),
    (Coverage("src/a.py", 1, 1, "reviewed", digest=HUNK.digest), Coverage("src/b.py", 1, 9, "failed", "cut")),
    Usage(3, 900, None, 40, 1.5),
    "one hunk failed",
)


def complaint(data: bytes, kind: type[Any] = Review) -> str:
    with pytest.raises(UsageError) as caught:
        parse_json(data, kind, "review.json")
    return str(caught.value)


# Round trip


def test_bundle_and_review_read_back_as_written(tmp_path: Path) -> None:
    save_json(BUNDLE, tmp_path / "bundle.json")
    save_json(REVIEW, tmp_path / "review.json")
    assert load_bundle(tmp_path / "bundle.json") == BUNDLE
    assert load_review(tmp_path / "review.json") == REVIEW
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.json", "review.json"]


texts = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["\udc80", "a\ud83d", "\ude00\ud83d", "\0", "\u2028"]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda children: st.lists(children, max_size=2) | st.dictionaries(texts, children, max_size=2),
    max_leaves=4,
)
st.register_type_strategy(str, texts)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))


def tuples(items: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, max_size=2).map(tuple)


hunks = st.builds(Hunk, lines=tuples(st.from_type(Line)))
files = st.builds(ChangedFile, hunks=tuples(hunks))
bundles = st.builds(
    Bundle,
    st.builds(PullRequest, files=tuples(files)),
    tuples(st.from_type(Guideline)),
    tuples(st.from_type(ManifestEntry)),
    st.dictionaries(texts, json_values, max_size=2),
    tuples(texts),
)
reviews = st.builds(
    Review,
    comments=tuples(st.from_type(ReviewComment)),
    routed=tuples(st.from_type(Routed)),
    dropped=tuples(st.from_type(Dropped)),
    coverage=tuples(st.from_type(Coverage)),
)


@settings(deadline=None)
@given(bundles | reviews)
def test_any_document_survives_the_journey(document: Bundle | Review) -> None:
    assert parse_json(render_json(document), type(document), "x.json") == document


def test_a_save_puts_a_new_file_in_place_and_never_writes_into_the_old_one(tmp_path: Path) -> None:
    path, witness = tmp_path / "review.json", tmp_path / "witness"
    path.write_text("old")
    witness.hardlink_to(path)
    save_json(REVIEW, path)
    assert load_review(path) == REVIEW
    assert witness.read_text() == "old"


def test_a_lone_surrogate_is_written_as_an_escape() -> None:
    bundle = replace(BUNDLE, pull_request=replace(PULL_REQUEST, title="caf\udce9"))
    assert b"caf\\udce9" in render_json(bundle)
    assert parse_json(render_json(bundle), Bundle, "bundle.json") == bundle


# What is refused


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["comments"][0].update(line="seven"), ["Expected `int`, got `str`", "$.comments[0].line"]),
        (lambda d: d["comments"][0].update(side="TOP"), ["$.comments[0].side"]),
        (lambda d: d["comments"][0].pop("fingerprint"), ["fingerprint", "$.comments[0]"]),
        (lambda d: d.update(status="looks good"), ["$.status"]),
        (lambda d: d["dropped"][0].update(reason="mood"), ["$.dropped[0].reason"]),
        (lambda d: d["usage"].update(seconds="1"), ["$.usage.seconds"]),
        (
            lambda d: d.update(schema="glossator/review/2"),
            ["'glossator/review/2'", "'glossator/review/1'", "same version"],
        ),
        (lambda d: d.update(schema="glossator/bundle/1"), ["'glossator/bundle/1'", "mixed up"]),
        (lambda d: d.pop("schema"), ["does not say what it is"]),
        (lambda d: d.update(schema=["x"]), ["$.schema"]),
    ],
)
def test_a_document_that_does_not_fit_is_refused_with_the_place(change: Any, words: list[str]) -> None:
    document = json.loads(render_json(REVIEW))
    change(document)
    message = complaint(json.dumps(document).encode())
    for word in ["review.json", *words]:
        assert word in message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"<html>",
        b"\xff\xfe",
        render_json(REVIEW)[:-40],
        b"[" * 200_000,
        b'{"schema": "glossator/review/1", "repo": ' + b"[" * 200_000,
        b'{"schema": "\\udc80", "x": ' + b"[" * 200_000,
        b'{"schema": "glossator/review/1", "repo": "\\udc80", "number": NaN}',
        b"7",
        b"null",
    ],
)
def test_what_is_no_document_is_refused(data: bytes) -> None:
    message = complaint(data)
    assert message.startswith("review.json ")
    assert len(message) < 400


def test_nan_is_no_json_beside_a_lone_surrogate_either() -> None:
    document = json.loads(render_json(replace(REVIEW, note="\udc80")))
    document["usage"]["seconds"] = float("nan")
    assert "NaN is no JSON value" in complaint(json.dumps(document).encode())


def test_a_field_of_a_later_minor_change_does_no_harm() -> None:
    document = {**json.loads(render_json(REVIEW)), "mood": "sunny"}
    assert parse_json(json.dumps(document).encode(), Review, "review.json") == REVIEW


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in [
        (tmp_path / "none.json", "Cannot read"),
        (tmp_path, "not a plain file"),
        (tmp_path / "pipe", "not a plain file"),
    ]:
        with pytest.raises(UsageError, match=words) as caught:
            load_review(path)
        assert str(path) in str(caught.value)


def test_sizes_are_capped_for_reader_and_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "review.json"
    save_json(REVIEW, path)
    monkeypatch.setattr("reviewer.jsonfile.MAX_BYTES", {"glossator/review/1": 100})
    with pytest.raises(UsageError, match="larger than"):
        load_review(path)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="setting exclude"):
        save_json(replace(REVIEW, note="another"), path)
    assert path.read_bytes() == before


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "review.json").mkdir()
    with pytest.raises(UsageError, match="Cannot write"):
        save_json(REVIEW, tmp_path / "review.json")
    assert [path.name for path in tmp_path.iterdir()] == ["review.json"]
    with pytest.raises(UsageError, match="Cannot write"):
        save_json(REVIEW, tmp_path / "nowhere" / "review.json")


# Schemas


@pytest.mark.parametrize(("kind", "document"), [(Bundle, BUNDLE), (Review, REVIEW)])
def test_the_published_schemas_are_current_and_fit(kind: type[Any], document: Any) -> None:
    text = render_document_schema(kind)
    assert_current(SCHEMAS / f"{kind.__name__.lower()}.schema.json", text)
    validator = jsonschema.Draft202012Validator(json.loads(text))
    validator.check_schema(json.loads(text))
    value = json.loads(render_json(document))
    validator.validate(value)
    assert not validator.is_valid({**value, "schema": "glossator/other/1"})
    assert not validator.is_valid({key: value[key] for key in value if key != "schema"})


# The run record


def test_the_run_record_counts_and_says_nothing_of_the_code() -> None:
    record = run_record(REVIEW, arm="champion", run_id=12)
    assert json.loads(json.dumps(record)) == record
    assert "SECRET" not in json.dumps(record)
    assert not [key for key, value in record.items() if isinstance(value, list | dict)]
    expected = {
        "status": "partial",
        "head_sha": "h" * 40,
        "comments": 1,
        "routed": 1,
        "severity_error": 2,
        "category_bug": 2,
        "dropped_cut_reply": 1,
        "dropped_duplicate": 1,
        "dropped_over_budget": 0,
        "coverage_reviewed": 1,
        "coverage_failed": 1,
        "coverage_already_reviewed": 0,
        "model_name": "qwen",
        "usage_prompt_tokens": 900,
        "usage_cached_tokens": None,
        "arm": "champion",
        "run_id": 12,
    }
    assert {key: record[key] for key in expected} == expected
