"""One bare git repository that holds a repository and all its forks: commits in, trees, blobs and diffs out."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "PATH": os.environ.get("PATH", os.defpath),
}
CONFIG = """\
[core]
\trepositoryformatversion = 0
\tbare = true
[gc]
\tauto = 0
[fastimport]
\tunpackLimit = 0
"""
"""What makes a folder a bare repository. Refs stay files of their own, and a commit is one pack, not a file for each
object: quicker to write and to remove."""
NOT_PLAIN = frozenset("~^:@{}*?[\\\0")
"""What a revision has that is more than the name of a ref."""
PULL_REF = re.compile(r"refs/pull/\d+/head")


@dataclass(frozen=True, slots=True)
class Executable:
    """A file with mode 100755."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Symlink:
    """A symbolic link."""

    target: str


@dataclass(frozen=True, slots=True)
class Submodule:
    """A commit of another repository."""

    sha: str


Content = str | bytes | Executable | Symlink | Submodule | None
"""What a test says a path holds. None deletes it."""
Files = Mapping[str, Content]
Change = tuple[str, str, str, str, str, str | None]
"""Status letter, old mode, new mode, new blob, path and previous path of a changed file."""
LineCounts = tuple[int | None, int | None]
"""Added and deleted lines of a changed file, None for a binary one."""


class GitError(Exception):
    """Git refused. The text is its standard error."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One line of `git ls-tree`. `size` is in bytes, None for trees and submodules."""

    mode: str
    kind: str
    sha: str
    size: int | None
    path: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit's header and message. `date` is in seconds since 1970."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: str
    email: str
    date: int
    message: str


class GitStore:
    """A bare repository in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.memory: dict[tuple[str, ...], bytes] = {}
        self.commits: set[str] = set()
        for name in ("objects", "refs"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "HEAD").write_text("ref: refs/heads/main\n", "utf-8")
        (folder / "config").write_text(CONFIG, "utf-8")

    def run(self, *arguments: str, stdin: bytes = b"", ok: tuple[int, ...] = (0,)) -> bytes:
        """Standard output of one git command."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=ENVIRONMENT, input=stdin, capture_output=True, check=False
        )
        if done.returncode not in ok:
            raise GitError(f"git {' '.join(arguments)}: {done.stderr.decode('utf-8', 'replace').strip()}")
        return done.stdout

    def recall(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> bytes:
        """The same for a command about commits and trees by their sha: its output never changes, so it runs once."""
        if arguments not in self.memory:
            self.memory[arguments] = self.run(*arguments, ok=ok)
        return self.memory[arguments]

    def commit(self, ref: str, files: Files, message: str, *, parent: str | None, author: str, date: int) -> str:
        """Add a commit on top of `parent` and point `ref` at it."""
        stream = render_commit(ref, files, message, parent=parent, author=author, date=date)
        sha = self.run("fast-import", "--quiet", "--force", stdin=stream + b"get-mark :1\n").decode().strip()
        self.commits.add(sha)
        return sha

    def commit_pair(self, first: Files, then: Files) -> None:
        """Let `refs/pair/base` hold some files and `refs/pair/head` the same after a change, as commits of nobody."""
        base = render_commit("refs/pair/base", first, "Base", parent=None, author="nobody", date=0)
        head = render_commit("refs/pair/head", then, "Head", parent=":1", author="nobody", date=0, mark=2)
        self.run("fast-import", "--quiet", "--force", stdin=base + head)

    def commit_tree(self, tree: str, parents: Sequence[str], message: str, *, author: str, date: int) -> str:
        """A commit of a tree that is there, on no branch yet."""
        person = f"{author} <{author.replace('[bot]', '')}@users.noreply.github.com> {date} +0000"
        header = [f"tree {tree}", *(f"parent {one}" for one in parents), f"author {person}", f"committer {person}"]
        raw = "\n".join([*header, "", message, ""]).encode()
        sha = self.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw).decode().strip()
        self.commits.add(sha)
        return sha

    def merge_tree(self, one: str, other: str) -> str:
        """The tree of a merge of two commits; GitError when they conflict."""
        return self.run("merge-tree", "--write-tree", one, other).decode().split("\n")[0]

    def list_commits(self, start: str, *options: str, path: str = "") -> list[str]:
        """Commits from `start` back, newest first, with options of `git rev-list`."""
        return self.run("rev-list", *options, start, "--", *([f":(literal){path}"] if path else [])).decode().split()

    def set_ref(self, ref: str, sha: str) -> None:
        """Point a full ref name at a commit; git is asked only where it might refuse."""
        path = self.folder / ref
        if sha not in self.commits or not (PULL_REF.fullmatch(ref) or path.is_file()):
            self.run("update-ref", ref, sha)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f"{path.name}.lock")
        lock.write_text(f"{sha}\n", "utf-8")
        lock.replace(path)

    def resolve(self, revision: str) -> str | None:
        """The commit that a ref or (short) sha names, None when there is none."""
        if revision.startswith("-"):
            return None
        named = self.read_ref(revision)
        if not named or named in self.commits:
            return named or None
        out = self.run("rev-parse", "--verify", "--quiet", f"{named}^{{commit}}", ok=(0, 1, 128))
        sha = out.decode().strip()
        if sha == named:
            self.commits.add(sha)
        return sha or None

    def read_ref(self, revision: str) -> str:
        """What a full ref name names, nothing when there is no such ref, without asking git; all else as it is."""
        if not revision.startswith("refs/") or NOT_PLAIN & set(revision) or (self.folder / "packed-refs").exists():
            return revision
        try:
            content = (self.folder / revision).read_text("utf-8").strip()
        except (OSError, ValueError):
            return ""
        return revision if content.startswith("ref:") else content

    def merge_base(self, one: str, other: str) -> str:
        """The best common ancestor; the first commit itself when the histories have nothing in common."""
        return self.recall("merge-base", one, other, ok=(0, 1)).decode().strip() or one

    def diff(self, base: str, head: str, *paths: str) -> bytes:
        """The patch between two trees, as GitHub shows it: three lines of context, renames found."""
        return self.recall("diff", "--no-color", "--no-ext-diff", "-M", base, head, "--", *paths)

    def list_changes(self, base: str, head: str) -> tuple[list[Change], list[LineCounts]]:
        """Each changed file, and how many of its lines."""
        fields = self.recall("diff", "--raw", "--numstat", "--no-abbrev", "-M", "-z", base, head).split(b"\0")[:-1]
        changes: list[Change] = []
        position = 0
        while position < len(fields) and fields[position].startswith(b":"):
            old_mode, new_mode, _old, new, status = fields[position].decode().lstrip(":").split(" ")
            first = decode(fields[position + 1])
            renamed = status[0] in "RC"
            path = decode(fields[position + 2]) if renamed else first
            changes.append((status[0], old_mode, new_mode, new, path, first if renamed else None))
            position += 3 if renamed else 2
        return changes, parse_numstat(iter(fields[position:]))

    def commits_between(self, base: str, head: str) -> list[str]:
        """Commits of `head` that `base` does not have, oldest first."""
        return self.recall("rev-list", "--reverse", "--topo-order", f"{base}..{head}").decode().split()

    def read_commit(self, sha: str) -> Commit:
        """Header and message of one commit."""
        out = self.recall("show", "-s", "--no-color", "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%B", sha)
        full, tree, parents, author, email, date, message = out.decode("utf-8", "replace").split("\0", 6)
        return Commit(full, tree, tuple(parents.split()), author, email, int(date), message.rstrip("\n"))

    def list_tree(self, tree: str, *, recursive: bool = False) -> list[TreeEntry]:
        """The entries of a tree; with `recursive` also those of its folders, each with its full path."""
        flags = ["-r", "-t"] if recursive else []
        entries = []
        for line in self.recall("ls-tree", "-z", "-l", *flags, tree).split(b"\0")[:-1]:
            header, path = line.split(b"\t", 1)
            mode, kind, sha, size = header.decode().split()
            entries.append(TreeEntry(mode, kind, sha, None if size == "-" else int(size), decode(path)))
        return entries

    def kind(self, sha: str) -> str | None:
        """`blob`, `tree` or `commit`; None when there is no such object."""
        if sha.startswith("-"):
            return None
        out = self.run("cat-file", "--batch-check=%(objecttype)", stdin=sha.encode() + b"\n").decode().strip()
        return out if out in ("blob", "tree", "commit") else None

    def read_blob(self, sha: str) -> bytes:
        """The bytes of a file."""
        return self.run("cat-file", "blob", sha)


def parse_numstat(fields: Iterator[bytes]) -> list[LineCounts]:
    """Added and deleted lines of each changed file."""
    counts: list[LineCounts] = []
    for field in fields:
        added, removed, path = field.split(b"\t", 2)
        counts.append((None, None) if added == b"-" else (int(added), int(removed)))
        if not path:  # a rename: both names follow on their own
            next(fields)
            next(fields)
    return counts


def decode(path: bytes) -> str:
    """A path as text that keeps every byte."""
    return path.decode("utf-8", "surrogateescape")


def quote(path: str) -> bytes:
    """A path in fast-import's C quotes."""
    escapes = {ord('"'): b'\\"', ord("\\"): b"\\\\", ord("\n"): b"\\n"}
    return b'"' + b"".join(escapes.get(byte, bytes([byte])) for byte in path.encode("utf-8", "surrogateescape")) + b'"'


def data(content: bytes) -> bytes:
    """Fast-import's counted bytes."""
    return b"data %d\n%s\n" % (len(content), content)


def render_commit(
    ref: str, files: Files, message: str, *, parent: str | None, author: str, date: int, mark: int = 1
) -> bytes:
    """Fast-import's commands for one commit. `parent` is a sha, or the mark of a commit before it."""
    name = author.encode()
    stream = [
        b"commit %s\nmark :%d\n" % (ref.encode(), mark),
        b"committer %s <%s@users.noreply.github.com> %d +0000\n" % (name, name.replace(b"[bot]", b""), date),
        data(message.encode("utf-8", "replace")),
    ]
    if parent:
        stream.append(b"from %s\n" % parent.encode())
    return b"".join([*stream, *(change(path, content) for path, content in files.items())])


def change(path: str, content: Content) -> bytes:
    """Fast-import's command for one path."""
    name = quote(path)
    match content:
        case None:
            return b"D %s\n" % name
        case Executable(bytes_):
            return b"M 100755 inline %s\n%s" % (name, data(bytes_))
        case Symlink(target):
            return b"M 120000 inline %s\n%s" % (name, data(target.encode()))
        case Submodule(sha):
            return b"M 160000 %s %s\n" % (sha.encode(), name)
        case str() | bytes():
            raw = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
            return b"M 100644 inline %s\n%s" % (name, data(raw))
