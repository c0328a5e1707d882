"""`python -m bench [PIECE ...]`: measure, print one table, write results.json; exit code 1 when a target is missed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from bench.install import measure_install
from bench.large import measure_large
from bench.locator_time import measure_locator
from bench.measure import BenchError
from bench.own_time import measure_own_time
from bench.prefix import measure_prefix
from bench.start_up import measure_start_up
from bench.table import Row, describe_machine, render_json, render_table

PIECES: dict[str, tuple[Callable[[int], list[Row]], int]] = {
    "start-up": (measure_start_up, 5),
    "install": (measure_install, 3),
    "own-time": (measure_own_time, 5),
    "locator": (measure_locator, 5),
    "large": (measure_large, 3),
    "prefix": (measure_prefix, 1),
}
"""What is measured in how many rounds. The last one needs memory, so it comes last: see `bench.measure.Sample`."""


def main() -> int:
    """Measure the pieces that are named, or all; 0 when every target is met, 2 when something did not work."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("piece", nargs="*", metavar="PIECE", help=f"of {', '.join(PIECES)}; default: all")
    parser.add_argument("--rounds", type=int, help="counted runs of each command")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results.json")
    options = parser.parse_args()
    if unknown := set(options.piece) - set(PIECES):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    before, rows = describe_machine(), []
    for name, (measure, rounds) in PIECES.items():
        if not options.piece or name in options.piece:
            sys.stderr.write(f"{name}...\n")
            try:
                rows += measure(options.rounds or rounds)
            except BenchError as error:
                sys.stderr.write(f"{name}: {error}\n")
                return 2
    result = render_json(rows, before, describe_machine())
    options.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(render_machine(result["machine"]) + "\n\n" + render_table(rows))
    return 1 if any(row.verdict == "MISSED" for row in rows) else 0


def render_machine(machine: dict[str, object]) -> str:
    """One line."""
    return (
        "{date}: {processor}, {cores} cores, {memory_gb} GB, {system}, Python {python}; "
        "load average {load} before, {load_after} after"
    ).format(**machine)


if __name__ == "__main__":
    sys.exit(main())
