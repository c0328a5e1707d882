"""Other reviewers. Each runs in an environment of its own: its driver here imports nothing of this project."""
