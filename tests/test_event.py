"""What an event asks for: every action, every command, real payloads, and those that lack something."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewer.errors import UsageError
from reviewer.event import HELP, Decision, decide_command
from reviewer.settings import Settings

PAYLOADS = Path(__file__).parents[1] / "simulation" / "contract" / "payloads"
PUSH_EVENTS = ("pull_request", "pull_request_target")
DEFAULTS = Settings()


def load(name: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    return payload


def changed(payload: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A copy with other values; `pull_request__draft=True` reaches in."""
    copy = deepcopy(payload)
    for name, value in values.items():
        *path, last = name.split("__")
        place = copy
        for key in path:
            place = place[key]
        place[last] = value
    return copy


OPENED = load("pull_request.opened")
REVIEW_COMMENT = load("pull_request_review_comment.created")
ISSUE_COMMENT = changed(load("issue_comment.created"), issue__pull_request={"url": "https://api.github.com/x"})


def command(body: str | None, **values: Any) -> Decision:
    return decide_command("issue_comment", changed(ISSUE_COMMENT, comment__body=body, **values), DEFAULTS)


@pytest.mark.parametrize("event", PUSH_EVENTS)
def test_real_payloads_of_pushes(event: str) -> None:
    assert decide_command(event, OPENED, DEFAULTS) == Decision("review", 2, "opened")
    assert decide_command(event, load("pull_request.synchronize"), DEFAULTS) == Decision("review", 2, "synchronize")


@pytest.mark.parametrize("event", PUSH_EVENTS)
@pytest.mark.parametrize("action", ["opened", "reopened", "synchronize", "ready_for_review"])
def test_what_brings_new_code_is_reviewed(event: str, action: str) -> None:
    assert decide_command(event, changed(OPENED, action=action), DEFAULTS) == Decision("review", 2, action)


@pytest.mark.parametrize(
    "action", ["closed", "edited", "assigned", "unlabeled", "converted_to_draft", "auto_merge_enabled", "dequeued"]
)
def test_other_actions_are_left_alone(action: str) -> None:
    decision = decide_command("pull_request", changed(OPENED, action=action), DEFAULTS)
    assert (decision.command, decision.number) == ("none", 2)
    assert action in decision.reason


@pytest.mark.parametrize(
    ("field", "value", "settings", "word"),
    [
        ("pull_request__draft", True, Settings(review_drafts=True), "draft"),
        ("pull_request__user__type", "Bot", Settings(review_bots=True), "bot"),
    ],
)
def test_drafts_and_bots_wait_for_a_setting(field: str, value: object, settings: Settings, word: str) -> None:
    payload = changed(OPENED, **{field: value})
    decision = decide_command("pull_request", payload, DEFAULTS)
    assert decision.command == "none"
    assert f"a {word}" in decision.reason
    assert f"`review-{word}s: true`" in decision.reason
    assert decide_command("pull_request", payload, settings).command == "review"


def test_an_author_who_is_gone_is_no_bot() -> None:
    assert decide_command("pull_request", changed(OPENED, pull_request__user=None), DEFAULTS).command == "review"


def test_a_closed_pull_request_is_not_reviewed() -> None:
    for action in ("synchronize", "labeled"):
        payload = changed(OPENED, action=action, pull_request__state="closed", label={"name": "look"})
        decision = decide_command("pull_request_target", payload, Settings(trigger_label="look"))
        assert decision == Decision("none", 2, "The pull request is closed.")


@pytest.mark.parametrize(
    ("label", "setting", "wanted"),
    [("look", "look", True), ("look", "", False), ("other", "look", False), ("Look", "look", False), ("", "", False)],
)
def test_only_the_trigger_label_asks_for_a_review(label: str, setting: str, *, wanted: bool) -> None:
    payload = changed(OPENED, action="labeled", label={"name": label}, pull_request__draft=True)
    decision = decide_command("pull_request", payload, Settings(trigger_label=setting))
    expected = Decision("review", 2, "label look", asked=True)
    assert decision == expected if wanted else decision.command == "none"


def test_real_payloads_of_comments_are_no_commands() -> None:
    assert decide_command("issue_comment", ISSUE_COMMENT, DEFAULTS).reason == "The comment is no command."
    assert decide_command("pull_request_review_comment", REVIEW_COMMENT, DEFAULTS).command == "none"
    on_issue = decide_command("issue_comment", load("issue_comment.created"), DEFAULTS)
    assert on_issue == Decision("none", 1, "The comment is on an issue.")


@pytest.mark.parametrize(
    ("body", "name", "full"),
    [
        ("/review", "review", False),
        ("/review full", "review", True),
        ("/review   full", "review", True),
        ("/pause", "pause", False),
        ("/resume", "resume", False),
        ("/help", "help", False),
        ("  /review \r\n\r\nThanks!\r\n", "review", False),
        ("\n\n/review full\r\nas it was rebased", "review", True),
        ("/pause\n/resume", "pause", False),
    ],
)
def test_commands(body: str, name: Any, *, full: bool) -> None:
    decision = command(body)
    reason = "/review   full" if "   " in body else f"/{name}{' full' if full else ''}"
    assert decision == Decision(
        name, 1, reason, full=full, asked=True, commenter="Codertocat", comment_id=492700400, comment_kind="issue"
    )


@pytest.mark.parametrize(
    "body",
    [
        *("", None, "review", "/reviews", "/review please", "/review full now", "//review", "> /review", "`/review`"),
        *("/approve", "Please /review", "Hm.\n/review", "/review-full", "/ review", "/REVIEW", "/help me"),
        *("/review\tfull", "/"),
    ],
)
def test_all_else_is_no_command(body: str | None) -> None:
    assert command(body) == Decision("none", 1, "The comment is no command.")


def test_a_command_under_a_line_of_the_diff() -> None:
    payload = changed(REVIEW_COMMENT, comment__body="/review full")
    decision = decide_command("pull_request_review_comment", payload, DEFAULTS)
    assert decision == Decision(
        "review",
        2,
        "/review full",
        full=True,
        asked=True,
        commenter="Codertocat",
        comment_id=284312630,
        comment_kind="review",
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"action": "edited"}, "The comment is no command."),
        ({"action": "deleted"}, "The comment is no command."),
        ({"comment__user__type": "Bot"}, "Commands of bots are not obeyed."),
        ({"issue__state": "closed"}, "The pull request is closed."),
        ({"issue__pull_request": None}, "The comment is on an issue."),
    ],
)
def test_commands_that_are_not_obeyed(values: dict[str, Any], reason: str) -> None:
    assert command("/review", **values) == Decision("none", 1, reason)


def test_a_draft_is_reviewed_when_somebody_asks() -> None:
    assert command("/review", issue__draft=True).command == "review"


def test_a_number_names_the_pull_request_of_an_event_that_has_none() -> None:
    asked = Decision("review", 42, "asked for by number", asked=True)
    for event, payload in (("workflow_dispatch", load("workflow_dispatch")), ("schedule", {}), ("", {})):
        assert decide_command(event, payload, DEFAULTS, 42) == asked


def test_a_number_is_no_way_around_the_events_own_rules() -> None:
    stranger = changed(ISSUE_COMMENT, comment__body="/help")
    for event, payload in (("pull_request", OPENED), ("issue_comment", stranger)):
        assert decide_command(event, payload, DEFAULTS, 42) == decide_command(event, payload, DEFAULTS)


@pytest.mark.parametrize("event", ["workflow_dispatch", "push", "schedule", "workflow_run", "pull_request_review", ""])
def test_an_event_without_a_pull_request_says_what_to_do(event: str) -> None:
    with pytest.raises(UsageError) as caught:
        decide_command(event, load("workflow_dispatch"), DEFAULTS)
    assert (event or "(none)") in caught.value.what
    assert "`pull-request`" in caught.value.hint


@pytest.mark.parametrize("missing", ["action", "pull_request", "pull_request__number", "pull_request__user__type"])
def test_a_push_that_lacks_a_field(missing: str) -> None:
    payload = deepcopy(OPENED)
    *path, last = missing.split("__")
    place = payload
    for key in path:
        place = place[key]
    del place[last]
    if missing == "pull_request__user__type":
        assert decide_command("pull_request", payload, DEFAULTS).command == "review"
        return
    with pytest.raises(UsageError, match=last) as caught:
        decide_command("pull_request", payload, DEFAULTS)
    assert "GITHUB_EVENT_PATH" in caught.value.hint


@pytest.mark.parametrize(
    "values",
    [
        {"pull_request": None},
        {"pull_request": "x"},
        {"pull_request": []},
        {"pull_request__number": "7"},
        {"pull_request__number": None},
        {"pull_request__number": True},
        {"pull_request__user": "alice"},
        {"action": "labeled"},
        {"action": "labeled", "label": None},
    ],
)
def test_a_push_with_a_field_of_the_wrong_kind(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        decide_command("pull_request", changed(OPENED, **values), DEFAULTS)


@pytest.mark.parametrize(
    "values",
    [
        {"comment": None},
        {"issue": None},
        {"comment__user": None},
        {"comment__id": {}},
        {"comment__user__login": ""},
        {"comment__user__login": None},
        {"issue__number": 1.5},
    ],
)
def test_a_comment_with_a_field_of_the_wrong_kind(values: dict[str, Any]) -> None:
    payload = changed(changed(ISSUE_COMMENT, comment__body="/review"), **values)
    with pytest.raises(UsageError, match="cannot be read"):
        decide_command("issue_comment", payload, DEFAULTS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["pull_request", "issue", "comment", "number", "user", "action", "body"]), inner
        )
    ),
    max_leaves=12,
)


@given(event=st.sampled_from([*PUSH_EVENTS, "issue_comment", "pull_request_review_comment", "push"]), payload=JSON)
def test_no_payload_is_a_traceback(event: str, payload: Any) -> None:
    with suppress(UsageError):
        assert type(decide_command(event, payload, DEFAULTS).number) is int


def test_help_names_each_command() -> None:
    for name in ("`/review`", "`/review full`", "`/pause`", "`/resume`"):
        assert name in HELP
