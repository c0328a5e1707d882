"""Does the check of the splits miss a near-duplicate? `python -m bench.leaks --splits DIR` and the folders before it.

Beside `training.leaks`, which looks for pairs by MinHash, stands an exact search that needs no luck and shares no code
with it: sets of 5-grams, an index of the rarest of each, and every pair that can reach the similarity is compared. Both
look through what the splits hold and what they left out, with near-duplicates planted among it.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from reviewer.domain import Split
from reviewer.jsonfile import decode
from training.aligned import ALIGNED_SCHEMA, Aligned
from training.filtered import FILTERED_SCHEMA, Filtered
from training.leaks import find_leaks, find_stand
from training.snapshot import Snapshot
from training.split_facts import KINDS, Stand, Unit
from training.splits import SPLITS, SPLITS_SCHEMA, Assigned, SplitSummary
from training.stage import Told, run_stage
from training.store import SnapshotStore

SIMILARITY: Final = 0.7
GRAM: Final = 5
PLANTED: Final = "planted/near-duplicates"
LENGTHS: Final = range(40, 2_000)
"""Characters of a text from which a near-duplicate is made."""
_ROUNDING: Final = 1e-9
_NEARLY: Final = re.compile(r"(.+) \(\w+\) and .+ are nearly the same: .+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Held:
    """What a split holds of a pull request, and what it would hold if nothing had been left out."""

    split: Split
    repo: str
    number: int
    kept: tuple[Unit, ...]
    left_out: tuple[Unit, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """A comment or a hunk of a split, by the name that the check gives it."""

    split: Split
    row: str
    text: str
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts of different splits, the one that is used earlier first."""

    one: Text
    other: Text
    similarity: float


def find_held(snapshot: Snapshot, aligned: Aligned, filtered: Filtered, assigned: Assigned) -> Held | None:
    """What `run_stage` makes of a pull request."""
    stand = find_stand(snapshot, aligned, filtered, assigned)
    if stand is None:
        return None
    whole = find_stand(snapshot, aligned, filtered, replace(assigned, left_out_comments=(), left_out_hunks=()))
    kept = frozenset(stand.units)
    left_out = tuple(unit for unit in (whole.units if whole else ()) if unit not in kept)
    return Held(stand.split, stand.repo, stand.number, stand.units, left_out)


def load_held(store: SnapshotStore, folders: Sequence[Path], told: Told, jobs: int) -> list[Held]:
    """All that the splits hold and left out."""
    kinds = ((ALIGNED_SCHEMA, Aligned), (FILTERED_SCHEMA, Filtered), (SPLITS_SCHEMA, Assigned))
    inputs = [(folder, *kind) for folder, kind in zip(folders, kinds, strict=True)]
    return [decode(line, Held) for line in run_stage(store, find_held, told, inputs, jobs=jobs)]


def list_texts(held: Iterable[Held], kind: str) -> Iterator[Text]:
    """The texts of one kind."""
    for each in held:
        for units, is_kept in ((each.kept, True), (each.left_out, False)):
            for unit in units:
                if unit.kind == kind:
                    name = f"{each.repo}#{each.number} {kind} {unit.id}"
                    yield Text(each.split, name, unit.text.encode("utf-8", "replace").decode(), is_kept)


def list_grams(text: str) -> set[str]:
    """The 5-grams of a text; case and white space do not count."""
    plain = " ".join(text.casefold().split()).ljust(GRAM, "\0")
    return {plain[at : at + GRAM] for at in range(len(plain) - GRAM + 1)}


class ExactIndex:
    """Finds all pairs of at least a similarity.

    With the grams of all texts in one order, two sets that share enough share one of the first `n - ceil(t n) + 1` of
    each: so only those are indexed. The rarest stand first, and grams of no indexed text before them.
    """

    def __init__(self, texts: Sequence[Text], similarity: float) -> None:
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(list_grams(text.text))
        ordered = sorted(counts, key=lambda gram: (counts[gram], gram))
        self._ranks = {gram: rank for rank, gram in enumerate(ordered)}
        self._similarity = similarity
        self._texts: list[tuple[Text, array[int]]] = []
        self._postings: defaultdict[int, array[int]] = defaultdict(lambda: array("I"))

    def rank(self, text: Text) -> tuple[array[int], int]:
        """The known grams of a text, the rarest first, and the number of the others."""
        grams = list_grams(text.text)
        known = array("I", sorted(rank for gram in grams if (rank := self._ranks.get(gram)) is not None))
        return known, len(grams) - len(known)

    def add(self, text: Text) -> None:
        """Let later texts be compared with this one, which was among the texts at the start."""
        grams, _ = self.rank(text)
        for rank in grams[: self._first(len(grams))]:
            self._postings[rank].append(len(self._texts))
        self._texts.append((text, grams))

    def find(self, text: Text) -> Iterator[Pair]:
        """All indexed texts that are as similar as asked for, or more."""
        known, unknown = self.rank(text)
        size = len(known) + unknown
        first = known[: max(0, self._first(size) - unknown)]
        grams = frozenset(known)
        for at in sorted({at for rank in first for at in self._postings.get(rank, ())}):
            other, its = self._texts[at]
            if min(size, len(its)) < self._similarity * max(size, len(its)) - _ROUNDING:
                continue
            shared = len(grams.intersection(its))
            found = shared / (size + len(its) - shared)
            if found >= self._similarity:
                yield Pair(text, other, found)

    def _first(self, size: int) -> int:
        return size - math.ceil(self._similarity * size - _ROUNDING) + 1


def find_pairs(texts: Sequence[Text], similarity: float) -> Iterator[Pair]:
    """All pairs across splits."""
    index = ExactIndex([text for text in texts if text.split != SPLITS[0]], similarity)
    for split in reversed(SPLITS):
        those = [text for text in texts if text.split == split]
        for text in those if split != SPLITS[-1] else ():
            yield from index.find(text)
        for text in those if split != SPLITS[0] else ():
            index.add(text)


def plant(held: Sequence[Held], count: int, similarity: float) -> tuple[Held, set[str]]:
    """A pull request of the last split with texts that are hardly near enough to texts of the first, and these rows."""
    dice = random.Random(count)  # noqa: S311 - not for secrets: for the same texts each time
    units: list[Unit] = []
    rows: set[str] = set()
    for kind in KINDS:
        texts = [text for text in list_texts(held, kind) if text.split == SPLITS[0] and len(text.text) in LENGTHS]
        for text in dice.sample(texts, min(count, len(texts))):
            if (near := make_near(text.text, similarity, dice)) != text.text:
                units.append(Unit(kind, str(len(units)), near))
                rows.add(text.row)
    return Held(SPLITS[-1], PLANTED, 1, tuple(units)), rows


def make_near(text: str, similarity: float, dice: random.Random) -> str:
    """The text with so many letters changed, one after another, that one more would be too many."""
    grams, letters, near = list_grams(text), list(text), text
    while True:
        letters[dice.randrange(len(letters))] = dice.choice("jqxz")
        changed = "".join(letters)
        its = list_grams(changed)
        if len(grams & its) < similarity * len(grams | its):
            return near
        near = changed


def ask_check(held: Iterable[Held], similarity: float) -> set[str]:
    """The rows that the check names."""
    stands = (Stand(each.split, each.repo, each.number, units=(*each.kept, *each.left_out)) for each in held)
    leaks = find_leaks(stands, SplitSummary("time", similarity=similarity))
    return {found[1] for leak in leaks if (found := _NEARLY.fullmatch(leak))}


def render(pairs: Sequence[Pair], checked: set[str], planted: set[str]) -> tuple[str, bool]:
    """The figures, and whether nothing leaks and nothing was missed."""
    real = [pair for pair in pairs if not pair.other.row.startswith(PLANTED)]
    leaks = [pair for pair in real if pair.one.is_kept and pair.other.is_kept]
    found, rows = {pair.one.row for pair in pairs}, {pair.one.row for pair in real}
    both = f"the search finds {len(found & planted):,}, the check {len(checked & planted):,}"
    lines = [
        f"In the splits as they stand: {len(leaks):,} pairs.",
        f"With what they left out: {len(real):,} pairs of {len(rows):,} rows; the check names {len(rows & checked):,}.",
        f"Planted beside {len(planted):,} rows: {both}.",
        f"Of all rows only the search finds {len(found - checked):,}, only the check {len(checked - found):,}.",
        *(f"{pair.one.row} and {pair.other.row}: {pair.similarity:.4f}" for pair in leaks),
        *(f"missed by the check: {row}" for row in sorted(found - checked)),
    ]
    return "\n".join(lines), not leaks and found == checked and planted <= found


def main() -> int:
    """Print the figures; 1 when something leaks, or one of the two misses what it must find."""
    parser = argparse.ArgumentParser(prog="python -m bench.leaks", description=__doc__)
    for name in ("snapshots", "aligned", "filtered", "splits"):
        parser.add_argument(f"--{name}", type=Path, default=Path("data") / name)
    parser.add_argument("--plant", type=int, default=200, help="near-duplicates of each kind to plant")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    told = Told()
    folders = (options.aligned, options.filtered, options.splits)
    held = load_held(SnapshotStore(options.snapshots), folders, told, options.jobs)
    sys.stderr.writelines(f"{problem}\n" for problem in told.problems)
    extra, planted = plant(held, options.plant, SIMILARITY)
    held.append(extra)
    pairs = [pair for kind in KINDS for pair in find_pairs(list(list_texts(held, kind)), SIMILARITY)]
    text, is_well = render(pairs, ask_check(held, SIMILARITY), planted)
    sys.stdout.write(text + "\n")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
