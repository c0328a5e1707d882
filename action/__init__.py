"""What the action installs and runs."""
