"""Who wrote something, as far as the data may say it: a hashed name, and whether it is a program."""

from __future__ import annotations

import re
from typing import Any

from training.snapshot import AuthorType, hash_name

REVIEW_BOTS = frozenset(
    {
        "allcontributors", "amazon-q-developer", "bito-code-review", "bors", "changeset-bot",
        "chatgpt-codex-connector", "claassistant", "codacy-production", "codeant-ai", "codeclimate", "codecov",
        "codecov-commenter", "codecov-io", "codefactor-io", "coderabbitai", "coderabbit", "codiumai-pr-agent",
        "copilot", "copilot-pull-request-reviewer", "copilot-swe-agent", "cubic-dev-ai", "deepsource-autofix",
        "deepsource-io", "dependabot", "dependabot-preview", "devin-ai-integration", "drahtbot", "ellipsis-dev",
        "entelligence-ai-pr-reviews", "fossabot", "gemini-code-assist", "github-actions",
        "github-advanced-security", "google-labs-jules", "googlebot", "graphite-app", "greenkeeper",
        "greptile-apps", "greptileai", "houndci", "houndci-bot", "k8s-ci-robot", "korbit-ai", "lgtm-com",
        "linux-foundation-easycla", "mergify", "openhands-agent", "pre-commit-ci", "pyup-bot", "qodo-code-review",
        "qodo-merge-pro", "qodo-merge-for-open-source", "renovate", "renovate-bot", "rust-highfive", "rustbot",
        "seer-by-sentry", "sonarcloud", "sonarqubecloud", "sourcery-ai", "trunk-io", "web-flow",
        "whitesource-bolt",
    }
)  # fmt: skip
"""Logins of programs that review or comment, for those that run under a person's account."""
PERSONAL_BOTS = frozenset({"claude", "codex", "cursor", "devin", "gemini", "jules", "sentry"})
"""Logins of review agents that somebody may be called, too: programs only where nobody says what they are."""
_BOT_NAME = re.compile(r".+[-_](?:bot|robot|ci)", re.IGNORECASE)


def is_bot(login: str, kind: str = "") -> bool:
    """Whether an account is a program: by GitHub's own word (`Bot`), a `[bot]` at its end, or a known name.

    Args:
        login: As GitHub writes it.
        kind: `User`, `Bot` and so on; empty when nobody says. Of `claude` only that tells who it is.
    """
    name = login.lower().removesuffix("[bot]")
    if kind == "Bot" or login.endswith("[bot]") or (not kind and name in PERSONAL_BOTS):
        return True
    return name in REVIEW_BOTS or bool(_BOT_NAME.fullmatch(name))


def read_actor(actor: dict[str, Any] | None, salt: str) -> tuple[str, AuthorType]:
    """The hashed name and the type of GraphQL's `Actor` or REST's `user`. Both empty for a deleted account.

    REST writes `name[bot]`, GraphQL `name`: the hash is that of `name`.
    """
    if not actor or not actor.get("login"):
        return "", ""
    login = str(actor["login"])
    kind = str(actor.get("__typename") or actor.get("type") or "")
    return hash_name(login.removesuffix("[bot]"), salt), "Bot" if is_bot(login, kind) else "User"
