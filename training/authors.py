"""Who wrote something, as far as the data may say it: a hashed name, and whether it is a program."""

from __future__ import annotations

import re
from typing import Any

from training.snapshot import AuthorType, hash_name

REVIEW_BOTS = frozenset(
    {
        "allcontributors", "bors", "changeset-bot", "chatgpt-codex-connector", "claassistant",
        "codacy-production", "codeclimate", "codecov", "codecov-commenter", "codecov-io", "codefactor-io",
        "coderabbitai", "coderabbit", "copilot", "copilot-pull-request-reviewer", "deepsource-autofix",
        "deepsource-io", "dependabot", "dependabot-preview", "devin-ai-integration", "drahtbot", "ellipsis-dev",
        "fossabot", "gemini-code-assist", "github-actions", "github-advanced-security", "googlebot",
        "graphite-app", "greenkeeper", "houndci", "houndci-bot", "k8s-ci-robot", "korbit-ai", "lgtm-com",
        "linux-foundation-easycla", "mergify", "pre-commit-ci", "pyup-bot", "qodo-merge-pro",
        "qodo-merge-for-open-source", "renovate", "renovate-bot", "rust-highfive", "rustbot", "sonarcloud",
        "sonarqubecloud", "sourcery-ai", "trunk-io", "web-flow", "whitesource-bolt",
    }
)  # fmt: skip
"""Logins of programs that review or comment, for those that run under a person's account."""
_BOT_NAME = re.compile(r".+[-_](?:bot|robot|ci)", re.IGNORECASE)


def is_bot(login: str, kind: str = "") -> bool:
    """Whether an account is a program: by GitHub's own word (`Bot`), a `[bot]` at its end, or a known name."""
    name = login.lower().removesuffix("[bot]")
    return kind == "Bot" or login.endswith("[bot]") or name in REVIEW_BOTS or bool(_BOT_NAME.fullmatch(name))


def read_actor(actor: dict[str, Any] | None, salt: str) -> tuple[str, AuthorType]:
    """The hashed name and the type of GraphQL's `Actor` or REST's `user`. Both empty for a deleted account.

    REST writes `name[bot]`, GraphQL `name`: the hash is that of `name`.
    """
    if not actor or not actor.get("login"):
        return "", ""
    login = str(actor["login"])
    kind = str(actor.get("__typename") or actor.get("type") or "")
    return hash_name(login.removesuffix("[bot]"), salt), "Bot" if is_bot(login, kind) else "User"
