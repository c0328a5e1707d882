"""From files of pull requests to a locator on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from evals.errors import EvalError
from evals.held_out import HeldOut, HeldOutSet, load_held_out
from reviewer import __version__
from reviewer.jsonfile import replace_file
from reviewer.locator import render_locator
from training.errors import DataError, refuse_write
from training.locator.fit import Fitted, Recipe, fit_locator
from training.locator.labels import Labelled, label_all


@dataclass(frozen=True, slots=True)
class Choice:
    """Which pull requests are learned from. `before`: known to be created before this day (UTC)."""

    without: tuple[str, ...] = ()
    before: str = ""

    def wants(self, held: HeldOut) -> bool:
        """Whether it is one of them."""
        return held.key[0] not in self.without and (not self.before or "" < held.created_at < self.before)


def train_locator(sets: Sequence[Path], choice: Choice, out: Path, recipe: Recipe | None = None) -> list[str]:
    """Train on files of `glossator-train held-out`, and write the locator.

    Returns:
        Sentences on what it was trained on.

    Raises:
        DataError: A file cannot be read or written, or there is too little to learn from.
    """
    recipe = recipe or Recipe()
    refuse_folder(out)
    found = [_load(path) for path in sets]
    _refuse_odd_sets(found, choice)
    labelled = label_all(held for one in found for held in one.pull_requests if choice.wants(held))
    fitted = fit_locator(labelled, recipe)
    about = describe(found, labelled, choice, fitted, recipe)
    save_locator(render_locator(fitted.hunk, fitted.line, fitted.prior, about), out)
    return [*tell(labelled, fitted), f"{out}: written."]


def _refuse_odd_sets(sets: Sequence[HeldOutSet], choice: Choice) -> None:
    """Refuse pull requests that would count twice, and repositories to leave out that are not there."""
    keys = Counter(held.key for one in sets for held in one.pull_requests)
    if twice := next((key for key, count in keys.items() if count > 1), None):
        raise DataError(f"{twice[0]}#{twice[1]} is given twice.", "Name each pull request in one of the files.")
    repos = {repo for repo, _ in keys}
    if unknown := [repo for repo in choice.without if repo not in repos]:
        raise DataError(f"There is no {unknown[0]!r} to leave out.", f"There are: {', '.join(sorted(repos))}.")


def refuse_folder(out: Path) -> None:
    """Refuse a file that cannot be written before anything is computed.

    Raises:
        DataError: Its folder is not there.
    """
    if not out.parent.is_dir():
        raise DataError(f"There is no folder {out.parent}.", "Make it, or give another --out.")


def save_locator(text: str, out: Path) -> None:
    """Write a locator, whole or not at all.

    Raises:
        DataError: It cannot be written.
    """
    try:
        replace_file(out, text.encode())
    except OSError as error:
        raise refuse_write(out, error) from error


def _load(path: Path) -> HeldOutSet:
    try:
        return load_held_out(path)
    except EvalError as error:
        raise DataError(error.what, error.hint) from error


def describe(
    sets: Sequence[HeldOutSet], labelled: Sequence[Labelled], choice: Choice, fitted: Fitted, recipe: Recipe
) -> dict[str, object]:
    """What the artifact says about itself: no name of a person or a file is in it."""
    return {
        "glossator": __version__,
        "sets": [one.revision for one in sets],
        "repositories": sorted({one.repo for one in labelled}),
        "before": choice.before,
        "pull_requests": len(labelled),
        "commented": sum(one.commented for one in labelled),
        "hunks": sum(len(one.right) for one in labelled),
        "commented_hunks": int(sum(one.right.sum() for one in labelled)),
        "known_share": fitted.known_share and round(fitted.known_share, 4),
        "recipe": asdict(recipe),
    }


def tell(labelled: Sequence[Labelled], fitted: Fitted) -> Iterator[str]:
    """What it was trained on, in words."""
    complete = [one for one in labelled if one.complete]
    hunks = sum(len(one.right) for one in labelled)
    right = int(sum(one.right.sum() for one in labelled))
    yield f"{len(labelled):,} pull requests of {len({one.repo for one in labelled})} repositories, {hunks:,} hunks."
    yield f"Humans commented on {right:,} hunks; on {len(complete):,} pull requests all comments are known."
    if fitted.known_share is not None:
        yield f"Of the others' comments at most {fitted.known_share:.0%} are known, by a model of the complete ones."
