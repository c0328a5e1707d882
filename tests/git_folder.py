"""A temporary git repository for tests, made by git itself and deaf to the configuration of whoever runs the tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class GitFolder:
    """A repository with one branch, `main`; with `init` false, one that is there already."""

    def __init__(self, path: Path, *arguments: str, init: bool = True) -> None:
        self.path = path
        if not init:
            return
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main", *arguments)
        self.git("config", "core.autocrlf", "false")
        self.git("config", "gc.auto", "0")

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        command = ["git", "-C", str(self.path), *arguments]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return subprocess.run(command, input=stdin, capture_output=True, check=True, env=kept | IDENTITY).stdout

    def write(self, path: str | bytes, content: bytes) -> None:
        name = os.fsdecode(path)
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_bytes(content)

    def commit(self, message: str = "A change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-F", "-", stdin=message.encode())
        return self.git("rev-parse", "HEAD").decode().strip()

    def commit_blobs(self, files: dict[str, bytes], parent: str = "") -> str:
        """A commit of exactly these files, made in one process: quick enough for property tests."""
        stream = [b"commit refs/heads/main\ncommitter Ada <ada@example.org> 1767225600 +0000\ndata 0\n"]
        stream += [f"from {parent}\n".encode()] if parent else []
        stream += [b"deleteall\n"]
        for path, content in files.items():
            stream += [f"M 100644 inline {path}\ndata {len(content)}\n".encode(), content, b"\n"]
        self.git("fast-import", "--quiet", "--force", stdin=b"".join(stream))
        return self.git("rev-parse", "main").decode().strip()

    def diff(self, base: str, head: str, *options: str) -> bytes:
        return self.git("diff", "-M", "--no-ext-diff", *options, f"{base}...{head}")
