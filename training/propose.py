"""One open pull request that brings the dataset up to date: made when there is none, else changed in place.

Everything is looked up before it is done, so the command may be run again after it was killed anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from reviewer.errors import HostUnavailable, PermissionDenied, ValidationFailed
from reviewer.jsonfile import replace_file
from reviewer.publish import patiently
from training.git_remote import GitRemote
from training.proposal import Proposal, name_files
from training.proposal_text import render_body, render_title

BRANCH: Final = "glossator/dataset"
"""It belongs to this command, which replaces whatever stands there."""

Done = Literal["opened", "updated", "unchanged", "closed", "nothing"]


class Host(Protocol):
    """The little that is asked of GitHub; `reviewer.github_api.GitHub` gives it."""

    repo: str

    def get(self, path: str, **parameters: object) -> tuple[dict[str, str], Any]:
        """Headers and data of an answer."""
        ...

    def write(self, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        """Data of the answer."""
        ...


@dataclass(frozen=True, slots=True)
class Proposed:
    """What became of it. `revision` is the commit that holds the dataset; `number` is 0 without a pull request."""

    done: Done
    revision: str
    number: int = 0
    url: str = ""


def propose(host: Host, remote: GitRemote, proposal: Proposal, branch: str = BRANCH) -> Proposed:
    """Bring the branch and its pull request up to date with the files.

    Raises:
        PermissionDenied: The token may not push or open pull requests.
        HostError: GitHub or git refused otherwise.
    """
    base = get_default_branch(host)
    head = remote.fetch(f"refs/heads/{base}") or remote.repository.resolve("HEAD")
    pull = find_pull(host, branch, base)
    if remote.holds(head, proposal.files):
        return close(host, pull, head) if pull else Proposed("nothing", head)
    title, body = render_texts(remote, head, proposal)
    ref = f"refs/heads/{branch}"
    before = remote.fetch(ref)
    revision = before
    if not is_current(remote, before, head, proposal.files):
        revision = remote.commit(proposal.files, head, title)
        remote.push(revision, ref, before)
    done, pull = settle(host, pull, {"title": title, "body": body}, branch, base)
    if done == "unchanged" and revision != before:
        done = "updated"
    return Proposed(done, revision, pull["number"], pull["html_url"])


def take_up(host: Host, remote: GitRemote, branch: str = BRANCH) -> str:
    """Put the files of the open proposal into the checkout, so that the next run goes on from there. Says what it did.

    Raises:
        HostError: GitHub or git refused.
    """
    if find_pull(host, branch, get_default_branch(host)) is None:
        return "No proposal is open: starting from what the default branch has."
    sha = remote.fetch(f"refs/heads/{branch}")
    paths = sorted({*remote.list_files(sha)} & {*name_files(remote.folder)}) if sha else []
    for path in paths:
        target = remote.top / path
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, remote.read_file(sha, path) or b"")
    return f"Going on from the open proposal: {', '.join(paths) or 'it is empty'}."


def say(proposed: Proposed) -> str:
    """One sentence on what became of it."""
    where = f"#{proposed.number} ({proposed.url})"
    return {
        "nothing": "Nothing has changed: the default branch has this dataset already.",
        "unchanged": f"Nothing has changed: {where} proposes this dataset already.",
        "opened": f"Opened {where}.",
        "updated": f"Updated {where}.",
        "closed": f"Closed {where}: the default branch has this dataset already.",
    }[proposed.done]


def get_default_branch(host: Host) -> str:
    """The branch that proposals are made to."""
    branch: str = patiently(lambda: host.get(f"/repos/{host.repo}"))[1]["default_branch"]
    return branch


def is_current(remote: GitRemote, sha: str, head: str, files: Mapping[str, bytes]) -> bool:
    """Whether a commit proposes these files, and to a base that has what HEAD has."""
    if not sha or not remote.holds(sha, files):
        return False
    parent = remote.parent(sha)
    return parent == head or remote.list_blobs(parent, files) == remote.list_blobs(head, files)


def render_texts(remote: GitRemote, head: str, proposal: Proposal) -> tuple[str, str]:
    """Title and body: what the data card says now that it did not say before."""
    before = {path: remote.read_file(head, path) or b"" for path in proposal.files}
    return render_title(before, proposal.files), render_body(before, proposal.files)


def find_pull(host: Host, branch: str, base: str) -> Any | None:
    """The open pull request from the branch."""
    owner = host.repo.partition("/")[0]
    path = f"/repos/{host.repo}/pulls"
    found = patiently(lambda: host.get(path, state="open", head=f"{owner}:{branch}", base=base))[1]
    return found[0] if found else None


def settle(host: Host, pull: Any | None, texts: dict[str, str], branch: str, base: str) -> tuple[Done, Any]:
    """Let there be one open pull request with these texts."""

    def once() -> tuple[Done, Any]:
        standing = pull or find_pull(host, branch, base)
        if standing is None:
            with explained():
                made = host.write("POST", f"/repos/{host.repo}/pulls", {**texts, "head": branch, "base": base})
            return "opened", made
        if all((standing[name] or "").replace("\r\n", "\n") == text for name, text in texts.items()):
            return "unchanged", standing
        with explained():
            return "updated", host.write("PATCH", f"/repos/{host.repo}/pulls/{standing['number']}", dict(texts))

    return patiently(once)


def close(host: Host, pull: Any, head: str) -> Proposed:
    """Close a proposal that has become empty: what it proposes must not be merged any more."""
    with explained():
        patiently(lambda: host.write("PATCH", f"/repos/{host.repo}/pulls/{pull['number']}", {"state": "closed"}))
    return Proposed("closed", head, pull["number"], pull["html_url"])


@contextmanager
def explained() -> Iterator[None]:
    """Say of a refusal what to do about it here."""
    try:
        yield
    except PermissionDenied as error:
        hint = "Give the job the permission `pull-requests: write`."
        if "not permitted to create" in error.what:
            hint = (
                "Allow it under Settings, Actions, General, Workflow permissions, or give a token of your own. "
                "The branch has been pushed: you can open the pull request by hand as well."
            )
        raise PermissionDenied(error.what, hint, error.status) from error
    except ValidationFailed as error:
        if "already exists" in error.what:  # made by the request whose answer was lost: look again
            raise HostUnavailable(error.what, "Run the command again.", error.status) from error
        raise
