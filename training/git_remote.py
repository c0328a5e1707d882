"""A checkout and its remote: read, commit and push without touching the working tree.

The token is never part of a command line or an address: git takes it from the environment, and only for the server that
it belongs to.
"""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reviewer.errors import HostError, HostUnavailable, PermissionDenied, SourceError
from reviewer.git_repository import OPTIONS, GitRepository
from reviewer.inert import inert_line

TIMEOUT: Final = 300.0
"""Seconds that one exchange with the remote may take."""
SHA1_DIGITS: Final = 40
IDENTITY: Final = {
    "NAME": "github-actions[bot]",
    "EMAIL": "41898282+github-actions[bot]@users.noreply.github.com",
}
"""Whom GitHub shows as the author of what a job commits."""
DENIED: Final = (
    *("returned error: 403", "returned error: 401", "Permission to", "Permission denied", "Authentication failed"),
    *("could not read Username", "unable to write", "Write access"),
)
PROTECTED: Final = ("GH006", "GH013", "protected branch", "rule violations")
MOVED: Final = ("stale info", "fetch first", "cannot lock ref", "incorrect old value")


@dataclass(frozen=True, slots=True)
class GitRemote:
    """The repository that holds `folder`, and the remote that it came from."""

    folder: Path
    token: str = ""
    server_url: str = "https://github.com"
    """The only server that is shown the token."""
    name: str = "origin"

    @property
    def repository(self) -> GitRepository:
        """The same, for reading."""
        return GitRepository(self.folder)

    @property
    def top(self) -> Path:
        """The top of the working tree."""
        return Path(os.fsdecode(self.repository.read("rev-parse", "--show-toplevel").removesuffix(b"\n")))

    def fetch(self, ref: str) -> str:
        """Fetch what a full ref name stands for on the remote; its commit, or nothing when there is no such ref."""
        found = self._talk("ls-remote", "--quiet", self.name, ref).decode("utf-8", "replace").splitlines()
        sha = next((line.split("\t")[0] for line in found if line.endswith(f"\t{ref}")), "")
        if sha and self.repository.run("cat-file", "-e", sha)[0]:
            self._fetch(ref)
        return sha

    def fetch_commit(self, revision: str) -> str:
        """The full id of a commit, which may be on the remote alone; then it must be given in full.

        Raises:
            HostError: Nobody knows it.
        """
        for attempt in range(2):
            code, out, _ = self.repository.run("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
            if code == 0:
                return out.decode().strip()
            if not attempt:
                self._fetch(revision)
        raise HostError(f"There is no commit {revision!r}.", "Give what `glossator-train propose` has printed.")

    def _fetch(self, ref: str) -> None:
        """In a shallow clone the commit and its parent, all that is needed; a full clone must not become shallow."""
        shallow = self.repository.read("rev-parse", "--is-shallow-repository").strip() == b"true"
        depth = ("--depth=2",) if shallow else ()
        self._talk("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", *depth, "--end-of-options", self.name, ref)

    def push(self, sha: str, ref: str, before: str) -> None:
        """Let a full ref name stand for a commit, if it still stands for `before`; empty: if there is none.

        Raises:
            PermissionDenied: The token may not push, or the ref is protected.
            HostError: Somebody else has moved it, or git failed.
        """
        self._talk("push", "--quiet", "--no-verify", f"--force-with-lease={ref}:{before}", self.name, f"{sha}:{ref}")

    def commit(self, files: Mapping[str, bytes], parent: str, message: str) -> str:
        """A commit that differs from its parent in these files alone. Nothing points to it yet."""
        with tempfile.TemporaryDirectory() as scratch:
            index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            self._run(("read-tree", parent), index)
            rows = (b"100644 %s\t%s\0" % (blob.encode(), path.encode()) for path, blob in self._store(files))
            self._run(("update-index", "-z", "--index-info"), index, b"".join(rows))
            tree = self._run(("write-tree",), index).decode().strip()
        identity = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in IDENTITY.items()}
        return self._run(("commit-tree", tree, "-p", parent), identity, message.encode()).decode().strip()

    def _store(self, files: Mapping[str, bytes]) -> Iterable[tuple[str, str]]:
        for path, content in files.items():
            yield path, self._run(("hash-object", "-w", "--stdin"), {}, content).decode().strip()

    def read_file(self, sha: str, path: str) -> bytes | None:
        """A file of a commit; None when it is not there."""
        code, out, _ = self.repository.run("cat-file", "blob", f"{sha}:{path}")
        return out if code == 0 else None

    def list_files(self, sha: str) -> list[str]:
        """The files of a commit below the folder, by their paths in the repository."""
        listing = self.repository.read("ls-tree", "-r", "-z", "--name-only", "--full-name", sha)
        return [path for path in listing.decode("utf-8", "surrogateescape").split("\0") if path]

    def list_blobs(self, sha: str, paths: Iterable[str]) -> dict[str, str]:
        """The ids of those of the files that a commit has, by their paths in the repository."""
        listing = self.repository.read("ls-tree", "-z", "--full-tree", sha, "--", *paths)
        entries = (entry.partition("\t") for entry in listing.decode("utf-8", "surrogateescape").split("\0") if entry)
        return {path: meta.split(" ")[2] for meta, _, path in entries}

    def holds(self, sha: str, files: Mapping[str, bytes]) -> bool:
        """Whether a commit has all these files as they are here."""
        found = self.list_blobs(sha, files)
        return found == {path: blob_id(content, sha) for path, content in files.items()}

    def parent(self, sha: str) -> str:
        """The first parent of a commit, empty when it has none or is not here."""
        code, out, _ = self.repository.run("rev-parse", "--verify", "--quiet", f"{sha}^")
        return out.decode().strip() if code == 0 else ""

    def _talk(self, *arguments: str) -> bytes:
        return self._run(arguments, self._credentials())

    def _credentials(self) -> dict[str, str]:
        """Settings for git by way of the environment, which other users of the machine cannot read."""
        if not self.token:
            return {}
        key = f"http.{self.server_url.rstrip('/')}/.extraheader"
        basic = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        # The empty value takes away the header that actions/checkout may have left: git would send both.
        pairs = [(key, ""), (key, f"Authorization: Basic {basic}"), ("credential.helper", "")]
        first = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
        settings = {"GIT_CONFIG_COUNT": str(first + len(pairs))}
        for at, (name, value) in enumerate(pairs, first):
            settings |= {f"GIT_CONFIG_KEY_{at}": name, f"GIT_CONFIG_VALUE_{at}": value}
        return settings

    def _run(self, arguments: Sequence[str], environment: Mapping[str, str], stdin: bytes = b"") -> bytes:
        command = ["git", "-C", str(self.folder), *OPTIONS, *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - a list without a shell; no part of it is a stranger's
                command,
                input=stdin,
                capture_output=True,
                check=False,
                env={**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **environment},
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            raise HostUnavailable(f"git {arguments[0]} took longer than {TIMEOUT:.0f} s.", "Run it again.") from None
        except OSError as error:
            raise SourceError(f"git cannot be run: {error.strerror}.", "Install git.") from error
        if done.returncode:
            raise explain(arguments[0], done.stderr.decode("utf-8", "replace"))
        return done.stdout


def blob_id(content: bytes, like: str) -> str:
    """What git calls a file of this content, in a repository with ids like this one."""
    algorithm = "sha256" if len(like) > SHA1_DIGITS else "sha1"
    return hashlib.new(algorithm, b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()


def explain(subcommand: str, messages: str) -> HostError:
    """The error for what git and the server said."""
    lines = [line.removeprefix("remote: ").strip() for line in messages.splitlines()]
    said = inert_line(" ".join(line for line in lines if line), 400) or "it did not say why"
    if any(words in messages for words in PROTECTED):
        hint = "Take the branch out of the protection, or give a token that may push to it."
        return PermissionDenied(f"A protected branch was not updated: {said}", hint)
    if any(words in messages for words in MOVED):
        return HostError(f"Somebody else moved the branch: {said}", "Run the command again: it looks anew.")
    if any(words in messages for words in DENIED):
        hint = "Give the job the permission `contents: write`, or a token that may push, in GLOSSATOR_GITHUB_TOKEN."
        return PermissionDenied(f"git {subcommand} was refused: {said}", hint)
    return HostError(f"git {subcommand} failed: {said}", "See what git says, and run the command again.")
