"""`python -m bench.filter_labels --snapshots DIR`: how well the filter agrees with the comments labelled by hand.

The labels stand in training/labels/quality.csv without their texts; the snapshots have them. `--fit` also finds the
weights of training.quality again, on the half of the labels that they may know. `--scrub` counts instead what
training.scrub finds in all comments of people.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.comment_rules import CommentText, find_reason, read_text
from training.filter import FilterParams, refuse_text
from training.quality import measure_features, score_quality
from training.scrub import scrub
from training.snapshot import Snapshot
from training.store import SnapshotStore

LABELS: Final = Path(__file__).parents[1] / "training" / "labels" / "quality.csv"
USEFUL: Final = "useful"
RIDGE: Final = 2.0
FOLDS: Final = 10
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A comment that somebody read. `sample` is `random` or `short`, `half` is `tune` or `held-out`."""

    text: CommentText
    useful: bool
    label: str
    sample: str
    half: str


Judge = Callable[[Labelled], bool]


def main() -> int:
    """Print the table, and the weights with --fit; 2 when a labelled comment is not in the snapshots."""
    parser = argparse.ArgumentParser(prog="python -m bench.filter_labels", description=__doc__)
    parser.add_argument("--snapshots", type=Path, default=Path("data/snapshots"))
    parser.add_argument("--fit", action="store_true", help="find the weights again")
    parser.add_argument("--scrub", action="store_true", help="count secrets and personal data in all comments")
    options = parser.parse_args()
    if options.scrub:
        sys.stdout.write(render_scrubbed(SnapshotStore(options.snapshots)) + "\n")
        return 0
    rows, missing = load_labelled(SnapshotStore(options.snapshots))
    if missing:
        named = ", ".join(missing[:5])
        sys.stderr.write(f"Not in {options.snapshots}: {named} and so on, {len(missing)} in all. See docs/filter.md.\n")
        return 2
    tune = [row for row in rows if row.half == "tune"]
    sys.stdout.write(render_table(rows, make_judges(tune)) + "\n" + render_recall(rows) + "\n")
    if options.fit:
        names = ["bias", *measure_features(tune[0].text)]
        weights = fit(*make_matrix(tune))
        sys.stdout.writelines(f'    "{name}": {weight:.2f},\n' for name, weight in zip(names, weights, strict=True))
    return 0


def render_scrubbed(store: SnapshotStore) -> str:
    """What is found in the comments that are not by bots, of each kind."""
    texts, removed = 0, Counter[str]()
    for key in store.list_keys():
        for comment in store.load(key).comments:
            if comment.author_type != "Bot":
                texts += 1
                removed.update(scrub(comment.body, comment.diff_hunk).removed)
    return f"{texts:,} comments: {', '.join(f'{count} {kind}' for kind, count in removed.most_common()) or 'nothing'}"


def load_labelled(store: SnapshotStore) -> tuple[list[Labelled], list[str]]:
    """The labelled comments with their texts, and those that the store does not have."""

    @cache
    def load(repo: str, number: int) -> Snapshot | None:
        return store.load((repo, number)) if (repo, number) in store else None

    rows, missing = [], []
    with LABELS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            snapshot = load(row["repo"], int(row["number"]))
            comments = snapshot.comments if snapshot else ()
            body = next((each.body for each in comments if each.id == int(row["comment_id"])), None)
            if body is None:
                missing.append(f"{row['repo']}#{row['number']}:{row['comment_id']}")
                continue
            text = read_text(body.replace("\r\n", "\n").strip())
            rows.append(Labelled(text, row["label"] == USEFUL, row["label"], row["sample"], row["half"]))
    return rows, missing


def make_judges(tune: Sequence[Labelled]) -> dict[str, Judge]:
    """What is compared: baselines, the rules alone, and the filter with its score."""
    params = FilterParams()
    lengths = sorted({len(row.text.words) for row in tune})
    best = max(lengths, key=lambda limit: kappa([len(row.text.words) >= limit for row in tune], tune))
    return {
        "keep all (majority)": lambda row: True,  # noqa: ARG005 - it looks at nothing
        f"length, {best} words or more": lambda row: len(row.text.words) >= best,
        "rules without score": lambda row: find_reason(row.text) is None,
        "the filter": lambda row: (
            not refuse_text(row.text, params)[0] and score_quality(row.text) >= params.min_quality
        ),
    }


def render_table(rows: Sequence[Labelled], judges: dict[str, Judge]) -> str:
    """A line for each judge and part of the labels, and one for the filter cross-validated."""
    columns = ("labels", "judged by", "accuracy", "keep P", "keep R", "drop P", "drop R", "kappa")
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for half in ("tune", "held-out"):
        for samples in (("random",), ("random", "short")):
            part = [row for row in rows if row.half == half and row.sample in samples]
            name = f"{half}, {' and '.join(samples)} ({len(part)})"
            lines += [render_row(name, judge, [keep(row) for row in part], part) for judge, keep in judges.items()]
    tune = [row for row in rows if row.half == "tune"]
    lines.append(render_row(f"tune, both ({len(tune)})", "the filter, cross-validated", cross_validate(tune), tune))
    return "\n".join(lines)


def render_row(name: str, judge: str, kept: Sequence[bool], rows: Sequence[Labelled]) -> str:
    """One line of the table."""
    pairs = list(zip(kept, (row.useful for row in rows), strict=True))
    figures = [
        _share(keep == useful for keep, useful in pairs),
        _share(useful for keep, useful in pairs if keep),
        _share(keep for keep, useful in pairs if useful),
        _share(not useful for keep, useful in pairs if not keep),
        _share(not keep for keep, useful in pairs if not useful),
        f"{kappa(kept, rows):.2f}",
    ]
    return f"| {name} | {judge} | {' | '.join(figures)} |"


def render_recall(rows: Sequence[Labelled]) -> str:
    """How much of each label the filter drops, over all rows."""
    keep = make_judges([row for row in rows if row.half == "tune"])["the filter"]
    lines = ["", "| label | rows | dropped |", "|---|---|---|"]
    for label in sorted({row.label for row in rows}):
        part = [row for row in rows if row.label == label]
        lines.append(f"| {label} | {len(part)} | {sum(not keep(row) for row in part)} |")
    return "\n".join(lines)


def _share(values: Iterable[bool]) -> str:
    held = list(values)
    return f"{sum(held) / len(held):.2f} ({sum(held)}/{len(held)})" if held else "-"


def kappa(kept: Sequence[bool], rows: Sequence[Labelled]) -> float:
    """Cohen's kappa: the agreement beyond what chance gives, 0 for chance and 1 for all."""
    useful = [row.useful for row in rows]
    agreed = sum(keep == truth for keep, truth in zip(kept, useful, strict=True)) / len(rows)
    one, other = sum(kept) / len(rows), sum(useful) / len(rows)
    chance = one * other + (1 - one) * (1 - other)
    return (agreed - chance) / (1 - chance) if chance < 1 else 0.0


def make_matrix(rows: Sequence[Labelled]) -> tuple[Floats, Floats]:
    """Features with a leading 1, and the labels."""
    features = [[1.0, *map(float, measure_features(row.text).values())] for row in rows]
    return np.array(features), np.array([row.useful for row in rows], np.float64)


def fit(features: Floats, useful: Floats) -> Floats:
    """Logistic regression with a ridge on all weights but the first, by Newton's method."""
    weights = np.zeros(features.shape[1])
    ridge = np.diag([0.0] + [RIDGE] * (features.shape[1] - 1))
    for _ in range(25):
        chances = 1 / (1 + np.exp(-features @ weights))
        slope = features.T @ (chances - useful) + ridge @ weights
        bend = (features * (chances * (1 - chances))[:, None]).T @ features + ridge
        weights = weights - np.linalg.solve(bend, slope)
    return weights


def cross_validate(rows: Sequence[Labelled]) -> list[bool]:
    """What the filter would keep if the weights had not seen the row."""
    params = FilterParams()
    features, useful = make_matrix(rows)
    fold = np.arange(len(rows)) % FOLDS
    chances = np.zeros(len(rows))
    for each in range(FOLDS):
        weights = fit(features[fold != each], useful[fold != each])
        chances[fold == each] = 1 / (1 + np.exp(-features[fold == each] @ weights))
    return [
        bool(chance >= params.min_quality) and not refuse_text(row.text, params)[0]
        for chance, row in zip(chances, rows, strict=True)
    ]


if __name__ == "__main__":
    sys.exit(main())
