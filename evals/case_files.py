"""The cases on disk: one TOML file each, in a folder for its group. docs/cases.md says how to write one.

A file that says something unknown is refused: a misspelt expectation would be one that always holds.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from evals.errors import EvalError, refuse_read
from evals.records import digest

CASES: Final = Path(__file__).with_name("cases")
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

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


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
FOLDERS: Final[dict[str, type[Case]]] = {
    "failure_modes": FailureMode,
    "invariance": Invariance,
    "directional": DirectionalCase,
}


class CaseSet(msgspec.Struct, frozen=True):
    """Cases in the order of their folders and names; `revision` stands for all that they say."""

    cases: tuple[Case, ...]
    revision: str


def load_cases(names: Collection[str] = (), folder: Path = CASES) -> CaseSet:
    """All cases, or those of these names.

    Raises:
        EvalError: A file cannot be read or says something that it must not, or there is no case of a name.
    """
    paths = [path for group in FOLDERS for path in sorted((folder / group).glob("*.toml"))]
    known = [path.stem for path in paths]
    for name in names:
        if name not in known:
            raise EvalError(f"There is no case {name!r}.", _suggest(name, known))
    if twice := sorted({name for name in known if known.count(name) > 1}):
        raise EvalError(f"Two cases are called {twice[0]!r}.", "Rename one.")
    wanted = [path for path in paths if not names or path.stem in names]
    texts = [_read(path) for path in wanted]
    cases = tuple(parse_case(text, FOLDERS[path.parent.name], path) for text, path in zip(texts, wanted, strict=True))
    return CaseSet(cases, digest("\0".join([*(path.stem for path in wanted), *texts]).encode()))


def parse_case(text: str, kind: type[Case], path: Path) -> Case:
    """A case from its file's text; its name is the file's.

    Raises:
        EvalError: It is no TOML, lacks something, says something unknown, or contradicts itself.
    """
    try:
        case = msgspec.convert(tomllib.loads(text), kind)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise EvalError(f"{path}: {error}.", "docs/cases.md says what a case file holds.") from error
    if problem := next(_problems(case, path.stem), ""):
        raise EvalError(f"{path}: {problem}.", "docs/cases.md says what a case file holds.")
    return msgspec.structs.replace(case, name=path.stem)


def unescape(text: str) -> str:
    r"""The text with each `\uXXXX` as that character."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def _problems(case: Case, name: str) -> Iterator[str]:
    changes = [case.change, *([case.now] if isinstance(case, FailureMode) and case.now else [])]
    if not _NAME.fullmatch(name):
        yield "a case's file is named by small letters, digits and hyphens"
    if case.name:
        yield "a case is named by its file"
    if not case.about.strip():
        yield "`about` is empty"
    for change in changes:
        given = [name for name in ("diff", "files", "patches", "repeat") if getattr(change, name)]
        if len(given) != 1:
            yield f"a change has one of diff, files, patches and repeat, and this has {' and '.join(given) or 'none'}"
    if isinstance(case, DirectionalCase):
        yield from _directional_problems(case)
    if isinstance(case, FailureMode) and (case.expect.kept or case.expect.gone) and case.now is None:
        yield "`kept` and `gone` need `now`"


def _directional_problems(case: DirectionalCase) -> Iterator[str]:
    if case.kind not in FAULTS:
        yield f"{case.kind!r} is no class of faults; they are {', '.join(FAULTS)}"
    files = [file for file in case.change.files if file.path == case.plant.path]
    if not files:
        yield f"the change has no `files` with the plant's path {case.plant.path!r}"
    elif case.plant.clean and (times := files[0].lines.count(case.plant.clean)) != 1:
        yield f"the plant's `clean` is found {times} times in {case.plant.path}, not once"
    elif not case.plant.clean and all(file.only_in == "both" for file in case.change.files):
        yield "nothing tells the two versions apart"
    if not case.says.strip():
        yield "`says` is empty"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise EvalError(f"{path} is no UTF-8: {error}.", "Write other bytes as escapes.") from error
    except OSError as error:
        raise refuse_read(path, error) from error


def _suggest(name: str, known: Collection[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    return f"Did you mean {' or '.join(near)}?" if near else "`glossator-eval cases` without --case runs them all."
