"""One value of one setting: from text, checked against its row of the table, and the words for what does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from reviewer.errors import UsageError
from reviewer.settings_table import AUTO, Kind, Setting, Value

MAX_GLOBS = 200
MAX_TEXT = 500
"""Characters of a text, an address or a glob."""


def parse_text(setting: Setting, text: str) -> object:
    """A text as the kind of value that the setting wants, or the text itself where it is none: the check says so."""
    text = text.strip()
    if setting.kind in ("integer", "tokens"):
        return int(text) if re.fullmatch(r"[+-]?[0-9]{1,15}", text) else text
    if setting.kind == "seconds":
        return float(text) if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?", text) else text
    if setting.kind == "switch":
        return {"true": True, "false": False}.get(text.lower(), text)
    if setting.kind == "globs":
        return tuple(glob.strip() for glob in re.split(r"[,\n]", text) if glob.strip())
    return text


def check_value(setting: Setting, value: object, where: str) -> Value:
    """The value as `Settings` holds it, or UsageError that says what was given and what is expected."""
    if isinstance(value, int) and not isinstance(value, bool) and setting.kind == "seconds":
        value = float(value)
    if isinstance(value, list) and setting.kind == "globs":
        value = tuple(value)
    if not _CHECKS[setting.kind](setting, value):
        given = "" if setting.secret else f"is {describe(value)}, but "
        raise UsageError(
            f"{where}{setting.name} {given}must be {render_expected(setting)}.",
            f"For example: {setting.name}: {setting.yaml_example if where else setting.example}",
        )
    return value  # type: ignore[return-value]  # the check has just shown it


def describe(value: object) -> str:
    """A value of the wrong kind, in words that a reader of YAML knows."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {str(value)[:80]}"
    if isinstance(value, str):
        return f"the text {value[:80]!r}"
    return "a list" if isinstance(value, list | tuple) else "a mapping"


def render_expected(setting: Setting) -> str:
    """What a value of this setting has to be, to follow "must be"."""
    bounds = f"from {setting.minimum} to {setting.maximum}"
    return {
        "text": f"a text of one line, at most {setting.maximum or MAX_TEXT} characters",
        "url": "an address that starts with http:// or https://, without user name, password or spaces",
        "integer": f"a whole number {bounds}",
        "seconds": f"a number of seconds {bounds}",
        "tokens": f"auto or a whole number {bounds}",
        "switch": "true or false",
        "choice": f"one of {', '.join(setting.choices)}",
        "globs": f"a list of at most {MAX_GLOBS} globs",
    }[setting.kind]


def _is_line(setting: Setting, value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and len(value) <= (setting.maximum or MAX_TEXT)


def _is_integer(setting: Setting, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and setting.minimum <= value <= setting.maximum


def _is_url(setting: Setting, value: object) -> bool:
    if not (isinstance(value, str) and _is_line(setting, value) and " " not in value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        return False


_CHECKS: Mapping[Kind, Callable[[Setting, object], bool]] = {
    "text": _is_line,
    "url": _is_url,
    "integer": _is_integer,
    "seconds": lambda row, value: isinstance(value, float) and row.minimum <= value <= row.maximum,
    "tokens": lambda row, value: value == AUTO or _is_integer(row, value),
    "switch": lambda _, value: isinstance(value, bool),
    "choice": lambda row, value: value in row.choices,
    "globs": lambda row, value: (
        isinstance(value, tuple) and len(value) <= MAX_GLOBS and all(glob and _is_line(row, glob) for glob in value)
    ),
}
