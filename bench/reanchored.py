"""How often a line that moved is found again at the right place: `python -m bench.reanchored ../shared/data`.

It draws the sample of `training/labels/reanchored.csv` again, see `training/labels/REANCHORED.md`, and asks of each
labelled comment whether `align` still puts it on the line that was read. GitHub's own `line` is withheld, so that more
lines have to be found; where GitHub said one, what is found is held against it.
"""

from __future__ import annotations

import csv
import random
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click

from bench.outcomes import render_share
from training.align import align
from training.published import import_files
from training.store import SnapshotStore

LABELS: Final = Path(__file__).parents[1] / "training" / "labels" / "reanchored.csv"
SEED: Final = 7
SIZE: Final = 60


@dataclass(frozen=True, slots=True)
class Label:
    """A row of the file. `place` is the line that was read, as `R12`; `is_right`: it is the commented one."""

    comment: int
    place: str
    is_right: bool


def load_labels(path: Path = LABELS) -> list[Label]:
    """The labels in the order of the file."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return [Label(int(row["comment_id"]), row["place"], row["label"] == "right") for row in rows]


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a line was found again, and where GitHub says that it stands; that is empty when GitHub says nothing."""

    place: str
    told: str = ""


def find_moved(store: SnapshotStore) -> dict[int, Moved]:
    """The first comments of threads that `align` finds again at another number when nobody tells it, in order."""
    found: dict[int, Moved] = {}
    for key in store.list_keys():
        snapshot = store.load(key)
        told = {comment.id: comment.line for comment in snapshot.comments}
        untold = tuple(replace(comment, line=None, start_line=None) for comment in snapshot.comments)
        for comment in align(replace(snapshot, comments=untold)).comments if untold else ():
            if comment.standing == "reanchored" and comment.id == comment.root and (here := comment.current):
                line = told[comment.id]
                found[comment.id] = Moved(f"{here.side[0]}{here.line}", f"{here.side[0]}{line}" if line else "")
    return found


def draw(moved: Mapping[int, Moved], size: int = SIZE) -> list[int]:
    """The sample, by id."""
    dice = random.Random(SEED)  # noqa: S311 - not for secrets: for the same sample each time
    return sorted(dice.sample(list(moved), min(size, len(moved))))


def judge(labels: Sequence[Label], moved: Mapping[int, Moved]) -> Counter[str]:
    """What became of the labelled lines: `right` and `wrong` where they still stand, `elsewhere` and `not moved`."""
    answers: Counter[str] = Counter()
    for label in labels:
        said = "right" if label.is_right else "wrong"
        found = moved.get(label.comment)
        answers[(said if found.place == label.place else "elsewhere") if found else "not moved"] += 1
    return answers


def render(labels: Sequence[Label], moved: Mapping[int, Moved]) -> str:
    """The figures."""
    told = [found for found in moved.values() if found.told]
    agreed = sum(found.place == found.told for found in told)
    sample = draw(moved)
    common = len({label.comment for label in labels} & set(sample))
    alone = [label for label in labels if label.comment in moved and not moved[label.comment].told]
    lines = [
        f"{len(moved):,} first comments are found again at another number, GitHub's line withheld.",
        f"Of {len(told):,} GitHub says the line. It is the one found: {agreed:,}, {render_share(agreed, len(told))}",
        f"A sample of {len(sample)} with seed {SEED} holds {common} of the {len(labels)} labelled ones.",
        f"All labels: {render_answers(judge(labels, moved))}",
        f"Those without GitHub's word: {render_answers(judge(alone, moved))}",
    ]
    return "\n".join(lines)


def render_answers(answers: Counter[str]) -> str:
    """One line: only a line that was read counts."""
    right, wrong = answers["right"], answers["wrong"]
    gone = f"elsewhere now {answers['elsewhere']}, not moved or not found {answers['not moved']}"
    return f"right {right}, wrong {wrong}, {render_share(right, right + wrong)}; {gone}"


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(data: Path) -> None:
    """Hold the lines that `align` finds again against those that were read."""
    with tempfile.TemporaryDirectory() as folder:
        store = SnapshotStore(Path(folder))
        import_files([data], store)
        click.echo(render(load_labels(), find_moved(store)))


if __name__ == "__main__":
    main()
