"""A diff put together from the list of a pull request's files, for those that GitHub finds too large in one piece."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from training.snapshot import Problem

MAX_FILES = 3000
"""GitHub lists no more."""
_NAMED = 5
"""Files that a problem names."""
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def assemble_diff(files: Iterable[dict[str, Any]]) -> tuple[str, tuple[Problem, ...]]:
    """The unified diff of REST's file objects as git would write it, and what is not in it.

    A file whose changes GitHub does not show (binary, or too large) has a header and no hunk.
    """
    parts: list[str] = []
    lacking: list[str] = []
    count = 0
    for file in files:
        count += 1
        parts.append(render_file(file))
        if not file.get("patch") and (file.get("changes") or file.get("status") == "modified"):
            lacking.append(str(file["filename"]))
    problems: list[Problem] = []
    if lacking:
        more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
        named = ", ".join(lacking[:_NAMED])
        problems.append(Problem("diff", f"{len(lacking)} files without a patch (binary or too large): {named}{more}"))
    if count >= MAX_FILES:
        problems.append(Problem("diff", f"GitHub lists no more than {MAX_FILES} files"))
    return "".join(parts), tuple(problems)


def render_file(file: dict[str, Any]) -> str:
    """One file's part of the diff."""
    status, new = str(file.get("status", "modified")), str(file["filename"])
    old = str(file.get("previous_filename") or new)
    lines = [f"diff --git {_quote('a/' + old)} {_quote('b/' + new)}"]
    lines += {"added": ["new file mode 100644"], "removed": ["deleted file mode 100644"]}.get(status, [])
    if old != new:
        word = "copy" if status == "copied" else "rename"
        lines += [f"{word} from {_quote(old)}", f"{word} to {_quote(new)}"]
    if patch := file.get("patch"):
        lines.append("--- " + ("/dev/null" if status == "added" else _quote("a/" + old)))
        lines.append("+++ " + ("/dev/null" if status == "removed" else _quote("b/" + new)))
        lines.append(patch.removesuffix("\n"))
    return "\n".join(lines) + "\n"


def _quote(path: str) -> str:
    """As git does with core.quotePath off: in quotes when a character needs an escape."""
    escaped = "".join(_ESCAPES.get(char) or (f"\\{ord(char):03o}" if char < " " else char) for char in path)
    return f'"{escaped}"' if escaped != path else path
