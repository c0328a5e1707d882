"""Reviews and their comments."""

from __future__ import annotations

from simulation.github_server.answers import Answer, ApiError, Request, not_found, unprocessable, validation_failed
from simulation.github_server.routes import route
from simulation.github_server.rules import (
    Misplaced,
    Place,
    add_comment,
    add_review,
    check_event,
    check_length,
    check_pending,
    check_review_length,
    choose_commit,
    create_review,
    place_comment,
    refuse_comment,
)
from simulation.github_server.state import PullRequest, Review, ReviewComment, parse_time


def visible_reviews(request: Request) -> list[Review]:
    """A pending review is seen by its author only."""
    account = request.token.account if request.token else None
    return [one for one in request.pull.reviews if one.state != "PENDING" or one.account is account]


def find_review(request: Request) -> Review:
    """The review that the path names."""
    wanted = request.parameters["review_id"]
    found = next((one for one in visible_reviews(request) if str(one.id) == wanted), None)
    if found is None:
        raise not_found()
    return found


def submitted_comments(request: Request) -> list[ReviewComment]:
    """Comments of a pull request that are not part of a pending review."""
    return submitted_comments_of(request.pull)


def submitted_comments_of(pull: PullRequest) -> list[ReviewComment]:
    """The same, of a pull request in hand."""
    pending = {one.id for one in pull.reviews if one.state == "PENDING"}
    return [one for one in pull.review_comments if one.review_id not in pending]


def find_comment(request: Request) -> ReviewComment:
    """The review comment that the path names."""
    wanted = request.parameters["comment_id"]
    for pull in request.repository.pulls.values():
        for comment in pull.review_comments:
            if str(comment.id) == wanted:
                request.parameters.setdefault("pull_number", str(pull.number))
                if comment in submitted_comments(request):
                    return comment
    raise not_found()


@route("pulls/list-reviews")
def list_reviews(request: Request) -> Answer:
    request.need("pull_requests", level="read")
    page, headers = request.page(visible_reviews(request))
    return Answer(200, [request.views.review(request.repository, one) for one in page], headers)


@route("pulls/get-review")
def get_review(request: Request) -> Answer:
    request.need("pull_requests", level="read")
    return Answer(200, request.views.review(request.repository, find_review(request)))


@route("pulls/create-review")
def post_review(request: Request) -> Answer:
    request.need("pull_requests")
    return Answer(200, request.views.review(request.repository, create_review(request)))


@route("pulls/update-review")
def put_review(request: Request) -> Answer:
    request.need("pull_requests")
    review = find_review(request)
    if review.account is not request.account:
        raise unprocessable("Could not edit a review of somebody else")
    check_review_length(request.body["body"], [])
    review.body = request.body["body"]
    return Answer(200, request.views.review(request.repository, review))


@route("pulls/submit-review")
def submit_review(request: Request) -> Answer:
    request.need("pull_requests")
    review = find_review(request)
    if review.state != "PENDING":
        raise unprocessable("Could not submit a review that is not pending")
    event, body = request.body["event"], request.body.get("body") or review.body
    mine = [one for one in request.pull.review_comments if one.review_id == review.id]
    check_event(request, event, body, has_comments=bool(mine))
    states = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
    review.state, review.body, review.submitted = states[event], body, request.world.now()
    return Answer(200, request.views.review(request.repository, review))


@route("pulls/delete-pending-review")
def delete_review(request: Request) -> Answer:
    request.need("pull_requests")
    review = find_review(request)
    if review.state != "PENDING":
        raise unprocessable("Can not delete a non-pending pull request review")
    pull = request.pull
    pull.reviews.remove(review)
    pull.review_comments = [one for one in pull.review_comments if one.review_id != review.id]
    return Answer(200, request.views.review(request.repository, review))


@route("pulls/list-comments-for-review")
def list_comments_of_review(request: Request) -> Answer:
    request.need("pull_requests", level="read")
    review = find_review(request)
    mine = [one for one in request.pull.review_comments if one.review_id == review.id]
    page, headers = request.page(mine)
    return Answer(200, [request.views.review_comment_of_review(request.repository, one) for one in page], headers)


@route("pulls/list-review-comments")
def list_review_comments(request: Request) -> Answer:
    request.need("pull_requests", level="read")
    return answer_comments(request, submitted_comments(request))


def answer_comments(request: Request, comments: list[ReviewComment]) -> Answer:
    """A page of those written or changed `since`, by `sort` and `direction`."""
    query = request.query
    since = parse_time(query["since"]) if "since" in query else 0.0
    by_update = query.get("sort") == "updated"
    wanted = [one for one in comments if one.updated >= since]
    wanted.sort(key=lambda one: (one.updated if by_update else one.created, one.id))
    if query.get("direction") == "desc" and "sort" in query:
        wanted.reverse()
    page, headers = request.page(wanted)
    return Answer(200, [request.views.review_comment(request.repository, one) for one in page], headers)


@route("pulls/list-review-comments-for-repo")
def list_all_review_comments(request: Request) -> Answer:
    """Of all pull requests, oldest first unless asked otherwise. `since` is about when they were last written."""
    request.need("pull_requests", level="read")
    return answer_comments(
        request, [one for pull in request.repository.pulls.values() for one in submitted_comments_of(pull)]
    )


@route("pulls/create-review-comment")
def post_comment(request: Request) -> Answer:
    request.need("pull_requests")
    body = request.body
    if "in_reply_to" in body:
        return reply(request, body["in_reply_to"], body["body"])
    check_pending(request)
    check_text(body["body"])
    accept = request.world.switches.left_on_context == "accept"
    try:
        commit = choose_commit(request.repository, request.pull, body["commit_id"])
        place = place_comment(request.repository.files_of(request.pull, commit), body, left_on_context=accept)
    except Misplaced as misplaced:
        raise refuse_comment(request, misplaced.problem) from misplaced
    review = add_review(request, "", "COMMENTED", commit)
    comment = add_comment(request, review, body["path"], body["body"], place)
    return Answer(201, request.views.review_comment(request.repository, comment))


def check_text(body: str) -> None:
    """A comment has some text, and not too much."""
    check_length(body, "PullRequestReviewComment")
    if not body.strip():
        raise validation_failed("PullRequestReviewComment", "body", "body can't be blank")


@route("pulls/create-reply-for-review-comment")
def post_reply(request: Request) -> Answer:
    request.need("pull_requests")
    return reply(request, int(request.parameters["comment_id"]), request.body["body"])


def reply(request: Request, comment_id: int, body: str) -> Answer:
    """Answer a top-level comment."""
    parent = next((one for one in submitted_comments(request) if one.id == comment_id), None)
    if parent is None:
        raise not_found()
    if parent.in_reply_to is not None:
        raise ApiError(
            422,
            "Validation Failed",
            [{"resource": "PullRequestReviewComment", "code": "invalid", "field": "in_reply_to"}],
        )
    check_pending(request)
    check_text(body)
    review = add_review(request, "", "COMMENTED", request.pull.head_sha)
    comment = add_reply(request, review, parent, body)
    return Answer(201, request.views.review_comment(request.repository, comment))


def add_reply(request: Request, review: Review, parent: ReviewComment, body: str) -> ReviewComment:
    """A reply stands where its parent stands."""
    place = Place(parent.original, parent.diff_hunk, parent.subject)
    return add_comment(request, review, parent.path, body, place, reply_to=parent)


@route("pulls/get-review-comment")
def get_comment(request: Request) -> Answer:
    request.need("pull_requests", level="read")
    return Answer(200, request.views.review_comment(request.repository, find_comment(request)))


@route("pulls/update-review-comment")
def patch_comment(request: Request) -> Answer:
    request.need("pull_requests")
    comment = find_comment(request)
    check_text(request.body["body"])
    comment.body, comment.updated = request.body["body"], request.world.now()
    request.pull.updated = comment.updated
    return Answer(200, request.views.review_comment(request.repository, comment))


@route("pulls/delete-review-comment")
def delete_comment(request: Request) -> Answer:
    request.need("pull_requests")
    comment = find_comment(request)
    request.pull.review_comments.remove(comment)
    return Answer(204)
