"""Pull requests from a local repository and from patches, and everything that may be wrong with them."""

from __future__ import annotations

import io
import os
import resource
import shutil
import time
from pathlib import Path

import pytest

from reviewer import git_repository, git_source
from reviewer.domain import PullRequest
from reviewer.errors import SourceError
from reviewer.git_repository import GitFiles, GitRepository
from reviewer.git_source import MAX_DIFF_BYTES, load_git_range, load_patch, load_staged
from tests.git_folder import GitFolder

PATCH = b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> GitFolder:
    """A repository with two commits on `topic`, and one on main after topic left it."""
    made = GitFolder(tmp_path_factory.mktemp("template") / "repo")
    made.write("kept.py", b"def f():\n    return 1\n")
    made.write("moved.py", b"x = 1\n" * 20)
    made.commit("Start")
    made.git("checkout", "-q", "-b", "topic")
    made.write("kept.py", b"def f():\n\n    return 2\n")
    made.git("mv", "moved.py", "new.py")
    made.commit("Return two\n\nBecause one is not enough.\n")
    made.write("more.py", b"y = 1\n")
    made.commit("Add more")
    made.git("checkout", "-q", "main")
    made.write("main_only.py", b"z = 1\n")
    made.commit("Go on")
    return made


@pytest.fixture
def folder(template: GitFolder, tmp_path: Path) -> GitFolder:
    """A copy of the template for one test to change."""
    shutil.copytree(template.path, tmp_path / "repo", symlinks=True)
    return GitFolder(tmp_path / "repo", init=False)


def paths(pull_request: PullRequest) -> list[str]:
    return [file.path for file in pull_request.files]


def test_a_range_is_what_the_branch_changed_since_it_left(folder: GitFolder) -> None:
    pull_request = load_git_range(folder.path, "main", "topic")
    assert paths(pull_request) == ["kept.py", "more.py", "new.py"]
    assert pull_request.files[2].previous_path == "moved.py"
    assert pull_request.base_sha == folder.git("rev-parse", "main").decode().strip()
    assert pull_request.head_sha == folder.git("rev-parse", "topic").decode().strip()
    assert (pull_request.repo, pull_request.number, pull_request.author) == ("repo", 0, "Ada")
    assert (pull_request.title, pull_request.body) == ("Return two", "- Return two\n- Add more")


def test_one_commit_gives_its_own_title_and_body(folder: GitFolder) -> None:
    pull_request = load_git_range(folder.path, "main", "topic~1")
    assert (pull_request.title, pull_request.body) == ("Return two", "Because one is not enough.")


def test_a_range_is_read_from_a_folder_inside_too(folder: GitFolder) -> None:
    inside = folder.path / "inside"
    inside.mkdir()
    assert load_git_range(inside, "main", "topic") == load_git_range(folder.path, "main", "topic")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://user:secret@github.com/octo/demo.git", "octo/demo"),
        ("git@github.com:octo/demo.git", "octo/demo"),
        ("ssh://git@ghe.example.org:2222/octo/demo", "octo/demo"),
        ("https://gitlab.example.org/group/sub/demo.git/", "sub/demo"),
        ("../elsewhere", "repo"),
    ],
)
def test_the_name_comes_from_the_remote(folder: GitFolder, url: str, name: str) -> None:
    folder.git("remote", "add", "backup", "https://github.com/other/other")
    folder.git("remote", "add", "origin", url)
    expected = name if name != "repo" else "other/other"
    assert load_git_range(folder.path, "main", "topic").repo == expected


def test_staged_changes_are_reviewed_against_the_last_commit(folder: GitFolder) -> None:
    folder.write("kept.py", b"def f():\n    return 3\n")
    folder.write("added.py", b"a = 1\n")
    folder.git("add", "kept.py", "added.py")
    folder.write("kept.py", b"not staged\n")
    folder.write("intended.py", b"i = 1\n")
    folder.git("add", "--intent-to-add", "intended.py")
    pull_request = load_staged(folder.path)
    assert paths(pull_request) == ["added.py", "kept.py"]
    assert [line.text for line in pull_request.files[1].hunks[0].lines if line.kind == "+"] == ["    return 3"]
    assert (pull_request.base_sha, pull_request.head_sha) == (folder.git("rev-parse", "HEAD").decode().strip(), "")


@pytest.mark.parametrize("options", [(), ("--object-format=sha256",)], ids=["sha1", "sha256"])
def test_the_first_commit_may_be_staged(tmp_path: Path, options: tuple[str, ...]) -> None:
    folder = GitFolder(tmp_path / "new", *options)
    folder.write("x.py", b"a\n")
    folder.git("add", "x.py")
    pull_request = load_staged(folder.path)
    assert [(file.path, file.status) for file in pull_request.files] == [("x.py", "added")]
    assert pull_request.base_sha == ""


SETTINGS = {
    "diff.noprefix": "true",
    "diff.mnemonicPrefix": "true",
    "diff.srcPrefix": "s/",
    "diff.dstPrefix": "d/",
    "diff.renames": "false",
    "diff.renameLimit": "1",
    "diff.context": "0",
    "diff.interHunkContext": "50",
    "diff.algorithm": "patience",
    "diff.indentHeuristic": "false",
    "diff.ignoreSubmodules": "all",
    "diff.submodule": "log",
    "diff.suppressBlankEmpty": "true",
    "diff.orderFile": "order",
    "diff.relative": "true",
    "diff.wsErrorHighlight": "all",
    "diff.colorMoved": "zebra",
    "diff.wordRegex": ".",
    "diff.noSuchThing": "true",
    "core.quotePath": "false",
    "core.abbrev": "4",
    "core.whitespace": "cr-at-eol",
    "color.ui": "always",
    "color.diff": "always",
    "log.showSignature": "true",
    "i18n.logOutputEncoding": "latin-1",
    "format.pretty": "oneline",
}


@pytest.fixture(scope="module")
def settled(template: GitFolder, tmp_path_factory: pytest.TempPathFactory) -> GitFolder:
    """The template with a submodule, odd names and many hunks beside."""
    place = tmp_path_factory.mktemp("settled")
    shutil.copytree(template.path, place / "repo")
    folder, other = GitFolder(place / "repo", init=False), GitFolder(place / "other")
    folder.git("checkout", "-q", "topic")
    folder.write("order", b"new.py\nmore.py\n*\n")
    folder.write("é.py", b"x\n\n" * 30)
    (folder.path / "sub").mkdir()
    folder.git("update-index", "--add", "--cacheinfo", f"160000,{other.commit()},sub")
    folder.commit("Ünïcode")
    folder.write("é.py", b"y\n\n" + b"x\n\n" * 12 + b"y\n\n" + b"x\n\n" * 15 + b"y\n\n")
    folder.git("update-index", "--add", "--cacheinfo", f"160000,{other.commit('More')},sub")
    folder.commit("Widen")
    return folder


@pytest.fixture(scope="module")
def unset(settled: GitFolder) -> PullRequest:
    """What is read without any setting."""
    pull_request = load_git_range(settled.path, "main", "topic")
    assert {"sub", "é.py", "new.py"} <= set(paths(pull_request))
    return pull_request


@pytest.mark.parametrize("name", ["all", *(pytest.param(name, marks=pytest.mark.slow) for name in SETTINGS)])
def test_no_setting_of_git_changes_the_result(settled: GitFolder, unset: PullRequest, name: str) -> None:
    keys = SETTINGS if name == "all" else [name]
    for key in keys:
        settled.git("config", key, SETTINGS[key])
    try:
        assert load_git_range(settled.path, "main", "topic") == unset
    finally:
        for key in keys:
            settled.git("config", "--unset", key)


def test_nothing_that_the_repository_or_the_environment_names_is_run(
    folder: GitFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = folder.path.parent / "trap"
    sprung = folder.path.parent / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\ncat\n")
    trap.chmod(0o755)
    before = load_git_range(folder.path, "main", "topic")
    hooks = folder.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman"):
        (hooks / hook).write_bytes(trap.read_bytes())
        (hooks / hook).chmod(0o755)
    for key in ("diff.external", "core.fsmonitor", "core.pager", "core.sshCommand", "gpg.program", "core.editor"):
        folder.git("config", key, str(trap))
    for key in ("diff.odd.command", "diff.odd.textconv", "filter.odd.clean", "filter.odd.smudge", "filter.odd.process"):
        folder.git("config", key, str(trap))
    folder.git("config", "alias.diff-tree", f"!{trap}")
    folder.git("config", "log.showSignature", "true")
    folder.git("config", "core.attributesFile", str(folder.path.parent / "attributes"))
    (folder.path.parent / "attributes").write_text("* diff=odd filter=odd\n")
    (folder.path / ".git" / "info" / "attributes").write_text("* diff=odd filter=odd\n")
    folder.write(".gitattributes", b"* diff=odd filter=odd\n")
    for name in ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_EDITOR"):
        monkeypatch.setenv(name, str(trap))
    monkeypatch.setenv("GIT_DIFF_OPTS", "-u0")
    sprung.unlink(missing_ok=True)

    assert load_git_range(folder.path, "main", "topic") == before
    files = GitRepository(folder.path).files("main")
    assert "kept.py" in files.list_files()
    assert files.read_file("kept.py", 1000) == "def f():\n    return 1\n"
    with pytest.raises(SourceError):
        load_staged(folder.path)
    assert not sprung.exists()
    folder.git("diff", "--ext-diff", "main", "topic")
    assert sprung.exists(), "the trap works"


def test_missing_objects_are_not_fetched(folder: GitFolder, tmp_path: Path) -> None:
    folder.git("config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    folder.git("clone", "-q", "--bare", "--filter=blob:none", folder.path.as_uri(), str(partial))
    with pytest.raises(SourceError) as caught:
        load_git_range(partial, "main", "topic")
    assert "partial clone" in caught.value.what
    assert "--refetch" in caught.value.hint


@pytest.mark.slow
def test_a_large_file_costs_only_itself(folder: GitFolder) -> None:
    folder.write("data.csv", b"1,2,3\n" * 800_000)
    folder.write("picture.png", b"\x89PNG\0\1")
    folder.commit("Add data")
    pull_request = load_git_range(folder.path, "main~1")
    assert [(file.path, file.note, len(file.hunks)) for file in pull_request.files] == [
        ("data.csv", "diff too large: 5 MB file", 0),
        ("picture.png", "binary", 0),
    ]


def test_a_long_diff_is_cut_file_by_file(folder: GitFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write("b.txt", b"diff --git a/fake b/fake\n" * 100 + b"x" * 3_000)
    folder.write("c.txt", b"x\n" * 300)
    folder.write("d.txt", b"x\n")
    folder.commit("Add much")
    monkeypatch.setattr(git_source, "MAX_SECTION_BYTES", 2_000_000)
    whole = load_git_range(folder.path, "main~1").files
    monkeypatch.setattr(git_source, "MAX_SECTION_BYTES", 2_000)
    section = load_git_range(folder.path, "main~1").files
    monkeypatch.setattr(git_source, "MAX_DIFF_BYTES", 900)
    total = load_git_range(folder.path, "main~1").files
    assert [len(file.hunks) for file in whole] == [1, 1, 1]
    assert [len(file.hunks) for file in section] == [0, 1, 1]
    assert [len(file.hunks) for file in total] == [0, 0, 1]
    assert {file.note[:14] for file in (section[0], *total[:2])} == {"diff too large"}
    assert [file.status for file in total] == ["added"] * 3


def test_a_line_that_is_read_in_pieces_begins_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    header = b"diff --git a/x b/x\n"
    monkeypatch.setattr(git_source, "MAX_SECTION_BYTES", len(header))
    long_line = b"+" * len(header) + header
    sections = list(git_source.read_sections(io.BytesIO(header + long_line + header)))
    assert sections == [header + b"+" * len(header), header]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_file_of_one_gigabyte_takes_no_memory_and_little_time(folder: GitFolder) -> None:
    with (folder.path / "huge.txt").open("wb") as huge:
        for _ in range(1_000):
            huge.write(b"a line of text\n" * 66_700)
    folder.git("config", "core.compression", "0")
    folder.write("small.py", b"x = 1\n")
    folder.commit("Add a huge file")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    pull_request = load_git_range(folder.path, "HEAD~1")
    assert time.monotonic() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kilobytes"
    assert [(file.path, file.note) for file in pull_request.files] == [
        ("huge.txt", "diff too large: 1000 MB file"),
        ("small.py", ""),
    ]


def make_unrelated(folder: GitFolder) -> None:
    folder.git("checkout", "-q", "--orphan", "unrelated")
    folder.commit("Begin anew")


@pytest.mark.parametrize(
    ("base", "head", "what", "hint"),
    [
        ("topik", "main", "no commit 'topik'", "Did you mean topic?"),
        ("main", "nowhere-near", "no commit 'nowhere-near'", "fetch it first"),
        ("--upload-pack=touch x", "main", "no commit '--upload-pack", "Name a branch"),
        ("", "main", "no commit ''", "Name a branch"),
        ("main\0", "main", "no commit", "Did you mean main?"),
        ("main:kept.py", "main", "no commit 'main:kept.py'", "Name a branch"),
        ("topic", "topic", "no change between topic and topic", "--staged"),
        ("topic", "topic~1", "no change between", "--staged"),
        ("main", "unrelated", "no common ancestor", "another --base"),
    ],
)
def test_a_bad_range_is_refused(folder: GitFolder, base: str, head: str, what: str, hint: str) -> None:
    make_unrelated(folder)
    with pytest.raises(SourceError) as caught:
        load_git_range(folder.path, base, head)
    assert what in caught.value.what
    assert hint in caught.value.hint


def test_a_branch_that_is_only_on_the_remote_is_suggested(folder: GitFolder, tmp_path: Path) -> None:
    folder.git("clone", "-q", str(folder.path), str(tmp_path / "clone"))
    with pytest.raises(SourceError) as caught:
        load_git_range(tmp_path / "clone", "topic")
    assert caught.value.hint == "Did you mean origin/topic?"


def test_a_shallow_clone_says_how_to_deepen(folder: GitFolder, tmp_path: Path) -> None:
    folder.git("clone", "-q", "--depth=1", "--no-single-branch", folder.path.as_uri(), str(tmp_path / "clone"))
    with pytest.raises(SourceError) as caught:
        load_git_range(tmp_path / "clone", "origin/main", "origin/topic")
    assert "--unshallow" in caught.value.hint


def test_a_folder_without_repository_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "plain").mkdir()
    with pytest.raises(SourceError, match="not in a git repository"):
        load_git_range(tmp_path / "plain", "main")
    with pytest.raises(SourceError, match="not a folder"):
        load_staged(tmp_path / "missing")


def test_a_machine_without_git_is_told_so(folder: GitFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder.path))
    with pytest.raises(SourceError, match="git was not found"):
        load_staged(folder.path)


def test_a_git_that_hangs_is_ended(folder: GitFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(git_repository, "TIMEOUT", 0.2)
    repository = GitRepository(folder.path)
    with pytest.raises(SourceError, match="git ls-files took longer"):
        load_staged(folder.path)
    with pytest.raises(SourceError, match="git cat-file took longer"):
        GitFiles(repository, "0" * 40).read_file("kept.py", 10)


def test_unresolved_conflicts_and_an_empty_stage_are_refused(folder: GitFolder) -> None:
    with pytest.raises(SourceError, match="Nothing is staged"):
        load_staged(folder.path)
    blob = folder.git("hash-object", "-w", "--stdin", stdin=b"x\n").decode().strip()
    entries = "".join(f"100644 {blob} {stage}\tkept.py\n" for stage in (1, 2, 3))
    folder.git("update-index", "--index-info", stdin=f"0 {'0' * 40}\tkept.py\n{entries}".encode())
    with pytest.raises(SourceError, match="unresolved merge conflicts"):
        load_staged(folder.path)


def test_a_patch_is_read_from_a_file_and_from_standard_input(tmp_path: Path) -> None:
    (tmp_path / "x.diff").write_bytes(PATCH)
    (tmp_path / "powershell.diff").write_bytes(PATCH.decode().replace("\n", "\r\n").encode("utf-16"))
    pull_request = load_patch(str(tmp_path / "x.diff"))
    assert paths(pull_request) == ["x"]
    assert (pull_request.key, pull_request.base_sha, pull_request.head_sha) == ("patch#0", "", "")
    assert load_patch("-", io.BytesIO(PATCH)) == pull_request
    assert load_patch(str(tmp_path / "powershell.diff")) == pull_request


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "The patch is empty"),
        (b" \n\n", "The patch is empty"),
        (b"Hello\n", "is no diff"),
        (bytes(range(256)) * 40, "is no diff"),
        (b"\xff\xfeab\x00", "is no diff"),
        (PATCH[:-4], "cut off or damaged"),
    ],
)
def test_a_patch_that_is_none_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "x.diff").write_bytes(content)
    with pytest.raises(SourceError) as caught:
        load_patch(str(tmp_path / "x.diff"))
    assert what in caught.value.what
    assert "git diff" in caught.value.hint


def test_a_patch_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for source, reason in [("missing", "No such file"), (".", "Is a directory"), ("a\0b", "null")]:
        with pytest.raises(SourceError) as caught:
            load_patch(str(tmp_path / source))
        assert reason in caught.value.what
    (tmp_path / "locked").write_bytes(PATCH)
    (tmp_path / "locked").chmod(0)
    if not os.access(tmp_path / "locked", os.R_OK):
        with pytest.raises(SourceError, match="Permission denied"):
            load_patch(str(tmp_path / "locked"))


def test_a_patch_of_one_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "huge.diff").open("wb") as huge:
        huge.truncate(1_000_000_000)
    with pytest.raises(SourceError, match=f"larger than {MAX_DIFF_BYTES // 1_000_000} MB") as caught:
        load_patch(str(tmp_path / "huge.diff"))
    assert "--base" in caught.value.hint


def test_files_are_read_at_a_ref_and_never_from_the_working_tree(folder: GitFolder) -> None:
    folder.write("docs/é è.md", "Grüße\n".encode())
    folder.write("binary", b"a\0b")
    folder.write("-dash", b"dash\n")
    (folder.path / "link").symlink_to("kept.py")
    (folder.path / "outside").symlink_to("/etc/passwd")
    folder.commit("Add files")
    folder.write("kept.py", b"changed in the working tree\n")
    files = GitRepository(folder.path).files("main")
    assert set(files.list_files()) == {"-dash", "binary", "docs/é è.md", "kept.py", "main_only.py", "moved.py"}
    assert files.read_file("docs/é è.md", 100) == "Grüße\n"
    assert files.read_file("docs/é è.md", 3) == "Grü"
    assert files.read_file("-dash", 100) == "dash\n"
    assert files.read_file("kept.py", 100) == "def f():\n    return 1\n"
    for path in ("binary", "missing", "docs", "../repo/kept.py", "./kept.py", "a\nb", "", "/etc/passwd"):
        assert files.read_file(path, 100) is None
    assert GitFiles(GitRepository(folder.path), "").list_files() == ()
    assert GitFiles(GitRepository(folder.path), "").read_file("kept.py", 100) is None


def test_a_large_file_is_read_only_as_far_as_wanted(folder: GitFolder) -> None:
    folder.write("large.txt", b"0123456789\n" * 2_000_000)
    folder.commit("Add a large file")
    started = time.monotonic()
    assert GitRepository(folder.path).files("main").read_file("large.txt", 15) == "0123456789\n0123"
    assert time.monotonic() - started < 5
