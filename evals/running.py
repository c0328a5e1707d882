"""Running: does a candidate answer, quote right, keep quiet where humans had nothing to say, and what does it cost?"""

from __future__ import annotations

from typing import Final

from evals.held_out import HeldOut
from evals.metrics import Better, Metric, Ratio, Unit
from evals.predictions import Prediction
from evals.table import Row


def score_running(held: HeldOut, prediction: Prediction) -> Row:
    """Count what one pull request took and what came of it.

    Columns: those that `METRICS` names. `running.quiet` is 1 where it is known that no human commented on any revision.
    """
    anchors = prediction.anchors
    posted = sum(comment.posted for comment in prediction.comments)
    tokens = count_tokens(prediction)
    row: dict[str, float] = {
        "running.pull_requests": 1,
        "running.asked": prediction.asked,
        "running.read": prediction.asked - prediction.unreadable,
        "running.anchored": anchors.exact,
        "running.anchors": anchors.exact + anchors.moved + anchors.lost,
        "running.posted": posted,
        "running.seconds": prediction.seconds,
    }
    if prediction.status:
        row |= {
            "running.reviews": 1,
            "running.partial": prediction.status == "partial",
            "running.not_reviewed": prediction.status == "not-reviewed",
        }
    if tokens is not None:
        row |= {"running.tokens": tokens, "running.tokens_known": 1}
    if is_quiet(held):
        row |= {"running.quiet": 1, "running.quiet_posting": bool(posted), "running.quiet_posted": posted}
    return row


def is_quiet(held: HeldOut) -> bool:
    """Whether it is known that no human had anything to remark: a comment that lost its line was a remark too."""
    return held.complete and not held.gold and not held.unplaced


def count_tokens(prediction: Prediction) -> int | None:
    """Prompt and completion tokens; None where the server did not say. A review that asked for nothing took none."""
    if prediction.prompt_tokens is None or prediction.completion_tokens is None:
        return 0 if prediction.status and not prediction.requests else None
    return prediction.prompt_tokens + prediction.completion_tokens


def _metric(
    name: str, label: str, above: str, below: str, better: Better, unit: Unit = "share", about: str = ""
) -> Metric:
    ratio = Ratio({f"running.{above}": 1}, {f"running.{below}": 1})
    return Metric(f"running.{name}", label, ratio, better, unit, about)


METRICS: Final[tuple[Metric, ...]] = (
    _metric("parse_rate", "Answers that can be read", "read", "asked", "higher"),
    _metric(
        "anchoring_rate",
        "Findings on the line that they quote",
        "anchored",
        "anchors",
        "higher",
        about="Of all findings with words: the rest was moved to the quoted line, or has none.",
    ),
    _metric("comments", "Comments per pull request", "posted", "pull_requests", "neither", "count"),
    _metric(
        "noise",
        "Pull requests with a comment, of those without a human one",
        "quiet_posting",
        "quiet",
        "lower",
        about="Humans may have missed something: an upper limit of the noise.",
    ),
    _metric(
        "noise_comments",
        "Comments per pull request without a human one",
        "quiet_posted",
        "quiet",
        "lower",
        "count",
    ),
    _metric("seconds", "Seconds of the model per pull request", "seconds", "pull_requests", "lower", "seconds"),
    _metric("tokens", "Tokens per pull request", "tokens", "tokens_known", "lower", "tokens"),
    _metric("partial", "Reviews that missed a piece", "partial", "reviews", "lower"),
    _metric("not_reviewed", "Reviews that did not happen", "not_reviewed", "reviews", "lower"),
)
