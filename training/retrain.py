"""Start the training workflow once enough new comments have come in since it was started last.

What it was started for last is remembered in the repository itself, by a ref that outlives branches and pull requests.
GitHub is asked before anything is started, so that a run whose start was not remembered is not started again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from reviewer.errors import HostUnavailable, NotFound, PermissionDenied, ValidationFailed
from reviewer.publish import patiently
from training.git_remote import GitRemote
from training.proposal import COUNTS, name_files
from training.proposal_text import count_comments
from training.propose import Host, get_default_branch

TRAINED_REF: Final = "refs/glossator/trained"
INPUT: Final = "dataset-revision"
"""The input of the workflow that names the commit to train on."""
SETTLE: Final = 10.0
"""Seconds until a run that was started shows up for certain."""
RECENT: Final = 100
"""Runs that are looked through for one on the commit."""


@dataclass(frozen=True, slots=True)
class Retrained:
    """Whether training was started, and for how many new comments."""

    started: bool
    new: int
    before: int
    why: str = ""


def retrain(
    host: Host,
    remote: GitRemote,
    revision: str,
    workflow: str,
    after: int,
    wait: Callable[[float], None] = time.sleep,
    *,
    again: bool = False,
) -> Retrained:
    """Start the workflow on a commit when it has at least `after` comments more than the one it was started on last.

    Args:
        host: GitHub.
        remote: The checkout, and where the ref is that remembers.
        revision: The commit that holds the dataset.
        workflow: File name of the workflow.
        after: How many comments more are enough.
        wait: Sleeps so many seconds.
        again: Start it in any case, whatever it was started on before.

    Raises:
        NotFound: There is no such workflow.
        HostError: GitHub refused otherwise, or did not answer; then run it again.
    """
    revision = remote.fetch_commit(revision)
    trained = remote.fetch(TRAINED_REF)
    before, now = (count_comments(read_counts(remote, sha)) for sha in (trained, revision))
    if not again and (now - before < after or trained == revision):
        return Retrained(started=False, new=now - before, before=before)
    if not again and was_started(host, revision, workflow):
        remote.push(revision, TRAINED_REF, trained)
        return Retrained(started=False, new=now - before, before=before, why="It had been started already.")
    start(host, revision, workflow, wait, again=again)
    remote.push(revision, TRAINED_REF, trained)
    return Retrained(started=True, new=now - before, before=before)


def say(retrained: Retrained, workflow: str, after: int) -> str:
    """One sentence on what was done."""
    new = f"{retrained.new:,} comments more than at the last start"
    if retrained.started:
        return f"Started {workflow}: {new}."
    return f"{workflow} was not started: {new}. {retrained.why or f'It takes {after:,}.'}"


def read_counts(remote: GitRemote, sha: str) -> dict[str, bytes]:
    """The counts of a commit's dataset; none without a commit, or one from before there was a dataset."""
    paths = [path for path in name_files(remote.folder) if path.endswith(COUNTS)] if sha else []
    return {path: content for path in paths if (content := remote.read_file(sha, path)) is not None}


def start(
    host: Host, revision: str, workflow: str, wait: Callable[[float], None] = time.sleep, *, again: bool = False
) -> None:
    """Start the workflow of the default branch. A lost answer is settled by looking, never by starting it twice."""
    base = get_default_branch(host)
    path = f"/repos/{host.repo}/actions/workflows/{quote(workflow, safe='')}/dispatches"
    try:
        host.write("POST", path, {"ref": base, "inputs": {INPUT: revision}})
    except HostUnavailable:
        wait(SETTLE)
        if again or not was_started(host, revision, workflow):  # an earlier run cannot be told from this one
            raise
    except (NotFound, PermissionDenied, ValidationFailed) as error:
        raise type(error)(error.what, explain(error, workflow), error.status) from error


def was_started(host: Host, revision: str, workflow: str) -> bool:
    """Whether one of the newest runs is on this commit: its title, which the workflow's `run-name` gives, names it."""
    path = f"/repos/{host.repo}/actions/workflows/{quote(workflow, safe='')}/runs"
    try:
        data: Any = patiently(lambda: host.get(path, event="workflow_dispatch", per_page=RECENT))[1]
    except (NotFound, PermissionDenied) as error:
        raise type(error)(error.what, explain(error, workflow), error.status) from error
    return any(revision in (run["display_title"] or "") for run in data["workflow_runs"])


def explain(error: NotFound | PermissionDenied | ValidationFailed, workflow: str) -> str:
    """What to do about a refusal."""
    if isinstance(error, NotFound):
        return f"There must be a .github/workflows/{workflow} on the default branch, and a token that may see it."
    if isinstance(error, PermissionDenied):
        return "Give the job the permission `actions: write`."
    return f"{workflow} must have `workflow_dispatch` among its triggers, with an input `{INPUT}`."
