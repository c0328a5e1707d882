"""What a run of the pipeline wants to change in the repository: a few small files, never the data themselves.

The files travel from the job that reads strangers' texts to the job that may write, as one JSON document. Whatever
happens in the first job, only files of these names can come out of it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from reviewer.errors import UsageError
from reviewer.git_repository import GitRepository
from reviewer.jsonfile import check_schema, decode, read_file, replace_file
from training.errors import DataError
from training.git_remote import GitRemote
from training.records import encode

PROPOSAL_SCHEMA: Final = "glossator/proposal/1"
COUNTS: Final = "data/dataset/counts.json"
NAMES: Final = ("dvc.lock", "data/dataset/card.md", COUNTS)
"""What the pipeline leaves for git, below its folder: DVC's record of the data, the data card, and what it counts.

None of them can make DVC run anything: dvc.yaml could, and so could a file of the kind `*.dvc`.
"""
MAX_BYTES: Final = 2_000_000
"""Of one file."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Files by their paths in the repository, with `/` between the parts."""

    files: Mapping[str, bytes]


def gather(folder: Path) -> Proposal:
    """The pipeline's files below a folder of a checkout, as they are now.

    Raises:
        DataError: There are none, one is too large, or the counts are not those that dvc.lock records.
    """
    own = name_files(folder)
    top = GitRemote(folder).top
    listing = GitRepository(folder).read("ls-files", "-z", "--full-name", "--cached", "--others", "--exclude-standard")
    paths = sorted({*own} & {*os.fsdecode(listing).split("\0")})
    files = {path: (top / path).read_bytes() for path in paths if is_plain(top / path)}
    if not files:
        raise DataError(f"{folder} holds no dvc.lock.", "Run `dvc repro` there first.")
    proposal = check(Proposal(files), own)
    lock, _, counts = (files.get(path, b"") for path in own)
    if counts and hashlib.md5(counts, usedforsecurity=False).hexdigest().encode() not in lock:
        hint = "Run `dvc repro` there again: the stage dataset did not end well, as when its check found a leak."
        raise DataError(f"{folder / COUNTS} is not what dvc.lock records.", hint)
    return proposal


def is_plain(path: Path) -> bool:
    """Whether it is a file and no link to one."""
    return path.is_file() and not path.is_symlink()


def name_files(folder: Path) -> tuple[str, ...]:
    """The only files that the pipeline of a folder may write, by their paths in the repository."""
    prefix = os.fsdecode(GitRepository(folder).read("rev-parse", "--show-prefix").removesuffix(b"\n"))
    return tuple(f"{prefix}{name}" for name in NAMES)


def check(proposal: Proposal, own: Collection[str]) -> Proposal:
    """The same proposal, if it holds nothing but files of these paths.

    Raises:
        DataError: It names another file, none at all, or one is too large.
    """
    hint = "Build the dataset anew, and look at what has been written."
    if not proposal.files:
        raise DataError("The proposal holds no file.", hint)
    if wrong := [path for path in proposal.files if path not in own]:
        raise DataError(f"The proposal holds {wrong[0]!r}, which is no file of the pipeline.", hint)
    if large := [path for path, content in proposal.files.items() if len(content) > MAX_BYTES]:
        raise DataError(f"{large[0]} has more than {MAX_BYTES // 10**6} MB.", hint)
    return proposal


def save_proposal(proposal: Proposal, path: Path) -> None:
    """Write it, whole or not at all."""
    try:
        replace_file(path, encode(proposal, PROPOSAL_SCHEMA) + b"\n")
    except OSError as error:
        raise DataError(f"Cannot write {path}: {error.strerror}.", "Choose a folder that can be written to.") from error


def load_proposal(path: Path, folder: Path) -> Proposal:
    """Read what `save_proposal` wrote of the pipeline in this folder of a checkout.

    Raises:
        DataError: It is cut short, no proposal, or holds a file that is none of that pipeline's.
    """
    hint = "Run `glossator-train propose --write` again."
    try:
        data = read_file(path, 2 * len(NAMES) * MAX_BYTES)  # base64 makes more of it
        check_schema(decode(data, _Header).schema, PROPOSAL_SCHEMA, str(path))
        return check(decode(data, Proposal), name_files(folder))
    except UsageError as error:
        raise DataError(error.what, hint) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read: {error}.", hint) from error


class _Header(msgspec.Struct):
    schema: str = ""
