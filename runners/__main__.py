"""`python -m runners` is `glossator-ops`."""

from runners.cli import main

main()
