"""The header of one file in a diff: its names, its status, its modes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from reviewer.domain import FileStatus
from reviewer.errors import SourceError

GIT: Final = "diff --git "
NO_FILE: Final = "/dev/null"
SUBMODULE_MODE: Final = "160000"
SYMLINK_MODE: Final = "120000"

FIELD = re.compile(
    r"(old mode|new mode|deleted file mode|new file mode|copy from|copy to|rename from|rename to|similarity index"
    r"|dissimilarity index|index|---|\+\+\+|Binary files|GIT binary patch)(?: (.*)|$)"
)
ESCAPE = re.compile(rb'\\([abfnrtv"\\]|[0-3]?[0-7]{1,2})')
CONTROLS: Final = dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True))


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before a file's hunks: `fields` are its lines by their first words, `end` is the index behind it."""

    path: str
    previous_path: str | None
    status: FileStatus
    fields: dict[str, str]
    end: int

    @property
    def modes(self) -> set[str]:
        """The file modes that the header names, in git's octal digits."""
        named = {self.fields.get(key, "") for key in ("old mode", "new mode", "deleted file mode", "new file mode")}
        return named | {self.fields.get("index", "").partition(" ")[2]}

    @property
    def is_submodule(self) -> bool:
        """Whether one side is a commit of another repository."""
        return SUBMODULE_MODE in self.modes

    def explain(self, *, has_hunks: bool) -> str:
        """The note on a file: why it has no hunks, or that what it has is a symlink's target."""
        reasons = (
            (self.is_submodule, "submodule"),
            ("Binary files" in self.fields or "GIT binary patch" in self.fields, "binary"),
            (SYMLINK_MODE in self.modes, "symlink"),
            (has_hunks, ""),
            (self.status in {"added", "removed"}, "empty file"),
            (self.status == "renamed", "rename only"),
            (self.status == "copied", "copy only"),
            ("new mode" in self.fields, "mode change only"),
        )
        return next((note for holds, note in reasons if holds), "no changed lines")


def read_header(lines: list[str], at: int) -> Header | None:
    """The file header that starts at line index `at`, None when none does.

    Raises:
        SourceError: The header does not tell the file's name.
    """
    if lines[at].startswith(GIT):
        names = lines[at].removeprefix(GIT)
        end = at + 1
    elif lines[at].startswith("--- ") and [line[:4] for line in lines[at + 1 : at + 3]] == ["+++ ", "@@ -"]:
        names = ""
        end = at
    else:
        return None
    fields = {}
    while end < len(lines) and (found := FIELD.match(lines[end])):
        fields[found[1]] = found[2] or ""
        end += 1
    path = choose_path(names, fields)
    if path is None:
        raise SourceError(f"Line {at + 1} of the diff does not tell the file's name: {lines[at]!r}.")
    previous = fields.get("rename from", fields.get("copy from"))
    return Header(path, previous and unquote(previous), choose_status(fields), fields, end)


def choose_status(fields: dict[str, str]) -> FileStatus:
    """What the header says has become of the file, in GitHub's words."""
    if "rename to" in fields:
        return "renamed"
    if "copy to" in fields:
        return "copied"
    if "new file mode" in fields or fields.get("---", "").startswith(NO_FILE):
        return "added"
    if "deleted file mode" in fields or fields.get("+++", "").startswith(NO_FILE):
        return "removed"
    return "modified"


def choose_path(names: str, fields: dict[str, str]) -> str | None:
    """The file's path without prefix, new if it was renamed; None when the header does not tell.

    The `diff --git` line names the file twice with a blank between, and a name may hold blanks: but unless the file was
    renamed, both names are equally long, so the blank in the middle is the right one.
    """
    renamed = fields.get("rename to", fields.get("copy to"))
    if renamed is not None:
        return unquote(renamed)
    middle = len(names) // 2
    if names[middle : middle + 1] == " ":
        path = strip_prefixes(unquote(names[:middle]), unquote(names[middle + 1 :]))
        if path is not None:
            return path
    if "---" not in fields or "+++" not in fields:
        return None
    source, target = (unquote(fields[key].partition("\t")[0]) for key in ("---", "+++"))
    if target == NO_FILE:
        return source.removeprefix("a/")
    common = None if source == NO_FILE else strip_prefixes(source, target)
    return target.removeprefix("b/") if common is None else common


def strip_prefixes(source: str, target: str) -> str | None:
    """The path in `a/path` and `b/path`, or with any other two prefixes, or with none; None when the paths differ."""
    if source == target:
        return source
    path = source.partition("/")[2]
    return path if path and path == target.partition("/")[2] else None


def unquote(name: str) -> str:
    r"""A name as it is, from git's C-style quotes: `"\303\274\t"` is u-umlaut and a tab. Unquoted names stay."""
    if len(name) < 2 or not name.startswith('"') or not name.endswith('"'):  # noqa: PLR2004 - two quotes
        return name
    return ESCAPE.sub(unescape, name[1:-1].encode("utf-8", "replace")).decode("utf-8", "replace")


def unescape(found: re.Match[bytes]) -> bytes:
    """One escaped byte."""
    code = found[1]
    if code.isdigit():
        return bytes([int(code, 8)])
    return bytes([CONTROLS.get(code[0], code[0])])
