"""The cases on disk: one TOML file each, in a folder for its group. docs/cases.md says how to write one.

A file that says something unknown is refused: a misspelt expectation would be one that always holds.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import msgspec

from evals.case_format import FAULTS, Case, DirectionalCase, FailureMode, Invariance
from evals.errors import EvalError, refuse_read
from evals.records import digest

CASES: Final = Path(__file__).with_name("cases")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


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
    if not paths:
        raise EvalError(f"There are no cases in {folder}.", f"They are TOML files in {', '.join(FOLDERS)} there.")
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
