"""What stands on a pull request, as people see it."""

from __future__ import annotations

from typing import Any

from simulation.github_server import PullScenario


def review_comments(pull: PullScenario) -> list[dict[str, Any]]:
    """The comments on lines."""
    found: list[dict[str, Any]] = pull.call("bob", "GET", f"{pull.path}/comments")
    return found


def commented_lines(pull: PullScenario) -> list[int]:
    """Where they stand; a line that has two is there twice."""
    return sorted(comment["original_line"] for comment in review_comments(pull))


def count_reviews(pull: PullScenario) -> int:
    """How many reviews there are."""
    return len(pull.call("bob", "GET", f"{pull.path}/reviews"))


def summaries(pull: PullScenario) -> list[str]:
    """The summary comments: one, or none before the first review."""
    written = pull.call("bob", "GET", f"{pull.issue_path}/comments")
    return [str(one["body"]) for one in written if "Glossator" in one["body"]]


def reactions(pull: PullScenario, comment_id: int) -> set[str]:
    """To a comment in the conversation."""
    path = f"/repos/{pull.repo.full_name}/issues/comments/{comment_id}/reactions"
    return {one["content"] for one in pull.call("bob", "GET", path)}
