"""The commands that need no model: /pause, /resume, /help."""

from __future__ import annotations

import re
from dataclasses import replace

from reviewer.code_host import CodeHost
from reviewer.event import HELP, Decision
from reviewer.render import PAUSED
from reviewer.state import CommentMarker, Signer, State, find_summary

_ANY_STATE = re.compile(r"<!-- glossator:1:state:[^>]*-->")


def carry_out(host: CodeHost, decision: Decision, signer: Signer) -> None:
    """Carry out /pause, /resume or /help. Doing it twice is doing it once."""
    comments = host.list_comments(decision.number, "issue")
    if decision.command == "help":
        marker = CommentMarker(f"help-{decision.comment_id}", "", "", "")
        if not any(comment.mine and signer.parse(comment.body, CommentMarker) == marker for comment in comments):
            host.save_comment(decision.number, f"{HELP}\n\n{signer.render(marker)}")
        return
    summary_id, state = find_summary(comments, signer)
    body = next((comment.body for comment in comments if comment.id == summary_id), "### Glossator")
    state = replace(state, paused=decision.command == "pause")
    host.save_comment(decision.number, mark_paused(body, state, signer), summary_id)


def mark_paused(body: str, state: State, signer: Signer) -> str:
    """A summary's body with the pause line and the state in it brought up to date."""
    text = _ANY_STATE.sub("", body).replace(f"\n\n{PAUSED}", "").rstrip()
    title, _, rest = text.partition("\n")
    note = f"\n\n{PAUSED}" if state.paused else ""
    return f"{title}{note}\n{rest}".rstrip() + f"\n\n{signer.render(state)}"
