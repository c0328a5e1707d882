"""`python -m reviewer`: the command without its script."""

from __future__ import annotations

from reviewer.cli import main

main()
