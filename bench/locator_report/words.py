"""What stands on the pictures of the locator, in words."""

from __future__ import annotations

from typing import Final

CANDIDATES: Final = {
    "trained": "the locator",
    "boosting": "boosting, the same numbers",
    "structure": "boosting, size and place",
    "words": "words: TF-IDF",
    "largest-added": "most added lines first",
    "fixed-order": "fixed order",
    "random-line": "by chance",
}
"""A folder of `--runs`, and who was run there. The first is ours."""
NEARLY_ALL: Final = ("boosting", "structure", "words")
"""Those that give all lines of a hunk the same score."""
LINE_WORDS: Final = {
    "added": "added, not removed",
    "block_first": "first of a run of added lines",
    "block_last": "last of a run of added lines",
    "index": "many changed lines before it",
    "position": "late in the hunk",
    "block_position": "late in a run of changed lines",
    "indent": "indented",
    "length": "long",
    "words": "many words",
    "new_words": "new names",
    "comment": "a code comment",
    "blank": "blank",
    "marks_only": "marks alone, no word",
    "import": "an import",
    "repeated": "stands elsewhere in the change too",
    "moved": "moved from elsewhere",
    "number": "a number",
    "call": "a call",
    "title_words": "words of the title",
    "definition": "a definition",
    "control": "a branch or a loop",
    "logic": "logic (and, or, not)",
    "log": "logging",
    "null": "null, none",
    "type": "a type",
    "added_block_length": "in a long run of added lines",
    "added_hunk_added": "added, where much is added",
    "added_hunk_removed": "added, where much is removed",
    "added_comment": "an added code comment",
    "added_length": "added and long",
}
"""The features of a line, as `reviewer.locator_reasons.WORDS` has those of a hunk."""
