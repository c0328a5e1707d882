"""Where a commented line stands in another diff: found by its side, its text and the lines above it, never guessed.

A comment's `diff_hunk` ends with the commented line, so it shows the line and what stood above it. Its mark says the
side, and the same mark is asked for, save of a line at the number that it had: what was added may have come from the
base since. Texts are compared with their blanks collapsed, as indenting a line does not make it another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reviewer.diff_hunks import HUNK, number_lines
from reviewer.domain import ChangedFile, Hunk, Line, Side
from training.aligned import Anchor

NO_HUNK: Final = "it has no diff hunk"
BAD_HUNK: Final = "its diff hunk cannot be read"
GONE: Final = "the line is not in the diff any more"
UNSURE: Final = "a line of the diff reads the same, but too little around it does"


@dataclass(frozen=True, slots=True)
class AlignParams:
    """How much must be seen before a line counts as found again."""

    telling: int = 4
    """Letters and digits that make a text worth looking for by itself; `}` and `end` are not."""
    context: int = 2
    """Lines above that must be the same too, where the text is not telling."""


@dataclass(frozen=True, slots=True)
class Commented:
    """The commented line with all that its hunk shows of its side, top to bottom, itself last."""

    lines: tuple[Line, ...]
    side: Side

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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line of the snapshot's diff that reads like the commented one."""

    hunk: Hunk
    line: Line
    run: int
    """How many lines above it are the same, one after another."""
    telling: int
    """The letters and digits in them."""


def parse_comment_hunk(diff_hunk: str, side: Side | None) -> Commented | str:
    """What a comment's `diff_hunk` shows, or why it shows nothing.

    Args:
        diff_hunk: As GitHub gives it: a hunk from its header down to the commented line, shorter than its header says.
        side: What GitHub says; it decides for a context line alone.
    """
    if not diff_hunk:
        return NO_HUNK
    rows = diff_hunk.split("\n")
    head = max((at for at, row in enumerate(rows) if row.startswith("@@")), default=0)
    found = HUNK.match(rows[head])
    if found is None:
        return BAD_HUNK
    lines = tuple(number_lines(rows[head + 1 :], int(found[1]), int(found[3])))
    if not lines:
        return BAD_HUNK
    kind = lines[-1].kind
    mine: Side = "LEFT" if kind == "-" else "RIGHT" if kind == "+" else side or "RIGHT"
    return Commented(tuple(line for line in lines if stands_on(line, mine)), mine)


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


def find_line(file: ChangedFile, side: Side, number: int) -> tuple[Hunk, Line] | None:
    """The line with that number, if the diff shows it."""
    for hunk in file.hunks:
        for line in hunk.lines:
            if stands_on(line, side) and number_on(line, side) == number:
                return hunk, line
    return None


def find_again(commented: Commented, file: ChangedFile, params: AlignParams) -> Candidate | str:
    """The one line of the file that is the commented one, or why none is.

    The best is the one with the most lines above that are the same; of equals, the one at the number that it had. Then
    the best must be sure: the hunk's whole beginning is the same, or the text is telling and stands there once, or with
    a telling line above; or enough lines above are the same.
    """
    found = list(list_candidates(commented, file))
    if not found:
        return GONE
    ranks = [(candidate.run, number_on(candidate.line, commented.side) == commented.number) for candidate in found]
    if (equals := ranks.count(max(ranks))) > 1:
        return f"{equals} lines of the diff are like it"
    best = found[ranks.index(max(ranks))]
    return best if is_sure(commented, best, params, alone=len(found) == 1) else UNSURE


def list_candidates(commented: Commented, file: ChangedFile) -> Iterator[Candidate]:
    """The lines of the commented one's side with its text, and with its mark or at its number."""
    wanted = commented.texts
    for hunk in file.hunks:
        lines = [line for line in hunk.lines if stands_on(line, commented.side)]
        texts = [collapse(line.text) for line in lines]
        for at, text in enumerate(texts):
            if text == wanted[-1] and is_alike(lines[at], commented):
                run = count_run(wanted, texts[: at + 1])
                telling = sum(count_telling(above) for above in texts[at - run : at])
                yield Candidate(hunk, lines[at], run, telling)


def is_alike(line: Line, commented: Commented) -> bool:
    """Whether a line has the commented one's mark or its number."""
    return line.kind == commented.line.kind or number_on(line, commented.side) == commented.number


def count_run(wanted: tuple[str, ...], texts: list[str]) -> int:
    """How many lines above the last ones of both are the same, one after another."""
    run = 0
    while run + 1 < min(len(wanted), len(texts)) and wanted[-2 - run] == texts[-2 - run]:
        run += 1
    return run


def is_sure(commented: Commented, best: Candidate, params: AlignParams, *, alone: bool) -> bool:
    """Whether enough of the best candidate is the same."""
    if best.run == len(commented.lines) - 1 and (best.run > 0 or is_untouched(commented, best)):
        return True
    if count_telling(commented.line.text) >= params.telling:
        return alone or best.telling > 0
    return best.run >= params.context and best.telling > 0


def is_untouched(commented: Commented, best: Candidate) -> bool:
    """Whether the line is the first of its side in both hunks, with the number that it had."""
    first = next(line for line in best.hunk.lines if stands_on(line, commented.side))
    return first is best.line and number_on(first, commented.side) == commented.number


def make_anchor(path: str, side: Side, line: Line, start_line: int | None) -> Anchor:
    """The anchor of a line; a range that does not start above it is none."""
    number = number_on(line, side)
    start = start_line if start_line is not None and 0 < start_line < number else None
    return Anchor(path, side, number, start, line.kind, line.text)
