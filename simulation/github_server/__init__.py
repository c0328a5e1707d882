"""A stand-in for GitHub: stateful, backed by a real git repository, held to GitHub's own schemas.

with GitHubServer() as server:
    repo = server.create_repo("octo/demo", {"app.py": "one\\n"})
    pull = repo.open_pull_request({"app.py": "one\\ntwo\\n"})
    ...  # point the client at server.url with the token "actions-token"
    assert not server.violations
"""

from simulation.github_server.faults import Fault, Faults
from simulation.github_server.git_store import Executable, Submodule, Symlink
from simulation.github_server.scenario import PullScenario, RepoScenario, ScenarioError
from simulation.github_server.server import GitHubServer, LogEntry
from simulation.github_server.state import Switches

__all__ = [
    "Executable",
    "Fault",
    "Faults",
    "GitHubServer",
    "LogEntry",
    "PullScenario",
    "RepoScenario",
    "ScenarioError",
    "Submodule",
    "Switches",
    "Symlink",
]
