"""Where the files of a model or an adapter are: a repository on the Hugging Face Hub, or one file with its SHA-256."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

import httpx

from reviewer.errors import UsageError
from runners.errors import ServingError

HUB: Final = re.compile(r"hf:([\w.-]+/[\w.-]+)@([\w./-]+?)(?::([\w.*?-]+))?")
COMMIT: Final = re.compile(r"[0-9a-f]{40}")
SHA256: Final = re.compile(r"[0-9a-f]{64}")
ENDPOINT: Final = "https://huggingface.co"
KINDS: Final = (".safetensors", ".json", ".txt", ".model", ".jinja")
"""What a server reads of a repository. No pickles, and no Python."""
SHARD: Final = re.compile(r"-(\d{5})-of-\d{5}\.gguf$")
HOW: Final = "hf:OWNER/NAME@REVISION, hf:OWNER/NAME@REVISION:*q4_k_m*.gguf, or ADDRESS#sha256=DIGEST"


@dataclass(frozen=True, slots=True)
class Remote:
    """One file: where it is, what it is called, its size (0 when unknown) and its digest as `sha256:` or `git:`."""

    address: str
    name: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Files that belong together, and the folder that they go to, below the folder of models."""

    folder: str
    files: tuple[Remote, ...]
    is_archive: bool = False
    pattern: str = ""

    @property
    def path(self) -> str:
        """What a server is given: the one GGUF file, the first of its parts, or the folder."""
        weights = sorted(file.name for file in self.files if file.name.endswith(".gguf"))
        return f"{self.folder}/{weights[0]}" if weights else self.folder


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository on the Hub at a revision, and maybe a pattern of file names."""

    repo: str
    revision: str
    pattern: str

    @property
    def folder(self) -> str:
        """Where its files go when the revision is a commit."""
        return f"hf/{self.repo.replace('/', '--')}/{self.revision}"


@dataclass(frozen=True, slots=True)
class FileSource:
    """One file at an address, which is not to be printed."""

    address: str
    name: str
    sha256: str

    @property
    def listing(self) -> Listing:
        """It alone, in a folder named by its digest."""
        is_archive = self.name.endswith((".tar.gz", ".tgz", ".tar"))
        remote = Remote(self.address, self.name, 0, f"sha256:{self.sha256}")
        return Listing(f"files/{self.sha256}", (remote,), is_archive)


def parse_source(text: str) -> HubSource | FileSource:
    """What a source names.

    Raises:
        UsageError: It is none, or has no digest.
    """
    if found := HUB.fullmatch(text):
        return HubSource(found[1], found[2], found[3] or "")
    parts = urlsplit(text)
    if parts.scheme not in {"https", "http", "file"}:
        raise UsageError(f"{text.split('#', maxsplit=1)[0][:100]!r} is no source.", f"As in {HOW}")
    digest = parts.fragment.removeprefix("sha256=").lower()
    name = PurePosixPath(parts.path).name
    if not SHA256.fullmatch(digest):
        raise UsageError(f"{name or 'The address'} has no SHA-256.", f"As in {HOW}; sha256sum makes it.")
    if not name.endswith((".gguf", ".tar", ".tar.gz", ".tgz")):
        raise UsageError(f"{name!r} is neither a GGUF file nor a tar archive.", "Pack it: tar -czf NAME.tar.gz .")
    return FileSource(urlunsplit((*parts[:4], "")), name, digest)


def list_hub(source: HubSource, client: httpx.Client) -> Listing:
    """The files of a repository that a server reads, at the commit that the revision is now.

    Honours HF_ENDPOINT and HF_TOKEN.

    Raises:
        ServingError: There is no such repository or revision, the Hub does not answer, or nothing matches.
    """
    endpoint = (os.environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
    address = f"{endpoint}/api/models/{source.repo}/revision/{quote(source.revision, safe='')}"
    token = os.environ.get("HF_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = client.get(address, params={"blobs": "true"}, headers=headers)
        answer.raise_for_status()
        data: Any = answer.json()
        commit, siblings = data["sha"], list(data["siblings"])
    except httpx.HTTPStatusError as error:
        hint = "Does it exist, and may HF_TOKEN see it?"
        status = error.response.status_code
        raise ServingError(f"The Hub answers {status} for {source.repo}@{source.revision}.", hint) from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        hint = "Try again, or set HF_ENDPOINT."
        raise ServingError(f"The Hub did not answer for {source.repo}: {type(error).__name__}.", hint) from None
    if not COMMIT.fullmatch(str(commit)):
        raise ServingError(f"The Hub names no commit for {source.repo}@{source.revision}.", "Give the commit itself.")
    files = list(read_siblings(siblings, f"{endpoint}/{source.repo}/resolve/{commit}"))
    chosen = choose_files(files, source.pattern)
    if not chosen:
        hint = "Look at the repository for what its files are called."
        raise ServingError(f"{source.repo} has no file {source.pattern or 'that a server reads'}.", hint)
    return Listing(HubSource(source.repo, commit, "").folder, tuple(chosen), pattern=source.pattern)


def read_siblings(siblings: list[Any], base: str) -> Iterator[Remote]:
    """The files of the Hub's answer.

    Raises:
        ServingError: A name that leaves the folder, or a file without a digest.
    """
    for each in siblings:
        try:
            name, size = str(each["rfilename"]), int(each.get("size") or 0)
            large = each.get("lfs")
            digest = f"sha256:{large['sha256']}" if large else f"git:{each['blobId']}"
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ServingError("The Hub's list of files has no digests.", "Is HF_ENDPOINT the Hub?") from None
        if name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts:
            raise ServingError(f"The Hub names a file {name!r}.", "Do not use this repository.")
        yield Remote(f"{base}/{quote(name)}", name, size, digest)


def choose_files(files: list[Remote], pattern: str) -> list[Remote]:
    """Those that match, a whole GGUF file rather than its parts; without a pattern what a server reads."""
    if not pattern:
        return [file for file in files if file.name.endswith(KINDS) and "/" not in file.name]
    matching = [file for file in files if fnmatch(file.name.lower(), pattern.lower())]
    whole = [file for file in matching if not SHARD.search(file.name)]
    return whole[:1] or matching
