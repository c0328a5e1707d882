"""What is in the repository: contents, trees, blobs, commits, comparisons."""

from __future__ import annotations

import base64
import posixpath
from urllib.parse import quote

from simulation.github_server.answers import Answer, ApiError, Request, not_found, unprocessable
from simulation.github_server.git_store import GitError, GitStore, TreeEntry
from simulation.github_server.licenses import FILE_NAMES, show_license
from simulation.github_server.routes import route
from simulation.github_server.views import Json

TYPES = {"120000": "symlink", "160000": "submodule"}


def encode(content: bytes) -> str:
    """Base64 in rows of 60, as GitHub sends it."""
    text = base64.b64encode(content).decode()
    return "".join(text[index : index + 60] + "\n" for index in range(0, len(text), 60))


def resolve(request: Request, revision: str | None) -> str:
    """The commit that a `ref` names; the default branch without one."""
    sha = request.repository.resolve(revision or request.repository.default_branch)
    if sha is None:
        raise ApiError(404, f"No commit found for the ref {revision}")
    return sha


def find_entry(store: GitStore, commit: str, path: str) -> TreeEntry | None:
    """The entry of a path, also below folders; None when there is none."""
    folder, _, name = path.rpartition("/")
    try:
        entries = store.list_tree(f"{commit}:{folder}" if folder else commit)
    except GitError:
        return None
    return next((entry for entry in entries if entry.path == name), None)


@route("repos/get-content")
def get_contents(request: Request) -> Answer:
    request.need("contents", level="read")
    store = request.repository.store
    commit = resolve(request, request.query.get("ref"))
    path = request.parameters["path"].strip("/")
    entry = find_entry(store, commit, path) if path else None
    if path and entry is None:
        raise not_found()
    if entry is None or entry.kind == "tree":
        return list_folder(request, commit, path)
    if entry.mode == "120000":
        return get_symlink(request, commit, path, entry)
    if entry.kind == "commit":
        url = f"https://github.com/{request.repository.owner.login}/{posixpath.basename(path)}.git"
        return Answer(200, {**describe(request, commit, path, entry), "submodule_git_url": url})
    return get_file(request, commit, path, entry)


def describe(request: Request, commit: str, path: str, entry: TreeEntry) -> Json:
    """What contents says about every entry, in a folder or alone."""
    repository = request.repository
    base = f"{request.views.api}/repos/{repository.full_name}"
    html = f"{request.views.html}/{repository.full_name}/blob/{commit}/{quote(path)}"
    url = f"{base}/contents/{quote(path)}?ref={request.query.get('ref', repository.default_branch)}"
    git_url = f"{base}/git/{'trees' if entry.kind == 'tree' else 'blobs'}/{entry.sha}"
    is_file = entry.kind == "blob"
    return {
        "name": posixpath.basename(path),
        "path": path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": url,
        "html_url": html,
        "git_url": git_url,
        "download_url": f"{request.views.html}/{repository.full_name}/raw/{commit}/{quote(path)}" if is_file else None,
        "type": "dir" if entry.kind == "tree" else TYPES.get(entry.mode, "file"),
        "_links": {"self": url, "git": git_url, "html": html},
    }


def list_folder(request: Request, commit: str, path: str) -> Answer:
    """A folder's entries, at most 1,000. A submodule is listed as a file, for old clients."""
    shown = []
    for entry in request.repository.store.list_tree(f"{commit}:{path}" if path else commit)[:1000]:
        one = describe(request, commit, posixpath.join(path, entry.path), entry)
        shown.append({**one, "type": "file"} if entry.kind == "commit" else one)
    return Answer(200, shown)


def get_symlink(request: Request, commit: str, path: str, entry: TreeEntry) -> Answer:
    """The target's content when it is a file of the repository, else the link itself."""
    store = request.repository.store
    target = store.read_blob(entry.sha).decode("utf-8", "replace")
    pointed = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    found = None if pointed.startswith(("..", "/")) else find_entry(store, commit, pointed)
    if found is not None and found.kind == "blob" and found.mode != "120000":
        return get_file(request, commit, pointed, found)
    return Answer(200, {**describe(request, commit, path, entry), "target": target})


def get_file(request: Request, commit: str, path: str, entry: TreeEntry) -> Answer:
    """A file: JSON up to 1 MB, raw up to 100 MB."""
    switches = request.world.switches
    size = entry.size or 0
    if size > switches.raw_bytes:
        raise ApiError(403, "This API returns blobs up to 100 MB in size.", [{"code": "too_large", "field": "data"}])
    if request.wants("raw"):
        return Answer(200, request.repository.store.read_blob(entry.sha), media="application/vnd.github.raw")
    if size > switches.json_bytes:
        return Answer(200, {**describe(request, commit, path, entry), "content": "", "encoding": "none"})
    content = encode(request.repository.store.read_blob(entry.sha))
    return Answer(200, {**describe(request, commit, path, entry), "content": content, "encoding": "base64"})


@route("git/get-tree")
def get_tree(request: Request) -> Answer:
    request.need("contents", level="read")
    repository, wanted = request.repository, request.parameters["tree_sha"]
    commit = repository.resolve(wanted)
    tree = repository.store.read_commit(commit).tree if commit else wanted
    if repository.store.kind(tree) != "tree":
        raise not_found()
    base = f"{request.views.api}/repos/{repository.full_name}/git"
    entries = repository.store.list_tree(tree, recursive="recursive" in request.query)
    limit = request.world.switches.tree_entries
    return Answer(
        200,
        {
            "sha": tree,
            "url": f"{base}/trees/{tree}",
            "tree": [show_entry(base, entry) for entry in entries[:limit]],
            "truncated": len(entries) > limit,
        },
    )


def show_entry(base: str, entry: TreeEntry) -> Json:
    """One entry of a tree. A submodule has no address."""
    shown = {"path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha}
    if entry.kind == "blob":
        return {**shown, "size": entry.size, "url": f"{base}/blobs/{entry.sha}"}
    return {**shown, "url": f"{base}/trees/{entry.sha}"} if entry.kind == "tree" else shown


@route("git/get-blob")
def get_blob(request: Request) -> Answer:
    request.need("contents", level="read")
    store, sha = request.repository.store, request.parameters["file_sha"]
    if store.kind(sha) != "blob":
        raise not_found()
    content = store.read_blob(sha)
    if request.wants("raw"):
        return Answer(200, content, media="application/vnd.github.raw")
    return Answer(
        200,
        {
            "sha": sha,
            "node_id": f"B_{sha}",
            "size": len(content),
            "url": f"{request.views.api}/repos/{request.repository.full_name}/git/blobs/{sha}",
            "content": encode(content),
            "encoding": "base64",
        },
    )


@route("git/get-ref")
def get_ref(request: Request) -> Answer:
    request.need("contents", level="read")
    ref = f"refs/{request.parameters['ref']}"
    sha = request.repository.resolve(ref)
    if sha is None:
        raise not_found()
    base = f"{request.views.api}/repos/{request.repository.full_name}/git"
    shown = {"sha": sha, "type": "commit", "url": f"{base}/commits/{sha}"}
    return Answer(200, {"ref": ref, "node_id": f"REF_{sha}", "url": f"{base}/{ref}", "object": shown})


@route("repos/get-commit")
def get_commit(request: Request) -> Answer:
    request.need("contents", level="read")
    repository = request.repository
    sha = repository.resolve(request.parameters["ref"])
    if sha is None:
        raise unprocessable(f"No commit found for SHA: {request.parameters['ref']}")
    commit = repository.store.read_commit(sha)
    empty_tree = repository.store.run("hash-object", "-t", "tree", "--stdin").decode().strip()
    files = repository.compare(commit.parents[0] if commit.parents else empty_tree, sha)
    page, headers = request.page(files[:3000])
    limit = request.world.switches.patch_changes
    added, removed = sum(file.additions for file in files), sum(file.deletions for file in files)
    shown = {
        **request.views.commit(repository, commit),
        "stats": {"total": added + removed, "additions": added, "deletions": removed},
        "files": [request.views.file(repository, sha, file, limit) for file in page],
    }
    return Answer(200, shown, headers)


@route("repos/list-commits")
def list_commits(request: Request) -> Answer:
    """Newest first. `sha` is a branch or commit to start from."""
    request.need("contents", level="read")
    repository, query = request.repository, request.query
    start = resolve(request, query.get("sha"))
    names = {"since": "--since", "until": "--until", "author": "--author"}
    options = [f"{option}={query[name]}" for name, option in names.items() if name in query]
    shas = repository.store.list_commits(start, *options, path=query.get("path", ""))
    page, headers = request.page(shas)
    shown = [request.views.commit(repository, repository.store.read_commit(sha)) for sha in page]
    return Answer(200, shown, headers)


@route("licenses/get-for-repo")
def get_license(request: Request) -> Answer:
    request.need("contents", level="read")
    store, commit = request.repository.store, resolve(request, request.query.get("ref"))
    entries = {entry.path: entry for entry in store.list_tree(commit) if entry.kind == "blob"}
    name = next((one for one in FILE_NAMES if one in entries), None)
    if name is None:
        raise not_found()
    shown = describe(request, commit, name, entries[name])
    content = encode(store.read_blob(entries[name].sha))
    found = show_license(request.repository.license or "NOASSERTION", request.views.api)
    return Answer(200, {**shown, "content": content, "encoding": "base64", "license": found})


@route("repos/compare-commits-with-basehead")
def get_comparison(request: Request) -> Answer:
    request.need("contents", level="read")
    repository, store = request.repository, request.repository.store
    base_name, _, head_name = request.parameters["basehead"].partition("...")
    base, head = repository.resolve(base_name), repository.resolve(head_name)
    if base is None or head is None:
        raise not_found()
    merge_base = store.merge_base(base, head)
    if request.wants("diff"):
        return Answer(200, store.diff(merge_base, head), media="application/vnd.github.diff; charset=utf-8")
    ahead, behind = store.commits_between(base, head), store.commits_between(head, base)
    page, headers = request.page(ahead[:250])
    url = f"{request.views.api}/repos/{repository.full_name}/compare/{base_name}...{head_name}"
    html = f"{request.views.html}/{repository.full_name}/compare/{base_name}...{head_name}"
    status = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}
    show = request.views.commit
    limit = request.world.switches.patch_changes
    first_page = request.query.get("page", "1") == "1"
    files = repository.compare(merge_base, head)[:300] if first_page else []
    return Answer(
        200,
        {
            "url": url,
            "html_url": html,
            "permalink_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "base_commit": show(repository, store.read_commit(base)),
            "merge_base_commit": show(repository, store.read_commit(merge_base)),
            "status": status.get((bool(ahead), bool(behind)), "diverged"),
            "ahead_by": len(ahead),
            "behind_by": len(behind),
            "total_commits": len(ahead),
            "commits": [show(repository, store.read_commit(sha)) for sha in page],
            "files": [request.views.file(repository, head, file, limit) for file in files],
        },
        headers,
    )
