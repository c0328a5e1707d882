"""The parts of a held-out set that are scored on their own.

What is in a part depends on the set alone, so that the parts of two candidates are the same.

- `language`: of the files, by their endings; the five with the most human comments in the whole set, and `other` for
  the rest.
- `size`: of the pull request: `small` to 10 changed lines, `medium` to 100, `large` above. The bounds are fixed, so
  that sets can be compared. On the sets that they were chosen on a third is small and a fifth is large.
- `kind`: of the pull request, by `evals.kinds`.
- `code`: of the files: `product` or `test`; configuration and documentation are in neither.
- `age`: of the repository: `old` when the training pairs hold it, else `new`.

Parts by file keep of each pull request the hunks, the human comments and the candidate's comments in these files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Final

from evals.held_out import HeldOut
from evals.kinds import KINDS, kind_of
from evals.predictions import Prediction, list_changed, list_hunks
from reviewer.file_classes import file_class, language_of

LANGUAGES: Final = 5
SIZES: Final = (("small", 10), ("medium", 100))
LARGE: Final = "large"
FEW_PULL_REQUESTS: Final = 10
"""With fewer pull requests that have a human comment, a part is too small."""
FEW_GOLD: Final = 20
"""With fewer human comments too."""
OTHER: Final = "other"
AGES: Final = ("new", "old")


@dataclass(frozen=True, slots=True)
class Part:
    """A slice before it is scored: the places of its pull requests, and which files count; None: all."""

    field: str
    value: str
    rows: tuple[int, ...]
    wants: Callable[[str], bool] | None = None


def list_parts(
    held: Sequence[HeldOut], trained_on: Collection[str] | None = None, whole: Sequence[HeldOut] | None = None
) -> list[Part]:
    """The parts of these pull requests; one that is empty is left out.

    Args:
        held: The pull requests.
        trained_on: The repositories of the training pairs; None when these are not known.
        whole: The set that they are from: its languages are named, so that any sample has the same ones. None: they are
            all of it.
    """
    languages = _name_languages(held if whole is None else whole)
    parts = [
        *_by_file(held, "language", languages),
        *_by_pull_request(held, "size", [*(name for name, _ in SIZES), LARGE], size_of),
        *_by_pull_request(held, "kind", KINDS, lambda one: kind_of(one.bundle.pull_request)),
        *_by_file(held, "code", {path: file_class(path) for path in _paths(held)}, ("product", "test")),
    ]
    if trained_on is not None:
        parts += _by_pull_request(held, "age", AGES, lambda one: AGES[one.key[0] in trained_on])
    return parts


def size_of(held: HeldOut) -> str:
    """How large the pull request is, by its changed lines."""
    changed = sum(hunk.changed for hunk in list_hunks(held))
    return next((name for name, most in SIZES if changed <= most), LARGE)


def restrict(held: HeldOut, prediction: Prediction, wants: Callable[[str], bool]) -> tuple[HeldOut, Prediction]:
    """The pull request and its prediction as if it had only some of its files."""
    kept = [wants(hunk.path) for hunk in list_hunks(held)]
    pull_request = held.bundle.pull_request
    files = tuple(file for file in pull_request.files if wants(file.path))
    bundle = replace(held.bundle, pull_request=replace(pull_request, files=files))
    lines = [kept[at] for at, _, _ in list_changed(held)] if prediction.line_scores else []
    return (
        replace(held, bundle=bundle, gold=tuple(comment for comment in held.gold if wants(comment.path))),
        replace(
            prediction,
            comments=tuple(comment for comment in prediction.comments if wants(comment.path)),
            hunk_scores=tuple(compress(prediction.hunk_scores, kept)),
            line_scores=tuple(compress(prediction.line_scores, lines)),
        ),
    )


def note_size(pull_requests: int, gold: int) -> str:
    """A sentence for a part that is too small to say much: pull requests with a human comment, and comments in all."""
    if pull_requests >= FEW_PULL_REQUESTS and gold >= FEW_GOLD:
        return ""
    return f"Too small to rely on: {gold} human comments on {pull_requests} pull requests."


def _by_pull_request(
    held: Sequence[HeldOut], field: str, values: Sequence[str], value_of: Callable[[HeldOut], str]
) -> list[Part]:
    found = [value_of(one) for one in held]
    parts = [Part(field, value, tuple(row for row, one in enumerate(found) if one == value)) for value in values]
    return [part for part in parts if part.rows]


def _by_file(
    held: Sequence[HeldOut], field: str, names: Mapping[str, str], values: Sequence[str] = ()
) -> Iterator[Part]:
    """A part for each value, with `names` saying which value a path has."""
    for value in values or dict.fromkeys(names.values()):
        paths = frozenset(path for path, name in names.items() if name == value)
        rows = tuple(row for row, one in enumerate(held) if any(path in paths for path in _paths([one])))
        if rows:
            yield Part(field, value, rows, paths.__contains__)


def _name_languages(held: Sequence[HeldOut]) -> dict[str, str]:
    """The language of each path, those with the most human comments first, the rarer ones under one name."""
    commented = Counter(language_of(comment.path) for one in held for comment in one.gold)
    paths = list(_paths(held))
    all_paths = Counter(map(language_of, paths))
    order = sorted(all_paths, key=lambda name: (-commented[name], -all_paths[name], name))
    shown = [name for name in order if name][:LANGUAGES]
    names = {path: name if (name := language_of(path)) in shown else OTHER for path in paths}
    return dict(sorted(names.items(), key=lambda entry: ([*shown, OTHER].index(entry[1]), entry[0])))


def _paths(held: Iterable[HeldOut]) -> dict[str, None]:
    """All paths that are changed, or that a human commented on, each once, in the order of the set."""
    changed = (file.path for one in held for file in one.bundle.pull_request.files)
    commented = (comment.path for one in held for comment in one.gold)
    return dict.fromkeys((*changed, *commented))
