"""One issue for a regression of the nightly evaluation: opened once, kept up to date, closed when it is over.

What has to be remembered from night to night stands in a hidden marker in the issue's own body. Everything is looked up
before it is done, so that a run that is killed anywhere, or made again, does nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from evals.regression_memory import Memory, Night, parse_memory, remember, render_memory, replace_memory
from reviewer.errors import PermissionDenied
from reviewer.publish import patiently

LABEL: Final = "glossator-regression"
"""What the issues are found by."""
LOOKED_THROUGH: Final = 100
"""Issues with the label, newest first. A regression that stands is the newest but for those of other evaluations."""

Done = Literal["opened", "updated", "reopened", "closed", "accepted", "nothing"]


class Host(Protocol):
    """The little that is asked of GitHub; `reviewer.github_api.GitHub` gives it."""

    repo: str

    @property
    def login(self) -> str:
        """Whose token it is."""
        ...

    def get(self, path: str, **parameters: object) -> tuple[dict[str, str], Any]:
        """Headers and data of an answer."""
        ...

    def write(self, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        """Data of the answer."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the issue; `number` is 0 where there is none."""

    done: Done
    number: int = 0
    url: str = ""


class Texts(Protocol):
    """What people read."""

    def render_issue(self, night: Night, memory: Memory) -> tuple[str, str]:
        """Title and body of the issue, the body without its marker."""
        ...

    def render_end(self, night: Night, before: Memory) -> str:
        """The comment with which it is closed. `before` is what was known until this night."""
        ...


def tell(host: Host, night: Night, texts: Texts, wait: Callable[[float], None] = time.sleep) -> Told:
    """Let there be one open issue while something is worse, and none when nothing is.

    Args:
        host: GitHub.
        night: What was found.
        texts: Writes the words.
        wait: Sleeps so many seconds.

    Raises:
        PermissionDenied: The token may not write issues.
        HostError: GitHub refused otherwise, or did not answer.
    """
    return patiently(lambda: _tell_once(host, night, texts), wait)


def _tell_once(host: Host, night: Night, texts: Texts) -> Told:
    issue, before = find_standing(host, night.evaluation)
    now = remember(before, night)
    try:
        if now.worse:
            return _stand(host, issue, now, *texts.render_issue(night, now))
        return _end(host, issue, now, texts.render_end(night, before)) if issue else Told("nothing")
    except PermissionDenied as error:
        raise PermissionDenied(error.what, "Give the job the permission `issues: write`.", error.status) from error


def find_standing(host: Host, evaluation: str) -> tuple[Any | None, Memory]:
    """Our issue about a regression that is not over, open or closed by somebody, and what it remembers."""
    newest = {"labels": LABEL, "state": "all", "sort": "created", "direction": "desc", "per_page": LOOKED_THROUGH}
    listed = host.get(f"/repos/{host.repo}/issues", **newest)[1]
    for issue in listed:
        memory = parse_memory(issue["body"] or "")
        mine = (issue["user"] or {}).get("login") == host.login and "pull_request" not in issue
        if mine and memory and memory.evaluation == evaluation and memory.worse:
            return issue, memory
    return None, Memory(evaluation)


def _stand(host: Host, issue: Any | None, memory: Memory, title: str, body: str) -> Told:
    """Open an issue or bring the one that is there up to date. One that was closed as not planned is left in peace."""
    texts = {"title": title, "body": f"{body}\n\n{render_memory(memory)}"}
    if issue is None:
        made = host.write("POST", f"/repos/{host.repo}/issues", {**texts, "labels": [LABEL]})
        if not made["labels"]:
            host.write("POST", f"/repos/{host.repo}/issues/{made['number']}/labels", {"labels": [LABEL]})
        return _told("opened", made)
    if issue["state"] == "closed" and issue["state_reason"] != "completed":
        return _told("accepted", issue)
    state = {"state": "open"} if issue["state"] == "closed" else {}
    changed = host.write("PATCH", _path(host, issue), {**texts, **state})
    return _told("reopened" if state else "updated", changed)


def _end(host: Host, issue: Any, memory: Memory, words: str) -> Told:
    """Say that it is over, once, and close. Where somebody has closed it before, nothing is left to say."""
    body = replace_memory(issue["body"] or "", memory)
    if issue["state"] == "closed":
        return _told("closed", host.write("PATCH", _path(host, issue), {"body": body}))
    said = host.get(f"{_path(host, issue)}/comments", per_page=LOOKED_THROUGH)[1]
    if not any(_is_same(comment["body"], words) for comment in said):
        host.write("POST", f"{_path(host, issue)}/comments", {"body": words})
    closing = {"body": body, "state": "closed", "state_reason": "completed"}
    return _told("closed", host.write("PATCH", _path(host, issue), closing))


def say(told: Told) -> str:
    """One sentence on what became of it."""
    where = f"#{told.number} ({told.url})"
    sentences: Mapping[Done, str] = {
        "nothing": "Nothing is worse, and no issue is open.",
        "opened": f"Opened {where}.",
        "updated": f"It is still worse: updated {where}.",
        "reopened": f"It is still worse: opened {where} again.",
        "accepted": f"It is still worse, but {where} was closed as not planned.",
        "closed": f"Nothing is worse any more: {where} is closed.",
    }
    return sentences[told.done]


def _is_same(standing: str | None, text: str) -> bool:
    return (standing or "").replace("\r\n", "\n").strip() == text.strip()


def _path(host: Host, issue: Any) -> str:
    return f"/repos/{host.repo}/issues/{issue['number']}"


def _told(done: Done, issue: Any) -> Told:
    return Told(done, issue["number"], issue["html_url"])
