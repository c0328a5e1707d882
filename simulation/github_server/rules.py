"""What GitHub accepts of reviews and comments, and where a comment goes when the head moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from simulation.github_server.answers import ApiError, Request, unprocessable, validation_failed
from simulation.github_server.diffs import DiffLine, FileDiff, map_line
from simulation.github_server.state import Anchor, PullRequest, Repository, Review, ReviewComment

MAX_BODY = 65_536
Problem = Literal["line", "path", "order", "hunk", "commit", "mixed", "side"]

BLANK_HUNK = "Pull request review thread diff hunk can't be blank"
REVIEW_TEXTS: dict[Problem, tuple[str, str]] = {
    "line": (
        "Line could not be resolved",
        f"Pull request review thread line must be part of the diff and {BLANK_HUNK}",
    ),
    "path": (
        "Path could not be resolved",
        f"Pull request review thread path is invalid and {BLANK_HUNK}",
    ),
    "order": ("Pull request review thread start line must precede the end line.",) * 2,
    "hunk": ("Pull request review thread start line must be part of the same hunk as the line.",) * 2,
    "commit": ("Pull request review thread end commit oid is not part of the pull request",) * 2,
    "mixed": ("Position and line must not be used in one review",) * 2,
    "side": ("Side must be LEFT or RIGHT",) * 2,
}
"""What POST reviews says: (newer wording, older wording)."""

COMMENT_TEXTS: dict[Problem, tuple[str, str, str]] = {
    "line": ("pull_request_review_thread.line", "could not be resolved", "must be part of the diff"),
    "path": ("pull_request_review_thread.path", "could not be resolved", "is invalid"),
    "order": ("pull_request_review_thread.start_line", "must precede the end line.", "must precede the end line."),
    "hunk": ("pull_request_review_thread.start_line",) + ("must be part of the same hunk as the line.",) * 2,
    "commit": ("pull_request_review_thread.end_commit_oid",) + ("is not part of the pull request",) * 2,
    "mixed": ("pull_request_review_thread.position",) + ("must not be used together with line",) * 2,
    "side": ("pull_request_review_thread.side",) + ("must be LEFT or RIGHT",) * 2,
}
"""What POST comments says: field, newer wording, older wording."""


class Misplaced(Exception):
    """A comment that is not on the diff."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new comment goes."""

    anchor: Anchor
    diff_hunk: str
    subject: Literal["line", "file"] = "line"


def place_comment(files: list[FileDiff], comment: dict[str, Any], *, left_on_context: bool) -> Place:
    """Find a comment's line in the diff, or raise Misplaced."""
    file = next((one for one in files if one.path == comment["path"]), None)
    if file is None:
        raise Misplaced("path")
    if comment.get("subject_type") == "file":
        return Place(Anchor(None, None, None, None, None), "", "file")
    if "position" in comment and "line" in comment:
        raise Misplaced("mixed")
    end = find_end(file, comment)
    side = comment.get("side", "LEFT" if end.kind == "-" else "RIGHT")
    if side == "LEFT" and end.kind == " " and not left_on_context:
        raise Misplaced("line")
    start = find_start(file, comment, end, side)
    anchor = Anchor(
        side=side,
        line=end.number(side),
        start_side=comment.get("start_side", side) if start else None,
        start_line=comment["start_line"] if start else None,
        position=end.position,
    )
    return Place(anchor, file.excerpt(end))


def find_end(file: FileDiff, comment: dict[str, Any]) -> DiffLine:
    """The line that a comment is on."""
    if "position" in comment:
        end = file.find_position(comment["position"])
    elif comment.get("side", "RIGHT") not in ("LEFT", "RIGHT"):
        raise Misplaced("side")
    else:
        end = file.find(comment.get("side", "RIGHT"), comment.get("line", 0))
    if end is None:
        raise Misplaced("line")
    return end


def find_start(file: FileDiff, comment: dict[str, Any], end: DiffLine, side: str) -> DiffLine | None:
    """The first line of a comment on several lines, which must be before the last and in the same hunk."""
    if comment.get("start_line") is None:
        return None
    start_side = comment.get("start_side", side)
    if start_side == side and comment["start_line"] >= (end.number(side) or 0):
        raise Misplaced("order")
    start = file.find(start_side, comment["start_line"])
    if start is None or start.hunk != end.hunk:
        raise Misplaced("hunk")
    if start.position >= end.position:
        raise Misplaced("order")
    return start


def refuse_review(request: Request, problem: Problem) -> ApiError:
    """The error of POST reviews. It does not say which comment it means."""
    return unprocessable(REVIEW_TEXTS[problem][request.world.switches.review_422 == "old"])


def refuse_comment(request: Request, problem: Problem) -> ApiError:
    """The error of POST comments."""
    field, new, old = COMMENT_TEXTS[problem]
    old_wording = request.world.switches.review_422 == "old"
    if problem == "path" and old_wording:
        return validation_failed("PullRequestReviewComment", "path", "path is invalid", code="invalid")
    return validation_failed("PullRequestReviewComment", field, f"{field} {old if old_wording else new}")


def choose_commit(repository: Repository, pull: PullRequest, commit_id: str | None) -> str:
    """The commit a review is of: the head unless another commit of the pull request is named."""
    if commit_id is None or commit_id == pull.head_sha:
        return pull.head_sha
    if commit_id not in repository.store.commits_between(pull.base_sha, pull.head_sha):
        raise Misplaced("commit")
    return commit_id


def check_pending(request: Request) -> None:
    """A pending review of the same account is in the way of everything else it might write."""
    own = [one for one in request.pull.reviews if one.account is request.account and one.state == "PENDING"]
    if not own:
        return
    if request.operation.id == "pulls/create-review":
        raise unprocessable("User can only have one pending review per pull request")
    message = "user_id can only have one pending review per pull request"
    raise validation_failed("PullRequestReview", "user_id", message)


def check_event(request: Request, event: str | None, body: str, *, has_comments: bool) -> None:
    """Who may approve, and when a review needs a body."""
    own = request.pull.author is request.account
    assert request.token is not None
    if event == "APPROVE" and request.token.actions and not request.world.switches.actions_may_approve:
        raise unprocessable("GitHub Actions is not permitted to approve pull requests.")
    if event == "APPROVE" and own:
        raise unprocessable("Can not approve your own pull request")
    if event == "REQUEST_CHANGES" and own:
        raise unprocessable("Can not request changes on your own pull request")
    if event in ("COMMENT", "REQUEST_CHANGES") and not body and not has_comments:
        raise unprocessable("Body can't be blank")


def check_length(body: str, resource: str, field: str = "body") -> None:
    """No text is longer than 65,536 characters."""
    if len(body) > MAX_BODY:
        code = "unprocessable" if field == "data" else "custom"
        raise validation_failed(resource, field, f"body is too long (maximum is {MAX_BODY} characters)", code)


def create_review(request: Request) -> Review:
    """Create a review with all its comments, or nothing."""
    body: dict[str, Any] = request.body or {}
    text, comments = body.get("body") or "", body.get("comments", [])
    check_pending(request)
    check_event(request, body.get("event"), text, has_comments=bool(comments))
    check_review_length(text, comments)
    check_review_size(request, len(comments))
    state = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
    try:
        commit = choose_commit(request.repository, request.pull, body.get("commit_id"))
        places = place_all(request, commit, comments)
    except Misplaced as misplaced:
        if request.world.switches.orphan_review_on_422:
            add_review(request, text, state.get(body.get("event", ""), "PENDING"), request.pull.head_sha)
        raise refuse_review(request, misplaced.problem) from misplaced
    review = add_review(request, text, state.get(body.get("event", ""), "PENDING"), commit)
    for comment, place in zip(comments, places, strict=True):
        add_comment(request, review, comment["path"], comment["body"], place)
    return review


def check_review_length(text: str, comments: list[dict[str, Any]]) -> None:
    """The limit in a review's own form of errors; a comment needs a text."""
    if any(len(one) > MAX_BODY for one in (text, *(comment["body"] for comment in comments))):
        raise unprocessable(f"Body is too long (maximum is {MAX_BODY} characters)")
    if any(not comment["body"].strip() for comment in comments):
        raise unprocessable("Pull request review comment body can't be blank")


def check_review_size(request: Request, count: int) -> None:
    """Many comments in one review may be too many, by a switch."""
    limit = request.world.switches.review_comment_limit
    if limit is None or count <= limit:
        return
    if request.world.switches.review_comment_limit_status == 403:
        raise ApiError(403, "You have triggered an abuse detection mechanism. Please wait a few minutes.")
    raise ApiError(502, "Server Error")


def place_all(request: Request, commit: str, comments: list[dict[str, Any]]) -> list[Place]:
    """The places of all comments of a review; one that has none refuses them all."""
    if any("position" in one for one in comments) and any("line" in one for one in comments):
        raise Misplaced("mixed")
    files = request.repository.files_of(request.pull, commit)
    accept = request.world.switches.left_on_context == "accept"
    return [place_comment(files, comment, left_on_context=accept) for comment in comments]


def add_review(request: Request, text: str, state: str, commit: str) -> Review:
    """Write a review down."""
    world, pull = request.world, request.pull
    review = Review(
        id=world.next_id(),
        number=pull.number,
        account=request.account,
        body=text,
        state=state,
        commit_id=commit,
        submitted=None if state == "PENDING" else world.now(),
        association=world.association(request.repository, request.account),
    )
    pull.reviews.append(review)
    return review


def add_comment(
    request: Request, review: Review, path: str, body: str, place: Place, *, reply_to: ReviewComment | None = None
) -> ReviewComment:
    """Write a comment down, anchored to the current head."""
    world, pull, repository = request.world, request.pull, request.repository
    now = world.now()
    comment = ReviewComment(
        id=world.next_id(),
        number=pull.number,
        review_id=review.id,
        account=request.account,
        body=body,
        path=path,
        commit_id=review.commit_id,
        original_commit_id=reply_to.original_commit_id if reply_to else review.commit_id,
        original_base=repository.store.merge_base(pull.base_sha, review.commit_id),
        now=place.anchor,
        original=place.anchor,
        diff_hunk=place.diff_hunk,
        created=now,
        updated=now,
        subject=place.subject,
        in_reply_to=reply_to.id if reply_to else None,
        association=world.association(repository, request.account),
    )
    if reply_to:
        comment.original_base = reply_to.original_base
    pull.review_comments.append(comment)
    pull.updated = now
    if comment.original_commit_id != pull.head_sha:
        move_comment(repository, pull, comment)
    return comment


def move_comments(repository: Repository, pull: PullRequest, *, review_commits: bool) -> None:
    """Anchor every comment again after the head has moved."""
    for comment in pull.review_comments:
        move_comment(repository, pull, comment)
    if review_commits:
        for review in pull.reviews:
            review.commit_id = pull.head_sha


def move_comment(repository: Repository, pull: PullRequest, comment: ReviewComment) -> None:
    """Follow a comment's lines to the new head. Without them it is outdated: no line, no position."""
    if comment.subject == "file":
        comment.commit_id = pull.head_sha
        return
    original = comment.original
    line = follow(repository, pull, comment, original.side, original.line)
    start = follow(repository, pull, comment, original.start_side, original.start_line)
    if line is None or (original.start_line is not None and start is None):
        comment.now = Anchor(original.side, None, original.start_side, None, None)
        return
    number = line.number(original.side)
    start_number = start.number(original.start_side) if start else None
    comment.now = Anchor(original.side, number, original.start_side, start_number, line.position)
    comment.commit_id = pull.head_sha


def follow(
    repository: Repository, pull: PullRequest, comment: ReviewComment, side: str | None, number: int | None
) -> DiffLine | None:
    """The line of today's diff that an original line has become."""
    if side is None or number is None:
        return None
    store = repository.store
    if side == "LEFT":
        old, new = comment.original_base, store.merge_base(pull.base_sha, pull.head_sha)
    else:
        old, new = comment.original_commit_id, pull.head_sha
    file = next((one for one in repository.files_of(pull) if one.path == comment.path), None)
    path = (file.previous or comment.path) if file and side == "LEFT" else comment.path
    moved = map_line(store, old, new, path, number)
    return file.find(side, moved) if file and moved is not None else None
