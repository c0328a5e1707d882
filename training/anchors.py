"""Where a commented line stands in another diff: found by its side, its text and the lines above it.

A comment's `diff_hunk` ends with the commented line, so it shows the line and what stood above it. Its mark says the
side, and the same mark is asked for, save of a line at the number that it had: what was added may have come from the
base since. Texts are compared with their blanks collapsed, as indenting a line does not make it another one. A short
line such as `return 1;` is written again and again: what moved far is believed when enough around it is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Final

from msgspec import Meta

from reviewer.diff_hunks import HUNK, number_lines, split_lines
from reviewer.domain import ChangedFile, Hunk, Line, Side
from training.aligned import Anchor

NO_HUNK: Final = "it has no diff hunk"
BAD_HUNK: Final = "its diff hunk cannot be read"
GONE: Final = "the line is not in the diff any more"
STAYED: Final = "the line at its number reads the same, and more about it does, but less straight above it"
UNSURE: Final = "a line of the diff reads the same, but too little around it does"


@dataclass(frozen=True, slots=True)
class AlignParams:
    """How much must be seen before a line counts as found again."""

    telling: Annotated[int, Meta(ge=0)] = 4
    """Letters and digits that make a text worth looking for by itself; `}` and `end` are not."""
    context: Annotated[int, Meta(ge=0)] = 2
    """Lines above that must be the same too, where the text is not telling."""
    evidence: Annotated[int, Meta(ge=0)] = 12
    """Letters and digits of a line that moved far and of the same lines about it, taken together."""
    reach: Annotated[int, Meta(ge=0)] = 8
    """How many lines above count as being about it."""
    near: Annotated[int, Meta(ge=0)] = 3
    """How many lines away is not far."""


@dataclass(frozen=True, slots=True)
class Commented:
    """The commented line with all that its hunk shows of its side, top to bottom, itself last."""

    lines: tuple[Line, ...]
    side: Side
    hunk: Hunk
    """The same with the lines of both sides; it has no path."""

    @property
    def line(self) -> Line:
        """The commented line."""
        return self.lines[-1]

    @property
    def number(self) -> int:
        """Its number in the diff that it was made on."""
        return number_on(self.line, self.side)

    @property
    def texts(self) -> tuple[str, ...]:
        """What is compared."""
        return tuple(collapse(line.text) for line in self.lines)

    def as_hunk(self, path: str) -> Hunk:
        """All that the hunk shows, both sides, as a hunk of that file. Its last line is the commented one."""
        return replace(self.hunk, path=path)


@dataclass(frozen=True, slots=True)
class Spot:
    """A line of one side of a file, with the lines of its hunk that stand on that side too, and their texts."""

    hunk: Hunk
    lines: list[Line]
    texts: list[str]
    at: int

    @property
    def line(self) -> Line:
        """The line itself."""
        return self.lines[self.at]


class FileSide:
    """One side of a file as the diff shows it, found by text and by number."""

    def __init__(self, file: ChangedFile, side: Side) -> None:
        self.path = file.path
        self.side = side
        self.by_text: dict[str, list[Spot]] = {}
        self.by_number: dict[int, Spot] = {}
        for hunk in file.hunks:
            lines = [line for line in hunk.lines if stands_on(line, side)]
            texts = [collapse(line.text) for line in lines]
            for at, (line, text) in enumerate(zip(lines, texts, strict=True)):
                spot = Spot(hunk, lines, texts, at)
                self.by_text.setdefault(text, []).append(spot)
                self.by_number.setdefault(number_on(line, side), spot)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line of the snapshot's diff that reads like the commented one."""

    spot: Spot
    number: int
    run: int
    """How many lines above it are the same, one after another."""

    @property
    def is_telling(self) -> bool:
        """Whether one of them has a letter or a digit."""
        at = self.spot.at
        return any(map(count_telling, self.spot.texts[at - self.run : at]))


def parse_comment_hunk(diff_hunk: str, side: Side | None = None) -> Commented | str:
    """What a comment's `diff_hunk` shows, or why it shows nothing.

    Where there are several headers the last one counts, as the commented line is the last. A newline at the very end
    is no line. For all lines of both sides as a `Hunk`: `commented.as_hunk(path)`.

    Args:
        diff_hunk: As GitHub gives it: a hunk from its header down to the commented line, shorter than its header says.
        side: What GitHub says; it decides for a context line alone.
    """
    if not diff_hunk:
        return NO_HUNK
    rows = split_lines(diff_hunk)
    head = max((at for at, row in enumerate(rows) if row.startswith("@@")), default=0)
    found = HUNK.match(rows[head])
    if found is None:
        return BAD_HUNK
    source, target = int(found[1]), int(found[3])
    lines = tuple(number_lines(rows[head + 1 :], source, target))
    if not lines:
        return BAD_HUNK
    kind = lines[-1].kind
    mine: Side = "LEFT" if kind == "-" else "RIGHT" if kind == "+" else side or "RIGHT"
    hunk = Hunk("", found[5].rstrip("\r"), source, target, lines)
    return Commented(tuple(line for line in lines if stands_on(line, mine)), mine, hunk)


def stands_on(line: Line, side: Side) -> bool:
    """Whether the line is one of that side's file."""
    return line.kind != ("-" if side == "RIGHT" else "+")


def number_on(line: Line, side: Side) -> int:
    """The number of a line on a side that has it."""
    number = line.source_line if side == "LEFT" else line.target_line
    assert number is not None, "the line stands on that side"
    return number


def collapse(text: str) -> str:
    """The text with each run of blanks as one, none at its ends."""
    return " ".join(text.split())


def count_telling(text: str) -> int:
    """How many letters and digits a text has."""
    return sum(character.isalnum() for character in text)


def find_file(files: tuple[ChangedFile, ...], path: str) -> ChangedFile | None:
    """The file of that name, or the one that it was renamed to, as long as there is only one."""
    by_name = next((file for file in files if file.path == path), None)
    renamed = [file for file in files if file.previous_path == path and file.status == "renamed"]
    return by_name or (renamed[0] if len(renamed) == 1 else None)


def find_again(commented: Commented, shown: FileSide, params: AlignParams) -> Spot | str:
    """The one line of the file that is the commented one, or why none is.

    The best is the one with the most lines above that are the same; of equals, the one at the number that it had. Where
    one at that number is not the best, but has more of the same about it, nobody can tell which it is. Then the best
    must be sure. Where it moved far, it and the same lines about it have letters enough. And the hunk's whole beginning
    is the same; or the text is telling, and it stands there once and the hunk shows it once, or there are the
    same lines about it; or enough lines above are the same.
    """
    found = list_candidates(commented, shown)
    if not found:
        return GONE
    ranks = [(candidate.run, candidate.number == commented.number) for candidate in found]
    if (equals := ranks.count(max(ranks))) > 1:
        return f"{equals} lines of the diff are like it"
    best = found[ranks.index(max(ranks))]
    stayed = next((candidate for candidate in found if candidate.number == commented.number), best)
    if count_around(commented, stayed, params.reach) > count_around(commented, best, params.reach):
        return STAYED
    return best.spot if is_sure(commented, best, params, alone=len(found) == 1) else UNSURE


def list_candidates(commented: Commented, shown: FileSide) -> list[Candidate]:
    """The lines of the commented one's side with its text, and with its mark or at its number."""
    wanted = commented.texts
    spots = [(spot, number_on(spot.line, shown.side)) for spot in shown.by_text.get(wanted[-1], ())]
    return [
        Candidate(spot, number, count_run(wanted, spot))
        for spot, number in spots
        if spot.line.kind == commented.line.kind or number == commented.number
    ]


def count_run(wanted: tuple[str, ...], spot: Spot) -> int:
    """How many lines above are the same, one after another."""
    run = 0
    while run < min(len(wanted) - 1, spot.at) and wanted[-2 - run] == spot.texts[spot.at - 1 - run]:
        run += 1
    return run


def is_sure(commented: Commented, best: Candidate, params: AlignParams, *, alone: bool) -> bool:
    """Whether enough of the best candidate is the same."""
    text, around = count_telling(commented.line.text), count_around(commented, best, params.reach)
    moved = abs(best.number - commented.number)
    if moved > params.near and text + around < params.evidence:
        return False
    if best.run == len(commented.lines) - 1 and (best.run > 0 or (best.spot.at == 0 and not moved)):
        return True
    if text < params.telling:
        return best.is_telling and (best.run >= params.context or (alone and text > 0))
    if alone:
        return around > 0 or not moved or commented.texts.count(commented.texts[-1]) == 1
    return best.run > 0 and around > 0


def count_around(commented: Commented, best: Candidate, reach: int) -> int:
    """Letters and digits of the lines that are the same straight above, and of others that are near above both."""
    at, texts = best.spot.at, best.spot.texts
    same = sum(map(count_telling, texts[at - best.run : at]))
    there = set(texts[max(at - reach, 0) : max(at - best.run, 0)])
    here = commented.texts[-1 - reach : len(commented.lines) - 1 - best.run]
    return same + sum(map(count_telling, there.intersection(here)))


def make_anchor(path: str, side: Side, line: Line, start_line: int | None) -> Anchor:
    """The anchor of a line; a range that does not start above it is none."""
    number = number_on(line, side)
    start = start_line if start_line is not None and 0 < start_line < number else None
    return Anchor(path, side, number, start, line.kind, line.text)
