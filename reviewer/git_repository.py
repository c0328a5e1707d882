"""A local git repository, read with plumbing commands only. Nothing that the repository says is ever executed.

The plumbing ignores most of the user's diff settings, and what it does read is overridden on each call. External diffs,
text conversion, hooks, file system monitors and fetches of missing objects are off, whatever configuration says.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from reviewer.errors import SourceError

BIG_BLOB: Final = 4_000_000
"""Bytes. git takes a larger file for a binary one: it shows no diff and does not read it."""
TIMEOUT: Final = 120.0
"""Seconds that one git command may take."""
UTF8_WIDTH: Final = 4
"""Bytes that a character may take."""

OPTIONS: Final = (
    "--no-pager",
    "--literal-pathspecs",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", f"core.bigFileThreshold={BIG_BLOB}"),
)
ENVIRONMENT: Final = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_ATTR_NOSYSTEM": "1",
}
DROPPED_VARIABLES: Final = ("GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS")

FAILURES: Final = {
    "not a git repository": ("{folder} is not in a git repository.", "Run this in a clone, or review a --diff FILE."),
    "cannot change to": ("{folder} is not a folder that can be read.", "Check the path."),
    "dubious ownership": (
        "{folder} belongs to another user, so git does not read it.",
        "If you trust it: git config --global --add safe.directory {folder}",
    ),
    "lazy fetching disabled|transport .* not allowed": (
        "Some files of these commits are not in this partial clone.",
        "Fetch them first: git fetch --refetch --no-filter",
    ),
}
"""git's words (patterns) to ours."""


@dataclass(frozen=True, slots=True)
class GitRepository:
    """The repository that holds `folder`."""

    folder: Path

    def read(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """What a git command writes.

        Raises:
            SourceError: git is missing, failed, or took longer than TIMEOUT.
        """
        code, out, messages = self.run(*arguments, stdin=stdin)
        if code:
            raise self.explain(messages)
        return out

    def run(self, *arguments: str, stdin: bytes = b"") -> tuple[int, bytes, str]:
        """A git command's exit code, output and messages, for those whose failure is an answer.

        Raises:
            SourceError: git is missing or took longer than TIMEOUT.
        """
        command = self.command(arguments)
        try:
            done = subprocess.run(  # noqa: S603 - a list without a shell; refs are checked before
                command, input=stdin, capture_output=True, check=False, env=environment(), timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            raise self.too_slow(arguments[0]) from None
        return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")

    @contextmanager
    def stream(self, *arguments: str, stdin: bytes = b"") -> Iterator[IO[bytes]]:
        """What a git command writes, as it comes. A reader that has enough may leave early: git is then ended.

        Raises:
            SourceError: git is missing, failed, or took longer than TIMEOUT.
        """
        command = self.command(arguments)
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as messages:
            given.write(stdin)
            given.seek(0)
            with subprocess.Popen(  # noqa: S603 - a list without a shell; refs are checked before
                command, stdin=given, stdout=subprocess.PIPE, stderr=messages, env=environment()
            ) as process:
                assert process.stdout is not None, "a pipe was asked for"
                clock = threading.Timer(TIMEOUT, process.kill)
                clock.start()
                try:
                    yield process.stdout
                finally:
                    finished = process.stdout.read(1) == b""
                    clock.cancel()
                    if not finished:
                        process.kill()
            messages.seek(0)
            if finished and process.returncode < 0:
                raise self.too_slow(arguments[0])
            if finished and process.returncode:
                raise self.explain(messages.read().decode("utf-8", "replace"))

    def command(self, arguments: tuple[str, ...]) -> list[str]:
        """The whole command line.

        Raises:
            SourceError: git is missing.
        """
        git = shutil.which("git")
        if git is None:
            raise SourceError("git was not found.", "Install git, or review a patch with --diff FILE.")
        return [git, "-C", str(self.folder), *OPTIONS, *arguments]

    def too_slow(self, subcommand: str) -> SourceError:
        """The error for a command that had to be ended."""
        what = f"git {subcommand} took longer than {TIMEOUT:.0f} s in {self.folder}."
        return SourceError(what, "Choose a smaller range, or review a --diff FILE.")

    def explain(self, messages: str) -> SourceError:
        """The error for what git said."""
        for words, (what, hint) in FAILURES.items():
            if re.search(words, messages):
                return SourceError(what.format(folder=self.folder), hint.format(folder=self.folder))
        lines = messages.strip().splitlines() or ["it did not say why"]
        return SourceError(f"git failed: {lines[0].removeprefix('fatal: ')}")

    def resolve(self, ref: str) -> str:
        """The commit that a branch, tag, id or expression such as `HEAD~2` stands for.

        Raises:
            SourceError: There is no such commit. The hint names similar branches and tags.
        """
        if ref and not ref.startswith("-") and "\0" not in ref:
            code, out, messages = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
            if code == 0:
                return out.decode().strip()
            if messages:
                raise self.explain(messages)
        raise SourceError(f"There is no commit {ref!r} in this repository.", self.suggest(ref))

    def suggest(self, ref: str) -> str:
        """A hint for a ref that does not exist."""
        shown = self.read("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes")
        names = shown.decode("utf-8", "replace").split()
        near = [name for name in names if name.endswith(f"/{ref}")] or difflib.get_close_matches(ref, names)
        if near:
            return f"Did you mean {' or '.join(near[:3])}?"
        return "Name a branch, a tag or a commit id; fetch it first if it is only on the server."

    def merge_base(self, base: str, head: str) -> str:
        """The commit where `head` left `base`; both are commit ids.

        Raises:
            SourceError: They have no common ancestor here.
        """
        code, out, messages = self.run("merge-base", base, head)
        if code == 0:
            return out.decode().split()[0]
        if messages:
            raise self.explain(messages)
        shallow = self.read("rev-parse", "--is-shallow-repository").strip() == b"true"
        hint = (
            "This clone is shallow: run `git fetch --unshallow`, or check out with fetch-depth: 0." if shallow else ""
        )
        raise SourceError("The two commits have no common ancestor.", hint or "Choose another --base.")

    def files(self, ref: str) -> GitFiles:
        """The repository's files at a ref.

        Raises:
            SourceError: There is no such ref.
        """
        return GitFiles(self, self.resolve(ref))


@dataclass(frozen=True, slots=True)
class GitFiles:
    """The files of one commit. With an empty `sha` there are none: a repository without commits."""

    repository: GitRepository
    sha: str

    def list_files(self) -> tuple[str, ...]:
        """The paths of all regular files: no symlinks, no submodules."""
        if not self.sha:
            return ()
        listing = self.repository.read("ls-tree", "-r", "-z", "--full-tree", self.sha).decode("utf-8", "replace")
        entries = (entry.partition("\t") for entry in listing.split("\0") if entry)
        return tuple(path for meta, _, path in entries if meta.startswith("100"))

    def read_file(self, path: str, limit: int) -> str | None:
        """A file's text, cut at `limit` characters; None when there is no such file, or it is binary."""
        if not self.sha or "\n" in path or path.startswith(("./", "../")):
            return None
        name = f"{self.sha}:{path}\n".encode("utf-8", "replace")
        with self.repository.stream("cat-file", "--batch", stdin=name) as blob:
            answer = blob.readline().split()
            if len(answer) != 3 or answer[1] != b"blob":  # noqa: PLR2004 - id, type, size
                return None
            data = blob.read(min(int(answer[2]), UTF8_WIDTH * limit))
        return None if b"\0" in data else data.decode("utf-8", "replace")[:limit]


def environment() -> dict[str, str]:
    """The process environment without what changes a diff or runs a program."""
    kept = {name: value for name, value in os.environ.items() if name not in DROPPED_VARIABLES}
    return kept | ENVIRONMENT
