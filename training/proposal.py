"""What a run of the pipeline wants to change in the repository: a few small files, never the data themselves.

The files travel from the job that reads strangers' texts to the job that may write, as one JSON document. Whatever
happens in the first job, only files of these names can come out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
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
COUNTS: Final = "dataset/counts.json"
NAMES: Final = ("dvc.lock", "dataset/card.md", COUNTS)
"""What the pipeline leaves for git: DVC's record of the data, the data card, and what it counts.

None of them can make DVC run anything: dvc.yaml could, and so could a file of the kind `*.dvc`.
"""
MAX_FILES: Final = 50
MAX_BYTES: Final = 2_000_000
"""Of one file."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Files by their paths in the repository, with `/` between the parts."""

    files: Mapping[str, bytes]


def gather(folder: Path) -> Proposal:
    """The pipeline's files below a folder of a checkout, as they are now.

    Raises:
        DataError: There are none, too many, or one that is too large.
    """
    top = GitRemote(folder).top
    listing = GitRepository(folder).read("ls-files", "-z", "--full-name", "--cached", "--others", "--exclude-standard")
    paths = sorted({path for path in listing.decode("utf-8", "surrogateescape").split("\0") if is_ours(path)})
    files = {path: (top / path).read_bytes() for path in paths if is_plain(top / path)}
    if not files:
        raise DataError(f"{folder} holds no dvc.lock.", "Run `dvc repro` there first.")
    return check(Proposal(files))


def is_plain(path: Path) -> bool:
    """Whether it is a file and no link to one."""
    return path.is_file() and not path.is_symlink()


def is_ours(path: str) -> bool:
    """Whether a path in the repository is one that the pipeline may write."""
    strange = path.startswith("/") or {"..", ".git", ".github"} & set(path.split("/")) or not path.isprintable()
    return not strange and f"/{path}".endswith(tuple(f"/{name}" for name in NAMES))


def check(proposal: Proposal) -> Proposal:
    """The same proposal, if it may stand in a repository.

    Raises:
        DataError: It names a file that is none of the pipeline's, or is too large.
    """
    hint = "Build the dataset anew, and look at what has been written."
    if wrong := [path for path in proposal.files if not is_ours(path)]:
        raise DataError(f"The proposal holds {wrong[0]!r}, which is no file of the pipeline.", hint)
    if len(proposal.files) > MAX_FILES:
        raise DataError(f"The proposal holds {len(proposal.files)} files, at most {MAX_FILES} are taken.", hint)
    if large := [path for path, content in proposal.files.items() if len(content) > MAX_BYTES]:
        raise DataError(f"{large[0]} has more than {MAX_BYTES // 10**6} MB.", hint)
    return proposal


def save_proposal(proposal: Proposal, path: Path) -> None:
    """Write it, whole or not at all."""
    try:
        replace_file(path, encode(proposal, PROPOSAL_SCHEMA) + b"\n")
    except OSError as error:
        raise DataError(f"Cannot write {path}: {error.strerror}.", "Choose a folder that can be written to.") from error


def load_proposal(path: Path) -> Proposal:
    """Read what `save_proposal` wrote.

    Raises:
        DataError: It is cut short, no proposal, or holds what may not stand in a repository.
    """
    hint = "Run `glossator-train propose --write` again."
    try:
        data = read_file(path, MAX_FILES * MAX_BYTES)
        check_schema(decode(data, _Header).schema, PROPOSAL_SCHEMA, str(path))
        return check(decode(data, Proposal))
    except UsageError as error:
        raise DataError(error.what, hint) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read: {error}.", hint) from error


class _Header(msgspec.Struct):
    schema: str = ""
