"""What the doctor finds, and that it neither writes nor tells a secret."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from reviewer import doctor_model
from reviewer.doctor import Check, check_git, check_python, examine_variables, render_check, render_sum
from reviewer.doctor_github import check_limit, judge_writing, name_kind
from reviewer.doctor_model import check_file, check_package, judge_limits, judge_structure
from reviewer.endpoint import Probe
from reviewer.errors import ModelFileError, NotFound
from reviewer.github_api import GitHub
from reviewer.model_catalogue import CATALOGUE
from reviewer.settings import Settings
from simulation.github_server import GitHubServer
from tests.command import Command
from tests.git_folder import GitFolder
from tests.model_server import ModelServer, careful_model, empty_model, faults

SECRET = "s3cret-token"


@pytest.fixture
def glossator(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    return Command(monkeypatch, capsys, tmp_path)


def schema_model(body: dict[str, Any]) -> str:
    """Keeps to any schema of the probe's kind."""
    return '{"ok": true}' if "rain" in str(body["messages"]) else empty_model(body)


def states(out: str) -> dict[str, str]:
    """The worst state of each thing in the doctor's report."""
    order = ("skip", "ok", "warn", "fail")
    found: dict[str, str] = {}
    for line in out.splitlines():
        if line.startswith(tuple(f"{state} " for state in order)):
            state, name = line.split()[:2]
            found[name] = max(found.get(name, "skip"), state, key=order.index)
    return found


def test_with_a_good_endpoint_all_is_well(glossator: Command) -> None:
    with ModelServer(schema_model) as server:
        done = glossator("doctor", "--endpoint-url", server.url)
    assert done.code == 0
    assert states(done.out) == {"Python": "ok", "git": "ok", "GitHub": "skip", "settings": "ok", "endpoint": "ok"}
    assert done.out.endswith("\nNothing to fix.\n")
    assert "acme/reviewer-1b" in done.out
    assert "constrained" in done.out


def test_an_adapter_that_tgi_does_not_know_and_ignored_schemas(glossator: Command) -> None:
    with ModelServer(careful_model, flavour="tgi") as server:
        done = glossator("doctor", "--endpoint-url", server.url, "--model", "mine")
    assert done.code == 0
    assert states(done.out)["endpoint"] == "warn"
    assert "ignores it" in done.out
    assert "The adapter answers as the base model does" in " ".join(done.out.split())


def test_a_server_that_fails_beside_one_that_does_not(glossator: Command) -> None:
    with ModelServer(schema_model) as good, ModelServer(always=faults.echo(401)) as bad:
        done = glossator(
            *("doctor", "--endpoint-url", bad.url, "--fallback-url", good.url), GLOSSATOR_ENDPOINT_TOKEN=SECRET
        )
        addresses = [server.url.partition("//")[2] for server in (good, bad)]
    assert done.code == 4
    assert (states(done.out)["endpoint"], states(done.out)["fallback"]) == ("fail", "ok")
    assert "Check the endpoint's token." in done.out
    assert not [text for text in (SECRET, *addresses) if text in done.out + done.err]


def test_options_and_settings_that_are_wrong(glossator: Command, tmp_path: Path) -> None:
    folder = GitFolder(tmp_path / "repo")
    folder.write(".github/glossator.yml", b"max-coments: 3\n")
    (folder.path / "deep").mkdir()
    with ModelServer(schema_model) as server:
        options = ("doctor", "--endpoint-url", server.url)
        wrong = glossator(*options, "--max-comments", "99", cwd=folder.path / "deep")
        folder.write(".github/glossator.yml", b"max-comments: 3\n")
        right = glossator(*options, cwd=folder.path / "deep")
        (folder.path / ".github/glossator.yml").unlink()
        (folder.path / ".github/glossator.yml").symlink_to("/etc/passwd")
        link = glossator(*options, cwd=folder.path)
    assert (wrong.code, link.code, right.code) == (2, 2, 0)
    assert (states(wrong.out)["settings"], states(wrong.out)["options"]) == ("fail", "fail")
    assert "endpoint" not in wrong.out.partition("options")[0]
    assert wrong.out.count("max-comments is") == 1, "each fault is told once"
    assert "line 1: there is no setting 'max-coments'" in " ".join(wrong.out.split())
    assert "Did you mean max-comments?" in wrong.out
    assert ".github/glossator.yml in the checkout: 1 setting;" in right.out
    assert "no plain file" in link.out
    assert "root" not in link.out


def test_an_address_that_is_none(glossator: Command) -> None:
    done = glossator("doctor", GLOSSATOR_ENDPOINT_URL=f"ftp://{SECRET}")
    assert done.code == 2
    assert states(done.out)["endpoint"] == "fail"
    assert "options" not in states(done.out), "each fault is told once"
    assert SECRET not in done.out


# GitHub


@pytest.fixture
def private(github_server: GitHubServer) -> GitHubServer:
    files: dict[str, str | bytes] = {"app.py": "one\n", ".github/glossator.yml": "timeout: never\n"}
    github_server.create_repo("octo/demo", files, private=True)
    github_server.add_token("blind", "blind-token", "maria", contents="none", pull_requests="none")
    return github_server


@pytest.mark.parametrize(
    ("token", "code", "expected"),
    [
        ("actions-token", 2, {"token": "ok", "repo": "ok", "reading": "ok", "posting": "skip", "settings": "fail"}),
        ("blind-token", 5, {"token": "ok", "repo": "ok", "reading": "fail", "settings": "ok"}),
        ("no-token-of-ours", 5, {"GitHub": "fail"}),
        ("", 5, {"token": "warn", "GitHub": "fail"}),
    ],
)
def test_what_a_token_may_do(
    glossator: Command, private: GitHubServer, token: str, code: int, expected: dict[str, str]
) -> None:
    with ModelServer(schema_model) as server:
        done = glossator(
            *("doctor", "--repo", "octo/demo", "--endpoint-url", server.url),
            GITHUB_API_URL=private.url,
            GLOSSATOR_GITHUB_TOKEN=token,
        )
    assert done.code == code
    assert states(done.out).items() >= expected.items()
    assert ("of maria" in done.out) == (token == "blind-token")
    assert not token or token not in done.out
    assert private.url not in done.out
    assert {entry.method for entry in private.requests if entry.path != "/graphql"} == {"GET"}, "nothing is written"
    assert not [entry for entry in private.requests if entry.path == "/graphql" and "mutation" in str(entry.body)]


def test_a_token_alone_and_a_repository_that_is_none(glossator: Command, private: GitHubServer) -> None:
    with ModelServer(schema_model) as server:
        github = {"GITHUB_API_URL": private.url, "GLOSSATOR_GITHUB_TOKEN": "actions-token"}
        options: dict[str, Any] = {**github, "GLOSSATOR_ENDPOINT_URL": server.url}
        alone = glossator("doctor", **options)
        wrong = glossator("doctor", "--repo", "octo", **options)
    assert (alone.code, wrong.code) == (0, 2)
    assert "no repository checked" in alone.out
    assert "'octo' is no repository" in wrong.out


def test_a_github_that_is_not_there_is_given_up_soon(glossator: Command) -> None:
    with ModelServer(schema_model) as server:
        options = ("doctor", "--repo", "octo/demo", "--endpoint-url", server.url)
        done = glossator(*options, GITHUB_API_URL="http://127.0.0.1:9")
    assert done.code == 5
    assert "GitHub did not answer" in done.out
    assert "127.0.0.1" not in done.out


def test_a_server_without_limits_and_one_with_few_requests_left(github_server: GitHubServer) -> None:
    github_server.create_repo("octo/demo")
    github_server.add_token("poor", "poor-token", "maria", limit=50)
    assert check_limit(GitHub("octo/demo", "poor-token", github_server.url)).state == "warn"
    assert check_limit(GitHub("octo/demo", "actions-token", github_server.url)).state == "ok"

    class Unlimited(GitHub):
        def get(self, path: str, **parameters: object) -> tuple[dict[str, str], Any]:
            raise NotFound("Rate limiting is not enabled.", status=404)

    assert check_limit(Unlimited("octo/demo", "x")).what == "this server limits no requests"


@pytest.mark.parametrize(
    ("scopes", "about", "state"),
    [
        (None, {}, "skip"),
        ("repo, workflow", {"private": True}, "ok"),
        ("public_repo", {"private": False}, "ok"),
        ("public_repo", {"private": True}, "warn"),
        ("", {}, "warn"),
        ("repo", {"archived": True}, "warn"),
    ],
)
def test_whether_a_token_may_post(scopes: str | None, about: dict[str, bool], state: str) -> None:
    check = judge_writing({} if scopes is None else {"x-oauth-scopes": scopes}, about)
    assert check.state == state
    assert bool(check.hint) == (state != "ok")


def test_kinds_of_tokens() -> None:
    assert name_kind("ghp_x") == "a classic token"
    assert name_kind("github_pat_x") == "a fine-grained token"
    assert name_kind("anything") == "a token"


# The model


def make_probe(**fields: Any) -> Probe:
    plain: dict[str, Any] = {"flavour": "tgi", "model": "m", "models": (), "structured": "enforced", "seconds": 0.1}
    return Probe(**{**plain, "max_input_tokens": None, "max_total_tokens": None, "warnings": (), **fields})


def test_limits_that_are_too_low_are_told() -> None:
    settings = Settings(context_tokens=2000)
    assert judge_limits("endpoint", make_probe(), settings) is None
    assert judge_limits("endpoint", make_probe(max_input_tokens=8192, max_total_tokens=16384), settings) is None
    for fields in ({"max_input_tokens": 3000}, {"max_total_tokens": 4000}):
        check = judge_limits("endpoint", make_probe(**fields), settings)
        assert check
        assert "context-tokens" in check.hint


@pytest.mark.parametrize(("structured", "state"), [("enforced", "ok"), ("ignored", "warn"), ("refused", "warn")])
def test_structured_output(structured: str, state: str) -> None:
    assert judge_structure("endpoint", make_probe(structured=structured)).state == state


def test_the_embedded_model_that_is_not_here_yet(glossator: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    done = glossator("doctor")
    assert done.code == 4
    found = states(done.out)
    assert (found["llama.cpp"], found["model"], found["machine"]) == ("fail", "ok", "ok")
    words = " ".join(done.out.split())
    assert "pip install 'glossator[local]'" in words
    assert "The first review downloads it: 1,117 MB." in words


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'xllamacpp'\" >&2\nexit 1\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    assert "is not installed" in check_package().what
    python.write_text("#!/bin/sh\necho 'Illegal instruction' >&2\nexit 132\n")
    assert "does not run here: Illegal instruction" in check_package().what
    python.write_text("#!/bin/sh\necho 1.2.3\n")
    assert check_package() == Check("llama.cpp", "ok", "xllamacpp 1.2.3")
    python.write_text("#!/bin/sh\nexec sleep 5\n")
    monkeypatch.setattr(doctor_model, "IMPORT_SECONDS", 0.2)
    assert check_package().state == "warn"


def test_model_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "not" / "made"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    model = CATALOGUE["smollm2-135m"]
    assert check_file(model.name).state == "ok"
    assert not (tmp_path / "not").exists(), "nothing is written"
    folder = tmp_path / "not" / "made" / "glossator" / "models"
    folder.mkdir(parents=True)
    (folder / model.file).write_bytes(b"GGUF")
    check = check_file(model.name)
    assert (check.state, "got 4" in check.what) == ("warn", True)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 5_000_000}))
    check = check_file(model.name)
    assert (check.state, check.exit_code) == ("fail", 4)
    assert "needs 98 MB, and 5 MB are free" in check.what
    (tmp_path / "mine.gguf").write_bytes(b"GGUF" * 500_000)
    assert check_file(str(tmp_path / "mine.gguf")).what == "mine.gguf, 2 MB"
    with pytest.raises(ModelFileError):
        check_file("nothing")


# The rest


def test_python_and_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert check_python((3, 10, 9)).state == "fail"
    assert check_python((3, 11, 0)).state == "ok"
    assert check_git().state == "ok"
    assert "Install git 99.0 or newer." in check_git((99, 0)).hint
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check_git().state == "warn"


def test_variables_that_mean_nothing() -> None:
    environ = {"GLOSSATOR_MAX_COMENTS": SECRET, "GLOSSATOR_XYZZY": "", "GLOSSATOR_MODEL": "x", "OTHER": "y"}
    first, second = examine_variables(environ)
    assert first.hint == "Did you mean GLOSSATOR_MAX_COMMENTS?"
    assert second.hint == "Unset it."
    assert SECRET not in str((first, second))


def test_a_check_in_a_terminal_and_in_a_log() -> None:
    check = Check("endpoint", "fail", "It said \x1b[2Jno, and so on and on", "Do this.\nThen that.", 4)
    assert render_check(check, 50) == (
        "fail  endpoint   It said <U+001B>[2Jno, and so on\n"
        "                 and on\n"
        "                 -> Do this.\n"
        "                 -> Then that."
    )
    assert render_check(check, 50, color=True).startswith("\x1b[1;31mfail\x1b[0m  endpoint   It said")
    assert render_check(Check("git", "ok", "2.43.0")) == "ok    git        2.43.0"
    assert render_sum([check, check]) == "\n2 things to fix."
    assert render_sum([Check("a", "warn", "b")]) == "\nNothing to fix, 1 thing to know about."
