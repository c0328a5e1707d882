"""The command line of training: `glossator-train STAGE`. Each stage's command is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import click

from reviewer import __version__
from reviewer.cli import run_command
from reviewer.errors import UsageError

STAGES: Final = {
    "init": "Put the files of the pipeline into a folder.",
    "collect": "Take snapshots of merged pull requests and their reviews.",
    "align": "Find the line of each review comment.",
    "filter": "Keep the comments that teach something; say why the others do not.",
    "split": "Split into train, validation and test without a leak.",
    "dataset": "Write the examples as Parquet and JSONL, with a data card.",
    "held-out": "Write pull requests and their human comments for the evaluation.",
    "locator": "Train the locator: where would a human comment?",
    "propose": "Open a pull request that updates the dataset.",
    "retrain": "Start the training workflow when enough has come in.",
    "simulate": "Play stored pull requests as webhook events through a stand-in GitHub.",
}


class StageGroup(click.Group):
    """Commands that are imported when they are asked for, in the order in which they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The stages in their order."""
        return list(STAGES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        """The `command` of `training.commands.NAME`."""
        if cmd_name not in STAGES:
            return None
        command: click.Command = import_module(f"training.commands.{cmd_name.replace('-', '_')}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a stage; without the libraries that it needs, say how to get them."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            extra = "simulation" if ctx.invoked_subcommand == "simulate" else "data"
            hint = f"Install what it needs: pip install 'glossator[{extra}]'"
            raise UsageError(f"The library {error.name} is not installed.", hint) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - likewise
        """The list of stages, none of them imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(STAGES.items()))


@click.command(
    cls=StageGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 well, 1 simulate: an event failed, 2 options or parameters, 5 GitHub, "
    "6 a file of the data, 7 a leak between splits.",
)
@click.version_option(__version__, prog_name="glossator-train")
def train() -> None:
    """From a project's own reviews to versioned examples."""


def main() -> None:
    """Run the command. Exit codes are those of `reviewer.errors` and `training.errors`."""
    run_command(train, "glossator-train")
