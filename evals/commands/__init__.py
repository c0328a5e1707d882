"""One module for each command of `glossator-eval`."""
