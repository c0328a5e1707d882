"""Post a review so that nothing appears twice and nothing is lost, whatever is cut off in between.

Nothing of review.json is trusted that the pull request itself can tell: findings are placed and ranked again on the
diff as it is now. Before each write, what stands on the pull request already is known; after a write whose answer was
lost, it is read again. So a run that is killed between any two requests can simply be run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from reviewer.code_host import CodeHost, RenderedComment
from reviewer.collect import load_settings_file
from reviewer.domain import Dropped, DropReason, Finding, PullRequest, Review, ReviewComment, Routed
from reviewer.errors import HostError, HostUnavailable, RateLimited, ValidationFailed
from reviewer.place import place_findings
from reviewer.rank import MAX_ROUTED, Ranking, rank_comments
from reviewer.render import Place, render_comment, render_review_body, render_summary
from reviewer.settings import Settings, merge_settings
from reviewer.state import CommentMarker, Signer, State, find_summary

MAX_BATCH = 30
"""Comments in one review: more make GitHub answer 502 or 403."""
WAITS = (2.0, 5.0, 15.0)
"""Seconds before another try after a lost answer."""
POLITE = 1.0
"""Seconds between two writes of one kind, which is what GitHub asks for."""
MAX_WAIT = 90.0
"""Seconds that a rate limit may make us wait at once."""
MAX_REMEMBERED = 2000
"""Digests of reviewed hunks in the state: 2,000 of them take about 45 kB before they are deflated."""
MAX_MESSAGE = 600
"""Characters of a finding's message and of its quote in the state."""

Rung = Literal["review", "annotations", "overtaken"]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Published:
    """Where the findings ended up. `why` says why they are not on the rung `review`."""

    rung: Rung
    review: Review
    why: str = ""
    error: HostError | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands on the pull request already."""

    fingerprints: frozenset[str] = frozenset()
    on_this_head: int = 0
    state: State = field(default_factory=State)
    summary_id: int = 0


def publish_review(
    host: CodeHost,
    pull_request: PullRequest,
    review: Review,
    settings: Settings,
    signer: Signer,
    place: Place,
    wait: Callable[[float], None] = time.sleep,
) -> Published:
    """Post a review, its summary and the state. A host that refuses costs the rung, never the findings.

    Args:
        host: Where to post.
        pull_request: As it is now.
        review: As `infer` left it.
        settings: Budget, severities, outdated threads.
        signer: Of this pull request.
        place: Where it will stand.
        wait: Sleeps for so many seconds.
    """
    if pull_request.head_sha != review.head_sha:
        why = f"The pull request moved from {review.head_sha[:7]} to {pull_request.head_sha[:7]} in the meantime."
        return Published("overtaken", review, why)
    standing = Standing()
    try:
        standing = patiently(lambda: read_standing(host, review.number, review.head_sha, signer), wait)
        poster = _Poster(host, check_again(review, pull_request, settings, standing), signer, place, wait)
        posted = carry_over(poster.post_comments(), pull_request, standing.state)
    except HostError as error:
        return Published("annotations", check_again(review, pull_request, settings, standing), error.what, error)
    inline = standing.on_this_head + len(posted.comments)
    outdated = handle_outdated(host, review.number, settings)
    marker = signer.render(next_state(posted, standing.state))
    try:
        paused = standing.state.paused
        body = render_summary(posted, place, outdated, marker, inline=inline, paused=paused)
        poster.save_summary(body, standing.summary_id)
    except HostError as error:
        return Published("review", posted, f"The summary comment could not be written: {error.what}", error)
    return Published("review", posted)


def post_review(host: CodeHost, review: Review, inputs: Mapping[str, object], signing_key: str) -> Published:
    """Post a review from the command line: the settings file and the pull request are read now."""
    pull_request = patiently(lambda: host.get_pull_request(review.number))
    settings = merge_settings(inputs, load_settings_file(host.base_files(pull_request.base_sha)))
    signer, place = Signer(pull_request.key, signing_key), Place(repo=review.repo)
    return publish_review(host, pull_request, review, settings, signer, place)


def check_again(review: Review, pull_request: PullRequest, settings: Settings, standing: Standing) -> Review:
    """The review with its findings placed and ranked anew on the diff as it is, less what is posted already."""
    scores = {comment.finding: comment.score for comment in review.comments}
    placement = place_findings(review.findings, pull_request)
    left = settings.max_comments - standing.on_this_head
    ranking: Ranking = rank_comments(
        placement, settings, lambda c: scores.get(c.finding, 0.0), standing.fingerprints, left
    )
    dropped = (*review.dropped, *ranking.dropped)
    return replace(review, comments=ranking.comments, routed=ranking.routed, dropped=dropped)


def read_standing(host: CodeHost, number: int, head_sha: str, signer: Signer) -> Standing:
    """Read our own comments and the state in the summary. What others wrote is not looked at."""
    mine = [comment for comment in host.list_comments(number, "review") if comment.mine]
    markers = [marker for comment in mine if (marker := signer.parse(comment.body, CommentMarker))]
    summary, state = find_summary(host.list_comments(number, "issue"), signer)
    return Standing(
        fingerprints=frozenset(marker.fingerprint for marker in markers),
        on_this_head=sum(marker.head_sha == head_sha for marker in markers),
        state=state,
        summary_id=summary,
    )


def next_state(review: Review, before: State) -> State:
    """What the next run shall know. Only what is still in the diff is remembered, and no more than fits a comment."""
    missed = {entry.digest for entry in review.coverage if entry.state in {"failed", "over-budget"}}
    seen = (entry.digest for entry in review.coverage if entry.state in {"reviewed", "already-reviewed"})
    known = [digest for digest in dict.fromkeys(seen) if digest and digest not in missed]
    return State(
        head_sha=review.head_sha,
        status=review.status,
        paused=before.paused,
        reviewed=tuple(known[:MAX_REMEMBERED]),
        findings=tuple(shorten(routed.finding) for routed in review.routed[:MAX_ROUTED]),
    )


def shorten(finding: Finding) -> Finding:
    """The finding as far as a summary shows it."""
    return replace(finding, message=finding.message[:MAX_MESSAGE], quote=finding.quote[:MAX_MESSAGE], suggestion=None)


def carry_over(review: Review, pull_request: PullRequest, before: State) -> Review:
    """Add the earlier findings for the summary on pieces of the change that had no need of a second look."""
    unchanged = {entry.digest for entry in review.coverage if entry.state == "already-reviewed"}
    placement = place_findings((finding for finding in before.findings if finding.hunk in unchanged), pull_request)
    earlier = [*(Routed(c.finding, "over-budget", c) for c in placement.comments), *placement.routed]
    known = {routed.comment.fingerprint for routed in review.routed if routed.comment}
    new = [entry for entry in earlier if not entry.comment or entry.comment.fingerprint not in known]
    routed = review.routed + tuple(new)
    over = (
        Dropped(DropReason.OVER_BUDGET, entry.finding.path, f"more than {MAX_ROUTED} in the summary", entry.finding)
        for entry in routed[MAX_ROUTED:]
    )
    return replace(review, routed=routed[:MAX_ROUTED], dropped=(*review.dropped, *over))


def handle_outdated(host: CodeHost, number: int, settings: Settings) -> list[str]:
    """Resolve or report our own outdated threads that nobody has answered. Never fatal: it is a courtesy."""
    if settings.resolve_outdated == "off":
        return []
    try:
        threads = host.list_threads(number)
    except HostError:
        return []
    stale = [t for t in threads if t.mine and t.is_outdated and not t.is_resolved and not t.answered]
    left = []
    for thread in stale:
        try:
            if settings.resolve_outdated == "on":
                host.resolve_thread(thread.id)
                continue
        except HostError:
            pass
        left.append(thread.path)
    return left


@dataclass(frozen=True, slots=True)
class _Poster:
    """Writes that survive a lost answer."""

    host: CodeHost
    review: Review
    signer: Signer
    place: Place
    wait: Callable[[float], None]

    def post_comments(self) -> Review:
        """Post all comments; those that GitHub does not take go to the summary."""
        refused: list[ReviewComment] = []
        comments = self.review.comments
        for start in range(0, len(comments), MAX_BATCH):
            if start:
                self.wait(POLITE)
            refused += self._post_batch(comments[start : start + MAX_BATCH])
        routed = tuple(Routed(comment.finding, "over-budget", comment) for comment in refused)
        kept = tuple(comment for comment in comments if comment not in refused)
        return replace(self.review, comments=kept, routed=routed + self.review.routed)

    def _post_batch(self, batch: tuple[ReviewComment, ...]) -> list[ReviewComment]:
        """Post one review, at most once. Returns the comments that GitHub refused."""
        number, head = self.review.number, self.review.head_sha

        def attempt() -> None:
            left = self._not_yet_posted(batch)
            if left:
                body = render_review_body(len(left), head)
                self.host.create_review(number, head, body, [self._render(comment) for comment in left])

        try:
            self.host.create_review(
                number, head, render_review_body(len(batch), head), [self._render(comment) for comment in batch]
            )
        except ValidationFailed as error:
            return self._post_one_by_one(batch, error)
        except (HostUnavailable, RateLimited) as error:
            self.wait(_pause(error, 0))
            try:
                patiently(attempt, self.wait)
            except ValidationFailed as refusal:
                return self._post_one_by_one(batch, refusal)
        return []

    def _post_one_by_one(self, batch: tuple[ReviewComment, ...], error: ValidationFailed) -> list[ReviewComment]:
        """After a 422, which does not name the culprit and may have left something behind."""
        if any("pending review" in message for message in error.messages):
            self.host.delete_pending_review(self.review.number)
        refused = []
        for comment in self._not_yet_posted(batch):
            self.wait(POLITE)
            try:
                patiently(lambda c=comment: self._post_one(c), self.wait)  # type: ignore[misc]
            except ValidationFailed:
                refused.append(comment)
        return refused

    def _post_one(self, comment: ReviewComment) -> None:
        if self._not_yet_posted((comment,)):
            self.host.create_review_comment(self.review.number, self.review.head_sha, self._render(comment))

    def _not_yet_posted(self, batch: tuple[ReviewComment, ...]) -> list[ReviewComment]:
        posted = read_standing(self.host, self.review.number, self.review.head_sha, self.signer).fingerprints
        return [comment for comment in batch if comment.fingerprint not in posted]

    def _render(self, comment: ReviewComment) -> RenderedComment:
        model = self.review.model
        marker = CommentMarker(comment.fingerprint, self.review.head_sha, model.name, model.prompt_version)
        return RenderedComment(comment, render_comment(comment, model, self.place, self.signer.render(marker)))

    def save_summary(self, body: str, summary_id: int) -> None:
        """Write the summary, once: before another try it is looked for."""

        def attempt() -> None:
            found = summary_id or find_summary(self.host.list_comments(self.review.number, "issue"), self.signer)[0]
            self.host.save_comment(self.review.number, body, found)

        patiently(attempt, self.wait)


def patiently(do: Callable[[], Result], wait: Callable[[float], None] = time.sleep) -> Result:
    """Do it, and again after a lost answer or a rate limit. What is done must look first whether it is done already."""
    for pause_number in range(len(WAITS)):
        try:
            return do()
        except (HostUnavailable, RateLimited) as error:
            wait(_pause(error, pause_number))
    return do()


def _pause(error: HostError, attempt: int) -> float:
    """Seconds to wait. A limit that lifts later than we can wait is an error now."""
    if isinstance(error, RateLimited):
        if error.retry_after > MAX_WAIT:
            raise error
        return error.retry_after
    return WAITS[attempt]
