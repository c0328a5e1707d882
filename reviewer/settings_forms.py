"""The table of settings as others want to see it: command-line options, action inputs, JSON Schema, documentation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from reviewer.settings_check import MAX_GLOBS, MAX_TEXT
from reviewer.settings_table import AUTO, BY_NAME, SHARED, TABLE, Setting

AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])


def click_options(*names: str) -> Callable[[AnyCommand], AnyCommand]:
    """Options of a command for these settings, for all of them when none is named.

    Each is None (or an empty tuple) when it is not given, so that `merge_settings` can tell. Tokens and keys are better
    given by their environment variable, which `--help` names.
    """
    chosen = [BY_NAME[name] for name in names] or TABLE

    def decorate(command: AnyCommand) -> AnyCommand:
        for setting in reversed(chosen):
            command = create_option(setting)(command)
        return command

    return decorate


def create_option(setting: Setting) -> Callable[[AnyCommand], AnyCommand]:
    """One click option. Texts are checked by `merge_settings`, so that option, input and file say the same."""
    import click

    name = f"--{setting.name}/--no-{setting.name}" if setting.kind == "switch" else f"--{setting.name}"
    kind: click.ParamType[Any] = click.Choice(setting.choices) if setting.choices else click.types.StringParamType()
    kind.envvar_list_splitter = "\n"  # type: ignore[misc]  # a glob may hold a space
    return click.option(
        name,
        type=None if setting.kind == "switch" else kind,
        default=None,
        multiple=setting.kind == "globs",
        envvar=setting.variable,
        show_envvar=setting.secret,
        metavar=None if setting.choices or setting.kind == "switch" else setting.kind.upper(),
        help=render_about(setting),
    )


def render_about(setting: Setting) -> str:
    """The help sentence and, where there is one to tell, the default."""
    default = render_default(setting)
    return f"{setting.about} Default: {default}." if default else setting.about


def render_default(setting: Setting) -> str:
    """The default in words; empty for "not set"."""
    if isinstance(setting.default, bool):
        return str(setting.default).lower()
    return f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default or "")


def render_action_inputs() -> str:
    """The `inputs:` block of action.yml. No input has a default that would hide the settings file."""
    lines = ["inputs:"]
    for setting in filter(lambda setting: setting.in_action, TABLE):
        choices = f" One of {', '.join(setting.choices)}." if setting.choices else ""
        lines += [
            f"  {setting.name}:",
            f"    description: {json.dumps(render_about(setting) + choices)}",
            "    required: false",
            f"    default: {json.dumps(setting.action_default)}",
        ]
    return "\n".join(lines) + "\n"


def render_docs_table() -> str:
    """The Markdown table of docs/settings.md."""
    rows = ["| setting | value | default | in the file | |", "| --- | --- | --- | --- | --- |"]
    for setting in TABLE:
        value = " \\| ".join(f"`{choice}`" for choice in setting.choices) or render_kind(setting)
        default = f"`{render_default(setting)}`" if render_default(setting) else ""
        rows.append(f"| `{setting.name}` | {value} | {default} | {'yes' if setting.shared else ''} | {setting.about} |")
    return "\n".join(rows) + "\n"


def render_kind(setting: Setting) -> str:
    """The kind of value, for a column of a table."""
    bounds = f"{setting.minimum} to {setting.maximum}"
    return {
        "integer": bounds,
        "seconds": f"{bounds}, in seconds",
        "tokens": f"`auto` or {bounds}",
        "switch": "`true` \\| `false`",
        "globs": "list of globs",
        "url": "address",
    }.get(setting.kind, "text")


def render_schema() -> str:
    """The JSON Schema of `.github/glossator.yml`, as the text of schemas/settings.schema.json."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Glossator settings (.github/glossator.yml)",
        "type": "object",
        "properties": {setting.name: setting_schema(setting) for setting in SHARED},
        "additionalProperties": False,
    }
    return json.dumps(schema, indent=2) + "\n"


def setting_schema(setting: Setting) -> dict[str, object]:
    """The JSON Schema of one setting's value in the file."""
    bounds = {"minimum": setting.minimum, "maximum": setting.maximum}
    default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
    about: dict[str, object] = {"description": setting.about, "default": default}
    line = {"type": "string", "maxLength": setting.maximum or MAX_TEXT}
    kinds: dict[str, dict[str, object]] = {
        "integer": {"type": "integer", **bounds},
        "seconds": {"type": "number", **bounds},
        "tokens": {"anyOf": [{"const": AUTO}, {"type": "integer", **bounds}]},
        "switch": {"type": "boolean"},
        "choice": {"enum": list(setting.choices)},
        "globs": {"type": "array", "maxItems": MAX_GLOBS, "items": {**line, "minLength": 1}},
    }
    return {**about, **kinds.get(setting.kind, line)}
