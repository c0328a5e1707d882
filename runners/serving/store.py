"""Bring files to the folder of models: each checked against its digest before it gets its name, none fetched twice."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import ssl
import tarfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

import httpx

from reviewer.jsonfile import replace_file
from runners.errors import ServingError
from runners.serving.sources import COMMIT, KINDS, HubSource, Listing, Remote, list_hub, parse_source

CHUNK: Final = 1 << 20
TRIES: Final = 5
DONE: Final = ".complete.json"
"""In a folder whose files are all there: of which pattern they are, the path to serve, and sizes by name."""
TIMEOUT: Final = httpx.Timeout(60.0, connect=15.0)
SPARE: Final = 1 << 30
"""Bytes of the disk that stay free."""


def bring(text: str, into: Path, note: Callable[[str], None]) -> str:
    """Bring what a source names below a folder; nothing is fetched that is there already.

    Args:
        text: A source, as `sources.parse_source` reads it.
        into: The folder of models.
        note: Told what is being fetched.

    Returns:
        The path to serve, relative to `into`.

    Raises:
        UsageError: It is no source.
        ServingError: It cannot be had, is not what its digest says, or does not fit the disk.
    """
    source = parse_source(text)
    with httpx.Client(timeout=TIMEOUT, follow_redirects=True, verify=load_trusted()) as client:
        if isinstance(source, HubSource):
            known = COMMIT.fullmatch(source.revision) and find_complete(into / source.folder, source.pattern)
            if known:
                return known
            listing = list_hub(source, client)
        else:
            listing = source.listing
        folder = into / listing.folder
        return find_complete(folder, listing.pattern) or fetch(listing, folder, client, note)


@cache
def load_trusted() -> ssl.SSLContext:
    """Whom to believe over TLS, read once: it takes longer than a small file."""
    return httpx.create_ssl_context()


def find_complete(folder: Path, pattern: str) -> str:
    """The path to serve when a folder has all files of a pattern; else nothing."""
    try:
        known = json.loads((folder / DONE).read_bytes())
        there = all((folder / name).stat().st_size == size for name, size in known["files"].items())
        return str(known["path"]) if there and known["pattern"] == pattern else ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""


def fetch(listing: Listing, folder: Path, client: httpx.Client, note: Callable[[str], None]) -> str:
    """Fetch all files of a listing, and note that they are there.

    Raises:
        ServingError: As `bring` says.
    """
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        check_room(listing, folder)
        for file in listing.files:
            path = folder / file.name
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            if not (path.exists() and digest(path, file.digest) == file.digest):
                note(f"Fetching {file.name}" + (f", {file.size / 1e9:.1f} GB" if file.size > CHUNK else ""))
                fetch_file(file, path, client)
        names = [file.name for file in listing.files]
        if listing.is_archive:
            names = list(unpack(folder / names[0], folder))
        sizes = {name: (folder / name).stat().st_size for name in names}
        known = {"pattern": listing.pattern, "path": listing.path, "files": sizes}
        replace_file(folder / DONE, json.dumps(known).encode())
    except OSError as error:
        hint = f"Is there room, and may you write to {folder}?"
        raise ServingError(f"The files cannot be stored: {error.strerror or error}.", hint) from None
    return listing.path


def check_room(listing: Listing, folder: Path) -> None:
    """Refuse, before hours of download, what does not fit.

    Raises:
        ServingError: It does not.
    """
    missing = sum(file.size for file in listing.files if not (folder / file.name).exists())
    free = shutil.disk_usage(folder).free
    if missing + SPARE > free:
        raise ServingError(f"{missing / 1e9:.1f} GB do not fit: {free / 1e9:.1f} GB are free.", "Use a larger volume.")


def fetch_file(file: Remote, path: Path, client: httpx.Client) -> None:
    """Fetch one file beside its place, check it, and give it its name.

    Raises:
        ServingError: It cannot be had, or is another.
        OSError: It cannot be stored.
    """
    part = path.with_name(f"{path.name}.part")
    if urlsplit(file.address).scheme == "file":
        copy_local(file, part)
    else:
        download(file, part, client)
    found = digest(part, file.digest)
    if found != file.digest:
        part.unlink()
        hint = "It was changed where it lies, or the digest is another file's. It was not kept."
        raise ServingError(f"{file.name} is not what its digest says: {found[:19]}..., not {file.digest[:19]}...", hint)
    part.chmod(0o644)
    part.replace(path)


def copy_local(file: Remote, part: Path) -> None:
    """Copy a file of this machine.

    Raises:
        ServingError: It cannot be read.
        OSError: The copy cannot be written.
    """
    with part.open("wb") as target:
        try:
            with Path(unquote(urlsplit(file.address).path)).open("rb") as source:
                shutil.copyfileobj(source, target, CHUNK)
        except OSError as error:
            raise ServingError(f"{file.name} cannot be copied: {error.strerror}.", "Is the path right?") from None


def download(file: Remote, part: Path, client: httpx.Client) -> None:
    """Fetch a file over HTTP, going on where an earlier attempt stopped as long as bytes arrive.

    Raises:
        ServingError: The server says no, or falls silent.
        OSError: It cannot be written.
    """
    reason = ""
    for _ in range(TRIES):
        before = part.stat().st_size if part.exists() else 0
        try:
            return receive(file, part, before, client)
        except httpx.HTTPStatusError as error:
            reason = f"the server answers {error.response.status_code}"
            if error.response.status_code < 500 or not before:  # noqa: PLR2004 - HTTP's own number
                break
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = type(error).__name__
            if (part.stat().st_size if part.exists() else 0) <= before:
                break
    hint = "Run it again: it goes on where it stopped. Does it need HF_TOKEN or MLFLOW_TRACKING_USERNAME?"
    raise ServingError(f"{file.name} could not be fetched: {reason}.", hint)


def receive(file: Remote, part: Path, before: int, client: httpx.Client) -> None:
    """One attempt, from the byte `before` on."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={before}-"} if before else {})
    with client.stream("GET", file.address, headers=headers, auth=find_login(file.address)) as answer:
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it was there; its digest tells
        answer.raise_for_status()
        with part.open("ab" if answer.status_code == httpx.codes.PARTIAL_CONTENT else "wb") as target:
            for chunk in answer.iter_raw():
                target.write(chunk)


def find_login(address: str) -> httpx.Auth | None:
    """What to show to a server: a token to the Hub, a user and a password to MLflow, nothing to others."""
    of = os.environ.get
    hub, mlflow = (of("HF_ENDPOINT") or "https://huggingface.co"), of("MLFLOW_TRACKING_URI", "")
    if is_below(address, hub) and (token := of("HF_TOKEN")):
        return Bearer(token)
    if mlflow and is_below(address, mlflow) and (user := of("MLFLOW_TRACKING_USERNAME")):
        return httpx.BasicAuth(user, of("MLFLOW_TRACKING_PASSWORD", ""))
    return None


def is_below(address: str, base: str) -> bool:
    """Whether an address is on the server of another."""
    return urlsplit(address)[:2] == urlsplit(base)[:2]


class Bearer(httpx.Auth):
    """A token in the request's header. httpx takes it off where a redirect leads to another server."""

    def __init__(self, token: str) -> None:
        self.token = token

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override] # a generator that takes no answer back
        """Add it."""
        request.headers["Authorization"] = f"Bearer {self.token}"
        yield request


def digest(path: Path, like: str) -> str:
    """The digest of a file, of the kind of another: `sha256:` of its bytes, or `git:` as git names a blob."""
    kind = like.partition(":")[0]
    if kind == "git":
        found = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    else:
        found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return f"{kind}:{found.hexdigest()}"


def unpack(archive: Path, folder: Path) -> Iterator[str]:
    """Unpack what a server reads of an adapter, and remove the archive. Pickles are left out.

    Yields:
        The names of the files, which lie in the folder itself.

    Raises:
        ServingError: It is no archive, has something else in it, or no adapter.
    """
    try:
        with tarfile.open(archive) as packed:
            members = [member for member in packed if not member.isdir()]
            inside = find_adapter(members)
            if sum(member.size for member in members) + SPARE > shutil.disk_usage(folder).free:
                raise ServingError("What is in the archive does not fit the disk.", "Use a larger volume.")
            for member in members:
                name = PurePosixPath(member.name)
                source = packed.extractfile(member) if name.parent == inside and name.suffix in KINDS else None
                if source is not None:
                    with source, (folder / name.name).open("wb") as target:
                        shutil.copyfileobj(source, target, CHUNK)
                    (folder / name.name).chmod(0o644)
                    yield name.name
    except (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, ValueError) as error:
        raise ServingError(f"{archive.name} is no tar archive: {type(error).__name__}.", "Pack it anew.") from None
    archive.unlink()


def find_adapter(members: list[tarfile.TarInfo]) -> PurePosixPath:
    """In which folder of an archive the adapter is.

    Raises:
        ServingError: There is none, or something that is no plain file.
    """
    for member in members:
        name = PurePosixPath(member.name)
        if not member.isfile() or name.is_absolute() or ".." in name.parts:
            raise ServingError(f"The archive holds {member.name!r}, which is no plain file in it.", "Pack it anew.")
    files = {PurePosixPath(member.name) for member in members}
    for name in sorted(files):
        if name.name == "adapter_config.json" and name.with_name("adapter_model.safetensors") in files:
            return name.parent
    hint = "Pack what PEFT's save_pretrained wrote: adapter_config.json and adapter_model.safetensors."
    raise ServingError("The archive holds no adapter.", hint)
