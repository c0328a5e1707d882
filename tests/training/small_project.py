"""A folder of snapshots with what `align` and `filter` say of them, made by hand for the stages after."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.aligned import ALIGNED_SCHEMA, Aligned, AlignedComment, Anchor
from training.filtered import FILTERED_SCHEMA, Filtered, FilteredComment
from training.records import encode, save_records
from training.snapshot import Snapshot, SnapshotComment
from training.store import SnapshotStore

WORDS = ("parse", "render", "load", "save", "count", "index", "buffer", "token", "record", "stream", "ledger", "anchor")


def write_code(seed: str, lines: int = 6) -> list[str]:
    """Lines of code that no other seed shares."""
    draw = random.Random(seed)
    return [
        f"{draw.choice(WORDS)}_{draw.randrange(10**6)} = {draw.choice(WORDS)}({draw.random()})" for _ in range(lines)
    ]


def render_diff(code: list[str], path: str = "src/main.py") -> str:
    """A diff that adds the lines between two others."""
    added = "".join(f"+{line}\n" for line in code)
    return (
        f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
        f"@@ -1,2 +1,{len(code) + 2} @@ def main():\n before\n{added} after\n"
    )


def write_remark(seed: str) -> str:
    """A comment that no other seed shares."""
    draw = random.Random(seed)
    return f"Should {seed} not {draw.choice(WORDS)} the {draw.choice(WORDS)} before {draw.randrange(10**6)} of them?"


class SmallProject:
    """Add pull requests, then `save`. Each has one hunk, and a comment on its second line unless that is empty.

    The comment is made on the head commit: nothing is pushed after it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = SnapshotStore(folder / "snapshots")
        self.snapshots: dict[tuple[str, int], Snapshot] = {}

    def add(
        self,
        repo: str,
        number: int,
        created_at: str = "2024-05-01T00:00:00Z",
        *,
        code: list[str] | None = None,
        remark: str | None = None,
        comment_id: int = 0,
        said_at: str = "",
        **fields: Any,
    ) -> Snapshot:
        seed = f"{repo}#{number}"
        body = write_remark(seed) if remark is None else remark
        comment_id = comment_id or 1000 * (len(self.snapshots) + 1)
        head = fields.get("head_sha", f"{len(self.snapshots):040x}")
        said = SnapshotComment(comment_id, "src/main.py", body, said_at or created_at, "user-reviewer", "User")
        comment = replace(said, line=3, original_commit_id=head)
        values: dict[str, Any] = {
            "created_at": created_at,
            "head_sha": head,
            "diff": render_diff(write_code(seed) if code is None else code),
            "comments": (comment,) if body else (),
            "license": "MIT",
            "merged": True,
        }
        snapshot = Snapshot(repo, number, **(values | fields))
        self.snapshots[snapshot.key] = snapshot
        return snapshot

    def save(self) -> None:
        for snapshot in self.snapshots.values():
            self.store.save(snapshot)
        ordered = [self.snapshots[key] for key in sorted(self.snapshots)]
        save_records(self.folder / "aligned", ALIGNED_SCHEMA, (encode(_align(snapshot)) for snapshot in ordered))
        save_records(self.folder / "filtered", FILTERED_SCHEMA, (encode(_filter(snapshot)) for snapshot in ordered))


def _align(snapshot: Snapshot) -> Aligned:
    lines = (snapshot.diff or "").split("\n")
    text = lines[6][1:] if len(lines) > 6 else ""
    anchor = Anchor("src/main.py", "RIGHT", 3, None, "+", text)
    return Aligned(
        snapshot.repo,
        snapshot.number,
        tuple(AlignedComment(each.id, each.id, "exact", "", anchor, anchor) for each in snapshot.comments),
    )


def _filter(snapshot: Snapshot) -> Filtered:
    kept = tuple(FilteredComment(each.id, body=each.body, quality=0.5) for each in snapshot.comments)
    return Filtered(snapshot.repo, snapshot.number, kept, "" if snapshot.license else "license")
