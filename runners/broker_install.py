"""The runner's programs: the newest release of actions/runner, its checksum compared, put in place at one stroke.

GitHub registers no runner below 2.329.0, and gives one no jobs 30 days after a newer one came out (its announcement of
2026, community discussion 194762). So the newest is asked for at deploy and by a weekly timer; a pinned version breaks.
"""

from __future__ import annotations

import hashlib
import platform
import posixpath
import re
import shutil
import tarfile
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from reviewer.errors import HostUnavailable
from runners.broker_config import API_URL
from runners.broker_github import open_client, read_json, translate
from runners.errors import RunnerError

REPOSITORY: Final = "actions/runner"
LEAST: Final = (2, 329, 0)
DAYS: Final = 30
KEPT: Final = 2
"""Versions kept: the newest, and the one before, in which a job may still run."""
CURRENT: Final = "current"
NEEDED: Final = ("run.sh", "run-helper.sh.template", "bin/Runner.Listener")
MACHINES: Final = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
CHUNK: Final = 1 << 20
MAX_BYTES: Final = 2 << 30
_TAG: Final = re.compile(r"v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})")
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_HOPS: Final = 5


@dataclass(frozen=True, slots=True)
class RunnerRelease:
    """A release: `digest` is the archive's SHA-256 in hexadecimal; `age` in days."""

    version: tuple[int, int, int]
    age: float
    url: str
    digest: str

    @property
    def name(self) -> str:
        """Such as `2.340.0`."""
        return ".".join(map(str, self.version))


def install_runner(folder: Path, api_url: str = API_URL, token: str = "") -> tuple[RunnerRelease, bool]:
    """Put the newest runner below `folder` and let the link `current` point to it.

    Returns:
        The release, and whether it is new here.

    Raises:
        HostUnavailable: GitHub or the download did not answer.
        RunnerError: It is too old, has no checksum, has another one, or cannot be written.
    """
    with open_client(api_url) as http:
        release = find_release(http, api_url, token)
        place = folder / release.name
        if (place / NEEDED[0]).is_file() and (folder / CURRENT).resolve() == place.resolve():
            return release, False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not place.is_dir():
                fetch(http, release, place)
            point(folder, release.name)
            drop_old(folder, release.name)
        except (OSError, tarfile.TarError) as error:
            raise RunnerError(
                f"The runner cannot be put into {folder}: {error}.", "Is there room, and may we?"
            ) from None
    return release, True


def find_release(http: httpx.Client, api_url: str, token: str = "") -> RunnerRelease:
    """The newest release for this kind of machine."""
    path = f"/repos/{REPOSITORY}/releases/latest"
    headers = {"Accept": "application/vnd.github+json", "User-Agent": "glossator"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    try:
        response = http.get(path, headers=headers)
    except httpx.RequestError as error:
        raise HostUnavailable(f"GitHub did not answer: {type(error).__name__}.", "Try again later.") from error
    if not response.is_success:
        raise translate(response, f"GET {path}", time.time())
    return read_release(read_json(response), platform.machine(), time.time(), secure=api_url.startswith("https://"))


def read_release(data: Any, machine: str, now: float, *, secure: bool = True) -> RunnerRelease:
    """What GitHub shows of a release, checked.

    Raises:
        RunnerError: It must not be installed.
    """
    found = _TAG.fullmatch(str(data["tag_name"]))
    if found is None:
        raise RunnerError("The newest release of the runner has no version for a name.", "Try again later.")
    version = (int(found[1]), int(found[2]), int(found[3]))
    name = ".".join(map(str, version))
    if version < LEAST:
        raise RunnerError(
            f"The newest runner that is offered is {name}; GitHub registers none below {'.'.join(map(str, LEAST))}.",
            "Is GITHUB_API_URL an old server or a mirror that stands still?",
        )
    age = (now - datetime.fromisoformat(data["published_at"]).timestamp()) / 86400
    kind = MACHINES.get(machine.lower(), machine)
    wanted = f"actions-runner-linux-{kind}-{name}.tar.gz"
    asset = next((one for one in data["assets"] if one["name"] == wanted), None)
    if asset is None:
        raise RunnerError(f"The runner {name} has no {wanted}.", f"Is {machine} a machine that GitHub's runner knows?")
    digest = _DIGEST.fullmatch(str(asset["digest"]))
    url = str(asset["browser_download_url"])
    if digest is None:
        raise RunnerError(f"GitHub tells no SHA-256 of {wanted}.", "It is not installed unchecked. Try again later.")
    if secure and not url.startswith("https://"):
        raise RunnerError(f"The address of {wanted} is not https.", "It is not fetched.")
    return RunnerRelease(version, age, url, digest[1])


def fetch(http: httpx.Client, release: RunnerRelease, place: Path) -> None:
    """Download, compare, unpack beside the place, and move there."""
    with tempfile.TemporaryDirectory(prefix=".new-", dir=place.parent) as folder:
        archive, unpacked = Path(folder) / "archive", Path(folder) / "runner"
        digest = download(http, release.url, archive)
        if digest != release.digest:
            raise RunnerError(
                f"The runner {release.name} that was downloaded is not the one that GitHub lists: its SHA-256 differs.",
                "It was deleted. Try again; if it stays so, ask who is in between.",
            )
        unpack(archive, unpacked)
        missing = [name for name in NEEDED if not (unpacked / name).is_file()]
        if missing:
            raise RunnerError(f"The archive of the runner has no {missing[0]}.", "It was deleted. Try again later.")
        (unpacked / "externals").mkdir(exist_ok=True)
        (unpacked / "safe_sleep.sh").touch(exist_ok=True)
        unpacked.chmod(0o755)
        unpacked.rename(place)


def unpack(archive: Path, to: Path) -> None:
    """Unpack what lies inside, as our own. Debian 12's Python has no extraction filter yet, so that we look ourselves.

    Raises:
        RunnerError: A member is no file, folder or link, or leads elsewhere.
    """
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
        for member in members:
            link = (
                posixpath.join(posixpath.dirname(member.name), member.linkname) if member.issym() else member.linkname
            )
            known = member.isfile() or member.isdir() or member.issym() or member.islnk()
            if not known or leads_out(member.name) or leads_out(link):
                raise RunnerError(
                    "The archive of the runner leads out of its folder.", "It was deleted. Ask who made it."
                )
            member.mode = (member.mode or 0o644) & 0o755
            member.uid = member.gid = 0
            member.uname = member.gname = ""
        known_filter: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(to, members, **known_filter)  # noqa: S202 - looked at above


def leads_out(name: str) -> bool:
    """Whether a path in an archive is absolute or climbs above its top."""
    return posixpath.isabs(name) or posixpath.normpath(name or ".").split("/")[0] == ".."


def download(http: httpx.Client, url: str, to: Path) -> str:
    """Write what is at an address to a file. Returns its SHA-256. GitHub redirects to its store."""
    digest, size = hashlib.sha256(), 0
    scheme = urlsplit(url).scheme
    try:
        for _ in range(_HOPS):
            with http.stream("GET", url, follow_redirects=False) as response, to.open("wb") as file:
                if response.has_redirect_location:
                    url = str(response.url.join(response.headers["location"]))
                    if urlsplit(url).scheme != scheme:
                        raise RunnerError("The download of the runner leads to another protocol.", "It is not fetched.")
                    continue
                response.raise_for_status()
                for chunk in response.iter_bytes(CHUNK):
                    size += len(chunk)
                    if size > MAX_BYTES:
                        raise RunnerError("The download of the runner does not end.", "It is not fetched.")
                    digest.update(chunk)
                    file.write(chunk)
                return digest.hexdigest()
    except httpx.HTTPError as error:
        raise HostUnavailable(
            f"The runner cannot be downloaded: {type(error).__name__}.", "Try again later."
        ) from error
    raise RunnerError("The download of the runner redirects again and again.", "Try again later.")


def point(folder: Path, name: str) -> None:
    """Let `current` point to a version, with no moment at which it points nowhere."""
    link = folder / ".current"
    link.unlink(missing_ok=True)
    link.symlink_to(name)
    link.replace(folder / CURRENT)


def drop_old(folder: Path, newest: str) -> None:
    """Delete versions but the newest and those that were put there last."""
    others = [one for one in folder.iterdir() if one.is_dir() and not one.is_symlink() and _TAG.fullmatch(one.name)]
    others = sorted((one for one in others if one.name != newest), key=lambda one: one.stat().st_mtime, reverse=True)
    for one in others[KEPT - 1 :]:
        shutil.rmtree(one)


def find_installed(folder: Path) -> str:
    """The version that `current` points to, or nothing."""
    place = folder / CURRENT
    return place.resolve().name if (place / NEEDED[0]).is_file() else ""
