"""How likely it is that a reviewer can learn from a comment: a logistic regression on a few plain facts of its text.

The weights are numbers that stand here; `python -m bench.filter_labels --fit` finds them again from the labels in
training/labels/quality.csv (docs/filter.md says how, and how well they agree with the labels).
"""

from __future__ import annotations

import math
import re
from typing import Final

from training.comment_rules import CommentText

REQUEST: Final = re.compile(
    r"\b(?:add|avoid|better|can (?:we|you)|clear(?:er)?|consider|consisten\w+|could|drop|fix|how about|instead|let'?s"
    r"|maybe|missing|must|need(?:s|ed)? (?:a|an|the|to)|nit(?:pick)?|no need|perhaps|please|pls|prefer|rather|remove"
    r"|rename|replace|should(?:n't)?|simpl\w+|split|suggest\w*|typo|unnecessary|use|wrong|would(?:n't)?)\b"
    r"|\bs/\S+/|->|\u2192",
    re.IGNORECASE,
)
"""What asks for a change, or names one."""
GROUND: Final = re.compile(
    r"\b(?:as|because|but|e\.g|if|might|otherwise|since|so|then|when|will|would)\b", re.IGNORECASE
)
"""What gives a ground or a condition."""
WHY: Final = re.compile(
    r"\A\W*(?:nit\W+)?(?:again |and |but |so )*(?:why|what(?:'s| is| was)? the (?:purpose|reason)|what for|what's|\?)",
    re.IGNORECASE,
)
TALK: Final = re.compile(
    r"\b(?:(?:i|we)(?:'ve| have| also| just)? (?:added|changed|didn't|had|kept|made|moved|removed|renamed|tried|wanted"
    r"|was)|i(?:'ll| will| need to|'m going)|my (?:bad|comment)|funny|fyi|just noting|sorry|going forward|thoughts"
    r"|actually)\b"
    r"|\A\W*(?:added|changed|moved|removed|renamed|reverted|updated)\b",
    re.IGNORECASE,
)
"""What an author says of the own work, or somebody in a conversation."""
AWAY: Final = re.compile(
    r"\b(?:above|again|already|below|earlier|elsewhere|everywhere|existing|line \d+|lines \d+|previous(?:ly)?|same"
    r"|unrelated|unused)\b|\bother (?:comment|file|place)s?\b|#\d+\b",
    re.IGNORECASE,
)
"""What points at something that the hunk does not show."""
WHY_WORDS: Final = 9
TINY: Final = 3

WEIGHTS: Final = {
    "bias": 1.07,
    "suggestion": 1.00,
    "asks for a change": 0.62,
    "gives a ground": 0.22,
    "bare why": -1.08,
    "tiny": -0.64,
    "talks of itself": -0.72,
    "points away": -0.96,
}


def score_quality(text: CommentText) -> float:
    """From 0 to 1: the share of such comments that teach something."""
    features = measure_features(text)
    total = WEIGHTS["bias"] + sum(WEIGHTS[name] for name, holds in features.items() if holds)
    return 1 / (1 + math.exp(-total))


def measure_features(text: CommentText) -> dict[str, bool]:
    """The facts that the score is made of. Who gives the code itself has said enough, whatever the words are."""
    bare = not text.has_suggestion and not text.code.strip()
    words = len(text.words)
    return {
        "suggestion": text.has_suggestion,
        "asks for a change": bool(REQUEST.search(text.prose)),
        "gives a ground": bool(GROUND.search(text.prose)),
        "bare why": bare and words <= WHY_WORDS and bool(WHY.search(text.prose)),
        "tiny": bare and words <= TINY and not text.has_code,
        "talks of itself": bare and bool(TALK.search(text.prose)),
        "points away": bare and bool(AWAY.search(text.prose)),
    }
