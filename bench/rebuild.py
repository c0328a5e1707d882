"""How many published pull requests git finds again in repositories built from their diffs alone.

`python -m bench.rebuild ../shared/data`: `glossator-train simulate` serves only those, see `simulation/rebuild.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from simulation.github_server.git_store import GitStore
from simulation.rebuild import CannotRebuild, rebuild_exactly
from training.published import ImportCounts, read_rows

FILES: Final = "prs-*.jsonl.gz"
EXACT: Final = "rebuilt exactly"
NO_DIFF: Final = "it has no diff"


@dataclass(slots=True)
class Found:
    """What became of the pull requests of one file: how many, by outcome, and the names of those not rebuilt."""

    name: str
    outcomes: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Pull request and reason."""

    def add(self, pull_request: str, outcome: str) -> None:
        """Count one."""
        self.outcomes[outcome] += 1
        if outcome != EXACT:
            self.refused.append((pull_request, outcome))


def try_rebuild(diff: str | None) -> str:
    """`EXACT`, or why not. Each diff gets a repository of its own, that goes again."""
    if diff is None:
        return NO_DIFF
    with TemporaryDirectory(prefix="rebuild-") as folder:
        try:
            rebuild_exactly(diff, GitStore(Path(folder) / "store.git"))
        except CannotRebuild as error:
            return str(error)
    return EXACT


def measure(paths: Iterable[Path]) -> Iterator[Found]:
    """Try all pull requests of each file."""
    for path in paths:
        found = Found(path.name)
        for row in read_rows(path, ImportCounts()):
            found.add(f"{row.repo}#{row.number}", try_rebuild(row.diff))
        yield found


def render(found: Iterable[Found]) -> str:
    """A line for each file and one for all, then the reasons."""
    files = list(found)
    total: Counter[str] = sum((each.outcomes for each in files), Counter())
    lines = [f"{'':<42}{'pull requests':>14}{'exact':>8}{'share':>9}"]
    lines += [_render_row(each.name, each.outcomes) for each in files]
    lines += [_render_row("all", total), ""]
    lines += [f"{count:>7,}  {reason}" for reason, count in total.most_common() if reason != EXACT]
    return "\n".join(lines)


def _render_row(name: str, outcomes: Counter[str]) -> str:
    share = outcomes[EXACT] / (outcomes.total() or 1)
    return f"{name:<42}{outcomes.total():>14,}{outcomes[EXACT]:>8,}{share:>9.1%}"


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--names", is_flag=True, help="Name each one that is not rebuilt.")
def main(data: Path, *, names: bool) -> None:
    """Rebuild all pull requests of prs-*.jsonl.gz."""
    paths = sorted(data.glob(FILES))
    if not paths:
        raise click.UsageError(f"There is no {FILES} in {data}.")
    files = list(measure(paths))
    click.echo(render(files))
    if names:
        click.echo("\n".join(["", *(f"{name}: {why}" for each in files for name, why in each.refused)]))


if __name__ == "__main__":
    main()
