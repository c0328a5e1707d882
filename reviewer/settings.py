"""Settings, merged from action inputs or options, `.github/glossator.yml` and the defaults of the one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reviewer.domain import Severity
from reviewer.errors import UsageError
from reviewer.settings_check import check_value, parse_text
from reviewer.settings_table import AUTO, AUTO_TOKENS, BY_NAME, COMMAND_ONLY, SHARED, Setting, Value

FILE = ".github/glossator.yml"
DOCS = "docs/settings.md"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that shape a review. None is a secret. `auto` is already resolved; `timeout` is in seconds."""

    max_comments: int = 3
    comment_share: int = 15
    min_severity: Severity = "info"
    fail_on: Severity | Literal["never"] = "never"
    context_tokens: int = 6000
    max_prompt_tokens: int = 60_000
    concurrency: int = 4
    timeout: float = 120.0
    exclude: tuple[str, ...] = ()
    review_drafts: bool = False
    review_bots: bool = False
    trigger_label: str = ""
    resolve_outdated: Literal["off", "report", "on"] = "report"


@dataclass(frozen=True, slots=True)
class CommandInputs:
    """What is given by input or option alone: never in the file, never in bundle.json. Its repr has no secret."""

    model: str = ""
    step: Literal["all", "collect", "infer", "post"] = "all"
    pull_request: int = 0
    github_token: str = field(default="", repr=False)
    endpoint_url: str = field(default="", repr=False)
    endpoint_token: str = field(default="", repr=False)
    fallback_url: str = field(default="", repr=False)
    signing_key: str = field(default="", repr=False)


def merge_settings(inputs: Mapping[str, object], file: Mapping[str, object], *, embedded: bool = False) -> Settings:
    """One precedence: input, then file, then default.

    Args:
        inputs: Action inputs or options by name (`max-comments` or `max_comments`), as texts or values.
            What is empty is not given.
        file: What `load_settings_text` returned, maybe by way of bundle.json: checked again.
        embedded: Whether the embedded model answers; decides what `auto` means.

    Raises:
        UsageError: A name that does not exist or a value that does not fit, in the inputs or the file.
    """
    given = parse_inputs(inputs)
    from_file = {name: check_shared(name, value, f"{FILE}: ") for name, value in file.items()}
    values: dict[str, Any] = {}
    for setting in SHARED:
        value = given.get(setting.name, from_file.get(setting.name, setting.default))
        values[setting.field] = AUTO_TOKENS[setting.name][embedded] if value == AUTO else value
    return Settings(**values)


def parse_command_inputs(inputs: Mapping[str, object]) -> CommandInputs:
    """The inputs that are no shared settings, checked. Takes the same mapping as `merge_settings`."""
    given = parse_inputs(inputs)
    values: dict[str, Any] = {setting.field: given.get(setting.name, setting.default) for setting in COMMAND_ONLY}
    return CommandInputs(**values)


def parse_inputs(inputs: Mapping[str, object]) -> dict[str, Value]:
    """The inputs that were given, by name, parsed from text where they are text, and checked."""
    given = {}
    for key, raw in inputs.items():
        setting = get_setting(key.replace("_", "-"), "")
        text = "\n".join(raw) if isinstance(raw, tuple) else raw  # an option that may be repeated
        value = parse_text(setting, text) if isinstance(text, str) else text
        if value not in (None, "", ()):
            given[setting.name] = check_value(setting, value, "")
    return given


def get_setting(name: str, where: str) -> Setting:
    """The row of that name, or UsageError that names the nearest. `where` leads the message: "file, line 3: "."""
    if name in BY_NAME:
        return BY_NAME[name]
    import difflib

    near = difflib.get_close_matches(name.lower().replace("_", "-"), BY_NAME, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(f"{where}there is no setting {name[:80]!r}.", f"{hint}All settings are listed in {DOCS}.")


def check_shared(name: str, value: object, where: str) -> Value:
    """The value of a setting that may stand in the file, or UsageError."""
    setting = get_setting(name, where)
    if not setting.shared:
        raise UsageError(
            f"{where}{name} cannot be set in the file: it says how to review, not where or as whom.",
            f"Give it as the action input {name} or the option --{name}.",
        )
    return check_value(setting, value, where)
