"""Peers in environments of their own: `python -m bench.peers` (`make bench-peers`) installs them, once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.measure import BUILD, Command, plain_environment

PYTHON = os.environ.get("PEER_PYTHON", ">=3.12")
"""What the peers ask for; PEER_PYTHON names one that uv does not find."""
ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
"""Spares a peer a download at each start: only what it does by itself is measured."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A published reviewer, and what it is told to show its help."""

    name: str
    version: str

    @property
    def folder(self) -> Path:
        """Its environment."""
        return BUILD / "peers" / self.name

    @property
    def lock(self) -> Path:
        """What was installed into it, with exact versions."""
        return BUILD / "peers" / f"{self.name}.txt"

    @property
    def help(self) -> Command:
        """Its start-up alone."""
        return Command((str(self.folder / "bin" / self.name), "--help"), ENVIRONMENT)

    def install(self, folder: Path) -> Command:
        """The same versions once more, into an empty environment."""
        python = self.folder / "bin" / "python"
        text = (
            f'uv venv --quiet --clear --no-project --python "{python}" "{folder}" && '
            f'uv pip install --quiet --python "{folder}/bin/python" --no-deps -r "{self.lock}"'
        )
        return Command(("sh", "-c", text))


PEERS = (Peer("pr-agent", "0.49.0"), Peer("lgtmaybe", "2.15.3"))


def installed_peers() -> tuple[Peer, ...]:
    """Those that `make bench-peers` could install."""
    return tuple(peer for peer in PEERS if peer.lock.exists() and (peer.folder / "bin" / peer.name).exists())


def install_peer(peer: Peer) -> str:
    """Install a peer; what became of it, in a sentence."""
    if not shutil.which("uv"):
        return f"{peer.name}: skipped, there is no uv."
    peer.folder.parent.mkdir(parents=True, exist_ok=True)
    python = str(peer.folder / "bin" / "python")
    for argv in (
        ("uv", "venv", "--quiet", "--clear", "--no-project", "--python", PYTHON, str(peer.folder)),
        ("uv", "pip", "install", "--quiet", "--python", python, f"{peer.name}=={peer.version}"),
        ("uv", "pip", "freeze", "--quiet", "--python", python),
    ):
        done = subprocess.run(  # noqa: S603 - fixed commands
            argv, env=plain_environment(), capture_output=True, check=False, text=True, cwd=peer.folder.parent
        )
        if done.returncode:
            return f"{peer.name}: skipped, {' '.join(argv[:3])} failed: {done.stderr.strip()[-300:]}"
    peer.lock.write_text(done.stdout, encoding="utf-8")
    return f"{peer.name} {peer.version}: installed."


if __name__ == "__main__":
    for one in PEERS:
        sys.stdout.write(install_peer(one) + "\n")
