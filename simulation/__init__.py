"""GitHub, simulated: a stateful stand-in server held to GitHub's own schemas, and real pull requests on it."""
