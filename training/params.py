"""params.yaml: what each stage does, one section a stage. DVC reruns a stage when its section changes."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from reviewer.errors import UsageError

Params = TypeVar("Params")

SECTIONS: Final = ("glossator", "collect", "align", "filter", "split", "dataset")
"""What the file may hold: the version that it was written for, and the stages that have parameters."""
COMPARE: Final = "Compare it with training/params.yaml."
QUOTE: Final = "Put the value in quotes: without them YAML takes it for a date or a number."


def load_params(path: Path | None, section: str, kind: type[Params]) -> Params:
    """A section of the file as a dataclass; the defaults without a file or a section.

    Raises:
        UsageError: The file cannot be read, it has an unknown section, or a key or a value of this one is wrong.
    """
    import yaml

    if path is None:
        return kind()
    try:
        document: Any = yaml.safe_load(path.read_text("utf-8")) or {}
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", "Give another file with --params.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date such as 2024-02-30 is a ValueError
        raise UsageError(f"{path} is not YAML: {error}.", COMPARE) from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} is no mapping of stages.", COMPARE)
    check_names(document, dict.fromkeys((*SECTIONS, section)), f"{path} has no section")
    values = document.get(section) or {}
    if not isinstance(values, dict):
        raise UsageError(f"{path}: {section} is no mapping.", COMPARE)
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type] # a dataclass, which no type says
    check_names(values, known, f"{path}: {section} has no")
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        hint = QUOTE if "`str`" in str(error) else COMPARE
        raise UsageError(f"{path}: {section}: {error}.", hint) from error


def check_names(names: Iterable[object], known: Collection[str], what: str) -> None:
    """Refuse the first name that is not known, with the one that is nearest to it."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"It knows {', '.join(known)}."
            raise UsageError(f"{what} {name!r}.", hint)
