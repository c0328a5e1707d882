"""Pull requests made to size: as two commits in git, as a patch, and as a scenario of the GitHub stand-in."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.git_folder import GitFolder

Ranges = dict[str, list[tuple[int, int]]]
"""By path: the first line and the line after the last one of pieces of the new file, in order."""

PATHS = (
    *("src/area_{a}/part_{n}.py", "src/area_{a}/view_{n}.ts", "src/area_{a}/store_{n}.go", "lib/area_{a}/{n}.c"),
    *("src/area_{a}/model_{n}.py", "tests/area_{a}/test_{n}.py", "config/area_{a}/{n}.yaml", "docs/area_{a}/{n}.md"),
    *("src/area_{a}/Main{n}.java", "vendor/area_{a}/{n}.js"),
)
GUIDELINES = {
    "CONTRIBUTING.md": "# Contributing\n\n" + "".join(f"- Rule {n}: check what call_{n} returns.\n" for n in range(80)),
    ".editorconfig": "root = true\n[*]\nindent_style = space\n",
    "pyproject.toml": "[tool.ruff]\nline-length = 100\nselect = ['ALL']\n",
}
HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Change:
    """A made pull request: all files before it, and the changed ones after it."""

    before: Mapping[str, str]
    after: Mapping[str, str]

    def scenario(self, name: str, pulls: int) -> dict[str, Any]:
        """For the GitHub stand-in: a repository with so many pull requests, each of this change."""
        opened = [
            {"do": "open_pull_request", "repo": name, "branch": f"topic-{number}", "files": dict(self.after)}
            for number in range(1, pulls + 1)
        ]
        created = {"do": "create_repo", "name": name, "files": dict(self.before)}
        return {"switches": {"check_contract": False}, "steps": [created, *opened]}

    def save_scenario(self, path: Path, name: str, pulls: int) -> Path:
        """The scenario in a file."""
        path.write_text(json.dumps(self.scenario(name, pulls)), encoding="utf-8")
        return path


def make_change(files: int, lines: int) -> Change:
    """A change of so many files and, over all of them, so many changed lines: two hunks in each file.

    Two fifths of the lines are replacements, the rest is added. A tenth of the files is vendored: not to be reviewed.
    """
    before, after = dict(GUIDELINES), {}
    share, rest = divmod(lines, files)
    for number in range(files):
        path = PATHS[number % len(PATHS)].format(a=number % 40, n=number)
        changed = share + (number < rest)
        replaced = changed // 5
        old = [f"    value_{line} = compute({number}, {line}, limit=10)\n" for line in range(replaced + 30)]
        new = [f"    result_{line} = measure(area, {line * 7}, retries={number % 5})\n" for line in range(replaced)]
        added = [f"    check_{line}(result_{line}, strict=True)\n" for line in range(changed - 2 * replaced)]
        before[path] = "".join(old)
        after[path] = "".join([*old[:5], *new, *old[5 + replaced : -5], *added, *old[-5:]])
    return Change(before, after)


@dataclass(frozen=True, slots=True)
class MadeRange:
    """The change in git: a folder and two commits, the patch between them, and where its hunks are."""

    folder: Path
    base: str
    head: str
    patch: Path
    hunks: Ranges


def save_range(change: Change, folder: Path) -> MadeRange:
    """Commit the change to a new repository in the folder."""
    repository = GitFolder(folder / "repository")
    before = {path: text.encode() for path, text in change.before.items()}
    base = repository.commit_blobs(before)
    head = repository.commit_blobs(before | {path: text.encode() for path, text in change.after.items()}, base)
    patch = folder / "change.diff"
    patch.write_bytes(repository.diff(base, head))
    with patch.open(encoding="utf-8") as lines:
        return MadeRange(repository.path, base, head, patch, read_hunks(lines))


def read_hunks(lines: Iterable[str]) -> Ranges:
    """Where the hunks of a made patch are, read independently of the reviewer."""
    hunks: Ranges = defaultdict(list)
    path = ""
    for line in lines:
        if line.startswith("+++ b/"):
            path = line[6:].rstrip("\n")
        elif found := HUNK.match(line):
            start = int(found[1])
            hunks[path].append((start, start + int(found[2] or 1)))
    return dict(hunks)


def read_coverage(review: Path) -> tuple[Ranges, set[str]]:
    """The lines that a review accounts for, pieces that touch put together, and the states that it names."""
    entries = json.loads(review.read_text(encoding="utf-8"))["coverage"]
    pieces: Ranges = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: (entry["path"], entry["first_line"])):
        ranges = pieces[entry["path"]]
        if ranges and ranges[-1][1] == entry["first_line"]:
            ranges[-1] = (ranges[-1][0], entry["last_line"] + 1)
        else:
            ranges.append((entry["first_line"], entry["last_line"] + 1))
    return dict(pieces), {entry["state"] for entry in entries}
