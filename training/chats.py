"""Examples as rows of prompt and completion, and the choice of the pieces that stand for "nothing to remark".

A comment after which something was pushed is shown with the code that it was made on, never with the final diff, which
may hold its answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from reviewer.domain import Bundle, ChangedFile, Guideline, ReviewExample
from reviewer.prompt import render_hunk, render_prefix
from reviewer.settings import Settings
from training.completion import EMPTY_REPLY, render_completion
from training.counts import Tally
from training.dataset_params import DatasetParams
from training.examples import PullRequestExamples

NOT_SHOWN: Final = "code was pushed after it, and that which it was made on cannot be shown"


@dataclass(frozen=True, slots=True)
class Chat:
    """One row. `prefix` is empty when it is the pull request's; `outdated`: about code as it was before."""

    id: str
    hunk: str
    reply: str
    outdated: bool = False
    prefix: str = ""

    def render(self, shared: str) -> bytes:
        """The row as a line of JSON, in the conversational form that trainers take; `shared` is the prefix."""
        row = {
            "id": self.id,
            "prompt": [
                {"role": "system", "content": self.prefix or shared},
                {"role": "user", "content": self.hunk},
            ],
            "completion": [{"role": "assistant", "content": self.reply}],
        }
        return msgspec.json.encode(row) + b"\n"


def render_chats(
    built: PullRequestExamples, guidelines: tuple[Guideline, ...], params: DatasetParams, tally: Tally
) -> tuple[str, tuple[Chat, ...]]:
    """The prefix that a pull request's chats share, and the chats in the order of its examples."""
    settings = Settings(context_tokens=params.context_tokens)
    bundle = Bundle(built.pull_request, guidelines)
    examples = (*(drop_answered(example, built.answered) for example in built.examples), *built.before)
    replies = render_replies(examples, tally)
    on_diff = sum(examples[at].origin == "pull-request" for at in replies)
    replies |= dict.fromkeys(choose_negatives(examples, on_diff, params), EMPTY_REPLY)
    if unseen := _count_comments(built.examples) - _count_comments(examples):
        tally["comments_without_chat"][NOT_SHOWN] += unseen
    chats = []
    for at, reply in sorted(replies.items()):
        example = examples[at]
        outdated = example.origin == "diff-hunk"
        prefix = render_prefix(show_alone(bundle, example), settings) if outdated else ""
        chats.append(Chat(example.id, render_hunk(example.hunk), reply, outdated, prefix))
        tally["chats"]["about code as it was" if outdated else "comment" if example.comments else "nothing"] += 1
    is_shared = any(not chat.outdated for chat in chats)
    return render_prefix(bundle, settings) if is_shared else "", tuple(chats)


def drop_answered(example: ReviewExample, answered: frozenset[int]) -> ReviewExample:
    """A piece of the final diff without the comments that it may hold the answer to."""
    if example.origin == "diff-hunk" or not example.comments:
        return example
    return replace(example, comments=tuple(it for it in example.comments if it.id not in answered))


def _count_comments(examples: Sequence[ReviewExample]) -> int:
    return sum(len(example.comments) for example in examples)


def render_replies(examples: Sequence[ReviewExample], tally: Tally) -> dict[int, str]:
    """The replies of the commented examples that can be one, by the example's index."""
    replies = {}
    for at, example in enumerate(examples):
        if example.comments:
            completion = render_completion(example)
            tally["comments_without_chat"].update(completion.left_out)
            tally["severities"].update(completion.severities)
            tally["categories"].update(completion.categories)
            if completion.reply is not None:
                replies[at] = completion.reply
    return replies


def choose_negatives(examples: Sequence[ReviewExample], commented: int, params: DatasetParams) -> list[int]:
    """The indexes of the pieces without a remark that become empty replies, by hash: the same for everyone."""
    silent = [at for at, example in enumerate(examples) if example.labelled and not example.commented]
    if any(example.commented for example in examples):
        wanted = commented * params.negatives_per_comment
    else:
        wanted = params.negatives_per_silent
    if not silent or not wanted:
        return []
    ranked = sorted(silent, key=lambda at: _hash(f"{params.seed}:{examples[at].id}"))
    chance = _hash(f"{params.seed}:{examples[0].repo}#{examples[0].number}") / 2**64
    return ranked[: int(wanted + chance)]


def show_alone(bundle: Bundle, example: ReviewExample) -> Bundle:
    """The pull request as if the example were all of it: its own diff may hold the answer to the comment."""
    files = (ChangedFile(example.hunk.path, "modified", (example.hunk,)),)
    return replace(bundle, pull_request=replace(bundle.pull_request, files=files))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big")
