"""How pull requests begin and end: opened, closed, merged."""

from __future__ import annotations

from simulation.github_server.git_store import GitError
from simulation.github_server.state import Account, PullRequest, Repository, World


def open_pull(
    world: World,
    repository: Repository,
    author: Account,
    *,
    title: str,
    body: str | None,
    base: str,
    head: str,
    head_repo: Repository,
    head_sha: str,
    draft: bool = False,
    number: int | None = None,
) -> PullRequest:
    """A new pull request for a branch that is there. Without a number it gets the next one that is free."""
    while number is None or number in repository.pulls or number in repository.issues:
        number = next(world.numbers[repository.full_name])
    base_sha, now = repository.resolve(base) or "", world.now()
    pull = PullRequest(
        world.next_id(), number, title, body, author, base, head, head_repo, base_sha, head_sha, now, now,
        draft=draft, association=world.association(repository, author),
    )  # fmt: skip
    repository.pulls[number] = pull
    repository.store.set_ref(f"refs/pull/{number}/head", head_sha)
    return pull


def close_pull(world: World, pull: PullRequest) -> None:
    """Close without merging."""
    pull.state, pull.closed = "closed", world.now()
    pull.updated = pull.closed


def merge_pull(world: World, repository: Repository, pull: PullRequest, by: Account) -> str:
    """Put a merge commit on the base branch. Returns its sha.

    Raises:
        GitError: The branches conflict.
    """
    store = repository.store
    base = repository.resolve(pull.base)
    if base is None:
        raise GitError(f"there is no branch {pull.base}")
    tree = store.merge_tree(base, pull.head_sha)
    message = f"Merge pull request #{pull.number} from {pull.author.login}/{pull.head}\n\n{pull.title}"
    sha = store.commit_tree(tree, (base, pull.head_sha), message, author=by.login, date=int(world.now()))
    store.set_ref(repository.ref(pull.base), sha)
    close_pull(world, pull)
    pull.merged, pull.merge_sha, pull.merged_by = True, sha, by
    return sha
