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
from reviewer.domain import PullRequest, Review, ReviewComment, Routed
from reviewer.errors import HostError, HostUnavailable, RateLimited, ValidationFailed
from reviewer.recheck import carry_over, check_again, next_state, render_state
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
    earlier: int = 0
    """Comments of earlier heads whose line is still in the diff."""
    state: State = field(default_factory=State)


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
        checked = check_again(review, pull_request, settings, standing.fingerprints, standing.on_this_head)
        poster = _Poster(host, checked, signer, place, wait)
        posted = carry_over(poster.post_comments(), pull_request, standing.state)
    except HostError as error:
        checked = check_again(review, pull_request, settings, standing.fingerprints, standing.on_this_head)
        return Published("annotations", checked, error.what, error)
    inline = standing.on_this_head + len(posted.comments)
    outdated = handle_outdated(host, review.number, settings, signer)

    def render(state: State) -> str:
        marker = render_state(next_state(posted, state), signer)
        return render_summary(
            posted, place, outdated, marker, inline=inline, earlier=standing.earlier, paused=state.paused
        )

    try:
        poster.save_summary(render)
    except HostError as error:
        return Published("review", posted, f"The summary comment could not be written: {error.what}", error)
    return Published("review", posted)


def post_review(
    host: CodeHost, review: Review, inputs: Mapping[str, object], signing_key: str, server_url: str
) -> tuple[Published, Settings]:
    """Post a review from the command line: the settings file and the pull request are read now."""
    pull_request = patiently(lambda: host.get_pull_request(review.number))
    settings = merge_settings(inputs, load_settings_file(host.base_files(pull_request.base_sha)))
    signer, place = Signer(pull_request.key, signing_key), Place(server_url, review.repo)
    return publish_review(host, pull_request, review, settings, signer, place), settings


def read_standing(host: CodeHost, number: int, head_sha: str, signer: Signer) -> Standing:
    """Read our own comments and the state in the summary. What others wrote is not looked at."""
    mine = [comment for comment in host.list_comments(number, "review") if comment.mine]
    marked = [(comment, marker) for comment in mine if (marker := signer.parse(comment.body, CommentMarker))]
    markers = [marker for _, marker in marked]
    _, state = find_summary(host.list_comments(number, "issue"), signer)
    return Standing(
        fingerprints=frozenset(marker.fingerprint for marker in markers),
        on_this_head=sum(marker.head_sha == head_sha for marker in markers),
        earlier=sum(comment.is_current and marker.head_sha != head_sha for comment, marker in marked),
        state=state,
    )


def handle_outdated(host: CodeHost, number: int, settings: Settings, signer: Signer) -> list[str]:
    """Resolve or report our own outdated threads that nobody has answered. Never fatal: it is a courtesy.

    Ours are those that begin with our marker: other workflows and people may share our name.
    """
    if settings.resolve_outdated == "off":
        return []
    try:
        threads = host.list_threads(number)
    except HostError:
        return []
    ours = (thread for thread in threads if thread.mine and signer.parse(thread.body, CommentMarker))
    stale = [thread for thread in ours if thread.is_outdated and not thread.is_resolved and not thread.answered]
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

    def save_summary(self, render: Callable[[State], str]) -> None:
        """Write the summary, once. What stands there is read just before, since somebody may have paused meanwhile."""

        def attempt() -> None:
            found, state = find_summary(self.host.list_comments(self.review.number, "issue"), self.signer)
            self.host.save_comment(self.review.number, render(state), found)

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
