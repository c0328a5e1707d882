"""The options of the commands, and help pages that show them under headings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from reviewer.settings_forms import click_options
from reviewer.settings_table import BY_NAME, TABLE

AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])

FORMATS = ("text", "json", "markdown", "sarif", "rdjson")
MODEL = ("model", "endpoint-url", "endpoint-token", "fallback-url")
PROMPT = ("context-tokens", "max-prompt-tokens", "exclude")
"""Settings that decide what the model is shown."""
ASK = (*PROMPT, "max-comments", "comment-share", "min-severity", "concurrency", "timeout")
"""Settings that decide what becomes of its answers, too."""

HEADINGS = {
    "What to review": ("base", "head", "staged", "diff", "pull_request"),
    "Where it is": ("folder", "repo", "github_token", "runners"),
    "The model": tuple(BY_NAME[name].field for name in MODEL),
    "Output": ("format_", "output", "path", "to", "embedded", "piece", "signing_key"),
    "How to review": tuple(setting.field for setting in TABLE),
}
"""Which options stand under which heading. What stands nowhere stands under "Options", last."""


class SectionedCommand(click.Command):
    """A command whose help page shows its options under `HEADINGS`, with `-h` as well as `--help`."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.context_settings.setdefault("help_option_names", ["-h", "--help"])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, heading by heading."""
        sections: dict[str, list[tuple[str, str]]] = {heading: [] for heading in (*HEADINGS, "Options")}
        for parameter in self.get_params(ctx):
            heading = next((head for head, names in HEADINGS.items() if parameter.name in names), "Options")
            record = parameter.get_help_record(ctx)
            sections[heading] += [record] if record else []
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


class OrderedGroup(click.Group):
    """A group that lists its commands in the order of their definition: the order in which they are used."""

    command_class = SectionedCommand

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands, first things first."""
        return list(self.commands)


def source_options(command: AnyCommand) -> AnyCommand:
    """The options that say what to review."""
    number = click.IntRange(1)
    options = [
        click.option("--base", metavar="REF", help="What HEAD changed since it left this branch, tag or commit."),
        click.option("--head", metavar="REF", help="Another end than HEAD."),
        click.option("--staged", is_flag=True, help="What is staged for the next commit."),
        click.option("--diff", metavar="FILE", help="A git diff; - reads standard input."),
        click.option("--pull-request", type=number, metavar="NUMBER", help="A pull request on GitHub."),
    ]
    for option in reversed([*options, place_options]):
        command = option(command)
    return command


def place_options(command: AnyCommand) -> AnyCommand:
    """The options that say where a repository is."""
    folder = click.option(
        *("--folder", "-C"), default=".", metavar="PATH", type=click.Path(path_type=Path), help="The checkout, if not ."
    )
    repo = click.option(
        "--repo", metavar="OWNER/NAME", help="The repository on GitHub. In GitHub Actions: the workflow's own."
    )
    return folder(repo(click_options("github-token")(command)))


def file_option(name: str, parameter: str, about: str) -> Callable[[AnyCommand], AnyCommand]:
    """`--bundle` or `--review`: one of the files that the steps hand on."""
    kind = click.Path(path_type=Path)
    return click.option(
        f"--{name}", parameter, type=kind, metavar="FILE", default=f"{name}.json", show_default=True, help=about
    )
