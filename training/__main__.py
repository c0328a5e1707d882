"""`python -m training` is `glossator-train`."""

from training.cli import main

main()
