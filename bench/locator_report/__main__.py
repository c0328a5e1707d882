"""The command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from bench.locator_report import pictures
from bench.locator_report.cases import save_cases
from bench.locator_report.figures import calibrate, weigh_shipped
from bench.locator_report.learning import learn_by_repositories, learn_by_size
from bench.locator_report.left_out import LeftOut, leave_out, read_known
from bench.locator_report.runs import Curve, find_runs, read_scores, trace_precision
from bench.locator_report.tables import tell_calibration, tell_steps, tell_weighed
from bench.locator_report.words import CANDIDATES
from evals.held_out import load_held_out
from evals.scorecard import Estimate, load_scorecard
from reviewer.errors import GlossatorError


@click.command()
@click.option("--train", "sets", type=click.Path(path_type=Path, exists=True), multiple=True, required=True)
@click.option("--repo", "repos", metavar="OWNER/NAME", multiple=True, required=True, help="Left out, each in turn.")
@click.option("--runs", metavar="OWNER/NAME=FOLDER", multiple=True, help="Its scored runs (bench.locator_rivals).")
@click.option("--draws", default=10, show_default=True, help="Of what is learned from, and of a feature's order.")
@click.option("--samples", default=2000, show_default=True, help="Of the bootstrap.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Of the pictures.")
def main(
    sets: tuple[Path, ...], repos: tuple[str, ...], runs: tuple[str, ...], draws: int, samples: int, out: Path
) -> None:
    """Draw all pictures, write the cases of the first repository, and tell the figures that are measured here."""
    try:
        folders = find_runs(repos, runs)
        lefts = read_all(sets, repos)
        out.mkdir(parents=True, exist_ok=True)
        draw_runs(lefts, folders, out)
        save_cases(lefts[0], out.with_name(f"{out.name}-cases.md"))
        click.echo("\n".join(draw_measured(lefts, draws, samples, out)))
    except GlossatorError as error:
        raise click.ClickException(f"{error.what} {error.hint}") from error


def read_all(sets: Iterable[Path], repos: Iterable[str]) -> list[LeftOut]:
    """Read and label all, and train without each of the repositories.

    Raises:
        click.UsageError: One is not there.
        GlossatorError: A set cannot be read, or there is too little to learn from.
    """
    known = [read_known(held) for path in sets for held in load_held_out(path).pull_requests]
    for repo in repos:
        if not any(one.held.key[0] == repo for one in known):
            raise click.UsageError(f"No pull request of {repo} is in the sets of --train.")
    return [leave_out(repo, known) for repo in repos]


def draw_runs(lefts: Sequence[LeftOut], folders: Mapping[str, Path], out: Path) -> None:
    """The pictures of scored runs."""
    curves: dict[tuple[str, str], dict[str, Curve]] = {}
    for left in lefts:
        found = {name: read_scores(left, folders[left.repo] / name) for name in pictures.LOOKS}
        for what, commented in (("commented pull requests", True), ("all pull requests", False)):
            curves[left.repo, what] = {
                name: trace_precision(one for one in scored if one[1].any() or not commented)
                for name, scored in found.items()
            }
    pictures.draw_curves(out / "precision-recall.svg", curves)
    cards: dict[str, dict[str, dict[str, Estimate]]] = {
        left.repo: {name: load_scorecard(folders[left.repo] / name / "scorecard.json").metrics for name in CANDIDATES}
        for left in lefts
    }
    pictures.draw_within(out / "within.svg", cards)


def draw_measured(lefts: Sequence[LeftOut], draws: int, samples: int, out: Path) -> Iterator[str]:
    """The pictures that are measured here, and their figures as Markdown tables."""
    calibrations = {left.repo: list(calibrate(left, samples)) for left in lefts}
    pictures.draw_calibration(out / "calibration.svg", calibrations)
    yield from tell_calibration(calibrations)
    by_size = {left.repo: [step for step in learn_by_size(left, draws) if step.within] for left in lefts}
    by_repos = {left.repo: [step for step in learn_by_repositories(left, draws) if step.within] for left in lefts}
    pictures.draw_learning(out / "learning-curve.svg", by_size, by_repos)
    yield from tell_steps("Commented pull requests", by_size)
    yield from tell_steps("Repositories of 200 pull requests", by_repos)
    hunk, line = weigh_shipped(lefts, draws)
    pictures.draw_features(out / "features.svg", hunk, line)
    yield from tell_weighed(hunk, line)


if __name__ == "__main__":
    main()
