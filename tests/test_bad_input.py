"""What users get wrong, or the world around them: each a clear message and an exit code, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from action import entry
from reviewer.model_catalogue import CATALOGUE, DEFAULT_MODEL
from simulation.github_server import GitHubServer
from tests.command import ROOT, Command, Done, clean_environment
from tests.fakes import make_diff
from tests.git_folder import GitFolder
from tests.model_server import ModelServer, faults

USAGE, SOURCE, MODEL, HOST = 2, 3, 4, 5
PATCH = make_diff("app.py", "one\n", "one\ntwo\n")
SETTINGS = {
    "wrong-type": "max-comments: many\n",
    "unknown-key": "max-coments: 3\n",
    "secret": "endpoint-token: s3cret\n",
    "no-mapping": "- max-comments\n",
    "no-yaml": "exclude: [\n",
    "bomb": "exclude: &a [x]\nfail-on: *a\n",
    "twice": "timeout: 3\ntimeout: 4\n",
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that the table names; rows only read it."""
    folder = tmp_path_factory.mktemp("scene")
    (folder / "plain").mkdir()
    repository = GitFolder(folder / "repo")
    repository.write("app.py", b"one\n")
    repository.commit()
    for name, text in SETTINGS.items():
        repository.git("checkout", "-q", "-b", f"{name}-base", "main")
        repository.write(".github/glossator.yml", text.encode())
        repository.commit()
        repository.git("checkout", "-q", "-b", name)
        repository.write("app.py", b"one\ntwo\n")
        repository.commit()
    repository.git("checkout", "-q", "main")
    GitFolder(folder / "unborn")
    files = {
        "ok.diff": PATCH.encode(),
        "empty.diff": b"",
        "blank.diff": b"\n \n",
        "prose.diff": b"Dear reviewer,\nthis is a letter.\n",
        "page.diff": b"<!doctype html><title>404</title>\n",
        "random.diff": bytes(range(256)) * 40,
        "broken.diff": PATCH.replace("@@ -1 +1,2 @@", "@@ -1 +1,99 @@").encode(),
        "line.diff": b"x" * 3_000_000,
        "text.gguf": b"not a model",
        "cut.gguf": b"GGUF\x03\x00\x00\x00" + bytes(64),
        CATALOGUE[DEFAULT_MODEL].file: b"GGUF" + bytes(100),
        "nothing.json": b"",
        "half.json": b'{"schema": "glossator/bundle/1", "pull_request": {"repo": "o',
        "list.json": b"[]",
        "binary.json": bytes(range(256)),
        "types.json": b'{"schema": "glossator/review/1", "repo": 7}',
        "newer.json": b'{"schema": "glossator/review/9", "stars": 5}',
        "nested.json": b'{"schema": ' + b"[" * 100_000,
        "local.json": json.dumps(
            {"schema": "glossator/review/1", "repo": "octo/demo", "number": 0, "head_sha": ""}
            | {"status": "reviewed", "model": {"name": "m"}}
        ).encode(),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def glossator(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    return Command(monkeypatch, capsys, tmp_path)


def expect(done: Done, code: int, *words: str) -> None:
    """The message has the words and nothing that only a programmer wants to read."""
    assert done.code == code, done
    for word in words:
        assert word in done.err, done.err
    assert "Traceback" not in done.err + done.out
    assert len(done.err.strip().splitlines()) >= 2, "what happened, and what to do"


NOWHERE = ("--endpoint-url", "http://127.0.0.1:9", "--timeout", "2")
REVIEW = ("review", *NOWHERE)
TABLE = [
    # What to review
    pytest.param("plain", "review", SOURCE, "not in a git repository|--diff", id="not a git repository"),
    pytest.param("plain", "review --base main", SOURCE, "not in a git repository", id="no repository for --base"),
    pytest.param("plain", "review --staged", SOURCE, "not in a git repository", id="no repository for --staged"),
    pytest.param(".", "review -C gone --base main", SOURCE, "gone is not a folder", id="folder that is not there"),
    pytest.param("unborn", "review", USAGE, "no default branch|--staged", id="repository without commits"),
    pytest.param("unborn", "review --base main", SOURCE, "no commit 'main'", id="base without commits"),
    pytest.param("repo", "review", SOURCE, "no change between main and HEAD|Commit first", id="nothing changed"),
    pytest.param("repo", "review --base main", SOURCE, "no change between", id="empty range"),
    pytest.param("repo", "review --staged", SOURCE, "Nothing is staged|git add", id="nothing staged"),
    pytest.param("repo", "review --base mian", SOURCE, "no commit 'mian'|Did you mean main", id="unknown ref"),
    pytest.param("repo", "review --base main --head nope", SOURCE, "no commit 'nope'", id="unknown head"),
    pytest.param("repo", "review --base=--output=x", SOURCE, "no commit '--output=x'", id="ref that is an option"),
    pytest.param(".", "review --diff gone.diff", SOURCE, "gone.diff cannot be read|No such file", id="no such patch"),
    pytest.param(".", "review --diff repo", SOURCE, "repo cannot be read|directory", id="folder as a patch"),
    pytest.param(".", "review --diff empty.diff", SOURCE, "The patch is empty|git diff", id="empty patch"),
    pytest.param(".", "review --diff blank.diff", SOURCE, "The patch is empty", id="blank patch"),
    pytest.param(".", "review --diff -", SOURCE, "The patch is empty", id="nothing on standard input"),
    pytest.param(".", "review --diff prose.diff", SOURCE, "diff", id="patch that is a letter"),
    pytest.param(".", "review --diff page.diff", SOURCE, "diff", id="patch that is a web page"),
    pytest.param(".", "review --diff random.diff", SOURCE, "diff", id="patch that is binary"),
    pytest.param(".", "review --diff broken.diff", SOURCE, "hunk", id="patch that was cut short"),
    pytest.param(".", "review --diff line.diff", SOURCE, "diff", id="patch that is one huge line"),
    pytest.param(".", "review --diff ok.diff --base main", SOURCE, "not in a git", id="guidelines from nowhere"),
    # Options
    pytest.param("repo", "review --base main --staged", USAGE, "--staged and --base|for example", id="two changes"),
    pytest.param("repo", "review --staged --head x", USAGE, "--staged and --head", id="head of what is staged"),
    pytest.param("repo", "review --diff - --pull-request 3", USAGE, "--diff and --pull-request", id="patch and number"),
    pytest.param("repo", "review --repo octo/demo", USAGE, "--repo needs --pull-request", id="repository, no number"),
    pytest.param("repo", "review --pull-request 3", USAGE, "needs a repository|--repo", id="number, no repository"),
    pytest.param("repo", "review --repo octo --pull-request 3", USAGE, "no repository|OWNER/NAME", id="half a name"),
    pytest.param("repo", "review --pull-request x", USAGE, "--pull-request|'x'", id="number that is none"),
    pytest.param("repo", "review --pull-request 0", USAGE, "--pull-request|0", id="number zero"),
    pytest.param("repo", "review --pull-request -3", USAGE, "--pull-request|-3", id="negative number"),
    pytest.param("repo", "review --format pdf", USAGE, "pdf|sarif", id="unknown format"),
    pytest.param("repo", "review --colour", USAGE, "No such option|--colour", id="unknown option"),
    pytest.param("repo", "reveiw", USAGE, "No such command|reveiw", id="unknown command"),
    pytest.param(".", "review --diff ok.diff --max-comments 99", USAGE, "max-comments|0 to 20", id="out of range"),
    pytest.param(".", "review --diff ok.diff --timeout soon", USAGE, "timeout|seconds", id="time that is none"),
    pytest.param(".", "prompt --diff ok.diff --piece 7", USAGE, "no piece 7|1 piece", id="no such piece"),
    pytest.param(
        ".", "review --diff ok.diff --endpoint-url ftp://s3cret", USAGE, "endpoint-url must|http", id="wrong address"
    ),
    # The settings file, at the base
    *(
        pytest.param("repo", f"explain --base {name}-base --head {name}", USAGE, words, id=f"settings: {name}")
        for name, words in {
            "wrong-type": "glossator.yml, line 1|max-comments is the text 'many'|whole number",
            "unknown-key": "line 1|'max-coments'|Did you mean max-comments",
            "secret": "line 1|endpoint-token cannot be set in the file",
            "no-mapping": "glossator.yml is no mapping|for example",
            "no-yaml": "glossator.yml|not YAML|indentation",
            "bomb": "anchors and aliases",
            "twice": "line 2|timeout is given twice",
        }.items()
    ),
    # The embedded model
    pytest.param(".", "review --diff ok.diff --model gone.gguf", MODEL, "no model 'gone.gguf'", id="no such model"),
    pytest.param(
        ".", "review --diff ok.diff --model qwen2.5-coder", MODEL, "Did you mean qwen2.5-coder", id="misspelt model"
    ),
    pytest.param(".", "review --diff ok.diff --model repo", MODEL, "cannot be read|GGUF", id="folder as a model"),
    pytest.param(".", "review --diff ok.diff --model text.gguf", MODEL, "is not a GGUF file", id="model that is text"),
    pytest.param(
        ".", f"review --diff ok.diff --model {CATALOGUE[DEFAULT_MODEL].file}", MODEL, "expected|bytes", id="wrong model"
    ),
    # Files between the steps
    pytest.param(".", "infer --bundle gone.json", USAGE, "Cannot read gone.json", id="no bundle"),
    pytest.param(".", "infer --bundle repo", USAGE, "repo is not a plain file", id="folder as a bundle"),
    pytest.param(".", "infer --bundle nothing.json", USAGE, "nothing.json is not JSON", id="empty bundle"),
    pytest.param(".", "infer --bundle half.json", USAGE, "half.json is not JSON|cut short", id="half a bundle"),
    pytest.param(".", "infer --bundle list.json", USAGE, "list.json|does not fit", id="bundle that is a list"),
    pytest.param(".", "infer --bundle binary.json", USAGE, "binary.json is not JSON", id="bundle that is binary"),
    pytest.param(".", "infer --bundle nested.json", USAGE, "nested.json", id="bundle nested too deeply"),
    pytest.param(
        ".", "infer --bundle newer.json", USAGE, "newer.json is 'glossator/review/9'", id="review as a bundle"
    ),
    pytest.param(".", "post --review newer.json", USAGE, "newer.json|same version", id="review of a newer version"),
    pytest.param(".", "post --review types.json", USAGE, "types.json does not fit|repo", id="review of wrong types"),
    pytest.param(".", "post --review local.json", USAGE, "no pull request on GitHub", id="review of a local change"),
    pytest.param(".", "infer --review gone/x.json", USAGE, "no folder|gone", id="review into no folder"),
    pytest.param(".", "collect --diff ok.diff --bundle gone/x.json", USAGE, "no folder", id="bundle into no folder"),
    pytest.param(".", "review --diff ok.diff --output gone/x.txt", USAGE, "there is no folder", id="output to nowhere"),
    pytest.param(".", "review --diff ok.diff --output repo", USAGE, "repo is a folder", id="folder as output"),
]


@pytest.mark.parametrize(("folder", "line", "code", "words"), TABLE)
def test_bad_input(glossator: Command, scene: Path, folder: str, line: str, code: int, words: str) -> None:
    done = glossator(*line.split(), cwd=scene / folder)
    expect(done, code, *words.split("|"))
    assert "s3cret" not in done.err + done.out


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_ours(glossator: Command, scene: Path, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    done = glossator(*REVIEW, "--diff", scene / "ok.diff", "--output", tmp_path / "closed" / "x")
    expect(done, USAGE, "permission denied")


FAULTS = {
    "answers HTML": (faults.html(), "web page"),
    "breaks off": (faults.half, "broke off in the middle"),
    "streams half an answer": (faults.half_unsaid, "stops in the middle"),
    "hangs": (faults.hang(30), "did not answer in time"),
    "hangs up": (faults.reset, "broke off"),
    "answers other JSON": (faults.value([1]), "no choice with a message"),
    "is overloaded": (faults.status(503, "busy"), "answered 503: busy"),
    "knows no token": (faults.status(401, "who are you"), "answered 401: who are you"),
    "cuts every answer": (faults.cut, "cut at the token limit"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "words"), FAULTS.values(), ids=list(FAULTS))
def test_an_endpoint_that(glossator: Command, scene: Path, fault: faults.Fault, words: str) -> None:
    with ModelServer(always=fault) as server:
        done = glossator(
            *("review", "--diff", scene / "ok.diff", "--timeout", "3"),
            GLOSSATOR_ENDPOINT_URL=server.url,
            GLOSSATOR_ENDPOINT_TOKEN="s3cret",
        )
        address = server.url.partition("//")[2]
    expect(done, MODEL, words, "glossator doctor")
    assert done.out.startswith("Not reviewed")
    assert "no findings" not in done.out
    assert address not in done.out + done.err
    assert "s3cret" not in done.out + done.err


def test_an_endpoint_that_refuses(glossator: Command, scene: Path) -> None:
    done = glossator(*REVIEW, "--diff", scene / "ok.diff")
    expect(done, MODEL, "refused the connection")
    assert "127.0.0.1" not in done.out + done.err


def test_a_failed_model_still_leaves_a_review_that_says_so(glossator: Command, scene: Path, tmp_path: Path) -> None:
    assert glossator("collect", "--diff", scene / "ok.diff").code == 0
    done = glossator("infer", *NOWHERE)
    expect(done, MODEL, "not-reviewed: 0 findings in review.json", "refused the connection")
    assert json.loads((tmp_path / "review.json").read_bytes())["status"] == "not-reviewed"


# GitHub


@pytest.fixture
def private(github_server: GitHubServer) -> GitHubServer:
    repo = github_server.create_repo("octo/demo", {"app.py": "one\n"}, private=True)
    repo.open_pull_request({"app.py": "one\ntwo\n"})
    github_server.add_token("blind", "blind-token", "maria", contents="none", pull_requests="none")
    return github_server


@pytest.mark.parametrize(
    ("token", "number", "words"),
    [
        ("nonsense", 1, "401|wrong or has expired"),
        ("", 1, "404|may see"),
        ("blind-token", 1, "403|TOKEN can only read"),
        ("actions-token", 77, "404|number"),
    ],
)
def test_a_token_without_permission(
    glossator: Command, private: GitHubServer, token: str, number: int, words: str
) -> None:
    done = glossator(
        *("explain", "--repo", "octo/demo", "--pull-request", str(number)),
        GITHUB_API_URL=private.url,
        GLOSSATOR_GITHUB_TOKEN=token,
    )
    expect(done, HOST, *words.split("|"))
    assert not token or token not in done.err


def test_a_token_that_may_not_post(glossator: Command, private: GitHubServer) -> None:
    with ModelServer() as model:
        place = ("--repo", "octo/demo", "--pull-request", "1")
        known: dict[str, Any] = {"GITHUB_API_URL": private.url, "GLOSSATOR_GITHUB_TOKEN": "fork-token"}
        assert glossator("collect", *place, **known).code == 0
        assert glossator("infer", GLOSSATOR_ENDPOINT_URL=model.url).code == 0
        expect(glossator("post", **known), HOST, "not accessible by integration", "pull-requests: write")
    expect(glossator("post"), USAGE, "There is no token", "GLOSSATOR_GITHUB_TOKEN")


def test_a_github_that_is_not_there(glossator: Command) -> None:
    done = glossator(*("explain", "--repo", "o/n", "--pull-request", "1"), GITHUB_API_URL="http://127.0.0.1:9")
    expect(done, HOST, "GitHub did not answer")


@pytest.mark.parametrize(
    ("event", "payload", "code", "words"),
    [
        ("push", "{}", USAGE, "The event push has no pull request."),
        ("workflow_dispatch", "{}", USAGE, "has no pull request"),
        ("pull_request", "[]", USAGE, "payload of the pull_request event cannot be read"),
        ("pull_request", "{", USAGE, "payload cannot be read"),
        (
            "issue_comment",
            '{"action": "created", "issue": {"number": 3}, "comment": {"body": "/review"}}',
            0,
            "Nothing",
        ),
    ],
)
def test_an_event_without_a_pull_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], event: str, payload: str, code: int, words: str
) -> None:
    (tmp_path / "event.json").write_text(payload)
    environ = {
        "GITHUB_EVENT_NAME": event,
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_REPOSITORY": "o/n",
    }
    environ |= {"GLOSSATOR_GITHUB_TOKEN": "t", "RUNNER_TEMP": str(tmp_path)}
    assert entry.main(["collect"], environ) == code
    assert words in capsys.readouterr().out


# Streams and disks, with a process of its own


def limited(script: str, *arguments: str | Path, cwd: Path) -> Done:
    """A shell line in which "$@" is the command."""
    command = [sys.executable, "-P", "-m", "reviewer", *map(str, arguments)]
    done = subprocess.run(
        ["bash", "-c", script, "bash", *command],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=clean_environment(PYTHONPATH=str(ROOT), PYTHONWARNINGS="error"),
        timeout=50,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_behind_the_terminal(scene: Path) -> None:
    expect(limited('"$@" > /dev/full', "explain", "--diff", "ok.diff", cwd=scene), USAGE, "No space left", "Make room")


def test_a_full_disk_does_not_lose_the_review(scene: Path, tmp_path: Path) -> None:
    with ModelServer() as server:
        options = (
            "--diff",
            scene / "ok.diff",
            "--endpoint-url",
            server.url,
            "--format",
            "json",
            "--output",
            "full.json",
        )
        done = limited('ulimit -f 1; "$@"', "review", *options, cwd=tmp_path)
    expect(done, USAGE, "Cannot write full.json: File too large", "on standard output")
    assert json.loads(done.out)["comments"][0]["path"] == "app.py"
    assert not list(tmp_path.iterdir())


def test_a_file_limit_leaves_no_half_bundle(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "big.diff").write_text(make_diff("big.py", "", "a line of code\n" * 5000))
    done = limited('ulimit -f 16; "$@"', "collect", "--diff", "big.diff", cwd=tmp_path)
    expect(done, USAGE, "Cannot write bundle.json", "File too large")
    assert [path.name for path in tmp_path.iterdir()] == ["big.diff"]


def test_a_closed_standard_input(scene: Path) -> None:
    done = limited('"$@" <&-', "explain", "--diff", "-", cwd=scene)
    expect(done, SOURCE, "standard input")


def test_a_reader_who_leaves_early(scene: Path) -> None:
    done = limited('set -o pipefail; "$@" | true', "prompt", "--diff", "ok.diff", cwd=scene)
    assert (done.code, done.err) == (0, "")


def test_a_closed_standard_output(scene: Path) -> None:
    done = limited('"$@" >&-', "explain", "--diff", "ok.diff", cwd=scene)
    assert (done.code, done.err) == (0, "")


MEASURE = """\
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="maximal memory is told in kilobytes there")
def test_a_file_of_a_gigabyte(tmp_path: Path) -> None:
    repository = GitFolder(tmp_path / "repo")
    repository.write("app.py", b"one\n")
    repository.commit()
    repository.git("checkout", "-q", "-b", "big")
    repository.write("app.py", b"one\ntwo\n")
    with (repository.path / "big.txt").open("wb") as file:
        file.truncate(2**30)
    repository.git("-c", "core.bigFileThreshold=1m", "add", "big.txt")
    repository.commit()
    (tmp_path / "big.diff").write_bytes(PATCH.encode())
    with (tmp_path / "big.diff").open("r+b") as file:
        file.truncate(2**30)
    for arguments, code, words in (
        (("-C", "repo", "--base", "main"), 0, "big.txt"),
        (("--diff", "big.diff"), SOURCE, "larger than 32 MB"),
    ):
        command = [sys.executable, "-P", "-m", "reviewer", "explain", *arguments]
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *command],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=clean_environment(PYTHONPATH=str(ROOT)),
            check=False,
        )
        assert done.returncode == code, done
        assert words in done.stdout + done.stderr
        assert int(done.stdout.split()[-1]) < 300, "megabytes"
