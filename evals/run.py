"""The product as a candidate of the evaluation. It is run as it is: `reviewer.review.review_pull_request`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from evals.held_out import HeldOut, HeldOutSet
from evals.predictions import Anchors, Predicted, Prediction, Run, list_changed, list_hunks
from evals.remembered import RememberedModel
from reviewer import __version__
from reviewer.domain import DropReason, ModelVersion, Review, ReviewComment
from reviewer.errors import LocatorError, ModelUnavailable
from reviewer.locate import list_readable, locate, rank_hunks
from reviewer.locator import load_locator, parse_locator
from reviewer.review import review_pull_request
from reviewer.settings import Settings

POSTED, ROUTED = 4.0, 2.0
"""What a hunk's or a line's score gains from a comment: those with one go first, as a maintainer sees them."""
NO_MODEL = ModelVersion("none")
"""Who answers for a candidate without a model."""


class ReviewerCandidate:
    """The product itself with a model."""

    def __init__(
        self,
        name: str,
        model: RememberedModel,
        settings: Settings,
        dataset: str = "",
        server: str = "",
        locator: str = "",
    ) -> None:
        """`server` is `evals.same_run.name_server` of who answers, `locator` the version of one that was given."""
        self._name = name
        self._model = model
        self._settings = settings
        self._dataset = dataset
        self._server = server
        self._locator = locator

    @property
    def run(self) -> Run:
        """Who it is: the model, the settings that shape a review, and how many requests are made at a time."""
        settings = {key: value for key, value in asdict(self._settings).items() if key != "timeout"}
        settings["exclude"] = list(self._settings.exclude)
        settings["locator"] = self._locator or load_locator().version
        run = Run(self._name, "reviewer", self._model.version, self._dataset, settings, __version__)
        return replace(run, server=self._server)

    async def predict(self, held: HeldOut) -> Prediction:
        """Review the pull request.

        Raises:
            ModelError: The model was not there. What it refuses, as a prompt that is too long, is its own doing.
        """
        self._model.take()
        review = await review_pull_request(held.bundle, self._model, self._settings)
        asked = self._model.take()
        for failure in asked.failures:
            if isinstance(failure, ModelUnavailable):
                raise failure
        if asked.failures and len(asked.failures) == asked.requests:  # is it the prompts, or a token that ran out?
            await self._model.check()
        return predict_from_review(held, review, self._settings, asked.seconds)


def predict_from_review(held: HeldOut, review: Review, settings: Settings, seconds: float) -> Prediction:
    """A review as a prediction. `seconds` are the model's."""
    over = [routed.comment for routed in review.routed if routed.comment]
    comments = [_predicted(comment, posted=True) for comment in review.comments]
    comments += [_predicted(comment, posted=False) for comment in over]
    states = Counter(entry.state for entry in review.coverage)
    asked = states["reviewed"] + states["failed"]
    hunk_scores, line_scores = score_places(held, comments, locate_hunks(held, settings))
    return Prediction(
        repo=review.repo,
        number=review.number,
        shown=held.digest,
        comments=tuple(comments),
        hunk_scores=hunk_scores,
        line_scores=line_scores,
        status=review.status,
        asked=asked,
        unreadable=states["failed"],
        repaired=max(0, review.usage.requests - asked),
        anchors=_count_anchors(review, over),
        drops=dict(sorted(Counter(str(dropped.reason) for dropped in review.dropped).items())),
        requests=review.usage.requests,
        prompt_tokens=review.usage.prompt_tokens,
        completion_tokens=review.usage.completion_tokens,
        seconds=round(seconds, 3),
    )


def give_locator(held_out: HeldOutSet, path: Path) -> tuple[HeldOutSet, str]:
    """The set for the product with another locator than the shipped one, and that one's version.

    Raises:
        LocatorError: It cannot be read.
    """
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise LocatorError(f"Cannot read the locator {path.name}: {error}.", "Give one that is UTF-8 text.") from error
    version = parse_locator(text, path.name).version
    given = tuple(replace(held, bundle=replace(held.bundle, locator=text)) for held in held_out.pull_requests)
    return replace(held_out, pull_requests=given), version


def locate_hunks(held: HeldOut, settings: Settings) -> list[float]:
    """The locator's score of each hunk of `list_hunks`, 0 to 1; -1 for what the product does not read."""
    located = {id(entry.hunk): entry.score for entry in rank_hunks(held.bundle, settings).hunks}
    return [located.get(id(hunk), -1.0) for hunk in list_hunks(held)]


def locate_lines(held: HeldOut, settings: Settings) -> list[float]:
    """The locator's score of each line of `list_changed`; without a locator that of its hunk."""
    readable, _ = list_readable(held.bundle.pull_request, settings)
    located, _ = locate(held.bundle, readable)
    places = {id(hunk): at for at, hunk in enumerate(readable)}
    scores: list[float] = []
    for hunk, score in zip(list_hunks(held), locate_hunks(held, settings), strict=True):
        at = places.get(id(hunk))
        scores += [score] * hunk.changed if located is None or at is None else located.score_lines(at)
    return scores


def predict_located(held: HeldOut) -> Prediction:
    """Where the locator looks, without a comment: for the figures of ranking."""
    hunks, lines = locate_hunks(held, Settings()), locate_lines(held, Settings())
    return Prediction(*held.key, held.digest, (), tuple(hunks), tuple(lines))


def score_places(
    held: HeldOut, comments: Sequence[Predicted], scores: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The order in which a candidate points a maintainer to hunks and to changed lines.

    First what it commented on, then what it would have, then the order of `scores`: one for each hunk, at most 1.
    """
    gains: dict[tuple[str, str, int], float] = {}
    for comment in reversed(comments):
        gain = (POSTED if comment.posted else ROUTED) + comment.score / 2
        for number in range(comment.start_line or comment.line, comment.line + 1):
            gains[comment.path, comment.side, number] = gain
    best = [
        max((gains.get((hunk.path, line.side, line.number), 0.0) for line in hunk.lines), default=0.0)
        for hunk in list_hunks(held)
    ]
    return (
        tuple(round(score + gain, 4) for score, gain in zip(scores, best, strict=True)),
        tuple(
            round(scores[at] + gains.get((hunk.path, line.side, line.number), 0.0), 4)
            for at, hunk, line in list_changed(held)
        ),
    )


def _predicted(comment: ReviewComment, *, posted: bool) -> Predicted:
    return Predicted(
        comment.path,
        comment.side,
        comment.line,
        comment.start_line,
        comment.finding.message,
        comment.score,
        posted,
        comment.suggestion,
    )


def _count_anchors(review: Review, over: Sequence[ReviewComment]) -> Anchors:
    placed = [comment for comment in (*review.comments, *over) if not comment.finding.rule]
    exact = sum(comment.finding.line == f"{comment.side[0]}{comment.start_line or comment.line}" for comment in placed)
    lost = sum(routed.reason == "quote-not-found" for routed in review.routed)
    lost += sum(dropped.reason == DropReason.OUTSIDE_DIFF for dropped in review.dropped)
    return Anchors(exact, len(placed) - exact, lost)
