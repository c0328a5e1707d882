"""One module for each command of `glossator-ops`, named as the command is."""
