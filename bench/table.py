"""The rows of the result, as a table for people and as JSON."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from bench.measure import Figure

Verdict = Literal["met", "MISSED", ""]
HEAD = ("what", "ours", "processor", "target", "beside it", "verdict")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured thing. `ours` is in `unit`; `cpu` in seconds of processor time. `target` None: only shown."""

    what: str
    unit: str
    ours: Figure
    target: float | None = None
    cpu: Figure | None = None
    beside: str = ""
    at_least: bool = False
    """The target is a lower bound."""

    @property
    def verdict(self) -> Verdict:
        """Judged by the median."""
        if self.target is None:
            return ""
        good = self.ours.median >= self.target if self.at_least else self.ours.median <= self.target
        return "met" if good else "MISSED"

    def cells(self) -> tuple[str, ...]:
        """The row as texts, in the order of HEAD."""
        sign = "≥" if self.at_least else "≤"
        target = "" if self.target is None else f"{sign} {self.target:g} {self.unit}"
        cpu = show(self.cpu, "s") if self.cpu else ""
        return (self.what, show(self.ours, self.unit), cpu, target, self.beside, self.verdict)


def show(figure: Figure, unit: str) -> str:
    """`0.12 s (0.11 to 0.15)`; one number when all runs agree."""
    digits = 2 if unit == "s" else 1 if unit in {"MB", "%"} else 0
    median, least, most = (f"{value:.{digits}f}" for value in (figure.median, figure.least, figure.most))
    return f"{median} {unit}".strip() if least == most else f"{median} {unit} ({least} to {most})"


def render_table(results: Sequence[Row]) -> str:
    """A Markdown table with padded columns, which reads well in a terminal too."""
    lines = [HEAD, *(row.cells() for row in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    lines.insert(1, tuple("-" * width for width in widths))
    rows = (" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "".join(f"| {text} |\n" for text in rows)


def describe_machine() -> dict[str, Any]:
    """What the figures depend on. The load average shows what else ran."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": os.cpu_count(),
        "processor": _processor_name(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def _processor_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def render_json(rows: Sequence[Row], before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Everything measured: the machine before, the load after, the rows with their verdicts."""
    machine = before | {"load_after": after["load"], "executable": Path(sys.executable).name}
    return {"machine": machine, "rows": [asdict(row) | {"verdict": row.verdict} for row in rows]}
