"""params.yaml: what each stage does, one section a stage. DVC reruns a stage when its section changes."""

from __future__ import annotations

import difflib
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from reviewer.errors import UsageError

Params = TypeVar("Params")

COMPARE: Final = "Compare it with training/params.yaml."


def load_params(path: Path | None, section: str, kind: type[Params]) -> Params:
    """A section of the file as a dataclass; the defaults without a file or a section.

    Raises:
        UsageError: The file cannot be read, or a key or a value of the section is wrong; it says which.
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
    values = document.get(section) or {}
    if not isinstance(values, dict):
        raise UsageError(f"{path}: {section} is no mapping.", COMPARE)
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type] # a dataclass, which no type says
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"It knows {', '.join(known)}."
            raise UsageError(f"{path}: {section} has no {name!r}.", hint)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {section}: {error}.", COMPARE) from error
