"""Which pieces of a change deserve a look, in which order, and which are left out and why.

The trained locator scores them (`reviewer.locator`): where a human would most likely comment goes first. Where it
cannot be used, `reviewer.fixed_order` does, and the review says so. Ties keep the order of the diff.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reviewer.domain import SELDOM, Bundle, ChangedFile, Coverage, Hunk, Line, Order, PullRequest
from reviewer.errors import LocatorError
from reviewer.file_classes import is_excluded, skip_content_reason, skip_path_reason
from reviewer.fixed_order import score_hunk
from reviewer.locator import SHIPPED, Located, Locator, Reason, load_locator, parse_locator
from reviewer.settings import Settings
from reviewer.tokens import estimate_tokens

PIECE_TOKENS = 1_500
"""A hunk that needs more than this in the prompt is split."""
PIECE_LINES = 120
"""More lines than this are split too: each is a choice in the answer's schema."""
LINE_CHARACTERS = 400
"""Of one line this much is shown and counted."""
LOOK_SHARE = 50
"""Percent of a repository's pieces that the model is asked about; more where `comment-share` is more.

Of the hunks that humans commented on, 95 % and 87 % are among these on two repositories that the locator had not seen
(docs/locator.md).
"""
_LINE_OVERHEAD = 7
_HUNK_OVERHEAD = 40
_NOTES_THAT_SKIP = ("binary", "submodule", "symlink", "symbolic link")
_FUNCTION = re.compile(r"[A-Za-z_$]")
"""As git's own rule for what follows `@@`: a line that starts with a letter, `_` or `$`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The hunks to ask the model about, best first, the coverage of all others, and scores (0 to 1) by digest.

    `likely`: digests of those that may get comments inline.
    """

    hunks: tuple[Hunk, ...]
    left_out: tuple[Coverage, ...]
    scores: dict[str, float]
    likely: frozenset[str] = frozenset()
    note: str = ""
    """Why the trained locator was not used; empty when it was."""
    order: Order = "own"


class Ranked(NamedTuple):
    """A hunk with its score and, from 0 to 1, how many of the repository's hunks are not more likely commented on."""

    score: float
    rank: float
    hunk: Hunk


@dataclass(frozen=True, slots=True)
class Ranking:
    """The hunks worth reading with their scores, best first, and the coverage of those that are skipped."""

    hunks: list[Ranked]
    skipped: list[Coverage]
    note: str = ""
    order: Order = "own"
    """As of `Plan`."""


def choose_hunks(bundle: Bundle, settings: Settings) -> Plan:
    """Choose, split and order the hunks that fit `max_prompt_tokens`.

    The shared prefix counts once, with all of `context_tokens`, as it is cached; each piece counts with its own part.
    The first piece that does not fit ends the choice. Each line of the pull request is in `hunks` or in `left_out`.
    """
    ranking = rank_hunks(bundle, settings)
    left_out = ranking.skipped
    reviewed = frozenset(bundle.reviewed)
    budget = settings.max_prompt_tokens - settings.context_tokens
    hunks: list[Hunk] = []
    scores: dict[str, float] = {}
    likely: set[str] = set()
    look_share = max(LOOK_SHARE, settings.comment_share)
    for score, rank, whole in ranking.hunks:
        if rank < 1 - look_share / 100:
            left_out += [hunk.coverage("skipped", SELDOM) for hunk in split_hunk(whole)]
            continue
        for hunk in split_hunk(whole):
            if hunk.digest in reviewed:
                left_out.append(hunk.coverage("already-reviewed"))
                continue
            budget -= count_tokens(hunk) if budget >= 0 else 0
            if budget < 0:
                left_out.append(hunk.coverage("over-budget", "the pull request is larger than max-prompt-tokens"))
                continue
            hunks.append(hunk)
            scores[hunk.digest] = score
            if rank > 1 - settings.comment_share / 100:
                likely.add(hunk.digest)
    return Plan(tuple(hunks), tuple(left_out), scores, frozenset(likely), ranking.note, ranking.order)


def rank_hunks(bundle: Bundle, settings: Settings) -> Ranking:
    """Score all hunks worth reading. Never raises for a locator that cannot be used: the note says why."""
    readable, skipped = list_readable(bundle.pull_request, settings)
    located, note = locate(bundle, readable)
    order: Order = "fixed" if located is None else "shipped" if note else "own"
    if located:
        ranked = list(map(Ranked, located.hunks, located.ranks, readable))
    else:
        ranked = [Ranked(score_hunk(hunk), 1.0, hunk) for hunk in readable]
        note += " Pieces were looked at in a fixed order."
    return Ranking(sorted(ranked, key=lambda entry: -entry.score), skipped, note, order)


def locate(bundle: Bundle, hunks: Sequence[Hunk]) -> tuple[Located | None, str]:
    """By the repository's own locator or else the shipped one; what is wrong with those that cannot be used."""
    note = ""
    for open_locator in _list_locators(bundle):
        try:
            return open_locator().locate(bundle.pull_request, hunks), note
        except LocatorError as error:
            note = f"{note} {error.what}".strip()
    return None, note


def _list_locators(bundle: Bundle) -> Iterator[Callable[[], Locator]]:
    """The repository's own, then the one that is shipped."""
    if bundle.locator:
        yield lambda: parse_locator(bundle.locator, "of the repository")
    yield lambda: load_locator(SHIPPED)


def list_reasons(bundle: Bundle, settings: Settings) -> tuple[list[Reason], dict[str, list[Reason]]]:
    """Why the locator scores as it does: what goes for the whole change, and what for each piece, by digest."""
    readable, _ = list_readable(bundle.pull_request, settings)
    located, _ = locate(bundle, readable)
    if located is None:
        return [], {}
    of_pieces: dict[str, list[Reason]] = {}
    for at, hunk in enumerate(readable):
        of_pieces |= dict.fromkeys((piece.digest for piece in split_hunk(hunk)), located.explain(at))
    return located.explain_change(), of_pieces


def list_readable(pull_request: PullRequest, settings: Settings) -> tuple[list[Hunk], list[Coverage]]:
    """All hunks worth reading in the order of the diff, and the coverage of those that are skipped."""
    readable: list[Hunk] = []
    skipped: list[Coverage] = []
    for file in pull_request.files:
        reason = skip_file_reason(file, settings)
        if not file.hunks:
            skipped.append(Coverage(file.path, 0, 0, "skipped", reason or "no changed line"))
        for hunk in file.hunks:
            if why := reason or skip_content_reason(hunk):
                skipped.append(hunk.coverage("skipped", why))
            else:
                readable.append(hunk)
    return readable, skipped


def skip_file_reason(file: ChangedFile, settings: Settings) -> str:
    """Why a whole file is not read, or the empty string."""
    if file.note and (not file.hunks or file.note.lower().startswith(_NOTES_THAT_SKIP)):
        return file.note
    if is_excluded(file.path, settings.exclude):
        return "excluded by the settings"
    if file.status == "removed":
        return "file removed"
    if file.status in {"renamed", "copied"} and not file.hunks:
        return f"{file.status} without a change"
    return skip_path_reason(file.path)


def count_tokens(hunk: Hunk) -> int:
    """About how many tokens the hunk's own part of a prompt has."""
    return _HUNK_OVERHEAD + sum(_count_line(line) for line in hunk.lines)


def _count_line(line: Line) -> int:
    return _LINE_OVERHEAD + estimate_tokens(line.text[:LINE_CHARACTERS])


def split_hunk(hunk: Hunk) -> tuple[Hunk, ...]:
    """The hunk itself, or pieces of it that fit a request and together hold each of its lines once.

    A cut falls before the least indented line, best one after a blank line, in the last half of a full piece.
    """
    if len(hunk.lines) <= PIECE_LINES and _most_tokens(hunk) <= PIECE_TOKENS:
        return (hunk,)
    costs = [_count_line(line) for line in hunk.lines]
    if len(hunk.lines) <= PIECE_LINES and sum(costs) <= PIECE_TOKENS:
        return (hunk,)
    return tuple(_pieces(hunk, costs))


def _most_tokens(hunk: Hunk) -> int:
    """Never less than the sum of its lines' tokens, and counted at once: what one line more costs is rounding."""
    text = "\n".join(line.text[:LINE_CHARACTERS] for line in hunk.lines)
    return estimate_tokens(text) + len(hunk.lines) * (_LINE_OVERHEAD + 1)


def _pieces(hunk: Hunk, costs: list[int]) -> Iterator[Hunk]:
    # Git's convention: a side without lines starts at the line before.
    source = hunk.source_start + all(line.kind == "+" for line in hunk.lines)
    target = hunk.target_start + all(line.kind == "-" for line in hunk.lines)
    section, start = hunk.section, 0
    while start < len(hunk.lines):
        stop = _piece_end(hunk.lines, costs, start)
        lines = hunk.lines[start:stop]
        n_source = sum(line.kind != "+" for line in lines)
        n_target = sum(line.kind != "-" for line in lines)
        starts = {"source_start": source - (not n_source), "target_start": target - (not n_target)}
        yield Hunk(path=hunk.path, section=section, lines=lines, **starts)
        source, target, start = source + n_source, target + n_target, stop
        section = next((line.text for line in reversed(lines) if _FUNCTION.match(line.text)), section)


def _piece_end(lines: tuple[Line, ...], costs: list[int], start: int) -> int:
    stop, tokens = start, 0
    while stop < len(lines) and stop - start < PIECE_LINES and (stop == start or tokens + costs[stop] <= PIECE_TOKENS):
        tokens += costs[stop]
        stop += 1
    if stop == len(lines):
        return stop
    candidates = range(start + (stop - start) // 2 + 1, stop + 1)
    return min(candidates, key=lambda cut: (_cut_cost(lines, cut), -cut), default=stop)


def _cut_cost(lines: tuple[Line, ...], cut: int) -> int:
    text, before = lines[cut].text, lines[cut - 1].text
    if not text.strip():
        return 1_000
    indent = len(text) - len(text.lstrip())
    return 2 * indent + (text.lstrip()[0] in ")]}") * 2 + bool(before.strip())
