"""A change in numbers: what the locator sees of each hunk and of each of its changed lines.

Training and serving call the same functions. Nothing but the diff, the title and the body is looked at, in every
language alike: words, marks, indentation and repetition.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from reviewer.domain import Hunk, PullRequest
from reviewer.hunk_features import CHANGE_FEATURES, HUNK_FEATURES, measure_hunks
from reviewer.line_features import LINE_FEATURES, measure_lines
from reviewer.locator_text import ChangeText, HunkText, Row, read_change_text, read_hunk_text

__all__ = ["CHANGE_FEATURES", "HUNK_FEATURES", "LINE_FEATURES", "Change", "Row", "read_change"]


@dataclass(frozen=True, slots=True)
class Change:
    """A change as the locator reads it: `hunks` and, in their order, what is known of each."""

    hunks: tuple[Hunk, ...]
    rows: list[Row]
    """(hunks, HUNK_FEATURES)."""
    _text: ChangeText
    _texts: list[HunkText]

    def measure_lines(self, at: int) -> list[Row]:
        """(changed lines of hunk `at`, LINE_FEATURES), in the order of the diff."""
        return list(measure_lines(self.hunks[at], self._texts[at], self._text))


def read_change(pull_request: PullRequest, hunks: Sequence[Hunk]) -> Change:
    """Measure the hunks of a change that are worth reading: they alone are what each is compared with."""
    new_files = {file.path for file in pull_request.files if file.status == "added"}
    with _no_collection():
        text = read_change_text(pull_request, hunks)
        texts = [read_hunk_text(hunk) for hunk in hunks]
        return Change(tuple(hunks), measure_hunks(hunks, texts, text, new_files), text, texts)


@contextmanager
def _no_collection() -> Iterator[None]:
    """No search for cycles, of which there are none here: in a large change it takes a quarter of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
