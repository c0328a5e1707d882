"""How long it takes until the command's help stands there."""

from __future__ import annotations

import sys

from bench.measure import Command, Figure, differences, take_turns
from bench.peers import installed_peers
from bench.table import Row, show

GLOSSATOR = (sys.executable, "-c", "from reviewer.cli import main; main()")
"""What the installed `glossator` does."""


def measure_start_up(rounds: int) -> list[Row]:
    """`glossator --help` over `python -c pass`, and the peers' help."""
    commands = {
        "python": Command((sys.executable, "-c", "pass")),
        "ours": Command((*GLOSSATOR, "--help")),
    }
    samples = take_turns(commands, 3 * rounds)
    samples |= take_turns({peer.name: peer.help for peer in installed_peers()}, min(rounds, 3))
    over = differences(samples["ours"], samples["python"])
    beside = [f"{name} {show(Figure.of(s.wall for s in samples[name]), 's')}" for name in samples if name != "ours"]
    return [
        Row(
            "glossator --help, over python -c pass",
            "s",
            Figure.of(sample.wall for sample in over),
            target=0.15,
            cpu=Figure.of(sample.cpu for sample in over),
            beside="; ".join(beside) if installed_peers() else f"{beside[0]}; no peer: make bench-peers",
        )
    ]
