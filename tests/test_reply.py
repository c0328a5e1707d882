from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewer.domain import DropReason, Finding, Hunk, Line
from reviewer.reply import ParsedReply, ReplyError, parse_reply, render_complaint

HUNK = Hunk(
    "a.py",
    "def f():",
    10,
    10,
    (
        Line(" ", "def f():", 10, 10),
        Line("-", "    return None", 11, None),
        Line("+", '    print("x")', None, 11),
        Line("+", "    return 1", None, 12),
        Line("-", "old", 13, None),
    ),
)
COMMENT = '{"line": "R12", "quote": "return 1", "message": "wrong", "severity": "error", "category": "bug"}'
GOOD = '{"comments": [' + COMMENT + "]}"
FINDING = Finding("a.py", "R12", "return 1", "wrong", "error", "bug", hunk=HUNK.digest)


def only(text: str) -> Finding:
    parsed = parse_reply(text, HUNK)
    assert parsed.dropped == ()
    (finding,) = parsed.findings
    return finding


def comment(**fields: object) -> str:
    return json.dumps({"comments": [{"line": "R12", "message": "wrong", **fields}]})


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}```",
        f"Here is my review:\n```JSON\n{GOOD}\n```\nI hope that this helps [1]!",
        f'<think>{{"comments": []}} or is it? {{"comments": [{{"line</think>\n{GOOD}',
        f"The template opened it: [] no {{x}}</think>{GOOD}",
        f"{GOOD.replace('wrong', 'a draft')}</think>{GOOD}",
        f"<THINKING>\nhm\n</THINKING>\n\n{GOOD}",
        f"Sure. In f(x) {{ a[0] }} I see: {GOOD} That is all.",
        f"\ufeff{GOOD}",
        f"\u200b\u00a0{GOOD}",
        GOOD.replace('"bug"}]}', '"bug",},],}'),
        GOOD.replace('"error",', '"error", // grave\n').replace('"quote"', '/* the\nline */ "quote" # yes\n'),
        "# my answer\n" + GOOD,
        GOOD.replace("[", "(").replace("]", ",)").replace('"', "'"),
        str(json.loads(GOOD)),
        GOOD.replace('"line"', "\u201cline\u201d").replace(
            '"message": "wrong"', "\u201cmessage\u201d: \u201cwrong\u201d"
        ),
        GOOD.replace('"line"', "line").replace('"message"', "message").replace('"R12"', "R12"),
        "[" + COMMENT + "]",
        COMMENT,
        COMMENT.replace("message", "body").replace("quote", "code").replace("line", "line_number"),
        GOOD.replace('"R12"', "12"),
        GOOD.replace("comments", "findings"),
        GOOD.replace("comments", "Review Comments"),
        json.dumps({"review": {"summary": "x", "issues": json.loads(GOOD)["comments"]}}),
        json.dumps({"name": "post_review", "arguments": json.loads(GOOD)}),
        json.dumps({"comments": json.loads(COMMENT)}),
        GOOD + "\n" + GOOD,
        f"{GOOD}}}",
        json.dumps(GOOD),
        GOOD.replace('"wrong"', '"""wrong"""'),
        GOOD.replace('"severity"', '"confidence": NaN, "severity"'),
        GOOD.replace("}]", ', "end_line": null, "suggestion": null}]'),
        GOOD.replace('"message"', '"message": "wrong", "note": None, "sure": True, "message_id"', 1),
    ],
)
def test_reads_what_models_make_of_the_format(text: str) -> None:
    assert only(text) == FINDING


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("line one\nline\ttwo", "line one\nline\ttwo"),
        ('use "x" here', 'use "x" here'),
        ('"x" is wrong', '"x" is wrong'),
        ('call f("a", "b"), then stop', 'call f("a", "b"), then stop'),
        ('say "no"', 'say "no"'),
        (r"the pattern \d+\. is wrong", r"the pattern \d+\. is wrong"),
        (r"it\'s \u00e9 \ud83d\ude00 \n", "it's \u00e9 \U0001f600"),
        (r"lone \ud83d", "lone \ufffd"),
        ("a // b # c /* d", "a // b # c /* d"),
        ("</think> ```json {", "</think> ```json {"),
    ],
)
def test_reads_strings_that_break_the_rules(written: str, message: str) -> None:
    assert only(GOOD.replace("wrong", written)).message == message


def test_reads_an_apostrophe_in_single_quotes() -> None:
    text = "{'comments': [{'line': 'R12', 'message': 'it isn't right, don't', 'severity': 'error'}]}"
    assert only(text).message == "it isn't right, don't"


@pytest.mark.parametrize(
    "written",
    [
        'an inch is 5" wide',
        'return {"a": "x", "b": 1}',
        'use "x", "line": 3} or',
        'wrap it in {"x"}',
        'one " "two',
        'one "\n "message": "two',
        'set "severity": "info',
    ],
)
def test_refuses_quotes_with_two_readings(written: str) -> None:
    with pytest.raises(ReplyError) as caught:
        parse_reply(GOOD.replace("wrong", written), HUNK)
    assert caught.value.reason is DropReason.UNREADABLE_REPLY


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "LGTM",
        "No issues found.",
        "The default [] is fine, and so is {}.",
        "null",
        "{}",
        "[1, 2]",
        "7",
        "NaN",
        '"just a string"',
        '{"ok": true}',
        '{"comments": [{"line": "R12"}]}',
        '{"comments": [{"message": "which line?"}]}',
        '{"comments": [{"line": true, "message": "x"}]}',
        '{"comments": [{"line": "R12", "message": ["x"]}]}',
        '{"comments": ["the code is wrong"]}',
        '{"comments": "none"}',
        '{"line": "R1", "message": "Empty: "}"}',
        '{"line": "R1", "message": "first", "message": "second"}',
        '{"comments": [{"line": "R12" "message": "x"}]}',
        '{"comments": [}',
        "[" * 100_000,
        '{"comments":' * 10_000,
        '{"a":' * 30 + "1" + "}" * 30,
        "x" * 1_000_000,
        "<comments><line>R12</line></comments>",
    ],
)
def test_refuses_what_says_nothing_sure(text: str) -> None:
    with pytest.raises(ReplyError) as caught:
        parse_reply(text, HUNK)
    assert caught.value.reason is DropReason.UNREADABLE_REPLY
    assert len(caught.value.detail) < 200


@pytest.mark.parametrize(
    "text",
    [
        '{"comments": []}',
        "```json\n[]\n```",
        "[]",
        "{'comments': [],}",
        '{"comments": null}',
        'Nothing is wrong: {"comments": []}',
    ],
)
def test_an_empty_list_is_an_answer(text: str) -> None:
    assert parse_reply(text, HUNK) == ParsedReply(())


@pytest.mark.parametrize("size", range(1, len(GOOD)))
def test_every_cut_is_flagged(size: int) -> None:
    try:
        reasons = [dropped.reason for dropped in parse_reply(GOOD[:size], HUNK).dropped]
    except ReplyError as error:
        reasons = [error.reason]
    assert reasons == [DropReason.CUT_REPLY]


@pytest.mark.parametrize("text", ["<think>and then", "<think>", f"<think>{GOOD}"])
def test_thinking_without_end_is_cut(text: str) -> None:
    with pytest.raises(ReplyError) as caught:
        parse_reply(text, HUNK)
    assert caught.value.reason is DropReason.CUT_REPLY


def test_a_cut_answer_keeps_its_whole_comments() -> None:
    second = COMMENT.replace("R12", "R11")
    parsed = parse_reply('{"comments": [' + COMMENT + ", " + second[:-20], HUNK)
    assert parsed.findings == (FINDING,)
    assert [dropped.reason for dropped in parsed.dropped] == [DropReason.CUT_REPLY]
    assert not parsed.is_whole


def test_what_the_server_calls_cut_is_flagged_though_it_looks_whole() -> None:
    parsed = parse_reply(GOOD, HUNK, cut=True)
    assert parsed.findings == (FINDING,)
    assert [dropped.reason for dropped in parsed.dropped] == [DropReason.CUT_REPLY]
    with pytest.raises(ReplyError) as caught:
        parse_reply('{"comments": []}', HUNK, cut=True)
    assert caught.value.reason is DropReason.CUT_REPLY


@pytest.mark.parametrize(
    "bad", ['{"line": "R11"}', '"a remark"', '{"line": "R11" "message": "x"}', '{"line": "R11", "m']
)
def test_a_bad_comment_is_never_lost_from_view(bad: str) -> None:
    parsed = parse_reply('{"comments": [' + COMMENT + ", " + bad + "]}", HUNK)
    assert parsed.findings == (FINDING,)
    assert len(parsed.dropped) == 1
    assert not parsed.is_whole


def test_an_empty_message_is_counted() -> None:
    parsed = parse_reply(comment(message=" "), HUNK)
    assert parsed.findings == ()
    assert [dropped.reason for dropped in parsed.dropped] == [DropReason.EMPTY_MESSAGE]
    assert parsed.is_whole


def test_json_lines_are_one_list() -> None:
    second = COMMENT.replace("R12", "R11")
    assert [finding.line for finding in parse_reply(f"{COMMENT}\n{second}\n", HUNK).findings] == ["R12", "R11"]
    broken = parse_reply(f'{COMMENT}\n{{"line": "R11", "mess', HUNK)
    assert broken.findings == (FINDING,)
    assert len(broken.dropped) == 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (12, ("R12", None)),
        (12.0, ("R12", None)),
        ("12", ("R12", None)),
        ("r12", ("R12", None)),
        ("R12:", ("R12", None)),
        ("+12", ("R12", None)),
        ("L12", ("R12", None)),
        ("L11", ("L11", None)),
        ("-11", ("L11", None)),
        (-11, ("L11", None)),
        (11, ("R11", None)),
        (13, ("L13", None)),
        (99, ("R99", None)),
        ("line 12", ("R12", None)),
        ("Lines 11-12", ("R11", "R12")),
        ("#L12", ("R12", None)),
        ("R10-R12", ("R10", "R12")),
        ("R10..R12", ("R10", "R12")),
        ("R10 to 12", ("R10", "R12")),
        ("10\u201312", ("R10", "R12")),
        ("10, 12", ("R10", "R12")),
        ([10, 12], ("R10", "R12")),
        (["R12"], ("R12", None)),
        ("R12+    return 1", ("R12", None)),
        ("R12 - return 1", ("R12", None)),
    ],
)
def test_reads_lines_as_models_cite_them(line: object, expected: tuple[str, str | None]) -> None:
    finding = only(comment(line=line))
    assert (finding.line, finding.end_line) == expected


def test_an_end_line_and_a_quote_alone() -> None:
    assert only(comment(end_line="R13", line="R12")).end_line == "R13"
    assert only(comment(end_line="R12", line="R12")).end_line is None
    assert only(comment(line=None, quote="return 1 ")).line == "R12"
    with pytest.raises(ReplyError):
        parse_reply(comment(line=None, quote="return 2"), HUNK)


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("error", "error"),
        ("Critical", "error"),
        ("HIGH", "error"),
        ("major", "error"),
        ("blocker", "error"),
        ("medium", "warning"),
        ("warn", "warning"),
        ("low", "info"),
        ("nitpick", "info"),
        ("minor", "info"),
        ("non-blocking", "info"),
        ("purple", "warning"),
        (3, "warning"),
        (None, "warning"),
    ],
)
def test_severities(word: object, severity: str) -> None:
    assert only(comment(severity=word)).severity == severity


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("bug", "bug"),
        ("Correctness", "bug"),
        ("error-handling", "bug"),
        ("SQL injection", "security"),
        ("perf", "performance"),
        ("Missing Tests", "test"),
        ("documentation", "docs"),
        ("formatting", "style"),
        ("maintainability", "design"),
        ("", "design"),
        (None, "design"),
    ],
)
def test_categories(word: object, category: str) -> None:
    assert only(comment(category=word)).category == category


@pytest.mark.parametrize(
    ("written", "suggestion"),
    [
        (None, None),
        ("", None),
        (" \n", None),
        ("N/A", None),
        (5, None),
        ("    return 2", "    return 2"),
        (["a", "b"], "a\nb"),
        ("```python\n    return 2\n```", "    return 2"),
        ("~~~suggestion\na\nb\n~~~\n", "a\nb"),
    ],
)
def test_suggestions(written: object, suggestion: str | None) -> None:
    assert only(comment(suggestion=written)).suggestion == suggestion


@pytest.mark.parametrize(("written", "confidence"), [(0.9, 0.9), (1, 1.0), (7, 0.5), (True, 0.5), ("high", 0.5)])
def test_confidence(written: object, confidence: float) -> None:
    assert only(comment(confidence=written)).confidence == confidence


def test_the_complaint_says_what_to_change() -> None:
    cut = render_complaint(ReplyError(DropReason.CUT_REPLY, "x"))
    unreadable = render_complaint(ReplyError(DropReason.UNREADABLE_REPLY, "a quote inside a string is not escaped"))
    assert "shorter" in cut
    assert "a quote inside a string is not escaped" in unreadable
    assert max(len(cut), len(unreadable)) < 300


PIECES = st.sampled_from(
    [
        '"',
        "'",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\\",
        "\n",
        "//",
        "/*",
        "*/",
        "#",
        "```",
        "<think>",
        "</think>",
        "“",
        "”",
        '"comments"',
        '"line"',
        '"message"',
        '"R12"',
        "12",
        "-1e999",
        "null",
        "None",
        "word",
        '"""',
        "\\u12",
        COMMENT,
        GOOD,
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)), st.booleans())
def test_any_text_is_read_or_refused(text: str, cut: bool) -> None:
    try:
        parsed = parse_reply(text, HUNK, cut=cut)
    except ReplyError:
        return
    assert not (cut and parsed.is_whole)


@given(st.lists(PIECES, max_size=20).map("".join))
def test_a_message_is_never_made_up(message: str) -> None:
    """A message whose quotes nobody escaped is read as it was meant, or not at all."""
    text = '{"comments": [{"line": "R12", "message": "' + message.replace("\\", "") + '", "severity": "error"}]}'
    try:
        parsed = parse_reply(text, HUNK)
    except ReplyError:
        return
    meant = message.replace("\\", "").strip()
    assert parsed.dropped or [finding.message for finding in parsed.findings] == [meant]
