"""Pull requests that no server knows: a local git range, what is staged, a patch."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from reviewer.diff import parse_diff
from reviewer.diff_hunks import MAKE_ONE
from reviewer.domain import ChangedFile, PullRequest
from reviewer.errors import SourceError
from reviewer.git_repository import BIG_BLOB, GitRepository

MAX_SECTION_BYTES: Final = 4_000_000
"""Of one file's part of git's diff. The rest of a longer one is read past and its file has no hunks."""
MAX_DIFF_BYTES: Final = 32_000_000
"""Of all parts together, and of a patch."""
MAX_COMMITS: Final = 250
"""As many as GitHub lists of a pull request."""

DIFF_OPTIONS: Final = (
    *("-r", "--find-renames=50%", "-l1000", "--full-index", "--unified=3", "--inter-hunk-context=0"),
    *("--no-ext-diff", "--no-textconv", "--no-color", "--no-relative", "--diff-algorithm=myers", "--indent-heuristic"),
    *("--submodule=short", "--ignore-submodules=none", "--src-prefix=a/", "--dst-prefix=b/", "-O/dev/null"),
)
FILE_START: Final = b"diff --git "


def load_git_range(folder: Path, base: str, head: str = "HEAD") -> PullRequest:
    """What `head` changed since it left `base`: the diff that GitHub would show for that pull request.

    Title and body come from the commits, the repository's name from its remote or else its folder.

    Raises:
        SourceError: Not a repository, an unknown ref, no common ancestor, no change, or git is missing.
    """
    repository = GitRepository(folder)
    base_sha, head_sha = repository.resolve(base), repository.resolve(head)
    start = repository.merge_base(base_sha, head_sha)
    files = read_files(repository, "diff-tree", start, head_sha)
    if not files:
        raise SourceError(f"There is no change between {base} and {head}.", "Commit first, or review --staged.")
    title, body, author = read_commits(repository, start, head_sha)
    return PullRequest(choose_name(repository), 0, title, body, author, base_sha, head_sha, files)


def load_staged(folder: Path) -> PullRequest:
    """What is staged for the next commit. There is no head commit yet: `head_sha` is empty.

    Raises:
        SourceError: Not a repository, unresolved conflicts, nothing staged, or git is missing.
    """
    repository = GitRepository(folder)
    if repository.read("ls-files", "--unmerged", "-z"):
        raise SourceError("There are unresolved merge conflicts.", "Resolve and stage them first.")
    born = repository.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")[0] == 0
    base_sha = repository.resolve("HEAD") if born else ""
    base = base_sha or repository.read("hash-object", "-t", "tree", "--stdin").decode().strip()
    files = read_files(repository, "diff-index", "--cached", "--ita-invisible-in-index", base)
    if not files:
        raise SourceError("Nothing is staged.", "Stage something with git add, or name a range with --base.")
    return PullRequest(choose_name(repository), 0, "", "", "", base_sha, "", files)


def load_patch(source: str, stdin: IO[bytes] | None = None) -> PullRequest:
    """A patch from a file, or from standard input when `source` is `-`. No shas, number 0, `repo` is `patch`.

    UTF-16 with a byte order mark is read too: PowerShell writes `git diff > FILE` so.

    Raises:
        SourceError: No such file, not readable, larger than MAX_DIFF_BYTES, empty, or no diff.
    """
    data = read_patch(source, stdin)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    if not data.strip():
        raise SourceError("The patch is empty.", MAKE_ONE)
    return PullRequest("patch", 0, "", "", "", "", "", parse_diff(data))


def read_patch(source: str, stdin: IO[bytes] | None) -> bytes:
    """The bytes of a patch, refused beyond MAX_DIFF_BYTES."""
    name = "The patch on standard input" if source == "-" else f"The patch {source}"
    try:
        if source == "-":
            data = (stdin or get_stdin()).read(MAX_DIFF_BYTES + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(MAX_DIFF_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"{name} cannot be read: {reason}.", "Check the path.") from None
    if len(data) > MAX_DIFF_BYTES:
        hint = "Leave the large files out of it, or name a range with --base and --head: that skips only those files."
        raise SourceError(f"{name} is larger than {MAX_DIFF_BYTES // 1_000_000} MB.", hint)
    return data


def get_stdin() -> IO[bytes]:
    """Standard input; a shell's `<&-` leaves none."""
    if sys.stdin is None:
        raise ValueError("it is closed")
    return sys.stdin.buffer


def read_files(repository: GitRepository, *command: str) -> tuple[ChangedFile, ...]:
    """The files of a diff command, those that are too large with a note in place of hunks."""
    parts: list[bytes] = []
    too_large: dict[str, str] = {}
    room = MAX_DIFF_BYTES
    with repository.stream(command[0], "--patch", *DIFF_OPTIONS, *command[1:]) as stream:
        for section in read_sections(stream):
            if len(section) > min(room, MAX_SECTION_BYTES):
                section = section[: section.find(b"\n@@ ") + 1]  # noqa: PLW2901 - the header stands for all of it
                limit = MAX_SECTION_BYTES if room > MAX_SECTION_BYTES else MAX_DIFF_BYTES
                note = f"diff too large: more than {limit // 1_000_000} MB"
                too_large.update((file.path, note) for file in parse_diff(section))
            parts.append(section)
            room -= len(section)
    files = parse_diff(b"".join(parts))
    if any(file.note == "binary" for file in files):
        too_large |= find_big_blobs(repository, *command)
    return tuple(replace(file, note=too_large.get(file.path, file.note)) for file in files)


def read_sections(stream: IO[bytes]) -> Iterator[bytes]:
    """The parts of git's diff, one for each file, each cut soon after MAX_SECTION_BYTES.

    In what git writes, only a file's header can begin with `diff --git`: each line of content has a mark before it.
    """
    section = bytearray()
    at_line_start = True
    while piece := stream.readline(MAX_SECTION_BYTES):
        if at_line_start and piece.startswith(FILE_START) and section:
            yield bytes(section)
            section = bytearray()
        if len(section) <= MAX_SECTION_BYTES:
            section += piece
        at_line_start = piece.endswith(b"\n")
    if section:
        yield bytes(section)


def find_big_blobs(repository: GitRepository, *command: str) -> dict[str, str]:
    """Notes for the files that git takes for binary only because they are large."""
    raw = repository.read(command[0], "--raw", "-z", *DIFF_OPTIONS, *command[1:])
    fields = iter(raw.decode("utf-8", "replace").split("\0"))
    blobs: dict[str, list[str]] = {}
    for field in fields:
        if field.startswith(":"):
            _, _, source, target, status = field.split(" ")
            paths = [next(fields) for _ in range(2 if status[0] in "RC" else 1)]
            blobs[paths[-1]] = [source, target]
    ids = "\n".join(blob for pair in blobs.values() for blob in pair)
    answers = repository.read("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=ids.encode()).decode()
    sizes = {name: int(size) for name, size in (line.split(" ", 1) for line in answers.splitlines()) if size.isdigit()}
    largest = {path: max(sizes.get(blob, 0) for blob in pair) for path, pair in blobs.items()}
    return {path: f"diff too large: {size / 1e6:.0f} MB file" for path, size in largest.items() if size >= BIG_BLOB}


def read_commits(repository: GitRepository, base: str, head: str) -> tuple[str, str, str]:
    """Title, body and author of the pull request that these commits would make.

    The title is the oldest commit's subject. The body is the only commit's own, or a list of the subjects of several.
    """
    listing = repository.read(
        *("rev-list", "--reverse", f"--max-count={MAX_COMMITS}", "--no-merges", "--encoding=UTF-8"),
        *("--format=%x00%an%x00%s%x00%b%x00", f"{base}..{head}"),
    )
    fields = listing.decode("utf-8", "replace").split("\0")
    commits = list(zip(fields[1::4], fields[2::4], fields[3::4], strict=False))
    if not commits:
        return "", "", ""
    author, title, body = commits[-1][0], commits[0][1], commits[0][2].strip()
    return title, body if len(commits) == 1 else "\n".join(f"- {subject}" for _, subject, _ in commits), author


def choose_name(repository: GitRepository) -> str:
    """`owner/name` from the address of the remote `origin` or else the first remote, or the folder's name."""
    listing = repository.run("config", "--get-regexp", r"^remote\..*\.url$")[1].decode("utf-8", "replace")
    remotes = [line.split(" ", 1) for line in listing.splitlines() if " " in line]
    for _, url in sorted(remotes, key=lambda remote: remote[0] != "remote.origin.url"):
        if found := re.search(r"(?:://[^/]+/|^[^/:]+:)(?:.*/)?([^/]+/[^/]+?)(?:\.git)?/?$", url):
            return found[1]
    folder = repository.run("rev-parse", "--show-toplevel")[1].decode("utf-8", "replace").strip()
    return Path(folder or repository.folder.absolute()).name
