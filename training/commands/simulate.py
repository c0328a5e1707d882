"""`glossator-train simulate`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections import Counter

    from simulation.delivery import Bounds, Delivery, Receiver
    from simulation.github_server import GitHubServer
    from training.errors import DataError

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    epilog="Exit codes: 1 when an event failed or a schema was broken, 2 options, 6 a file of the data, 130 Ctrl-C."
)
@click.option(
    "--snapshots",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data/snapshots"),
    show_default=True,
    help="Stored pull requests.",
)
@click.option("--published", metavar="FILE", type=FILE, help="Play the pull requests of a published file instead.")
@click.option("--command", "words", metavar="CMD", help="Run this for each event, in the environment of a job.")
@click.option("--webhook-url", metavar="URL", help="Post each event there.")
@click.option("--secret", metavar="TEXT", default="", help="Sign what is posted with it.")
@click.option("--rate", type=click.FloatRange(0.1), default=60.0, show_default=True, help="Events a minute.")
@click.option("--burst", type=click.IntRange(1, 200), default=1, show_default=True, help="Events at once.")
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="Events in all.")
@click.option("--seconds", type=click.FloatRange(1), default=600.0, show_default=True, help="Stop after that time.")
@click.option("--jobs", type=click.IntRange(0), default=0, help="Commands or posts at once.  [default: --burst]")
@click.option("--pushes", is_flag=True, help="Open each with half of its files, and push the rest.")
@click.option("--comments", is_flag=True, help="Let people say again what they said about its lines.")
@click.option("--output", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Keep payloads, logs.")
def command(
    snapshots: Path,
    published: Path | None,
    words: str | None,
    webhook_url: str | None,
    secret: str,
    rate: float,
    burst: int,
    count: int,
    seconds: float,
    jobs: int,
    output: Path | None,
    *,
    pushes: bool,
    comments: bool,
) -> int:
    """Play stored pull requests as webhook events through a stand-in GitHub.

    Each is rebuilt as a git repository whose diff is the stored one, opened on a server on this machine, and told of as
    GitHub tells of it. Without a receiver the payloads are written to --output and the server stays up for --seconds.
    """
    import threading
    import time

    check_options(words, webhook_url, output)

    from simulation.delivery import Bounds, emit
    from simulation.github_server import GitHubServer
    from training.simulate import Stage, read_published, read_snapshots, render_table
    from training.store import SnapshotStore

    with ExitStack() as opened:
        server = opened.enter_context(GitHubServer())
        receiver = choose_receiver(server, words, webhook_url, secret)
        stage = Stage(server, prepare_folder(output, opened))
        stored = read_snapshots(SnapshotStore(snapshots), stage.left_out)
        chosen = stored if published is None else read_published(published, stage.left_out)
        events = stage.play(chosen, count, pushes=pushes, comments=comments)
        if not events:
            raise explain_nothing(stage.left_out)
        click.echo(f"{len(events)} events; the stand-in is at {server.url}", err=True)
        bounds = Bounds(time.monotonic() + seconds, threading.Event())
        done = emit(events, receiver, bounds, rate=rate, burst=burst, jobs=jobs or burst, told=tell)
        if not (words or webhook_url):
            stay(bounds)
        click.echo(render_table(stage, done, len(events)))
        failed = bool(stage.violations) or len(done) < len(events) or any(one.problem for one in done)
    if bounds.stop.is_set():
        raise KeyboardInterrupt
    return int(failed)


def check_options(words: str | None, webhook_url: str | None, output: Path | None) -> None:
    """One receiver, or a folder; and the libraries that the stand-in needs."""
    from importlib.util import find_spec

    from reviewer.errors import UsageError

    if missing := [name for name in ("graphql", "jsonschema", "httpx") if find_spec(name) is None]:
        raise UsageError(f"simulate needs {', '.join(missing)}.", "Install glossator[simulation].")
    if words and webhook_url:
        raise UsageError("--command and --webhook-url are two receivers.", "Give one of them.")
    if not (words or webhook_url or output):
        raise UsageError("Nobody receives the events.", "Give --command, --webhook-url or --output.")
    if webhook_url and not webhook_url.startswith(("http://", "https://")):
        raise UsageError(f"--webhook-url {webhook_url} is no address.", "It begins with http:// or https://.")


def choose_receiver(server: GitHubServer, words: str | None, webhook_url: str | None, secret: str) -> Receiver:
    """Who gets the events."""
    from simulation.delivery import CommandReceiver, FolderReceiver, WebhookReceiver

    if webhook_url:
        return WebhookReceiver(webhook_url, secret)
    if not words:
        return FolderReceiver()
    return CommandReceiver(parse_command(words), server.url, server.graphql_url)


def parse_command(text: str) -> list[str]:
    """A command's words. One that is named by its path is meant from here: it will run in another folder.

    Raises:
        UsageError: It is empty, or a quote is not closed.
    """
    import shlex

    from reviewer.errors import UsageError

    hint = "Quote it as a shell would want it."
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--command cannot be read: {error}.", hint) from error
    if not words or not words[0]:
        raise UsageError("--command is empty.", hint)
    program = Path(words[0])
    return [str(program.absolute()) if "/" in words[0] else words[0], *words[1:]]


def prepare_folder(output: Path | None, opened: ExitStack) -> Path:
    """Where payloads go: a folder that stays, or one that goes with the run."""
    import tempfile

    from training.errors import DataError

    if output is None:
        return Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="simulate-")))
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"Cannot make {output}: {error.strerror}.", "Give another --output.") from error
    return output.resolve()


def tell(delivery: Delivery) -> None:
    """One line an event."""
    click.echo(f"{delivery.event.folder.name}  {delivery.seconds:6.2f} s  {delivery.problem or 'ok'}", err=True)


def stay(bounds: Bounds) -> None:
    """Serve until the time is up, or Ctrl-C."""
    click.echo("The payloads are written; Ctrl-C ends the stand-in.", err=True)
    try:
        bounds.sleep_until(bounds.deadline)
    except KeyboardInterrupt:
        bounds.stop.set()


def explain_nothing(left_out: Counter[str]) -> DataError:
    """There is not one pull request to play."""
    from training.errors import DataError

    reasons = "; ".join(f"{number}: {reason}" for reason, number in sorted(left_out.items()))
    return DataError(
        f"No pull request can be played. {reasons}".strip(), "Give others with --snapshots or --published."
    )
