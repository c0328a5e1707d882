"""`python -m bench.alignment ../shared/data`: do we find the lines that the published data was checked to have?

A comment agrees when both say that its line is not in the diff, or both name the same path, side, line and first line
of the range. Beside it stand simpler rules on the same comments, and ours without GitHub's own `line`.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from reviewer.diff import parse_diff
from reviewer.domain import ChangedFile, Side
from reviewer.jsonfile import decode
from training.align import align
from training.aligned import AlignedComment
from training.anchors import Commented, FileSide, number_on, parse_comment_hunk, stands_on
from training.published import Row, parse_snapshot
from training.snapshot import Snapshot, SnapshotComment

Place = tuple[str, Side, int, int | None]
"""Path, side, line and first line of the range."""
Counts = Counter[tuple[str, str, bool]]
"""By slice, rule and whether it agrees."""
Rule = Callable[[Snapshot], dict[int, Place | None]]
FILES: Final = "prs-*.jsonl.gz"
TARGET: Final = 0.995


class Answer(msgspec.Struct):
    """What the publishers checked of a comment."""

    id: int
    path: str
    side: Side
    anchor: str
    line_in_diff: bool
    line: int | None = None
    start_line: int | None = None
    in_reply_to: int | None = None

    @property
    def place(self) -> Place | None:
        """None: not in the diff. A range that starts at its own end is one line."""
        if not self.line_in_diff or self.line is None:
            return None
        return (self.path, self.side, self.line, self.start_line if self.start_line != self.line else None)


class Answers(msgspec.Struct):
    """The part of a row that `align` does not get."""

    comments: list[Answer]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A first comment of a thread of which the two say different things."""

    pull_request: str
    answer: Answer
    ours: AlignedComment

    def render(self) -> str:
        """One line."""
        checked, ours = render_place(self.answer.place), render_place(place_of(self.ours))
        row = f"{self.answer.id:>11}  {self.pull_request:<32}{self.answer.anchor:<12}{checked:<17}{ours:<17}"
        return (row + self.ours.reason).rstrip()


def render_place(place: Place | None) -> str:
    """`R12-14`, or that it is not there."""
    if place is None:
        return "not in the diff"
    _, side, line, start = place
    return f"{side[0]}{line}" if start is None else f"{side[0]}{start}-{line}"


def place_of(comment: AlignedComment) -> Place | None:
    """What `align` says."""
    here = comment.current
    return (here.path, here.side, here.line, here.start_line) if here else None


def by_align(snapshot: Snapshot) -> dict[int, Place | None]:
    """The rule of `glossator-train align`."""
    return {comment.id: place_of(comment) for comment in align(snapshot).comments}


def by_align_blind(snapshot: Snapshot) -> dict[int, Place | None]:
    """The same without GitHub's `line`: each comment is looked for as if it were outdated."""
    comments = tuple(replace(comment, line=None, start_line=None) for comment in snapshot.comments)
    return by_align(replace(snapshot, comments=comments))


def by_end_of_hunk(snapshot: Snapshot) -> dict[int, Place | None]:
    """The number of the last line of `diff_hunk`, when the diff shows a line with it."""
    return by_number(snapshot, lambda _, commented: commented.number)


def by_original_line(snapshot: Snapshot) -> dict[int, Place | None]:
    """The `original_line`, when the diff shows a line with it."""
    return by_number(snapshot, lambda comment, _: comment.original_line)


def by_number(
    snapshot: Snapshot, choose: Callable[[SnapshotComment, Commented], int | None]
) -> dict[int, Place | None]:
    """A line by its number alone, whatever it reads."""
    files = {file.path: file for file in parse_diff(snapshot.diff or "")}
    places: dict[int, Place | None] = {}
    for comment in snapshot.comments:
        commented = parse_comment_hunk(comment.diff_hunk, comment.side)
        places[comment.id] = None
        if not isinstance(commented, str) and (file := files.get(comment.path)):
            number = choose(comment, commented)
            if number is not None and number in FileSide(file, commented.side).by_number:
                places[comment.id] = (comment.path, commented.side, number, None)
    return places


def by_kept_lines(snapshot: Snapshot) -> dict[int, Place | None]:
    """A position read as an earlier attempt did, without removed lines and later hunk headers.

    The rows hold no position, so that of the line which `align` finds is counted as GitHub counts, and read back.
    """
    files = {file.path: file for file in parse_diff(snapshot.diff or "")}
    found = by_align(snapshot)
    return {comment: place and read_kept(files[place[0]], place) for comment, place in found.items()}


def read_kept(file: ChangedFile, place: Place) -> Place | None:
    """Where the position of a place leads when removed lines and later headers do not count."""
    path, side, number, start = place
    counted = [line for hunk in file.hunks for line in (None, *hunk.lines)]
    position = next(
        at for at, line in enumerate(counted) if line and stands_on(line, side) and number_on(line, side) == number
    )
    kept = [line for line in counted if line and line.kind != "-"]
    return (path, "RIGHT", kept[position - 1].number, start) if position <= len(kept) else None


RULES: Final[dict[str, Rule]] = {
    "align": by_align,
    "align, GitHub's line withheld": by_align_blind,
    "position, removed lines skipped": by_kept_lines,
    "number at the end of diff_hunk": by_end_of_hunk,
    "original_line as it is": by_original_line,
}


def read_rows(path: Path) -> Iterator[tuple[Snapshot, Answers]]:
    """Each pull request as `align` gets it, and the answers."""
    with gzip.open(path) as file:
        for line in file:
            yield parse_snapshot(decode(line, Row)), decode(line, Answers)


def measure(folder: Path) -> tuple[Counts, list[Disagreement]]:
    """How many comments of each slice agree under each rule, and the first comments of threads that do not."""
    counts: Counts = Counter()
    disagreements = []
    for path in sorted(folder.glob(FILES)):
        for snapshot, answers in read_rows(path):
            places = {name: rule(snapshot) for name, rule in RULES.items()}
            for answer in answers.comments:
                parts = list_slices(path.name.removesuffix(".jsonl.gz"), answer)
                for name, found in places.items():
                    counts.update((part, name, agrees(found[answer.id], answer.place, name)) for part in parts)
            disagreements += list_disagreements(snapshot, answers)
    return counts, disagreements


def agrees(found: Place | None, checked: Place | None, rule: str) -> bool:
    """Whether two places are one. Only `align` is asked for the range too."""
    if found is None or checked is None:
        return found is checked
    return found == checked if rule.startswith("align") else found[:3] == checked[:3]


def list_disagreements(snapshot: Snapshot, answers: Answers) -> list[Disagreement]:
    """The first comments of threads whose place is another one."""
    ours = {comment.id: comment for comment in align(snapshot).comments}
    name = f"{snapshot.repo}#{snapshot.number}"
    return [
        Disagreement(name, answer, ours[answer.id])
        for answer in answers.comments
        if answer.in_reply_to is None and place_of(ours[answer.id]) != answer.place
    ]


def list_slices(file: str, answer: Answer) -> tuple[str, ...]:
    """What a comment counts for. Replies stand where their thread stands, so the classes are of first comments."""
    if answer.in_reply_to is not None:
        return ("all comments", file)
    return ("all comments", file, "first comments", f"first comments, {answer.anchor}")


def render(counts: Counts, disagreements: list[Disagreement]) -> str:
    """The table, slices down and rules across, then each disagreement."""
    rules = list(RULES)
    lines = [f"{at}  {name}" for at, name in enumerate(rules, 1)]
    lines.append(f"\n{'agreement':<30}{'comments':>9}" + "".join(f"{at:>9}" for at in range(1, len(rules) + 1)))
    for part in sorted({part for part, _, _ in counts}):
        total = counts[part, rules[0], True] + counts[part, rules[0], False]
        shares = "".join(f"{counts[part, name, True] / total:>9.2%}" for name in rules)
        lines.append(f"{part:<30}{total:>9,}{shares}")
    lines.append("\nFirst comments that disagree, as the data has them and as we do:")
    return "\n".join([*lines, *(item.render() for item in disagreements)])


def main() -> int:
    """Print it all; 1 when fewer comments agree than must."""
    parser = argparse.ArgumentParser(prog="python -m bench.alignment", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with prs-*.jsonl.gz")
    folder = parser.parse_args().folder
    counts, disagreements = measure(folder)
    if not counts:
        parser.error(f"there is no {FILES} in {folder}")
    sys.stdout.write(render(counts, disagreements) + "\n")
    right, wrong = (counts["all comments", "align", agree] for agree in (True, False))
    return 0 if right / (right + wrong) >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
