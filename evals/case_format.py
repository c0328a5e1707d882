"""What a case file says: the parts of its TOML. docs/cases.md describes them for people who write one."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

FAULTS: Final = (
    "null-dereference",
    "off-by-one",
    "missing-await",
    "sql-injection",
    "swallowed-exception",
    "resource-leak",
    "race",
    "wrong-comparison",
    "secret-in-code",
    "missing-test",
)
"""The classes of planted faults."""


class FileText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a change. `lines` are those of a diff, but a hunk's head is `@@ FIRST SECTION`: lengths are counted.

    FIRST is the number of the first line in the old file, in the new one for an added file.
    """

    path: str
    lines: str
    status: Literal["added", "modified", "removed"] = "modified"
    only_in: Literal["both", "clean", "faulty"] = "both"


class Patch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of GitHub's list of the files of a pull request. Without `patch`, GitHub left it out."""

    filename: str
    status: str = "modified"
    patch: str | None = None
    previous_filename: str | None = None
    changes: int | None = None


class Repeat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Added files that are too large to store: `lines` again and again; `{file}` and `{time}` become numbers."""

    path: str
    lines: str
    files: int = 1
    times: int = 1


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    r"""A pull request: its text, and exactly one of `diff`, `files`, `patches` and `repeat`.

    With `escapes`, `\uXXXX` in the code stands for that character, so that one sees it in the file; also for a lone
    surrogate, which no file can hold. `encoding` is how the bytes of the diff are written.
    """

    diff: str = ""
    files: tuple[FileText, ...] = ()
    patches: tuple[Patch, ...] = ()
    repeat: Repeat | None = None
    escapes: bool = False
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    title: str = "Change things"
    body: str = ""
    author: str = "alice"
    number: int = 7


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must be so with each of the fake models. Lines are `PATH ID`, as `src/a.py R12`."""

    status: Literal["reviewed", "partial", "not-reviewed"] | None = None
    """With a model that finds nothing."""
    asked: int | None = None
    """Pieces that the model is asked about."""
    at_least_asked: int | None = None
    skipped: dict[str, str] = {}
    """Paths and why each is left out."""
    over_budget: bool = False
    """Some pieces are left out for the token budget."""
    previous: dict[str, str] = {}
    changed: dict[str, str] = {}
    """Paths, and the ids of their changed lines in the order of the diff."""
    shown: tuple[str, ...] = ()
    """Texts that a prompt's piece holds."""
    first: str = ""
    """A text that the piece asked about first holds."""
    hidden: tuple[str, ...] = ()
    """Texts that no prompt holds anywhere."""
    flagged: tuple[str, ...] = ()
    """Lines on which the rule against hidden characters comments; no others."""
    everywhere: tuple[str, ...] | None = None
    """The only lines on which the model that comments everywhere comments, inline or in the summary."""
    kept: tuple[str, ...] = ()
    """Lines of `now` on which comments made before still stand."""
    gone: tuple[str, ...] = ()
    """Lines of the change before whose comments cannot stand any more."""


class FailureMode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change that breaks reviewers. `now`: the pull request as it is when the review is posted."""

    kind: str
    about: str
    change: Change
    expect: Expect
    now: Change | None = None
    name: str = ""


class Rewrite(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"with_": "with"}):
    """Each `replace` in the code becomes `with`."""

    replace: str
    with_: str
    path: str = ""
    """Only in this file; empty for all."""


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is different the second time; nothing: the same change again."""

    title: str | None = None
    body: str | None = None
    author: str | None = None
    number: int | None = None
    rewrite: tuple[Rewrite, ...] = ()
    order: Literal["as-is", "files-reversed", "hunks-reversed"] = "as-is"


class Invariance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change and a variant that the same model must judge alike.

    `prompts`: `identical` byte for byte and in order; or the same `pieces`, in any order; or `different`.
    """

    kind: str
    about: str
    change: Change
    variant: Variant
    prompts: Literal["identical", "pieces", "different"]
    watch: str = ""
    """Judged by the comments on this file alone; empty for all."""
    name: str = ""


class Plant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fault: `clean` becomes `faulty` in `path`. `line` is the text of the line that is to blame.

    Without `clean`, the fault is what `only_in` says of the files.
    """

    path: str
    line: str
    clean: str = ""
    faulty: str = ""
    clean_line: str = ""
    """The line at the same place of the clean version, where it is another one."""


class DirectionalCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change in two versions, one with a fault. `says` is what a good reviewer would write: for readers only."""

    kind: str
    about: str
    language: str
    says: str
    change: Change
    plant: Plant
    name: str = ""


Case = FailureMode | Invariance | DirectionalCase
"""Any case."""
