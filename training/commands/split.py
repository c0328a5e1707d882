"""`glossator-train split`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from training.splits import SplitSummary
    from training.stage import Told

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--snapshots", type=FOLDER, default=Path("data/snapshots"), show_default=True)
@click.option("--aligned", type=FOLDER, default=Path("data/aligned"), show_default=True)
@click.option("--filtered", type=FOLDER, default=Path("data/filtered"), show_default=True)
@click.option("--splits", type=FOLDER, default=Path("data/splits"), show_default=True)
@click.option("--params", type=click.Path(path_type=Path), help="Parameters.  [default: params.yaml, if there is one]")
@click.option("--jobs", type=click.IntRange(0), default=0, help="Worker processes; 0: one a processor.")
@click.option("--check", is_flag=True, help="Split nothing; look for leaks in the splits that there are.")
@click.option("--dataset", type=FOLDER, help="With --check: look through this finished dataset instead.")
def command(
    snapshots: Path,
    aligned: Path,
    filtered: Path,
    splits: Path,
    params: Path | None,
    jobs: int,
    dataset: Path | None,
    *,
    check: bool,
) -> None:
    """Split into train, validation and test without a leak.

    By repository, by time or by both, as the section `split` of params.yaml says. Before its records take the place of
    others it looks through them: anything on two sides is named, and nothing changes; the exit code is 7. A dataset
    that leaks loses its counts.json and its card, so that nothing reads or proposes it.
    """
    from reviewer.errors import UsageError
    from training.folder import replace_entries
    from training.leaks import accept_dataset, check_splits
    from training.params import load_params
    from training.split import SplitParams
    from training.split_run import load_summary, split_snapshots
    from training.splits import SUMMARY_FILE
    from training.stage import Told
    from training.store import SnapshotStore

    if dataset and not check:
        raise UsageError("--dataset names what to look through.", "Give --check too.")
    if params is None and Path("params.yaml").is_file():
        params = Path("params.yaml")
    store, told = SnapshotStore(snapshots), Told()
    if check:
        summary = load_summary(splits)
        click.echo(render_summary(summary))
        if dataset:
            accept_dataset(dataset, splits, summary)
        else:
            check_splits(store, (aligned, filtered, splits), summary, told, jobs)
        tell(told)
    else:
        chosen = load_params(params, "split", SplitParams)
        with replace_entries(splits, SUMMARY_FILE) as folder:
            summary = split_snapshots(store, aligned, filtered, folder, chosen, told, jobs)
            tell(told)
            click.echo(render_summary(summary))
            check_splits(store, (aligned, filtered, folder), summary, Told(), jobs)
    click.echo("No leak: no pull request, no near-duplicate and nothing after a cut stands on two sides.")


def tell(told: Told) -> None:
    """Print what was left out and why."""
    for problem in told.problems:
        click.echo(problem, err=True)


def render_summary(summary: SplitSummary) -> str:
    """The counts as a table."""
    rows: list[tuple[str, ...]] = [
        ("", "repositories", "pull requests", "hunks", "comments", "left out: hunks", "comments")
    ]
    for name, count in summary.splits.items():
        left_out = (count.left_out_hunks, count.left_out_comments)
        numbers = (count.repositories, count.pull_requests, count.hunks, count.comments, *left_out)
        rows.append((name, *(f"{number:,}" for number in numbers)))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    if summary.validation_from:
        lines.append(f"validation from {summary.validation_from}, test from {summary.test_from}")
    lines += [f"{number:,} pull requests in no split: {reason}" for reason, number in summary.out.items()]
    lines += [f"Nothing is in {name}." for name, count in summary.splits.items() if not count.pull_requests]
    return "\n".join(lines)
