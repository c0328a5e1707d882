"""The locator's features in words, for `glossator explain`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reviewer.locator import Reason

WORDS: Final[dict[str, tuple[str, str]]] = {
    "edited_tokens": ("much is edited", "little is edited"),
    "new_words": ("many new names", "hardly a new name"),
    "words_only_here": ("names that stand nowhere else in the change", "no name of its own"),
    "added_many": ("several lines are added", "at most one line is added"),
    "only_removes": ("only removes lines", "does not only remove lines"),
    "only_spaces": ("only white space or the order of words changes", "not only white space changes"),
    "only_imports": ("only imports change", "not only imports change"),
    "logic": ("much logic (and, or, not)", "hardly any logic (and, or, not)"),
    "control": ("many branches or loops", "few branches or loops"),
    "todo": ("a TODO", "no TODO"),
    "title_words": ("words of the title", "no word of the title"),
    "body_words": ("words of the description", "hardly a word of the description"),
    "title_path": ("a file that the title names", "not a file that the title names"),
    "kept_tokens": ("the old words in another order", "other words than before"),
    "imports": ("imports", "no imports"),
    "repeated_lines": ("lines that the change adds elsewhere too", "lines that the change adds nowhere else"),
    "same_edit": ("the same edit is made elsewhere too", "an edit of its own"),
    "same_edit_share": ("a large part of the change is this edit", "a small part of the change is this edit"),
    "test": ("a test", "not a test"),
    "config": ("configuration", "not configuration"),
    "docs": ("documentation", "not documentation"),
    "new_file": ("a new file", "not a new file"),
    "share_of_change": ("a large part of the change", "a small part of the change"),
    "share_of_file": ("most of what the file gains", "a small part of what the file gains"),
    "share_of_largest": ("nearly the largest piece", "far smaller than the largest piece"),
    "rank": ("many pieces are larger", "few pieces are larger"),
    "rank_share": ("most pieces are larger", "most pieces are smaller"),
    "place": ("late in the change", "early in the change"),
    "file_place": ("one of the last files", "one of the first files"),
    "file_hunks": ("a file with many pieces", "a file with few pieces"),
    "file_added": ("a file that gains much", "a file that gains little"),
    "change_hunks": ("a change of many pieces", "a change of few pieces"),
    "change_files": ("a change of many files", "a change of few files"),
    "change_added": ("a change that adds much", "a change that adds little"),
    "change_removed": ("a change that removes much", "a change that removes little"),
    "product_added": ("much new product code in the change", "little new product code in the change"),
}
"""More than usual, and less than usual."""


def render_reasons(reasons: Sequence[Reason], most: int = 3) -> str:
    """`+0.8 much is edited, -0.2 a test`: what the strongest add to the log-odds, and why."""
    return ", ".join(f"{one.weight:+.1f} {WORDS[one.feature][not one.above]}" for one in reasons[:most])
