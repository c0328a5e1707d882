"""Installing what the action needs, by the action's own script, with the downloads already in uv's cache."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from bench.measure import BUILD, ROOT, Command, Figure, take_turns
from bench.peers import installed_peers
from bench.table import Row, show

RUNNER = BUILD / "runner"
"""Stands for the runner's temporary folder; the action's environment stays there for the other measurements."""
INSTALL = Command(("bash", str(ROOT / "action" / "install.sh")), {"RUNNER_TEMP": str(RUNNER)})


def count_packages(environment: Path) -> int:
    """Installed distributions."""
    return sum(1 for _ in environment.glob("lib/python*/site-packages/*.dist-info"))


def disk_size(environment: Path) -> float:
    """MB on disk, whole blocks as `du` counts them."""
    return sum(path.lstat().st_blocks * 512 for path in environment.rglob("*")) / 1e6


def measure_install(rounds: int) -> list[Row]:
    """Packages, size and seconds of the action's installation, and the peers' beside it."""
    if not shutil.which("uv"):
        return [Row("install of the action's lock: skipped, there is no uv", "", Figure(0, 0, 0))]
    RUNNER.mkdir(parents=True, exist_ok=True)
    peers = installed_peers()
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        commands = {"ours": INSTALL} | {peer.name: peer.install(Path(folder) / peer.name) for peer in peers}
        samples = take_turns(commands, rounds)
        sizes = {peer.name: (count_packages(p), disk_size(p)) for peer in peers if (p := Path(folder) / peer.name)}
    seconds = {name: Figure.of(sample.wall for sample in taken) for name, taken in samples.items()}
    ours = RUNNER / "glossator-venv"
    packages, size = float(count_packages(ours)), disk_size(ours)

    def beside(texts: dict[str, str]) -> str:
        return "; ".join(f"{name} {text}" for name, text in texts.items())

    return [
        Row(
            "install of the action's lock: packages",
            "",
            Figure.of([packages]),
            target=25,
            beside=beside({name: str(count) for name, (count, _) in sizes.items()}),
        ),
        Row(
            "install of the action's lock: size",
            "MB",
            Figure.of([size]),
            target=40,
            beside=beside({name: f"{megabytes:.0f} MB" for name, (_, megabytes) in sizes.items()}),
        ),
        Row(
            "install of the action's lock: time, warm cache",
            "s",
            seconds["ours"],
            cpu=Figure.of(sample.cpu for sample in samples["ours"]),
            beside=beside({peer.name: show(seconds[peer.name], "s") for peer in peers}),
        ),
    ]
