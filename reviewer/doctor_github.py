"""The doctor's look at GitHub: who the token is, what it may do there, and how many requests are left.

Only reading requests are made. GitHub does not tell of every token what it may write; then that is said.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Mapping
from typing import Any

from reviewer.context import BaseFiles
from reviewer.doctor import Check, failed
from reviewer.errors import HostError, NotFound
from reviewer.github_api import API_URL, GitHub

NAME = "GitHub"
TIMEOUT = 10
"""Seconds for one request."""
FEW_REQUESTS = 100
"""Left in this hour. One run takes about 15, and one more for each guideline file."""
GIVE_WRITE = (
    "Posting needs it. In a workflow: `permissions: { contents: read, pull-requests: write }`; a fork's own run never "
    "has it. A fine-grained token: Pull requests, read and write. A classic token: the scope repo."
)


def examine_github(repo: str, token: str) -> Generator[Check, None, BaseFiles | None]:
    """Token, repository, and what the one may do in the other.

    Returns:
        The files at the default branch, when they can be read.
    """
    if not repo and not token:
        yield Check(NAME, "skip", "not checked", "Give --repo OWNER/NAME, and a token in GLOSSATOR_GITHUB_TOKEN.")
        return None
    host = GitHub(repo, token, os.environ.get("GITHUB_API_URL", API_URL), timeout=TIMEOUT, retries=0)
    try:
        yield check_limit(host)
        yield check_identity(host, token)
        if not repo:
            yield Check(NAME, "skip", "no repository checked", "Give --repo OWNER/NAME.")
            return None
        return (yield from examine_repository(host, token))
    except HostError as error:
        yield failed(NAME, error)
        return None


def check_limit(host: GitHub) -> Check:
    """How many requests are left. This one is free, and the first to fail when the token is none.

    Raises:
        HostError: GitHub cannot be reached or does not know the token.
    """
    try:
        core = host.get("/rate_limit")[1]["resources"]["core"]
    except NotFound:
        return Check("limit", "ok", "this server limits no requests")
    minutes = max(0, int(core["reset"] - time.time())) // 60
    what = f"{core['remaining']:,} of {core['limit']:,} requests are left, all again in {minutes} min"
    hint = "Give a token, or wait." if core["remaining"] < FEW_REQUESTS else ""
    return Check("limit", "warn" if hint else "ok", what, hint)


def check_identity(host: GitHub, token: str) -> Check:
    """Whose comments a review with this token would be."""
    if not token:
        hint = "Set GLOSSATOR_GITHUB_TOKEN to post reviews and to see private repositories."
        return Check("token", "warn", "There is no token: only public repositories can be read.", hint)
    return Check("token", "ok", f"{name_kind(token)} of {host.login}")


def name_kind(token: str) -> str:
    """What kind of token it is, by its public prefix."""
    kinds = {"ghp_": "a classic token", "github_pat_": "a fine-grained token", "ghs_": "a workflow's or app's token"}
    return next((kind for prefix, kind in kinds.items() if token.startswith(prefix)), "a token")


def examine_repository(host: GitHub, token: str) -> Generator[Check, None, BaseFiles | None]:
    """What the token may do in the repository."""
    headers, about = host.get(f"/repos/{host.repo}")
    kind = "private" if about.get("private") else "public"
    yield Check("repo", "ok", f"{host.repo} is {kind}; its default branch is {about['default_branch']}")
    files = host.base_files(about["default_branch"])
    try:
        files.list_files()
        host.get(f"/repos/{host.repo}/pulls", per_page=1)
    except HostError as error:
        hint = "Give the token `contents: read` and `pull-requests: read`."
        yield Check("reading", "fail", error.what, hint, error.exit_code)
        return None
    yield Check("reading", "ok", "files and pull requests can be read")
    if token:
        yield judge_writing(headers, about)
    return files


def judge_writing(headers: Mapping[str, str], about: Mapping[str, Any]) -> Check:
    """Whether reviews can be posted: classic tokens have their scopes in a header, of others GitHub does not tell."""
    scopes = headers.get("x-oauth-scopes")
    if scopes is None:
        return Check("posting", "skip", "GitHub does not tell whether this token may write pull requests.", GIVE_WRITE)
    held = {scope.strip() for scope in scopes.split(",")}
    if about.get("archived"):
        return Check("posting", "warn", "The repository is archived: nobody can comment.", "Unarchive it first.")
    if "repo" in held or ("public_repo" in held and not about.get("private")):
        return Check("posting", "ok", "reviews can be posted")
    return Check("posting", "warn", "This token may not write pull requests.", GIVE_WRITE)
