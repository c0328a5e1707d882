"""`glossator-train collect`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from training.licenses import LicenseRule

if TYPE_CHECKING:
    from training.collect_run import Collected, CollectParams, Run
    from training.published import ImportCounts

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
ENVIRONMENT = """Environment: GLOSSATOR_GITHUB_TOKENS (several with commas between) or GLOSSATOR_APP_ID and
GLOSSATOR_APP_KEY, else GITHUB_TOKEN; GLOSSATOR_NAME_SALT, what names are hashed with; GITHUB_API_URL and
GITHUB_GRAPHQL_URL for GitHub Enterprise Server."""

SALTED = """{opt_out} names people by their logins. They are not found in published data, whose names were hashed with \
another salt: write their names there, too, as they stand in it (user-...)."""


@click.command(epilog=ENVIRONMENT)
@click.option("--repo", "repos", multiple=True, metavar="OWNER/NAME", help="Repository; may be given again.")
@click.option(
    "--from",
    "sources",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    metavar="PATH",
    help="Read a dump of the API, or published review data, from disk instead; may be given again.",
)
@click.option("--snapshots", type=FOLDER, default=Path("data/snapshots"), show_default=True)
@click.option("--params", type=FILE, help="Parameters.  [default: params.yaml, if there is one]")
@click.option("--licenses", type=click.Choice(get_args(LicenseRule)), help="Which licences to take.")
@click.option("--since", metavar="DATE", help="Only pull requests updated since, such as 2024-06-01.")
@click.option("--limit", type=click.IntRange(0), help="At first the last updated so many of each repository; 0: all.")
@click.option("--opt-out", type=FILE, default=Path("opt-out.txt"), show_default=True, help="Who is left out.")
@click.option("--refresh", is_flag=True, help="Ask again for what seems unchanged: reactions, resolved threads.")
@click.option("--allow-partial", is_flag=True, help="Exit 0 although something is left for the next run; it is told.")
@click.option("--dry-run", is_flag=True, help="Only ask how much there is, and say what it would cost.")
def command(
    repos: tuple[str, ...],
    sources: tuple[Path, ...],
    snapshots: Path,
    params: Path | None,
    licenses: LicenseRule | None,
    since: str | None,
    limit: int | None,
    opt_out: Path,
    *,
    refresh: bool,
    allow_partial: bool,
    dry_run: bool,
) -> None:
    """Take snapshots of merged pull requests and their reviews, only what changed since the last time.

    It may be stopped at any time; the same command goes on. Exit code 5: GitHub did not give everything. What came is
    kept, and the same command asks for the rest; with --allow-partial that is a 0.
    """
    chosen = choose_params(params, repos, licenses, since, limit)
    salt = os.environ.get("GLOSSATOR_NAME_SALT", "")
    paths = sources or check_sources(chosen.sources)
    if dry_run and paths:
        click.echo(f"{', '.join(map(str, paths))}: reading from disk asks GitHub for nothing. Nothing was read.")
    elif paths:
        import_sources(paths, snapshots, opt_out, salt, chosen)
    if paths and not (repos if sources else chosen.repos):
        return
    run = make_run(chosen, snapshots, opt_out, salt, refresh=refresh)
    try:
        if dry_run:
            tell_plan(run)
        else:
            collect_all(run, allow_partial=allow_partial)
    finally:
        run.wire.close()


def check_sources(names: tuple[str, ...]) -> tuple[Path, ...]:
    """The paths that the parameters name, or a UsageError."""
    from reviewer.errors import UsageError

    if missing := next((name for name in names if not Path(name).exists()), None):
        raise UsageError(f"There is no {missing}, which `sources` of the section collect names.", "Change params.yaml.")
    return tuple(map(Path, names))


def choose_params(
    path: Path | None, repos: tuple[str, ...], licenses: LicenseRule | None, since: str | None, limit: int | None
) -> CollectParams:
    """The section of the file, with what the options say in its place."""
    from dataclasses import replace

    from training.collect_run import CollectParams
    from training.params import load_params

    if path is None and Path("params.yaml").is_file():
        path = Path("params.yaml")
    given = {"repos": repos or None, "licenses": licenses, "since": since, "limit": limit}
    wanted = {name: value for name, value in given.items() if value is not None}
    return replace(load_params(path, "collect", CollectParams), **wanted)  # type: ignore[arg-type] # named above


def make_run(params: CollectParams, snapshots: Path, opt_out: Path, salt: str, *, refresh: bool) -> Run:
    """What a collection from GitHub needs, or a UsageError."""
    from training.collect_run import Run, check_params
    from training.collect_watch import TerminalWatch
    from training.github_tokens import load_credentials
    from training.github_wire import API_URL, Wire
    from training.opt_out import load_opt_out
    from training.store import SnapshotStore

    check_params(params)
    watch = TerminalWatch()
    wire = Wire(watch, os.environ.get("GITHUB_API_URL") or API_URL, os.environ.get("GITHUB_GRAPHQL_URL", ""))
    credentials = load_credentials(wire)
    if not salt:
        watch.say("Names are hashed without a salt: set GLOSSATOR_NAME_SALT, or they can be guessed.")
    out = load_opt_out(opt_out, salt)
    return Run(SnapshotStore(snapshots), wire, credentials, watch, params, salt, out, refresh)


def collect_all(run: Run, *, allow_partial: bool = False) -> None:
    """Collect, and print what was done, also when something could not be had, written, or waited for.

    Raises:
        HostError: Some repositories were not collected to their end. With `allow_partial`: and nothing is stored.
        UsageError, DataError: As `collect` says.
    """
    from training.collect import collect
    from training.collect_run import check_finished
    from training.errors import DataError

    run.store.sweep()
    try:
        collect(run)
    except (DataError, KeyboardInterrupt):
        tell(run.told)
        raise
    tell(run.told)
    if not (allow_partial and any(True for _ in run.store.list_keys())):
        check_finished(run.told)


def tell_plan(run: Run) -> None:
    """Print what the collection would cost."""
    from training.collect_plan import count_all, render_plan

    counts, limits = count_all(run)
    for problem in run.told.problems:
        click.echo(problem, err=True)
    click.echo(render_plan(counts, limits, guidelines=run.params.guidelines))


def tell(told: Collected) -> None:
    """Print the problems, and the table of what was done."""
    from training.collect_plan import render_table

    for problem in told.problems:
        click.echo(problem, err=True)
    requests = told.requests
    rows = [
        ("repositories", f"{told.repos:,}"),
        *((("  not collected to the end", f"{len(told.unfinished):,}"),) if told.unfinished else ()),
        ("new pull requests", f"{told.new:,}"),
        ("updated", f"{told.updated:,}"),
        ("unchanged", f"{told.unchanged:,}"),
        *((f"left out: {reason}", f"{count:,}") for reason, count in sorted(told.left_out.items())),
        ("requests to REST", f"{requests['core']:,}"),
        ("  of them free (not changed)", f"{requests['unchanged']:,}"),
        ("requests to GraphQL", f"{requests['graphql']:,}"),
        ("  points", f"{requests['points']:,}"),
        ("problems", f"{len(told.problems):,}"),
    ]
    click.echo(render_table(rows))


def import_sources(sources: tuple[Path, ...], snapshots: Path, opt_out: Path, salt: str, params: CollectParams) -> None:
    """Read what is on disk, each path by its kind."""
    from training.collect import apply_opt_out
    from training.dumps import import_dumps, is_published
    from training.opt_out import load_opt_out
    from training.store import SnapshotStore

    store, out = SnapshotStore(snapshots), load_opt_out(opt_out, salt)
    store.sweep()
    published = [path for path in sources if is_published(path)]
    dumped = [path for path in sources if path not in published]
    for problem in apply_opt_out(store, out, salt if dumped else None):
        click.echo(problem, err=True)
    if dumped:
        tell(import_dumps(dumped, store, out, salt, params.licenses))
    if published:
        from training.published import import_files

        if out != load_opt_out(opt_out):  # a plain login is another name with a salt
            click.echo(SALTED.format(opt_out=opt_out), err=True)
        tell_import(import_files(published, store))
        for problem in apply_opt_out(store, out, None, again=True):
            click.echo(problem, err=True)


def tell_import(counts: ImportCounts) -> None:
    """Print what was imported of published data."""
    from training.collect_plan import render_table

    for problem in counts.problems:
        click.echo(problem, err=True)
    rows = [
        ("files", f"{counts.files:,}"),
        ("rows", f"{counts.rows:,}"),
        ("pull requests written", f"{counts.written:,}"),
        ("unchanged", f"{counts.unchanged:,}"),
        ("comments", f"{counts.comments:,}"),
        ("problems", f"{len(counts.problems):,}"),
    ]
    click.echo(render_table(rows))
