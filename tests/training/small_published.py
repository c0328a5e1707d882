"""A small published file: five repositories with reviews of every kind that the stages must tell apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.training.small_project import write_code

REMARKS = (
    "`{name}` may return None when the file is missing, so this should check for it before it reads the first line.",
    "Could you use `{name}` here instead of the loop? It already skips the empty rows, and it is tested.",
    "This lock is taken before `{name}` and released only when nothing goes wrong; please use a `with` block.",
    "The name `{name}` says bytes, but the value is in characters. Rename it, or encode the text first.",
    "`{name}` is called once for every row. Move it out of the loop, it is the same for all of them.",
)
"""Remarks as people make them. The names in them differ so much that no two are nearly the same."""


def render_file(path: str, code: list[str], at: int = 10) -> str:
    """One file of a diff that adds lines to a function, below line `at`."""
    added = "".join(f"+    {line}\n" for line in code)
    return (
        f"diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n+++ b/{path}\n"
        f"@@ -{at},2 +{at},{len(code) + 2} @@ def main():\n     first = 1\n{added}     return first\n"
    )


def hunk_of(file: str, line: int) -> str:
    """What GitHub shows with a comment: the hunk down to the commented line, which is `line` lines below its header."""
    header = next(text for text in file.split("\n") if text.startswith("@@"))
    body = file.split("\n")[file.split("\n").index(header) + 1 :]
    return "\n".join([header, *body[:line]])


def write_pull(
    repo: str, number: int, created_at: str, *, remark: str = "", code: list[str] | None = None, complete: bool = True
) -> dict[str, Any]:
    """A row of a whole pull request: two files, a remark on the third line of the first one's hunk, and a reply."""
    seed = f"{repo}#{number}"
    first = render_file("src/first.py", code or write_code(f"{seed} first"))
    second = render_file("src/second.py", write_code(f"{seed} second"), at=40)
    asked = comment_id(repo, number)
    comments = []
    if remark:
        comments = [
            write_comment(asked, remark, "user-reviewer", created_at, first),
            write_comment(asked + 1, "Done, thanks!", "user-author", created_at, first) | {"in_reply_to": asked},
        ]
    return {
        "source": "demo", "license": "MIT", "repo": repo, "number": number, "title": f"Change {seed}", "body": "",
        "language": "Python", "base_sha": "b" * 40, "head_sha": f"{asked:040x}", "diff": first + second,
        "comments": comments, "author": "user-author", "created_at": created_at, "merged": True, "snapshot": "final",
        "comments_complete": complete,
    }  # fmt: skip


def write_comment(number: int, body: str, author: str, created_at: str, file: str) -> dict[str, Any]:
    """A comment on the third line of a file's hunk."""
    return {
        "id": number, "path": "src/first.py", "line": 12, "side": "RIGHT", "start_line": None, "body": body,
        "author": author, "author_is_bot": False, "in_reply_to": None, "created_at": created_at,
        "diff_hunk": hunk_of(file, 3), "anchor": "exact", "original_line": 12, "original_commit_id": "c" * 40,
        "ai_suspected": False,
    }  # fmt: skip


def comment_id(repo: str, number: int) -> int:
    """The id of the remark on a pull request."""
    return 1_000_000 + 10 * (sum(repo.encode()) * 100 + number)


def write_pair(repo: str, number: int, created_at: str, remark: str) -> dict[str, Any]:
    """A row of a hunk and what was said of its last line."""
    file = render_file("src/only.py", write_code(f"{repo}#{number} pair"))
    return {
        "source": "demo", "license_hint": "MIT", "repo": repo, "number": number, "path": "src/only.py",
        "language": "Python", "hunk": hunk_of(file, 4), "line": 13, "side": "RIGHT", "comment": remark,
        "author": "user-reviewer", "author_is_bot": False, "comment_id": comment_id(repo, number),
        "created_at": created_at, "anchor_type": "+", "replies": [], "duplicate_of": None, "ai_suspected": False,
    }  # fmt: skip


def write_published(path: Path) -> Path:
    """Write the file. Of octo/alpha#5 and octo/gamma#1 the first hunk is nearly the same."""
    shared = write_code("shared", 9)
    remarks = [
        remark.format(name=write_code(f"remark {at}", 1)[0].split(" ")[0]) for at, remark in enumerate(REMARKS * 2)
    ]
    rows = [
        write_pull("octo/alpha", 1, "2023-01-01T00:00:00Z", remark=remarks[0]),
        write_pull("octo/alpha", 2, "2023-02-01T00:00:00Z", remark="LGTM"),
        write_pull("octo/alpha", 3, "2023-03-01T00:00:00Z"),
        write_pull("octo/alpha", 4, "2024-04-01T00:00:00Z", remark=remarks[1]),
        write_pull("octo/alpha", 5, "2023-05-01T00:00:00Z", code=[*shared, "extra = 1"]),
        write_pull("octo/beta", 1, "2023-06-01T00:00:00Z", remark=remarks[2]),
        write_pull("octo/gamma", 1, "2023-07-01T00:00:00Z", remark=remarks[3], code=shared),
        write_pull("octo/delta", 1, "2023-08-01T00:00:00Z", remark=remarks[4], complete=False),
        write_pair("octo/epsilon", 1, "2023-09-01T00:00:00Z", "Why is `ledger_index` read twice? Keep the first."),
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
