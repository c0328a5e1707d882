"""The command line as a user meets it."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reviewer.cli import glossator as commands
from reviewer.cli_options import FORMATS as OFFERED
from reviewer.report import FORMATS
from simulation.github_server import GitHubServer
from tests.command import ROOT, Command, clean_environment, run_process
from tests.fakes import make_diff
from tests.git_folder import GitFolder
from tests.model_server import ModelServer, careful_model, empty_model, faults
from tests.real_models import get_smollm2

PATCH = make_diff("app.py", "one\n", "one\ntwo = 2\n").encode()
STARTUP_SECONDS = 0.15
"""Of `glossator --help` over Python's own start, on a machine that does nothing else."""
EXAMPLE = ROOT / "examples" / "nanochat-392" / "pull-request.diff"


@pytest.fixture
def glossator(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    return Command(monkeypatch, capsys, tmp_path)


@pytest.fixture
def repo(tmp_path: Path) -> GitFolder:
    """A branch `topic` that adds a line to `main`, and one more line staged."""
    folder = GitFolder(tmp_path / "repo")
    folder.write("app.py", b"one\n")
    folder.write("CONTRIBUTING.md", b"# Style\n\nName numbers in app.py by words.\n")
    folder.commit()
    folder.git("checkout", "-q", "-b", "topic")
    folder.write("app.py", b"one\ntwo = 2\n")
    folder.commit()
    folder.write("app.py", b"one\ntwo = 2\nthree = 3\n")
    folder.git("add", "-A")
    return folder


# Review


def test_a_patch_on_standard_input_in_every_format(glossator: Command) -> None:
    assert OFFERED == FORMATS
    with ModelServer() as server:
        shown = {
            name: glossator("review", "--diff", "-", "--format", name, "--endpoint-url", server.url, stdin=PATCH)
            for name in FORMATS
        }
    assert all((done.code, done.err) == (0, "") for done in shown.values()), "quiet where no terminal is"
    assert shown["text"].out.startswith("Reviewed patch: 1 comment\n")
    assert "app.py:2  warning, bug" in shown["text"].out
    assert "\x1b" not in shown["text"].out
    assert json.loads(shown["json"].out)["comments"][0]["line"] == 2
    assert shown["markdown"].out.startswith("#")
    assert json.loads(shown["sarif"].out)["version"] == "2.1.0"
    assert json.loads(shown["rdjson"].out)["diagnostics"]


@pytest.mark.parametrize(
    ("arguments", "seen", "unseen"),
    [
        ((), "two = 2", "three"),
        (("--base", "main"), "two = 2", "three"),
        (("--base", "main", "--head", "topic"), "two = 2", "three"),
        (("--staged",), "three = 3", "+ two"),
    ],
)
def test_which_change_is_meant(
    glossator: Command, repo: GitFolder, arguments: tuple[str, ...], seen: str, unseen: str
) -> None:
    done = glossator("prompt", *arguments, cwd=repo.path)
    question = done.out.rpartition("piece 1 of 1")[2]
    assert done.code == 0
    assert seen in question
    assert unseen not in question
    assert done.err == ("" if arguments else "What HEAD changed since it left main:\n")


@pytest.mark.parametrize(
    ("refs", "expected"),
    [
        (("refs/heads/master",), "main"),
        (("refs/remotes/origin/main",), "origin/main"),
        (("refs/remotes/origin/master", "refs/heads/develop"), "origin/master"),
    ],
)
def test_the_default_branch(glossator: Command, repo: GitFolder, refs: tuple[str, ...], expected: str) -> None:
    for ref in refs:
        repo.git("update-ref", ref, "main")
    assert f"left {expected}:" in glossator("explain", cwd=repo.path).err


def test_the_default_branch_is_what_the_remote_calls_so(glossator: Command, repo: GitFolder) -> None:
    repo.git("update-ref", "refs/remotes/origin/trunk", "main")
    repo.git("update-ref", "refs/remotes/origin/main", "topic")
    repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert "left origin/trunk:" in glossator("explain", cwd=repo.path).err


def test_the_guidelines_of_a_patch_come_from_the_base_that_is_named(glossator: Command, repo: GitFolder) -> None:
    assert "CONTRIBUTING" not in glossator("explain", "--diff", "-", cwd=repo.path, stdin=PATCH).out
    assert "CONTRIBUTING" in glossator("explain", "--diff", "-", "--base", "main", cwd=repo.path, stdin=PATCH).out


def test_fail_on_is_an_exit_code(glossator: Command) -> None:
    with ModelServer() as server:
        options = ("review", "--diff", "-", "--endpoint-url", server.url, "--fail-on")
        assert glossator(*options, "warning", stdin=PATCH).code == 1
        assert glossator(*options, "error", stdin=PATCH).code == 0


def test_output_goes_to_a_file_whole(glossator: Command, tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    os.mkfifo(tmp_path / "pipe")
    with ModelServer(empty_model) as server:
        options = ("review", "--diff", "-", "--endpoint-url", server.url, "--output")
        assert glossator(*options, "new.txt", stdin=PATCH, FORCE_COLOR="1").out == ""
        assert glossator(*options, "link.txt", stdin=PATCH).code == 0
        pipe = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        assert glossator(*options, "pipe", stdin=PATCH).code == 0
        assert os.read(pipe, 8) == b"Reviewed"
        os.close(pipe)
    assert (tmp_path / "new.txt").read_text().startswith("Reviewed patch: no findings\n")
    assert (tmp_path / "real.txt").read_text().startswith("Reviewed patch")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.txt", "new.txt", "pipe", "real.txt"]


def test_an_output_that_cannot_be_written_is_refused_before_the_model_is_asked(glossator: Command) -> None:
    with ModelServer() as server:
        assert glossator("review", "--diff", "-", "--endpoint-url", server.url, "--output", "no/x", stdin=PATCH).code
        assert not server.requests


@pytest.mark.slow
def test_characters_that_the_terminal_lacks_end_nothing(tmp_path: Path) -> None:
    strange = make_diff("app.py", "one\n", 'one\nname = "Grüße \N{SNOWMAN}"\n').encode()
    latin = make_diff("b.py", "one\n", "one\nname = 'X'\n").encode().replace(b"X", b"\xe9")
    with ModelServer() as server:
        for name, encoding in (("text", "latin-1"), ("markdown", "latin-1"), ("markdown", "utf-8"), ("sarif", "utf-8")):
            options = ("review", "--diff", "-", "--format", name, "--endpoint-url", server.url)
            variables = {"PYTHONIOENCODING": encoding}
            done = run_process(*options, cwd=tmp_path, stdin=strange + latin, variables=variables)
            assert (done.code, done.err) == (0, "")
            assert "app.py" in done.out


# Three steps


def test_the_three_steps(glossator: Command, github_server: GitHubServer, tmp_path: Path) -> None:
    pull = github_server.create_repo("octo/demo", {"app.py": "one\n"}).open_pull_request({"app.py": "one\ntwo = 2\n"})
    place = ("--repo", "octo/demo", "--pull-request", str(pull.number))
    github: dict[str, Any] = {"GITHUB_API_URL": github_server.url, "GLOSSATOR_GITHUB_TOKEN": "actions-token"}
    with ModelServer() as server:
        assert glossator("collect", *place, **github).code == 0
        assert "token" not in json.dumps(json.loads((tmp_path / "bundle.json").read_bytes()))
        done = glossator("infer", "--endpoint-url", server.url)
        assert (done.code, done.out, done.err) == (0, "", "reviewed: 1 finding in review.json\n")
    assert glossator("post", **github).out == f"Posted 1 comment on octo/demo#{pull.number}.\n"
    (comment,) = pull.call("bob", "GET", f"{pull.path}/comments")
    assert (comment["path"], comment["line"]) == ("app.py", 2)


# On a terminal


def run_on_terminal(*arguments: str, cwd: Path, variables: dict[str, str], seconds: float = 40) -> str:
    """What a user sees at a terminal of 100 columns."""
    command = [sys.executable, "-P", "-m", "reviewer", *arguments]
    environment = clean_environment(**{"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100", **variables})
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    end = time.monotonic() + seconds
    while time.monotonic() < end and select.select([ours], [], [], end - time.monotonic())[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    process.wait(5)
    return seen.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "colored", "counted"),
    [({}, True, True), ({"NO_COLOR": "1"}, False, True), ({"TERM": "dumb"}, False, True), ({"CI": "1"}, True, False)],
)
def test_a_terminal_has_colours_and_progress(
    tmp_path: Path, variables: dict[str, str], *, colored: bool, counted: bool
) -> None:
    (tmp_path / "a.diff").write_bytes(PATCH)
    with ModelServer(faults=[faults.slow(0.2)]) as server:
        seen = run_on_terminal(
            "review", "--diff", "a.diff", "--endpoint-url", server.url, cwd=tmp_path, variables=variables
        )
    assert "Reviewed patch: 1 comment" in seen
    assert ("\x1b[" in seen) == colored
    assert ("Reading the guidelines and the change" in seen) == counted
    if counted:
        assert " \r" in seen.partition("Reviewed")[0], "the line is wiped before the review"


# Help


def test_help_reads_well(glossator: Command) -> None:
    page = glossator("--help").out
    names = ["review", "prompt", "explain", "doctor", "collect", "infer", "post"]
    listed = [line.split()[0] for line in page.partition("Commands:\n")[2].splitlines() if line.startswith("  ")]
    assert listed[: len(names)] == names
    assert page.count("...") == 1, "no sentence is cut"


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_each_page_has_every_option_under_a_heading(glossator: Command, name: str) -> None:
    done = glossator(name, "-h", COLUMNS="80")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    tail = done.out.rpartition("\nOptions:\n")[2]
    assert [line.split()[0] for line in tail.splitlines() if line.lstrip().startswith("-")] == ["-h,"]
    for parameter in commands.commands[name].params:
        assert parameter.opts[0] in done.out
        assert getattr(parameter, "help", ""), parameter


def test_the_version(glossator: Command) -> None:
    assert glossator("--version").out.startswith("glossator, version ")


def test_help_starts_quickly() -> None:
    """A machine that others use too is slower in both, so the bound grows with the time of an empty program."""
    environment = clean_environment(PYTHONPATH=str(ROOT))

    def measure(*arguments: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - started

    measure("-m", "reviewer", "--help")
    pairs = [(measure("-c", "pass"), measure("-m", "reviewer", "--help")) for _ in range(7)]
    bare, full = (min(times) for times in zip(*pairs, strict=True))
    assert full - bare <= max(STARTUP_SECONDS, 10 * bare)


# Faults and interruptions


def test_a_fault_of_our_own_is_a_sentence_and_a_code(glossator: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reviewer.explain.render_plan", lambda *_: 1 / 0)
    done = glossator("explain", "--diff", "-", stdin=PATCH)
    assert done.code == 70
    assert "A fault in Glossator itself: ZeroDivisionError in test_cli.py" in done.err
    assert "Traceback" not in done.err
    monkeypatch.setenv("GLOSSATOR_TRACEBACK", "1")
    monkeypatch.setattr(sys, "argv", ["glossator", "explain", "--diff", str(EXAMPLE)])
    with pytest.raises(ZeroDivisionError):
        run_main()


def run_main() -> None:
    from reviewer.cli import main

    main()


def test_an_error_cannot_steer_the_terminal(glossator: Command) -> None:
    with ModelServer(always=faults.status(400, "no\x1b]0;owned\x07\x1b[2J")) as server:
        done = glossator("review", "--diff", "-", "--endpoint-url", server.url, stdin=PATCH)
    assert done.code == 4
    assert "\x1b" not in done.err + done.out


def interrupt(
    *arguments: str | Path, cwd: Path, wait: float, is_ready: Callable[[], object] = lambda: False
) -> tuple[int, float, str]:
    """Exit code, seconds to the end and standard error of a run that gets Ctrl-C after a while, or once it is ready."""
    command = [sys.executable, "-P", "-m", "reviewer", *map(str, arguments)]
    environment = clean_environment(PYTHONPATH=str(ROOT), OMP_WAIT_POLICY="passive")
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        give_up = time.monotonic() + wait
        while time.monotonic() < give_up and not is_ready():
            time.sleep(0.02)
        assert process.poll() is None, process.communicate()
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    return process.returncode, time.monotonic() - started, said


@pytest.mark.slow
def test_ctrl_c_ends_a_review_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.diff").write_bytes(PATCH)
    with ModelServer(careful_model, always=faults.hang(30)) as server:
        command = ("review", "--diff", "a.diff", "--endpoint-url", server.url)
        code, seconds, said = interrupt(*command, cwd=tmp_path, wait=20, is_ready=lambda: server.posts)
    assert (code, said.strip()) == (130, "Stopped.")
    assert seconds < 3


@pytest.mark.slow
def test_ctrl_c_ends_the_embedded_model_at_once(tmp_path: Path) -> None:
    (tmp_path / "long.diff").write_text(make_diff("a.py", "", "".join(f"value_{n} = {n} * {n}\n" for n in range(600))))
    arguments = ("review", "--diff", "long.diff", "--model", get_smollm2())
    code, seconds, said = interrupt(*arguments, cwd=tmp_path, wait=6)
    assert (code, said.strip()) == (130, "Stopped.")
    assert seconds < 3
