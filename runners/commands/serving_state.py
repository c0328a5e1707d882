"""`glossator-ops serving-state`: variables of the repository by which reviews are skipped while nothing is served."""

from __future__ import annotations

import os
from datetime import datetime

import click

from reviewer.console import write
from reviewer.errors import UsageError
from runners.lease_records import read_clock
from runners.lease_times import parse_time
from runners.serving_state import TOKEN, Variables, read_state, renew, set_down, set_up, tell

REPOSITORY = click.option(
    "--repository", envvar="GITHUB_REPOSITORY", default="", help="owner/name; by default that of the workflow."
)
UNTIL = click.option("--until", required=True, help="When serving ends, in UTC.")


@click.group(no_args_is_help=False)
def command() -> None:
    """Tell a repository whether models are served, and until when, in the variables GLOSSATOR_SERVING(_UNTIL).

    Takes a token with the permission Variables: write from GLOSSATOR_OPS_TOKEN.
    """


def open_variables(repository: str) -> Variables:
    """The variables of a repository."""
    if not repository:
        raise UsageError("Which repository?", "Name it with --repository owner/name.")
    api_url = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    return Variables(api_url, repository, os.environ.get(TOKEN, "").strip())


@command.command("up")
@UNTIL
@REPOSITORY
def up(until: str, repository: str) -> None:
    """Models are served until then."""
    end, now = read_until(until), read_clock()
    with open_variables(repository) as variables:
        write(tell(set_up(variables, end, now), now))


@command.command("renew")
@UNTIL
@REPOSITORY
def move(until: str, repository: str) -> None:
    """Move the end of what is up; leave alone what is down."""
    end, now = read_until(until), read_clock()
    with open_variables(repository) as variables:
        write(tell(renew(variables, end, now), now))


@command.command("down")
@REPOSITORY
def down(repository: str) -> None:
    """Nothing is served."""
    with open_variables(repository) as variables:
        write(tell(set_down(variables), read_clock()))


@command.command("show")
@REPOSITORY
def show(repository: str) -> None:
    """What is set."""
    with open_variables(repository) as variables:
        write(tell(read_state(variables), read_clock()))


def read_until(text: str) -> datetime:
    """The time of the option."""
    return parse_time(text, "--until")
