"""What stands where in a finished dataset: its rows, and the chats that are really trained on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from reviewer.domain import Split
from training.dataset import CHATS, OUTDATED_CHATS
from training.errors import DataError, refuse_read
from training.parquet import AGAIN, load_examples, load_pull_requests
from training.split import parse_time
from training.split_facts import Stand, Unit, list_units
from training.splits import SPLITS

_ID: Final = re.compile(r"(?P<repo>[^#\s]+)#(?P<number>\d{1,18}):(?P<piece>\S+)")
_LINE_ID: Final = re.compile(r"[RL]\d+")
_ID_WIDTH: Final = 6
"""`reviewer.prompt.render_hunk` pads a line's id to it; the mark, a blank and the text follow."""


class _Message(msgspec.Struct):
    role: str
    content: str


class _Chat(msgspec.Struct):
    id: str
    prompt: list[_Message]
    completion: list[_Message]


class _Remark(msgspec.Struct):
    message: str


class _Reply(msgspec.Struct):
    comments: list[_Remark]


def list_stands(dataset: Path) -> Iterator[Stand]:
    """The rows of a finished dataset, then its chats.

    Raises:
        DataError: It is not whole, or a file cannot be read. The message names the file, and the line of a chat.
    """
    for row in load_pull_requests(dataset):
        time = parse_time(row["created_at"])
        marks = (f"commit {row['head_sha']}",) if row["head_sha"] else ()
        yield Stand(row["split"], row["repo"], row["number"], time, time, marks)
    for split in SPLITS:
        for example in load_examples(dataset, split):
            times = sorted(filter(None, (parse_time(comment.created_at) for comment in example.comments)))
            began, ended = (times[0], times[-1]) if times else ("", "")
            said = tuple(f"comment {comment.id}" for comment in example.comments)
            units = tuple(list_units(example))
            yield Stand(split, example.repo, example.number, began, ended, said, units, is_listed=False)
    for split in SPLITS:
        for name in (CHATS, OUTDATED_CHATS):
            yield from list_chats(dataset / name.format(split=split), split)


def list_chats(path: Path, split: Split) -> Iterator[Stand]:
    """The chats of one file, one in memory."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    stand = parse_chat(line, split)
                except (msgspec.DecodeError, ValueError, RecursionError) as error:
                    raise DataError(f"{path}, line {number}, is no chat: {error}.", AGAIN) from error
                yield stand
    except OSError as error:
        raise refuse_read(path, error) from error


def parse_chat(line: bytes, split: Split) -> Stand:
    """The piece that a chat asks about, and the remarks of its reply. What else its prompt shows is not compared.

    Raises:
        ValueError: It is no chat. `msgspec.DecodeError` is one.
    """
    chat = msgspec.json.decode(line, type=_Chat)
    found = _ID.fullmatch(chat.id)
    if found is None:
        raise ValueError(f"{chat.id[:80]!r} is no example's id")
    name = f"of chat {found['piece']}"
    asked = [read_piece(message.content) for message in chat.prompt if message.role == "user"]
    replies = [msgspec.json.decode(message.content, type=_Reply) for message in chat.completion]
    said = [remark.message for reply in replies for remark in reply.comments]
    units = [*(Unit("hunk", name, text) for text in asked if text.strip()), *(Unit("comment", name, it) for it in said)]
    return Stand(split, found["repo"], int(found["number"]), units=tuple(units), is_listed=False)


def read_piece(content: str) -> str:
    """The changed lines of a piece as a prompt shows it, or all lines if none is changed."""
    lines: list[tuple[str, str]] = []
    for line in content.split("\n"):
        if found := _LINE_ID.match(line):
            rest = line[max(_ID_WIDTH, found.end()) :]
            lines.append((rest[:1].strip(), rest[2:]))
    changed = [text for mark, text in lines if mark]
    return "\n".join(changed or [text for _, text in lines])
