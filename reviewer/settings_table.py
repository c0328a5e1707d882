"""The one table of settings. Whatever names a setting anywhere comes from here.

`reviewer.settings_check` parses and checks the values, `reviewer.settings` merges them, `reviewer.settings_file` reads
the file, and `reviewer.settings_forms` shows the table as options, action inputs, JSON Schema and documentation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind = Literal["text", "url", "integer", "seconds", "tokens", "switch", "choice", "globs"]
Value: TypeAlias = "str | int | float | bool | tuple[str, ...]"

AUTO = "auto"
SEVERITIES = ("error", "warning", "info")
"""Those of `reviewer.domain`, which would cost `glossator --help` a sixth of its time; tests hold one to the other."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `shared` rows may stand in the settings file, the others are given by input or option."""

    name: str
    kind: Kind
    default: Value
    about: str
    example: str
    shared: bool = False
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 0
    secret: bool = False
    """Never repeated in a message: a token, a key or an address."""
    in_action: bool = True
    """An input of the action too. What few will change stands in the settings file: inputs are one long list."""
    action_default: str = ""
    """Only what GitHub itself has to fill in. Real defaults stay out of action.yml, where they would hide the file."""

    @property
    def field(self) -> str:
        """The name as a Python attribute: `max-comments` is `max_comments`."""
        return self.name.replace("-", "_")

    @property
    def yaml_example(self) -> str:
        """The example as it stands after the colon in a YAML file."""
        return json.dumps(self.example.split(", ")) if self.kind == "globs" else self.example

    @property
    def variable(self) -> str:
        """The environment variable that gives the option: how the action passes its inputs, and where tokens belong."""
        return f"GLOSSATOR_{self.field.upper()}"


TABLE: tuple[Setting, ...] = (
    Setting(
        "github-token",
        "text",
        default="",
        about="Token that reads the pull request and posts the review.",
        example="${{ github.token }}",
        action_default="${{ github.token }}",
        secret=True,
    ),
    Setting(
        "endpoint-url",
        "url",
        default="",
        about="Address of the model server: TGI, vLLM, SGLang, llama.cpp or any OpenAI-style one.",
        example="https://models.example.org",
        secret=True,
    ),
    Setting(
        "endpoint-token",
        "text",
        default="",
        about="Token of the model server.",
        example="${{ secrets.MODEL_TOKEN }}",
        maximum=10_000,
        secret=True,
    ),
    Setting(
        "fallback-url",
        "url",
        default="",
        about="Address of a second model server, asked when the first one does not answer.",
        example="https://spare.example.org",
        secret=True,
    ),
    Setting(
        "model",
        "text",
        default="",
        about="Name of the model or adapter at the endpoint; locally a known model or a GGUF file.",
        example="reviewer-v3",
    ),
    Setting(
        "step",
        "choice",
        default="all",
        about="Which step to run: all in one job, or one of the three that share no secret.",
        example="infer",
        choices=("all", "collect", "infer", "post"),
    ),
    Setting(
        "pull-request",
        "integer",
        default=0,
        about="Number of the pull request; 0 takes it from the event.",
        example="42",
        maximum=2**31 - 1,
    ),
    Setting(
        "signing-key",
        "text",
        default="",
        about="Key that signs the hidden markers in comments, so that nobody can forge them.",
        example="${{ secrets.GLOSSATOR_KEY }}",
        maximum=10_000,
        secret=True,
    ),
    Setting(
        "max-comments",
        "integer",
        default=3,
        about="Most comments on lines; further findings go to the summary.",
        example="5",
        maximum=20,
        shared=True,
    ),
    Setting(
        "comment-share",
        "integer",
        default=15,
        about="Percent of pieces, the likeliest, that may get comments on lines; with `100` all are looked at.",
        example="30",
        maximum=100,
        shared=True,
        in_action=False,
    ),
    Setting(
        "min-severity",
        "choice",
        default="info",
        about="Findings less grave than this are dropped.",
        example="warning",
        choices=SEVERITIES,
        shared=True,
    ),
    Setting(
        "fail-on",
        "choice",
        default="never",
        about="Fail with exit code 1 when a finding is at least this grave.",
        example="error",
        choices=(*SEVERITIES, "never"),
        shared=True,
    ),
    Setting(
        "context-tokens",
        "tokens",
        default=AUTO,
        about="Most tokens that all prompts share: instructions, guidelines, the change; auto is 6000, embedded 1300.",
        example="4000",
        maximum=100_000,
        shared=True,
    ),
    Setting(
        "max-prompt-tokens",
        "tokens",
        default=AUTO,
        about="Most prompt tokens for one review; auto is 60000, embedded 6000.",
        example="200000",
        minimum=1000,
        maximum=10_000_000,
        shared=True,
    ),
    Setting(
        "concurrency",
        "integer",
        default=4,
        about="How many requests to the model may run at once.",
        example="8",
        minimum=1,
        maximum=64,
        shared=True,
    ),
    Setting(
        "timeout",
        "seconds",
        default=120.0,
        about="Seconds to wait for one answer of the model.",
        example="60",
        minimum=1,
        maximum=3600,
        shared=True,
    ),
    Setting(
        "exclude",
        "globs",
        default=(),
        about="Files not to review: globs, one a line or separated by commas.",
        example="dist/**, *.min.js",
        shared=True,
    ),
    Setting(
        "review-drafts", "switch", default=False, about="Review draft pull requests too.", example="true", shared=True
    ),
    Setting(
        "review-bots",
        "switch",
        default=False,
        about="Review pull requests opened by bots too.",
        example="true",
        shared=True,
    ),
    Setting(
        "trigger-label",
        "text",
        default="",
        about="Label that asks for a review when it is added; empty for none.",
        example="needs-review",
        maximum=50,
        shared=True,
    ),
    Setting(
        "resolve-outdated",
        "choice",
        default="report",
        about="Own comments on outdated lines: leave them, list them, or resolve them (that takes `contents: write`).",
        example="on",
        choices=("off", "report", "on"),
        shared=True,
    ),
)

BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in TABLE}
SHARED: tuple[Setting, ...] = tuple(setting for setting in TABLE if setting.shared)
COMMAND_ONLY: tuple[Setting, ...] = tuple(setting for setting in TABLE if not setting.shared)

AUTO_TOKENS: Mapping[str, tuple[int, int]] = {"context-tokens": (6000, 1300), "max-prompt-tokens": (60_000, 6000)}
"""What `auto` means: with an endpoint, and with the embedded model (which reads about 70 tokens a second)."""
