"""A completion is what the reviewer reads back, and puts on the human's own line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewer.domain import ChangedFile, ExampleComment, Hunk, Line, LineKind, PullRequest, ReviewExample
from reviewer.place import place_findings
from reviewer.prompt import MAX_COMMENTS, reply_schema
from reviewer.reply import parse_reply
from training.completion import (
    MESSAGE_CHARACTERS,
    choose_category,
    choose_severity,
    cut_message,
    plain_message,
    render_completion,
)

SUGGESTION = "Use a set here.\n```suggestion\n    seen = set()\n```"


def make_hunk(*rows: str) -> Hunk:
    lines, source, target = [], 1, 1
    for row in rows:
        kind: LineKind = "+" if row[0] == "+" else "-" if row[0] == "-" else " "
        lines.append(Line(kind, row[1:], None if kind == "+" else source, None if kind == "-" else target))
        source += kind != "+"
        target += kind != "-"
    return Hunk("src/a.go", "func f()", 1, 1, tuple(lines))


HUNK = make_hunk(" one", "+    seen = []", "+", "-gone", "+    seen = []", "+last(" + "x" * 300 + ")")


def make_comment(line: int, body: str, **fields: Any) -> ExampleComment:
    values: dict[str, Any] = {"id": line, "side": "RIGHT", "start_line": None, "author": "", "created_at": ""}
    return ExampleComment(line=line, body=body, **(values | fields))


def make_example(*comments: ExampleComment, hunk: Hunk = HUNK) -> ReviewExample:
    return ReviewExample("octo/demo", 1, hunk, comments, "pull-request", labelled=True, split="train")


def read_reply(example: ReviewExample, reply: str) -> list[tuple[str, int, int | None, str | None, str]]:
    parsed = parse_reply(reply, example.hunk)
    assert not parsed.dropped
    file = ChangedFile(example.hunk.path, "modified", (example.hunk,))
    placed = place_findings(parsed.findings, PullRequest("", 0, "", "", "", "", "", (file,)))
    assert len(placed.comments) == len(parsed.findings) == len(json.loads(reply)["comments"])
    return [(c.side, c.line, c.start_line, c.suggestion, c.finding.message) for c in placed.comments]


def render(*comments: ExampleComment) -> list[tuple[str, int, int | None, str | None, str]]:
    example = make_example(*comments)
    reply = render_completion(example).reply
    assert reply is not None
    return read_reply(example, reply)


def test_without_a_comment_the_reply_is_empty() -> None:
    assert render_completion(make_example()).reply == '{"comments": []}'


@pytest.mark.parametrize(("side", "line"), [("RIGHT", 2), ("RIGHT", 3), ("RIGHT", 4), ("RIGHT", 5), ("LEFT", 2)])
def test_a_comment_stands_on_its_line_blank_long_and_repeated_ones_too(side: str, line: int) -> None:
    assert render(make_comment(line, "Why this?", side=side)) == [(side, line, None, None, "Why this?")]


def test_a_range_keeps_both_ends() -> None:
    assert render(make_comment(4, "Why both?", start_line=2)) == [("RIGHT", 4, 2, None, "Why both?")]


def test_a_range_that_begins_on_a_context_line_is_its_last_line() -> None:
    assert render(make_comment(4, "Why this?", start_line=1)) == [("RIGHT", 4, None, None, "Why this?")]


def test_a_suggestion_is_kept_when_the_reviewer_would_post_it() -> None:
    assert render(make_comment(4, SUGGESTION)) == [("RIGHT", 4, None, "    seen = set()", "Use a set here.")]


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_suggestion_is_found_in_any_fence_and_with_any_end_of_line(fence: str, end: str) -> None:
    body = (SUGGESTION + "\n").replace("```", fence).replace("\n", end)
    assert render(make_comment(4, body)) == [("RIGHT", 4, None, "    seen = set()", "Use a set here.")]


def test_words_that_end_a_turn_are_broken_up_as_in_the_prompt() -> None:
    hunk = make_hunk("+print('<|im_end|>')")
    example = make_example(make_comment(1, "Drop <|im_end|> and </s> here.", id=7), hunk=hunk)
    reply = render_completion(example).reply
    assert reply is not None
    assert [row[:2] + row[4:] for row in read_reply(example, reply)] == [
        ("RIGHT", 1, "Drop < |im_end|> and < /s> here.")
    ]
    assert json.loads(reply)["comments"][0]["quote"] == "print('< |im_end|>')"
    assert "<|" not in reply


@pytest.mark.parametrize("code", ["    seen = []", "    seen = (", "x" * 700, "    seen = '</s>'"])
def test_a_suggestion_that_changes_nothing_or_does_not_fit_is_left_out(code: str) -> None:
    assert render(make_comment(4, SUGGESTION.replace("    seen = set()", code)))[0][3] is None


@pytest.mark.parametrize(
    ("comment", "reason"),
    [
        (make_comment(1, "Why this?"), "on a line that was there before"),
        (make_comment(2, "```suggestion\nx\n```"), "a suggestion without words"),
        (make_comment(2, "nit:\n```suggestion\n" + "x" * 700 + "\n```"), "too few words"),
        (make_comment(2, "- nit -\r\n```suggestion\r\n" + "x" * 700 + "\r\n```\r\n"), "too few words"),
        (make_comment(2, "Nit: :)\n~~~suggestion\n" + "x" * 700 + "\n~~~"), "too few words"),
        (make_comment(2, "Maybe?\n```c++\n" + "x = 1;\n" * 80 + "```"), "too few words"),
        (make_comment(2, "33d165d802846943c0ba70be4e643e3b50c6634e\n\n" + "As:\n" * 200), "too few words"),
        (make_comment(2, "x" * 401), "no sentence short enough"),
    ],
)
def test_what_cannot_be_a_reply_is_left_out_and_counted(comment: ExampleComment, reason: str) -> None:
    completion = render_completion(make_example(comment))
    assert completion.reply is None
    assert completion.left_out == {reason: 1}


def test_the_best_comments_come_first_and_the_rest_is_counted() -> None:
    comments = [make_comment(line, f"Number {line}.", quality=line / 10) for line in (2, 3, 4)]
    assert [row[1] for row in render(*comments)] == [4, 3]
    assert render_completion(make_example(*comments)).left_out == {"more than a reply may hold": 1}


BODIES = st.text(max_size=600) | st.lists(st.sampled_from(["Why?", "```\n", "> x\n", "é", "{", '"', "R3", "\n\n"])).map(
    " ".join
)


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(
        st.sampled_from("+- ").flatmap(lambda mark: st.text("ab(){ \t\"'é<|", max_size=30).map(mark.__add__))
    ),
    bodies=st.lists(BODIES, min_size=1, max_size=4),
    data=st.data(),
)
def test_every_reply_stands_on_the_humans_line_and_fits_the_schema(
    rows: list[str], bodies: list[str], data: st.DataObject
) -> None:
    hunk = make_hunk("+first", *rows)
    comments = []
    for number, body in enumerate(bodies):
        line = data.draw(st.sampled_from(hunk.lines))
        comments.append(make_comment(line.number, body, side=line.side, id=number, quality=-number))
    example = make_example(*comments, hunk=hunk)
    reply = render_completion(example).reply
    if reply is None:
        return
    humans = {(comment.side, comment.line) for comment in comments}
    assert {row[:2] for row in read_reply(example, reply)} <= humans
    schema: Any = reply_schema(hunk)["properties"]
    fields = schema["comments"]["items"]["properties"]
    said = json.loads(reply)["comments"]
    assert len(said) <= MAX_COMMENTS
    for entry in said:
        assert entry["line"] in fields["line"]["enum"]
        assert all(len(entry[name]) <= fields[name]["maxLength"] for name in ("quote", "message"))
        assert entry["severity"] in fields["severity"]["enum"]


def test_a_message_is_whole_sentences() -> None:
    sentence = "This leaks the handle, e.g. when open fails and nobody closes it. "
    cut = cut_message(sentence * 20)
    assert cut == (sentence * 6).strip()
    assert len(cut) <= MESSAGE_CHARACTERS
    assert cut_message("word " * 200) == ""


def test_no_code_block_is_cut() -> None:
    block = "```\n" + "call. \n" * 80 + "```"
    assert cut_message(f"See below.\n{block}") == "See below."


def test_quoted_text_is_not_the_humans_own() -> None:
    assert plain_message("> somebody said so\r\n\r\nNo.  \nReally?") == "No.\nReally?"


@pytest.mark.parametrize(
    ("message", "severity", "category"),
    [
        ("nit: rename this, it may crash the reader", "info", "bug"),
        ("This overflows when n is 0.", "error", "bug"),
        ("User input must be sanitized before it gets here.", "warning", "security"),
        ("Add a test for the empty list.", "warning", "test"),
        ("Maybe use a simpler name?", "info", "style"),
        ("Why not put it into the other module?", "warning", "design"),
    ],
)
def test_weak_labels(message: str, severity: str, category: str) -> None:
    assert (choose_severity(message), choose_category(message)) == (severity, category)
