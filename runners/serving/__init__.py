"""Model servers: what fits a GPU, the compose files that start them, and how their files get there."""
