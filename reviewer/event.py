"""A GitHub event's payload to what is to be done, or the reason to do nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reviewer.errors import UsageError
from reviewer.settings import Settings

Command = Literal["review", "pause", "resume", "help", "none"]

PULL_REQUEST_EVENTS = ("pull_request", "pull_request_target")
COMMENT_EVENTS = ("issue_comment", "pull_request_review_comment")
REVIEWED_ACTIONS = ("opened", "reopened", "synchronize", "ready_for_review")
HELP = """\
`/review` reviews what has changed since the last review, `/review full` everything again, `/pause` stops the reviews \
of new pushes to this pull request, `/resume` starts them again. People with write permission may use them."""

_COMMAND = re.compile(r"^/(review(?: +full)?|pause|resume|help) *$")


@dataclass(frozen=True, slots=True)
class Decision:
    """What an event asks for. For the command `none`, `reason` says why nothing is done."""

    command: Command
    number: int
    reason: str
    full: bool = False
    asked: bool = False
    """A person asked for it, so a pause does not stop it."""
    commenter: str = ""
    """Whose permission is to be asked of GitHub before the command is obeyed; empty when it need not be."""
    comment_id: int = 0
    comment_kind: Literal["issue", "review", ""] = ""


def decide_command(event_name: str, payload: Mapping[str, Any], settings: Settings, number: int = 0) -> Decision:
    """What to do about an event.

    Args:
        event_name: GITHUB_EVENT_NAME.
        payload: The event, as in GITHUB_EVENT_PATH.
        settings: Drafts, bots and the trigger label.
        number: The pull request named by hand, for `workflow_dispatch`, `schedule` and the like; 0 when none is.

    Raises:
        UsageError: The event has no pull request and none is named.
    """
    try:
        if event_name in PULL_REQUEST_EVENTS:
            return _decide_push(payload, settings)
        if event_name in COMMENT_EVENTS:
            return _decide_comment(event_name, payload)
        if number:
            return Decision("review", number, "asked for by number", asked=True)
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"The payload of the {event_name} event cannot be read: {error!r}.",
            "Run this from a workflow, where GITHUB_EVENT_PATH names the event that GitHub wrote.",
        ) from error
    raise UsageError(
        f"The event {event_name or '(none)'} has no pull request.",
        "Trigger the workflow by pull_request, pull_request_target or issue_comment, or set the input `pull-request`.",
    )


def _decide_push(payload: Mapping[str, Any], settings: Settings) -> Decision:
    pull_request, action = payload["pull_request"], payload["action"]
    number = _parse_number(pull_request)
    if pull_request.get("state") == "closed":
        return Decision("none", number, "The pull request is closed.")
    if action == "labeled":
        label = payload["label"]["name"]
        if settings.trigger_label and label == settings.trigger_label:
            return Decision("review", number, f"label {label}", asked=True)
        return Decision("none", number, f"The label {label} is not the trigger label.")
    why_not = _why_not_review(pull_request, action, settings)
    return Decision("none", number, why_not) if why_not else Decision("review", number, action)


def _why_not_review(pull_request: Mapping[str, Any], action: str, settings: Settings) -> str:
    if action not in REVIEWED_ACTIONS:
        return f"Nothing is reviewed when a pull request is {action}."
    if pull_request.get("draft") and not settings.review_drafts:
        return "The pull request is a draft; `review-drafts: true` reviews drafts too."
    author = pull_request.get("user") or {}
    if author.get("type") == "Bot" and not settings.review_bots:
        return "The author is a bot; `review-bots: true` reviews bots too."
    return ""


def _decide_comment(event_name: str, payload: Mapping[str, Any]) -> Decision:
    comment = payload["comment"]
    on_review = event_name == "pull_request_review_comment"
    issue = payload["pull_request"] if on_review else payload["issue"]
    number = _parse_number(issue)
    words = (comment["body"] or "").strip().split("\n")[0].strip()
    found = _COMMAND.match(words)
    if not on_review and not issue.get("pull_request"):
        return Decision("none", number, "The comment is on an issue.")
    if payload["action"] != "created" or not found:
        return Decision("none", number, "The comment is no command.")
    if comment["user"]["type"] == "Bot":
        return Decision("none", number, "Commands of bots are not obeyed.")
    if issue.get("state") == "closed":
        return Decision("none", number, "The pull request is closed.")
    name, _, option = found[1].partition(" ")
    command: Command = name  # type: ignore[assignment]
    return Decision(
        command,
        number,
        f"/{found[1]}",
        full=bool(option),
        asked=True,
        commenter=_parse_login(comment["user"]),
        comment_id=_parse_number(comment, "id"),
        comment_kind="review" if on_review else "issue",
    )


def _parse_number(thing: Mapping[str, Any], name: str = "number") -> int:
    number = thing[name]
    if type(number) is not int:
        raise TypeError(f"{name} is {number!r}")
    return number


def _parse_login(user: Mapping[str, Any]) -> str:
    """Never empty: a command by nobody would need no permission."""
    login = user["login"]
    if not isinstance(login, str) or not login:
        raise TypeError(f"login is {login!r}")
    return login
