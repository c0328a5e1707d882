"""Who does not want to be in the data: the opt-out list, and what it takes out of a snapshot."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from reviewer.errors import UsageError
from training.errors import DataError, refuse_write
from training.snapshot import Key, Problem, Snapshot, hash_name
from training.store import SnapshotStore

DEFAULT_NAME = "opt-out.txt"
DEFAULT: Final = Path(DEFAULT_NAME)
_LOGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_HASHED = re.compile(r"user-[0-9a-f]{10}")


@dataclass(frozen=True, slots=True)
class OptOut:
    """Hashed names of the people who are left out."""

    names: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.names)

    def is_out(self, hashed_name: str) -> bool:
        """Whether somebody has opted out, by the name that `hash_name` gave."""
        return hashed_name in self.names

    @property
    def digest(self) -> str:
        """The same for the same people."""
        return hashlib.sha256("\n".join(sorted(self.names)).encode()).hexdigest()


def load_opt_out(path: Path | None, salt: str = "") -> OptOut:
    """Read the list: a login or a hashed name a line; `#` begins a comment. Without a file named DEFAULT it is empty.

    Args:
        path: The list.
        salt: What logins are hashed with; the same as when the data were collected.

    Raises:
        UsageError: A file of another name is not there, one cannot be read, or a line is no login.
    """
    if path is None or (path == DEFAULT and not path.exists()):
        return OptOut()
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read {path}: {error}.", "Write one login a line, in UTF-8.") from error
    try:
        return parse_opt_out(text, salt)
    except ValueError as error:
        raise UsageError(f"{path}: {error}.", "Write one login a line, and nothing else but a # comment.") from error


def parse_opt_out(text: str, salt: str = "") -> OptOut:
    """The names in a list's text, or a ValueError for a line that is no name: nobody would be found by it."""
    lines = [line.partition("#")[0].strip().removeprefix("@").removesuffix("[bot]") for line in text.split("\n")]
    if wrong := next((line for line in lines if line and not _LOGIN.fullmatch(line)), None):
        raise ValueError(f"{wrong[:80]!r} is no login")
    return OptOut(frozenset(line if _HASHED.fullmatch(line) else hash_name(line, salt) for line in lines if line))


def list_people(snapshot: Snapshot, opt_out: OptOut) -> frozenset[str]:
    """Whose logins no text of a pull request may name: those who take part, and all who have opted out.

    Who has opted out takes part in no snapshot any more, but others may have written the name.
    """
    authors = {snapshot.author, *(comment.author for comment in snapshot.comments)} - {""}
    return opt_out.names | authors


def leave_out(snapshot: Snapshot, opt_out: OptOut) -> Snapshot | None:
    """The snapshot without what these people wrote; None when the pull request is theirs.

    A hunk whose comment is taken out says nothing any more, so that the comments count as incomplete then.
    """
    if opt_out.is_out(snapshot.author):
        return None
    comments = tuple(comment for comment in snapshot.comments if not opt_out.is_out(comment.author))
    roots = {comment.in_reply_to or comment.id for comment in comments}
    threads = tuple(
        replace(thread, resolved_by="" if opt_out.is_out(thread.resolved_by) else thread.resolved_by)
        for thread in snapshot.threads
        if thread.root in roots
    )
    if comments == snapshot.comments:
        return replace(snapshot, threads=threads) if threads != snapshot.threads else snapshot
    problem = Problem("comments", "some are left out: their authors have opted out")
    problems = tuple(dict.fromkeys((*snapshot.problems, problem)))
    return replace(snapshot, comments=comments, threads=threads, problems=problems, comments_complete=False)


def rewrite_without(store: SnapshotStore, opt_out: OptOut) -> Iterator[str]:
    """Take these people out of the snapshots that are stored already. Yields a sentence for each file changed.

    Nobody knows whose words are in a file that cannot be read: it is deleted, so that it is collected again.

    Raises:
        DataError: A file cannot be written or deleted.
    """
    if not store.folder.is_dir():
        return
    for key in store.list_keys():
        name = f"{key[0]}#{key[1]}"
        try:
            before = store.load(key)
        except DataError as error:
            delete_snapshot(store, key)
            yield f"{name} is deleted: it may hold words of people who have opted out. {error.what}"
            continue
        after = leave_out(before, opt_out)
        if after is None:
            delete_snapshot(store, key)
            yield f"{name} is deleted: its author has opted out."
        elif after != before:
            store.save(after)
            yield f"{name} is rewritten without people who have opted out."


def delete_snapshot(store: SnapshotStore, key: Key) -> None:
    """Take a file away, or DataError."""
    path = store.path(key)
    try:
        path.unlink()
    except OSError as error:
        raise refuse_write(path, error) from error
