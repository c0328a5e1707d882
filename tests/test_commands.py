"""/pause, /resume and /help as functions of what stands on the pull request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from reviewer.code_host import PostedComment
from reviewer.commands import carry_out
from reviewer.event import Command, Decision
from reviewer.render import PAUSED
from reviewer.state import Signer, State

SIGNER = Signer("octo/demo#1", "key")


@dataclass
class Conversation:
    """A code host of which only the conversation is there."""

    comments: list[PostedComment] = field(default_factory=list)

    def list_comments(self, number: int, kind: str) -> list[PostedComment]:
        return list(self.comments)

    def save_comment(self, number: int, body: str, comment_id: int = 0) -> None:
        if comment_id:
            self.comments = [replace(c, body=body) if c.id == comment_id else c for c in self.comments]
        else:
            self.comments.append(PostedComment(len(self.comments) + 1, body, mine=True))


def give(host: Conversation, command: Command, comment_id: int = 7) -> None:
    carry_out(host, Decision(command, 1, f"/{command}", comment_id=comment_id), SIGNER)  # type: ignore[arg-type]


def state_of(host: Conversation) -> State | None:
    return SIGNER.parse(host.comments[-1].body, State)


def test_pause_writes_a_summary_when_there_is_none() -> None:
    host = Conversation()
    give(host, "pause")

    assert len(host.comments) == 1
    assert PAUSED in host.comments[0].body
    assert state_of(host) == State(paused=True)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_pause_and_resume_leave_the_summary_as_it_was(times: int) -> None:
    known = State("abc", "reviewed", reviewed=("0123456789abcdef",))
    body = f"### Glossator: reviewed\n\nAll of it.\n\n{SIGNER.render(known)}"
    host = Conversation([PostedComment(1, body, mine=True)])
    for _ in range(times):
        give(host, "pause")
    assert host.comments[0].body.count(PAUSED) == 1
    assert state_of(host) == replace(known, paused=True)
    for _ in range(times):
        give(host, "resume")

    assert host.comments[0].body == body


def test_a_summary_of_somebody_else_is_left_alone() -> None:
    forged = PostedComment(1, f"### Glossator\n\n{SIGNER.render(State(paused=True))}", mine=False)
    host = Conversation([forged])
    give(host, "resume")

    assert host.comments[0] == forged
    assert len(host.comments) == 2


def test_help_answers_each_question_once() -> None:
    host = Conversation()
    for asked_by in (7, 7, 8):
        give(host, "help", asked_by)

    assert len(host.comments) == 2
    assert all("/review full" in comment.body for comment in host.comments)
