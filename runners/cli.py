"""The command line of operations: `glossator-ops TASK`. Each task's command is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from reviewer import __version__
from reviewer.cli import run_command
from reviewer.errors import UsageError

TASKS: Final[dict[str, str]] = {
    "broker": "give GitHub runners for one job each",
    "lease": "reserve machines on Chameleon, keep them, give them back",
    "inventory": "make Ansible's inventory from Terraform's output",
    "serving-state": "tell GitHub whether models are served, and until when",
    "serving": "choose backend, quantization and sizes for a GPU",
    "serving-files": "bring models and adapters to the machine that serves them",
    "gateway": "take events of short-lived jobs, show them to Prometheus",
    "event": "tell the gateway what a short-lived job did",
    "dashboards": "write the dashboards for Grafana",
}


class TaskGroup(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The tasks in their order."""
        return list(TASKS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        """The `command` of `runners.commands.NAME`."""
        if cmd_name not in TASKS:
            return None
        try:
            command: click.Command = import_module(f"runners.commands.{cmd_name.replace('-', '_')}").command
        except ModuleNotFoundError as error:
            hint = "Install what operations need: pip install 'glossator[ops]'"
            raise UsageError(f"The library {error.name} is not installed.", hint) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - likewise
        """The list of tasks, none of them imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(TASKS.items()))


@click.command(
    cls=TaskGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 well, 2 options, 5 GitHub, 8 the cloud, 9 a runner, 10 a GPU or model that cannot be served.",
)
@click.version_option(__version__, prog_name="glossator-ops")
def operate() -> None:
    """From a lease to runners, model servers and dashboards, and back to nothing."""


def main() -> None:
    """Run the command. Exit codes are those of `reviewer.errors` and `runners.errors`."""
    run_command(operate, "glossator-ops")
