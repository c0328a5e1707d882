"""The command line of the evaluation: `glossator-eval STEP`. Each step's command is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import click

from reviewer import __version__
from reviewer.cli import run_command
from reviewer.errors import UsageError

STEPS: Final = {
    "run": "Review held-out pull requests with a model, or with a baseline that has none.",
    "peer": "Have another reviewer, pr-agent, review the same pull requests.",
    "score": "Score runs against the human reviews, with intervals and slices.",
    "cases": "Try the product on known failure modes, and a model on planted faults.",
    "compare": "Compare two scorecards, pull request by pull request.",
    "gate": "Decide which model may review: promote, hold or inconclusive.",
    "report": "Write a page on what a candidate reached, and a short form for the job's summary.",
    "track": "Log a scorecard to MLflow, with the revision of the held-out set.",
    "last-good": "Bring back or keep what the champion did when it was last good.",
    "alarm": "Keep one issue open while the gate finds something worse, and close it when it is over.",
}
SIMILARITY: Final = frozenset({"bert_score", "torch", "transformers"})
"""Libraries that are an extra of their own, as they are large."""


class StepGroup(click.Group):
    """Commands that are imported when they are asked for, in the order in which they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The steps in their order."""
        return list(STEPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        """The `command` of `evals.commands.NAME`."""
        if cmd_name not in STEPS:
            return None
        command: click.Command = import_module(f"evals.commands.{cmd_name.replace('-', '_')}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a step; without the libraries that it needs, say how to get them."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            extra = "similarity" if str(error.name).partition(".")[0] in SIMILARITY else "evals"
            hint = f"Install what it needs: pip install 'glossator[{extra}]'"
            raise UsageError(f"The library {error.name} is not installed.", hint) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - likewise
        """The list of steps, none of them imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(STEPS.items()))


@click.command(
    cls=StepGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 well, 1 gate: hold, 2 options or rules, 4 the model, 5 GitHub, 6 a file of the evaluation, "
    "8 gate: inconclusive.",
)
@click.version_option(__version__, prog_name="glossator-eval")
def evaluate() -> None:
    """Judge reviewers by held-out human reviews, and decide which model may review."""


def main() -> None:
    """Run the command. Exit codes are those of `reviewer.errors` and `evals.errors`."""
    run_command(evaluate, "glossator-eval")
