"""Posting a review to GitHub's stand-in: once, whatever is cut off in between."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from reviewer.commands import carry_out
from reviewer.domain import Coverage, Finding, ModelVersion, PullRequest, Review, Routed
from reviewer.event import Decision
from reviewer.github_api import GitHub
from reviewer.place import place_findings
from reviewer.publish import Published, publish_review
from reviewer.rank import rank_comments
from reviewer.recheck import MAX_MARKER, next_state, render_state
from reviewer.render import Place
from reviewer.settings import Settings
from reviewer.state import CommentMarker, Signer, State
from simulation.github_server import GitHubServer, PullScenario, Switches
from tests.demo import BASE, changed

KEY = "a signing key"
MODEL = ModelVersion("tiny", "1", prompt_version="2")


def finding(line: int, message: str = "", **fields: Any) -> Finding:
    text = message or " ".join(f"{'abcdefghij'[line % 10]}{word}" for word in ("one", "two", "three"))
    return Finding("app.py", f"R{line}", f"line {line} changed", text, **fields)


def review_of(pull_request: PullRequest, *findings: Finding, settings: Settings | None = None) -> Review:
    """What `infer` would leave for these findings."""
    hunks = [hunk for file in pull_request.files for hunk in file.hunks]
    at = {line.id: hunk.digest for hunk in hunks for line in hunk.lines}
    found = [replace(one, hunk=at.get(one.line, "")) for one in findings]
    ranking = rank_comments(place_findings(found, pull_request), settings or Settings(), lambda _: 0.5)
    return Review(
        pull_request.repo,
        pull_request.number,
        pull_request.head_sha,
        "reviewed",
        MODEL,
        ranking.comments,
        ranking.routed,
        ranking.dropped,
        tuple(hunk.coverage("reviewed") for hunk in hunks),
    )


@dataclass
class Bench:
    """One pull request, a client, and what has been waited for."""

    server: GitHubServer
    pull: PullScenario
    host: GitHub
    waits: list[float] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)

    def pull_request(self) -> PullRequest:
        return self.host.get_pull_request(self.pull.number)

    def publish(self, review: Review, key: str = KEY) -> Published:
        now = self.pull_request()
        signer = Signer(now.key, key)
        place = Place(repo="octo/demo")
        return publish_review(self.host, now, review, self.settings, signer, place, self.waits.append)

    def comments(self) -> list[dict[str, Any]]:
        data: list[dict[str, Any]] = self.pull.call("bob", "GET", f"{self.pull.path}/comments")
        return data

    def summaries(self) -> list[str]:
        return [data["body"] for data in self.pull.call("bob", "GET", f"{self.pull.issue_path}/comments")]

    def reviews(self) -> list[dict[str, Any]]:
        data: list[dict[str, Any]] = self.pull.call("bob", "GET", f"{self.pull.path}/reviews")
        return data


@pytest.fixture
def bench(github_server: GitHubServer) -> Bench:
    return open_bench(github_server)


def open_bench(server: GitHubServer, token: str = "actions-token", **options: Any) -> Bench:
    repo = server.create_repo("octo/demo", BASE)
    pull = repo.open_pull_request(changed(3, 20, 36), **options)
    return Bench(server, pull, GitHub("octo/demo", token, server.url))


def test_posts_comments_on_their_lines_and_one_summary(bench: Bench) -> None:
    published = bench.publish(review_of(bench.pull_request(), finding(3), finding(20, severity="error")))

    assert published.rung == "review"
    assert [(c["path"], c["line"], c["side"]) for c in bench.comments()] == [
        ("app.py", 20, "RIGHT"),
        ("app.py", 3, "RIGHT"),
    ]
    [summary] = bench.summaries()
    assert "2 comments inline" in summary
    assert Signer("octo/demo#1", KEY).parse(summary, State) is not None
    assert all(Signer("octo/demo#1", KEY).parse(c["body"], CommentMarker) for c in bench.comments())
    assert [r["state"] for r in bench.reviews()] == ["COMMENTED"]


def test_the_same_run_again_posts_nothing_new(bench: Bench) -> None:
    review = review_of(bench.pull_request(), finding(3), finding(20))
    bench.publish(review)
    before = bench.summaries()

    published = bench.publish(review)

    assert len(bench.comments()) == 2
    assert len(bench.reviews()) == 1
    assert len(bench.summaries()) == 1
    assert "2 comments inline" in bench.summaries()[0], "what stands there is still counted"
    assert len(before) == 1
    assert {d.reason for d in published.review.dropped} == {"already-posted"}


def test_other_words_on_the_same_line_are_the_same_finding(bench: Bench) -> None:
    bench.publish(review_of(bench.pull_request(), finding(3, "Said one way.")))
    bench.publish(review_of(bench.pull_request(), finding(3, "Put quite differently today.")))

    assert len(bench.comments()) == 1


def test_a_finding_that_moved_with_a_push_is_not_repeated(bench: Bench) -> None:
    bench.publish(review_of(bench.pull_request(), finding(20)))
    text = "new first line\n" + str(changed(3, 20, 36)["app.py"])
    bench.pull.push({"app.py": text})

    moved = Finding("app.py", "R21", "line 20 changed", "Still odd.")
    bench.publish(review_of(bench.pull_request(), moved))

    assert len(bench.comments()) == 1


def test_a_force_push_and_a_rebase_repeat_nothing(bench: Bench) -> None:
    bench.publish(review_of(bench.pull_request(), finding(3)))
    bench.pull.force_push(changed(3, 20))
    bench.publish(review_of(bench.pull_request(), finding(3)))
    bench.pull.repo.commit({"other.txt": "new\n"})
    bench.pull.rebase()
    bench.publish(review_of(bench.pull_request(), finding(3)))

    assert len(bench.comments()) == 1
    assert len(bench.summaries()) == 1


@pytest.mark.parametrize("path", [r"/pulls/1/reviews$", r"/issues/1/comments$"])
@pytest.mark.parametrize("after_effect", [True, False])
def test_a_lost_answer_makes_no_second_comment(bench: Bench, path: str, *, after_effect: bool) -> None:
    bench.server.faults.add("POST", path, after_effect=after_effect)

    published = bench.publish(review_of(bench.pull_request(), finding(3), finding(20)))

    assert published.rung == "review"
    assert len(bench.comments()) == 2
    assert len(bench.summaries()) == 1
    assert bench.waits


@pytest.mark.parametrize("writes", [1, 2])
@pytest.mark.parametrize("answered", [True, False])
def test_a_run_killed_after_any_write_can_be_run_again(bench: Bench, writes: int, *, answered: bool) -> None:
    review = review_of(bench.pull_request(), finding(3), finding(20), finding(36))
    now = bench.pull_request()
    bench.server.faults.stop_after_writes(writes, answer_last=answered)
    with suppress(Killed):
        publish_review(bench.host, now, review, bench.settings, Signer(now.key, KEY), Place(), killed)
    bench.server.faults.resume()

    assert bench.publish(review).rung == "review"
    assert len(bench.comments()) == 3
    assert len(bench.summaries()) == 1


class Killed(Exception):
    """The job is gone."""


def killed(_: float) -> None:
    raise Killed


def test_a_comment_that_github_refuses_goes_to_the_summary(bench: Bench) -> None:
    review = review_of(bench.pull_request(), finding(3), finding(20))
    body = {"message": "Unprocessable Entity", "errors": ["Line could not be resolved"], "status": "422"}
    bench.server.faults.add("POST", r"/pulls/1/reviews$", status=422, body=body)
    bench.server.faults.add("POST", r"/pulls/1/comments$", status=422, body=body)

    published = bench.publish(review)

    assert published.rung == "review"
    assert len(bench.comments()) == 1
    assert len(published.review.routed) == 1
    assert "1 comment inline, 1 below" in bench.summaries()[0]


def test_an_orphan_pending_review_is_removed_first(bench: Bench) -> None:
    url = f"{bench.server.url}{bench.pull.path}/reviews"
    httpx.post(url, json={"body": "left behind"}, headers={"Authorization": "Bearer actions-token"}).raise_for_status()

    published = bench.publish(review_of(bench.pull_request(), finding(3)))

    assert published.rung == "review"
    assert len(bench.comments()) == 1
    assert not [r for r in bench.reviews() if r["state"] == "PENDING"]


def test_many_comments_go_in_batches(github_server: GitHubServer) -> None:
    repo = github_server.create_repo("octo/demo", {"big.txt": "".join(f"old {n}\n" for n in range(70))})
    pull = repo.open_pull_request({"big.txt": "".join(f"new {n}\n" for n in range(70))})
    bench = Bench(github_server, pull, GitHub("octo/demo", "actions-token", github_server.url))
    bench.settings = Settings(max_comments=65)
    found = [Finding("big.txt", f"R{n}", f"new {n - 1}", f"word{n} " * 5) for n in range(1, 66)]

    bench.publish(review_of(bench.pull_request(), *found, settings=bench.settings))

    assert len(bench.pull.call("bob", "GET", f"{pull.path}/comments?per_page=100")) == 65
    posts = [r for r in github_server.requests if r.method == "POST" and r.path.endswith("/reviews")]
    assert [len(r.body["comments"]) for r in posts] == [30, 30, 5]


def test_the_inline_budget_counts_what_stands_on_this_head(bench: Bench) -> None:
    bench.settings = Settings(max_comments=2)
    bench.publish(review_of(bench.pull_request(), finding(3)))

    published = bench.publish(review_of(bench.pull_request(), finding(20), finding(36)))

    assert len(bench.comments()) == 2
    assert len(published.review.routed) == 1


def test_summary_findings_of_unchanged_hunks_stay(bench: Bench) -> None:
    bench.settings = Settings(max_comments=1)
    first = bench.pull_request()
    bench.publish(review_of(first, finding(3, severity="error"), finding(20, "This one stands below only.")))
    bench.pull.push(changed(3, 20, 36, 37))
    second = bench.pull_request()
    review = review_of(second)
    seen = {hunk.digest for file in first.files for hunk in file.hunks}
    coverage = [
        replace(entry, state="already-reviewed") if entry.digest in seen else entry for entry in review.coverage
    ]

    bench.publish(replace(review, coverage=tuple(coverage)))

    [summary] = bench.summaries()
    assert "This one stands below only." in summary
    state = Signer("octo/demo#1", KEY).parse(summary, State)
    assert state is not None
    assert len(state.findings) == 1
    assert len(state.reviewed) == 3


def test_a_hunk_that_failed_is_looked_at_again_even_if_its_twin_did_not(bench: Bench) -> None:
    review = review_of(bench.pull_request())
    twin = replace(review.coverage[0], state="failed", reason="no answer")

    bench.publish(replace(review, status="partial", coverage=(*review.coverage, twin)))

    state = Signer("octo/demo#1", KEY).parse(bench.summaries()[0], State)
    assert state is not None
    assert set(state.reviewed) == {entry.digest for entry in review.coverage[1:]}


def test_a_summary_fits_whatever_was_found_and_remembered(bench: Bench) -> None:
    review = review_of(bench.pull_request())
    words = "x" * 5000
    routed = tuple(Routed(replace(finding(3), message=f"{n} {words}"), "quote-not-found") for n in range(60))
    coverage = tuple(Coverage(f"{n}.py", 1, 2, "reviewed", "", f"{n:016x}") for n in range(5000))

    published = bench.publish(replace(review, routed=routed, coverage=coverage))

    assert published.error is None
    [summary] = bench.summaries()
    assert len(summary) <= 65_536
    assert Signer("octo/demo#1", KEY).parse(summary, State) is not None


def test_an_overtaken_run_posts_nothing(bench: Bench) -> None:
    review = review_of(bench.pull_request(), finding(3))
    bench.pull.push(changed(3, 4))

    published = bench.publish(review)

    assert published.rung == "overtaken"
    assert not bench.comments()
    assert not bench.summaries()


def test_a_fork_token_hands_the_findings_down(github_server: GitHubServer) -> None:
    bench = open_bench(github_server, "fork-token", fork=True)

    published = bench.publish(review_of(bench.pull_request(), finding(3)))

    assert published.rung == "annotations"
    assert published.error is not None
    assert published.error.status in {403, 404}
    assert [c.line for c in published.review.comments] == [3]


@pytest.mark.parametrize("refusal", [403, 404])
def test_a_refused_summary_leaves_the_comments(bench: Bench, refusal: int) -> None:
    bench.server.faults.add("POST", r"/issues/1/comments$", status=refusal, body={"message": "Not Found"}, times=9)

    published = bench.publish(review_of(bench.pull_request(), finding(3)))

    assert published.rung == "review"
    assert published.error is not None
    assert len(bench.comments()) == 1


def test_a_secondary_limit_is_waited_for(bench: Bench) -> None:
    limit = {"message": "You have exceeded a secondary rate limit. Please wait."}
    bench.server.faults.add("POST", r"/reviews$", status=403, body=limit, headers={"retry-after": "7"})

    published = bench.publish(review_of(bench.pull_request(), finding(3)))

    assert published.rung == "review"
    assert bench.waits == [7.0]
    assert len(bench.comments()) == 1


def test_a_limit_that_lifts_too_late_hands_the_findings_down(bench: Bench) -> None:
    limit = {"message": "API rate limit exceeded for installation."}
    bench.server.faults.add("POST", r"/reviews$", status=403, body=limit, headers={"retry-after": "3000"})

    published = bench.publish(review_of(bench.pull_request(), finding(3)))

    assert published.rung == "annotations"
    assert bench.waits == []


def test_comments_of_others_are_never_taken_for_ours(bench: Bench) -> None:
    ours = review_of(bench.pull_request(), finding(3))
    marker = Signer("octo/demo#1", "").render(CommentMarker(ours.comments[0].fingerprint, "x", "y", "z"))
    state = Signer("octo/demo#1", "").render(State(paused=True, reviewed=("0" * 16,)))
    bench.pull.review_comment("app.py", 3, f"Mine! {marker}", author="mallory")
    bench.pull.comment(f"Mine too! {state}", author="mallory")

    bench.publish(ours, key="")

    assert len(bench.comments()) == 2
    assert len(bench.summaries()) == 2


@pytest.mark.parametrize("setting", ["off", "report", "on"])
def test_outdated_threads(bench: Bench, setting: Any) -> None:
    bench.settings = Settings(resolve_outdated=setting)
    bench.publish(review_of(bench.pull_request(), finding(3), finding(20)))
    answered = next(c for c in bench.comments() if c["line"] == 20)
    bench.pull.reply(answered["id"], "I think this is fine.", author="alice")
    bench.pull.push({"app.py": str(changed(36)["app.py"]).replace("line 3\n", "gone\n").replace("line 20\n", "gone\n")})

    bench.publish(review_of(bench.pull_request()))

    comments = {c["id"]: bench.pull.find_comment(c["id"]) for c in bench.comments() if not c.get("in_reply_to_id")}
    resolved = {c.original.line for c in comments.values() if c.resolved_by}
    assert resolved == ({3} if setting == "on" else set()), "never one that a person has answered"
    assert ("may be outdated" in bench.summaries()[0]) == (setting == "report")


def test_resolving_is_a_courtesy_that_may_be_forbidden() -> None:
    with GitHubServer() as server:
        bench = open_bench(server)
        bench.settings = Settings(resolve_outdated="on")
        bench.publish(review_of(bench.pull_request(), finding(3)))
        bench.pull.push({"app.py": str(changed(20)["app.py"]).replace("line 3\n", "gone\n")})
        server.faults.add("POST", r"graphql$", status=403, body={"message": "Resource not accessible"}, times=9)

        assert bench.publish(review_of(bench.pull_request())).rung == "review"


def test_suggestions_and_ranges_are_posted(bench: Bench) -> None:
    bench.pull.push(changed(3, 4, 5))
    quote = "line 3 changed\nline 4 changed\nline 5 changed"
    one = Finding("app.py", "R3", quote, "Join these.", end_line="R5", suggestion="line 3 to 5")

    bench.publish(review_of(bench.pull_request(), one))

    [comment] = bench.comments()
    assert (comment["start_line"], comment["line"]) == (3, 5)
    assert "```suggestion\nline 3 to 5\n```" in comment["body"]


def test_a_not_reviewed_status_never_reads_as_good(bench: Bench) -> None:
    failed = Coverage("app.py", 1, 9, "failed", "no answer", "0" * 16)
    empty = review_of(bench.pull_request())

    bench.publish(replace(empty, status="not-reviewed", note="The model gave no usable answer.", coverage=(failed,)))

    [summary] = bench.summaries()
    assert "not reviewed" in summary
    assert "says nothing about the change" in summary
    assert "nothing to remark" not in summary


def test_enterprise_server() -> None:
    with GitHubServer(Switches(enterprise=True)) as server:
        bench = open_bench(server)

        assert bench.publish(review_of(bench.pull_request(), finding(3))).rung == "review"
        assert bench.host.list_threads(1)
        assert not server.violations


def test_a_run_that_looked_at_nothing_forgets_nothing(bench: Bench) -> None:
    bench.settings = Settings(max_comments=0)
    bench.publish(review_of(bench.pull_request(), finding(3, "It stands below.")))
    nothing = replace(review_of(bench.pull_request()), status="not-reviewed", note="The model is down.", coverage=())

    bench.publish(nothing)

    [summary] = bench.summaries()
    assert "not reviewed" in summary
    assert "It stands below." in summary
    state = Signer("octo/demo#1", KEY).parse(summary, State)
    assert state is not None
    assert len(state.reviewed) == 3


def test_comments_that_still_stand_are_counted(bench: Bench) -> None:
    bench.publish(review_of(bench.pull_request(), finding(3), finding(20)))
    bench.pull.push({**changed(3, 20, 36), "README.md": "Another demo.\n"})

    bench.publish(review_of(bench.pull_request()))

    assert "2 from before" in bench.summaries()[0]


def test_grave_findings_in_the_summary_stay_when_light_ones_come(bench: Bench) -> None:
    bench.settings = Settings(max_comments=0)
    grave = [replace(finding(3, f"grave{n} and{n} so{n}"), severity="error", quote="no such") for n in range(8)]
    bench.publish(review_of(bench.pull_request(), *grave))
    seen = {hunk.digest for file in bench.pull_request().files for hunk in file.hunks}
    for push in range(4):
        bench.pull.push({**changed(3, 20, 36), "README.md": "".join(f"{push} {n}\n" for n in range(9))})
        light = [Finding("README.md", "R2", "", f"light{push}{n} thing{push}{n}", "info") for n in range(9)]
        review = review_of(bench.pull_request(), *light)
        states = [replace(e, state="already-reviewed") if e.digest in seen else e for e in review.coverage]
        bench.publish(replace(review, coverage=tuple(states)))

    assert all(f"grave{n} and{n} so{n}" in bench.summaries()[0] for n in range(8))


def test_text_that_does_not_deflate_still_fits(bench: Bench) -> None:
    noise = random.Random(1)
    review = review_of(bench.pull_request())
    words = ["".join(chr(noise.randrange(0x4E00, 0x9FFF)) for _ in range(600)) for _ in range(20)]
    state = next_state(
        replace(
            review,
            routed=tuple(Routed(replace(finding(3), message=word, quote=word), "quote-not-found") for word in words),
            coverage=tuple(Coverage("a", 1, 2, "reviewed", "", f"{noise.getrandbits(64):016x}") for _ in range(2000)),
        ),
        State(),
    )

    marker = render_state(state, Signer("octo/demo#1", KEY))

    assert len(marker) <= MAX_MARKER
    kept = Signer("octo/demo#1", KEY).parse(marker, State)
    assert kept is not None
    assert kept.findings


def test_what_is_claimed_to_be_reviewed_must_be_a_piece_of_the_change(bench: Bench) -> None:
    forged = tuple(Coverage("app.py", n, n, "reviewed", "", f"{n:016x}") for n in range(1000))

    published = bench.publish(replace(review_of(bench.pull_request()), coverage=forged))

    assert published.review.status == "not-reviewed"
    state = Signer("octo/demo#1", KEY).parse(bench.summaries()[0], State)
    assert state is not None
    assert state.reviewed == ()


def test_a_lost_answer_about_who_we_are_posts_nothing_twice(github_server: GitHubServer) -> None:
    token = github_server.add_token("app", "app-token", "my-app[bot]")
    bench = open_bench(github_server, token)
    bench.publish(review_of(bench.pull_request(), finding(3)))
    github_server.faults.add("POST", "graphql$")

    again = Bench(github_server, bench.pull, GitHub("octo/demo", token, github_server.url))
    again.publish(review_of(again.pull_request(), finding(3)))

    assert len(again.comments()) == 1
    assert len(again.summaries()) == 1


def test_only_threads_that_we_began_are_resolved(bench: Bench) -> None:
    bench.settings = Settings(resolve_outdated="on")
    headers = {"Authorization": "Bearer actions-token"}
    where = {"path": "app.py", "line": 3, "side": "RIGHT", "commit_id": bench.pull.head_sha, "body": "Another workflow"}
    httpx.post(f"{bench.server.url}{bench.pull.path}/comments", json=where, headers=headers).raise_for_status()
    bench.pull.push({"app.py": str(changed(36)["app.py"]).replace("line 3\n", "gone\n")})

    bench.publish(review_of(bench.pull_request()))

    [comment] = bench.comments()
    assert bench.pull.find_comment(comment["id"]).resolved_by is None


def test_what_a_person_has_begun_to_write_is_left_alone(github_server: GitHubServer) -> None:
    token = github_server.add_token("person", "person-token", "maintainer")
    bench = open_bench(github_server, token)
    bench.pull.review(author="maintainer", body="My thoughts so far", event=None)

    published = bench.publish(review_of(bench.pull_request(), finding(3)))

    pending = bench.pull.call("maintainer", "GET", f"{bench.pull.path}/reviews")
    assert [r["state"] for r in pending] == ["PENDING"]
    assert [routed.comment.line for routed in published.review.routed if routed.comment] == [3]


def test_a_pause_while_a_review_is_posted_stays(bench: Bench) -> None:
    signer = Signer("octo/demo#1", KEY)
    bench.publish(review_of(bench.pull_request(), finding(3)))
    review = review_of(bench.pull_request(), finding(20))
    now = bench.pull_request()
    bench.server.faults.add("POST", r"/reviews$", after_effect=True)

    def pause(_: float) -> None:
        carry_out(bench.host, Decision("pause", 1, "/pause"), signer)

    publish_review(bench.host, now, review, bench.settings, signer, Place(), pause)

    assert "**Paused:**" in bench.summaries()[0]


def test_a_thread_that_may_not_be_resolved_is_listed(bench: Bench) -> None:
    bench.settings = Settings(resolve_outdated="on")
    bench.publish(review_of(bench.pull_request(), finding(3)))
    bench.pull.push({"app.py": str(changed(36)["app.py"]).replace("line 3\n", "gone\n")})
    refusal = {"message": "Resource not accessible by integration"}
    bench.server.faults.add("POST", r"graphql$", status=403, body=refusal, skip=1)

    assert bench.publish(review_of(bench.pull_request())).rung == "review"
    assert "may be outdated" in bench.summaries()[0]


def test_a_refusal_after_a_lost_answer_costs_no_comment(bench: Bench) -> None:
    body = {"message": "Unprocessable Entity", "errors": ["Line could not be resolved"], "status": "422"}
    bench.server.faults.add("POST", r"/pulls/1/reviews$")
    bench.server.faults.add("POST", r"/pulls/1/reviews$", status=422, body=body)

    bench.publish(review_of(bench.pull_request(), finding(3), finding(20)))

    assert sorted(comment["line"] for comment in bench.comments()) == [3, 20]


def test_the_last_try_after_three_lost_answers_counts(bench: Bench) -> None:
    bench.server.faults.add("POST", r"/issues/1/comments$", times=3)

    assert bench.publish(review_of(bench.pull_request(), finding(3))).error is None
    assert len(bench.summaries()) == 1
