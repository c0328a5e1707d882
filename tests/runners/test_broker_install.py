"""Installing the runner: the newest, its checksum compared, whole or not at all; and what a broker is told."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from reviewer.errors import GlossatorError, HostUnavailable, UsageError
from runners.broker_check import check_broker, check_version
from runners.broker_config import API_URL, load_config, load_credential, render_policy
from runners.broker_install import LEAST, find_installed, install_runner, read_release, unpack
from runners.errors import RunnerError
from simulation.github_server import GitHubServer
from simulation.github_server.scenario import RepoScenario
from simulation.github_server.state import Level
from tests.runners.broker_bench import SETTINGS, TOKEN, Bench, make_key

NAME = "actions-runner-linux-x64-{}.tar.gz"
NOW = datetime(2026, 11, 23, tzinfo=UTC).timestamp()


def make_archive(files: tuple[str, ...] = ("run.sh", "run-helper.sh.template", "bin/Runner.Listener")) -> bytes:
    """A tar.gz with executable files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in files:
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o755, 4
            tar.addfile(entry, io.BytesIO(b"true"))
    return buffer.getvalue()


class Store(http.server.ThreadingHTTPServer):
    """Where GitHub's downloads come from: the second address, after a redirect."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), StoreHandler)
        self.content = make_archive()
        self.url = f"http://127.0.0.1:{self.server_port}"


class StoreHandler(http.server.BaseHTTPRequestHandler):
    server: Store

    def do_GET(self) -> None:
        if self.path == "/first":
            self.send_response(302)
            self.send_header("Location", "/second")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        pass


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def releases(github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch) -> RepoScenario:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    return github_server.create_repo("actions/runner")


def publish(releases: RepoScenario, store: Store, version: str, *, age: float = 3.0) -> None:
    digest = hashlib.sha256(store.content).hexdigest()
    releases.publish(f"v{version}", {NAME.format(version): (digest, f"{store.url}/first")}, age=age)


def test_the_newest_is_installed_once_and_the_link_moves_on(
    releases: RepoScenario, store: Store, tmp_path: Path, github_server: GitHubServer
) -> None:
    folder = tmp_path / "actions-runner"
    for number in (340, 341, 342):
        publish(releases, store, f"2.{number}.0", age=400 - number)
        release, is_new = install_runner(folder, github_server.url)
        assert (release.name, is_new) == (f"2.{number}.0", True)
    assert install_runner(folder, github_server.url)[1] is False
    assert (folder / "current").resolve() == folder / "2.342.0"
    assert sorted(one.name for one in folder.iterdir()) == ["2.341.0", "2.342.0", "current"]
    assert (folder / "current" / "run.sh").stat().st_mode & 0o777 == 0o755
    assert find_installed(folder) == "2.342.0"


def test_another_checksum_installs_nothing_and_leaves_what_was(
    releases: RepoScenario, store: Store, tmp_path: Path, github_server: GitHubServer
) -> None:
    publish(releases, store, "2.340.0", age=20)
    install_runner(tmp_path, github_server.url)
    publish(releases, store, "2.341.0")
    store.content = make_archive(("run.sh", "run-helper.sh.template", "bin/Runner.Listener", "more"))
    with pytest.raises(RunnerError) as caught:
        install_runner(tmp_path, github_server.url)
    assert "SHA-256 differs" in str(caught.value)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["2.340.0", "current"]


@pytest.mark.parametrize("files", [("run.sh",), ("run.sh", "run-helper.sh.template", "bin/Runner.Listener", "../evil")])
def test_an_archive_that_is_not_a_runner_is_not_installed(
    releases: RepoScenario, store: Store, tmp_path: Path, github_server: GitHubServer, files: tuple[str, ...]
) -> None:
    store.content = make_archive(files)
    publish(releases, store, "2.340.0")
    with pytest.raises(RunnerError):
        install_runner(tmp_path / "runner", github_server.url)
    assert list((tmp_path / "runner").iterdir()) == []
    assert list(tmp_path.iterdir()) == [tmp_path / "runner"]


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    ("name", "kind", "link"),
    [
        ("../evil", tarfile.REGTYPE, ""),
        ("/evil", tarfile.REGTYPE, ""),
        ("a/../../evil", tarfile.REGTYPE, ""),
        ("a", tarfile.SYMTYPE, "/etc/passwd"),
        ("a/b", tarfile.SYMTYPE, "../../evil"),
        ("a", tarfile.LNKTYPE, "../evil"),
        ("a", tarfile.FIFOTYPE, ""),
        ("a", tarfile.CHRTYPE, ""),
    ],
)
def test_what_leads_out_of_the_folder_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: bytes, link: str, *, old: bool
) -> None:
    """Also with a Python that has no filter of its own, as Debian 12's."""
    if old:
        monkeypatch.delattr(tarfile, "data_filter")
    with tarfile.open(tmp_path / "archive", "w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, link
        tar.addfile(entry)
    with pytest.raises(RunnerError) as caught:
        unpack(tmp_path / "archive", tmp_path / "to")
    assert "leads out" in str(caught.value)
    assert not (tmp_path / "to").exists()


def test_links_inside_are_kept_and_nobody_else_may_write(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "archive", "w:gz") as tar:
        for name, link in (("bin/npm", "../lib/npm.js"), ("lib/npm.js", "")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.mode = (tarfile.SYMTYPE if link else tarfile.REGTYPE), link, 0o4777
            tar.addfile(entry)
    unpack(tmp_path / "archive", tmp_path / "to")
    assert (tmp_path / "to" / "bin" / "npm").resolve() == tmp_path / "to" / "lib" / "npm.js"
    assert (tmp_path / "to" / "lib" / "npm.js").stat().st_mode & 0o7777 == 0o755


def show(tag: str = "v2.340.0", **asset: Any) -> dict[str, Any]:
    """A release as GitHub shows it."""
    name = NAME.format(tag.removeprefix("v"))
    whole = {"name": name, "digest": "sha256:" + "a" * 64, "browser_download_url": "https://x.example/y", **asset}
    return {"tag_name": tag, "published_at": "2026-11-13T00:00:00Z", "assets": [whole]}


def test_what_a_release_must_be() -> None:
    release = read_release(show(), "x86_64", NOW)
    assert (release.name, release.age, release.digest) == ("2.340.0", 10.0, "a" * 64)
    assert read_release(show(f"v{'.'.join(map(str, LEAST))}"), "amd64", NOW).version == LEAST


@pytest.mark.parametrize(
    ("data", "machine", "why"),
    [
        (show("v2.328.9"), "x86_64", "registers none below 2.329.0"),
        (show("latest"), "x86_64", "no version"),
        (show(digest=None), "x86_64", "no SHA-256"),
        (show(digest="md5:1"), "x86_64", "no SHA-256"),
        (show(browser_download_url="http://x.example/y"), "x86_64", "not https"),
        (show(), "riscv64", "a machine that"),
    ],
)
def test_what_is_refused(data: dict[str, Any], machine: str, why: str) -> None:
    with pytest.raises(RunnerError) as caught:
        read_release(data, machine, NOW)
    assert why in str(caught.value)


def test_no_answer_is_told(github_server: GitHubServer, tmp_path: Path, releases: RepoScenario) -> None:
    github_server.faults.add("GET", "/releases", status=502)
    with pytest.raises(HostUnavailable):
        install_runner(tmp_path, github_server.url)
    publish_nowhere = "http://127.0.0.1:1/gone"
    releases.publish("v2.340.0", {NAME.format("2.340.0"): ("a" * 64, publish_nowhere)})
    with pytest.raises(HostUnavailable):
        install_runner(tmp_path, github_server.url)


# -- what a broker is told -------------------------------------------------------------------------------------------


def write(folder: Path, text: str) -> Path:
    path = folder / "broker.yml"
    path.write_text(text)
    return path


def test_a_file_with_all_that_is_needed(tmp_path: Path) -> None:
    path = write(tmp_path, yaml.safe_dump(SETTINGS))
    config = load_config(path, {"GITHUB_API_URL": "https://ghe.example/api/v3"})
    assert (config.labels, config.group, config.cancel) == (("self-hosted", "glossator", "gpu"), 1, True)
    assert config.api_url == "https://ghe.example/api/v3"
    assert load_config(path, {}).api_url == API_URL
    lines = dict(line.split(" ", 1) for line in render_policy(config).splitlines())
    assert lines["ref"] == "refs/heads/main"
    assert lines["events"] == "workflow_dispatch schedule"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"repository": "octo"}, "OWNER/NAME"),
        ({"name": "GPU 1"}, "`name`"),
        ({"labels": []}, "`labels`"),
        ({"labels": ["a b"]}, "`labels`"),
        ({"allow": {"workflows": ["train.yml"], "events": ["pull_request"]}}, "a stranger may write the workflow"),
        ({"allow": {"workflows": ["train.yml"], "events": []}}, "`events`"),
        ({"allow": {"workflows": ["../x.yml"], "events": ["schedule"]}}, "`workflows`"),
        ({"allow": {"workflows": ["a.yml"], "events": ["schedule"], "branch": "a b"}}, "`branch`"),
        ({"poll": 0}, "`poll`"),
        ({"poll": "often"}, "no broker's file"),
        ({"api_url": "http://ghe.example"}, "`api_url`"),
        ({"lables": ["gpu"]}, "unknown field"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_config(write(tmp_path, yaml.safe_dump({**SETTINGS, **changes})), {})
    assert why in str(caught.value)


def test_no_file_and_no_yaml(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yml", write(tmp_path, "a: [")):
        with pytest.raises(UsageError):
            load_config(path, {})


@pytest.mark.parametrize(
    ("app", "text", "why"),
    [
        ("", None, "no credential"),
        ("", "-----BEGIN RSA PRIVATE KEY-----", "`app_id` is not set"),
        ("7", "ghp_secret", "`app_id` is set"),
        ("", "  \n", "empty"),
        ("", "ghp_\x01", "no token"),
    ],
)
def test_credentials_that_cannot_be_used(tmp_path: Path, app: str, text: str | None, why: str) -> None:
    config = load_config(write(tmp_path, yaml.safe_dump({**SETTINGS, "app_id": app})), {})
    if text is not None:
        (tmp_path / "github").write_text(text)
    with pytest.raises(UsageError) as caught:
        load_credential(config, {} if text is None else {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert why in str(caught.value)
    assert "secret" not in str(caught.value)


# -- broker check ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permissions", "state"),
    [
        ({"administration": "write", "actions": "write"}, "ok"),
        ({"administration": "write", "actions": "write", "contents": "write"}, "warn"),
        ({"administration": "read", "actions": "write"}, "fail"),
    ],
)
def test_what_the_app_may(
    github_server: GitHubServer, tmp_path: Path, permissions: dict[str, Level], state: str
) -> None:
    bench = Bench(github_server, tmp_path)
    private, public = make_key()
    github_server.add_app(7, public, permissions=permissions)
    config = load_config(bench.write_config(app_id="7"), {})
    found = {one.name: one.state for one in check_broker(config, private, tmp_path)}
    assert found["app"] == state
    assert found["runner"] == "fail"


def test_a_check_of_a_refused_token_tells_what_to_do(github_server: GitHubServer, tmp_path: Path) -> None:
    bench = Bench(github_server, tmp_path)
    bench.queue(event="pull_request")
    config = load_config(bench.write_config(), {})
    good = {one.name: one for one in check_broker(config, TOKEN, tmp_path)}
    assert (good["GitHub"].state, good["queue"].state) == ("ok", "warn")
    bad = {one.name: one for one in check_broker(config, "ghs_other", tmp_path)}
    assert (bad["GitHub"].state, bad["GitHub"].exit_code) == ("fail", 9)
    assert "not known" in bad["GitHub"].hint
    assert {entry.method for entry in github_server.requests} == {"GET"}


@pytest.mark.parametrize(("age", "state"), [(3, "warn"), (31, "fail")])
def test_how_old_the_installed_runner_may_be(
    releases: RepoScenario, store: Store, tmp_path: Path, github_server: GitHubServer, age: float, state: str
) -> None:
    publish(releases, store, "2.340.0", age=60)
    install_runner(tmp_path, github_server.url)
    config = load_config(write(tmp_path, yaml.safe_dump({**SETTINGS, "api_url": github_server.url})), {})
    assert check_version(tmp_path, config).state == "ok"
    publish(releases, store, "2.341.0", age=age)
    assert check_version(tmp_path, config).state == state


def test_errors_are_all_of_ours() -> None:
    assert issubclass(RunnerError, GlossatorError)
    assert RunnerError.exit_code == 9
