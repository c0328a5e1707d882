"""The role `serving` on a booted machine: a stand-in of Docker and of nvidia-smi, the real door, real systemd."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.ansible.machine import Machine, boot
from tests.ansible.playbook import Played, Site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TOKEN = "endpoint_token-of-the-tests-0123456789abcdef"
METRICS = "metrics_token-of-the-tests-0123456789abcdef"
NVIDIA_SMI = """#!/bin/sh
cat /srv/gpus
"""
P100 = "0, Tesla P100-PCIE-16GB, 6.0, 16280, 570.86.15, [N/A]\n1, Tesla P100-PCIE-16GB, 6.0, 16280, 570.86.15, [N/A]\n"
DOCKER = """#!/bin/sh
# Notes how it was called, and for `up` starts a stand-in of each track's server where its variables have changed.
echo "$*" >> /srv/docker.log
case " $* " in
*" up "*)
    . /srv/read-environment
    start champion 8080 "$CHAMPION_MODEL $CHAMPION_ARGS"
    case "$COMPOSE_PROFILES" in two) start challenger 8081 "$CHALLENGER_MODEL $CHALLENGER_ARGS";; esac
    ;;
*" down "*) systemctl stop standin-champion standin-challenger ;;
esac
"""
PRESENT = '{\\"runtimes\\": {\\"nvidia\\": {\\"path\\": \\"nvidia-container-runtime\\"}}}'
DOCKER_UNIT = """[Service]
Type=oneshot
ExecStart=/bin/true
RemainAfterExit=true
"""
READ = r"""
eval "$(sed -n "s/^\\([A-Z_]*\\)=\\(.*\\)$/\\1='\\2'/p" /etc/glossator/serving/serving.env)"
start() {
    [ "$(cat /srv/$1.was 2>/dev/null)" = "$3" ] && systemctl is-active --quiet standin-$1 && return
    echo "$3" > /srv/$1.was
    systemctl stop standin-$1 2>/dev/null
    systemd-run --quiet --collect --unit=standin-$1 /usr/bin/python3 /srv/standin.py $1 $2
}
"""
STAND_IN = """
import http.server, sys
name, port = sys.argv[1], int(sys.argv[2])
KEY = "Bearer @TOKEN@"
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open_to_all = self.path == "/health"
        status = 200 if open_to_all or self.headers.get("Authorization") == KEY else 401
        content = f"{name} {self.path}\\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    do_POST = do_GET
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
TAGS = "tls,door,docker,nvidia_toolkit,serving"
LATER = "docker,serving"
FETCHING = """#!/bin/sh
# A stand-in of `serving-files` alone: notes the source, and makes a path of it.
[ "$1" = serving-files ] || exec /opt/glossator/venv/bin/glossator-ops "$@"
read -r source
echo "$source" >> /srv/fetched
echo "hf/$(echo "$source" | sha256sum | cut -c1-12).gguf"
"""
LIBRARIES = ("anyio", "certifi", "click", "h11", "httpcore", "httpx", "idna", "msgspec", "reviewer", "runners", "yaml")
"""What `glossator-ops` needs. The role `code` installs it in minutes; its own test shows that it does."""
OPS = """#!/bin/sh
PYTHONPATH=/opt/glossator/lib exec /usr/bin/python3 -c "from runners.cli import main; main()" "$@"
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with boot() as up:
        put(up, "usr/bin/nvidia-smi", NVIDIA_SMI, 0o755)
        put(up, "usr/bin/docker", DOCKER, 0o755)
        put(up, "srv/gpus", P100)
        put(up, "srv/read-environment", READ)
        put(up, "srv/standin.py", STAND_IN.replace("@TOKEN@", TOKEN))
        for name in ("base", "a", "b", "c"):
            put(up, f"srv/{name}.gguf", f"GGUF {name}")
        put(up, "etc/systemd/system/docker.service", DOCKER_UNIT)
        lay_command(up)
        up.run(f'mkdir -p /etc/docker && printf "%s" "{PRESENT}" > /etc/docker/daemon.json')
        up.run("groupadd docker && usermod --append --groups docker cc")
        yield up


@pytest.fixture(scope="module")
def site(machine: Machine) -> Site:
    settings: dict[str, Any] = {
        "runner_enabled": False,
        "docker_packages": [],
        "glossator_home": "/opt/glossator",
        "nvidia_toolkit_enabled": False,
        "serving_patience": 60,
        "champion": track("champion", "base", "a"),
        "challenger": track("challenger", "base", "b"),
    }
    return Site(machine, ("gpu",), settings=settings)


def put(machine: Machine, path: str, text: str, mode: int = 0o644) -> None:
    target = machine.root / path
    target.write_text(text, encoding="utf-8")
    target.chmod(mode)


def lay_command(machine: Machine) -> None:
    """`glossator-ops` where the role `code` puts it, out of the packages that this test runs with."""
    folder = machine.root / "opt/glossator/lib"
    for name in LIBRARIES:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        kept = shutil.ignore_patterns("__pycache__", "model_parts")
        shutil.copytree(Path(spec.origin).parent, folder / name, ignore=kept)
    typing_extensions = importlib.util.find_spec("typing_extensions")
    if typing_extensions and typing_extensions.origin:
        shutil.copy(typing_extensions.origin, folder)
    (machine.root / "opt/glossator/venv/bin").mkdir(parents=True)
    put(machine, "opt/glossator/venv/bin/glossator-ops", OPS, 0o755)


def source(name: str) -> str:
    return f"file:///srv/{name}.gguf#sha256={hashlib.sha256(f'GGUF {name}'.encode()).hexdigest()}"


def track(name: str, model: str, adapter: str) -> dict[str, str]:
    return {"name": name, "model": source(model), "revision": "main", "adapter": source(adapter) if adapter else ""}


def with_settings(site: Site, **settings: Any) -> Site:
    return replace(site, settings={**site.settings, **settings})


def play(site: Site, tags: str = TAGS) -> Played:
    return site.play("site.yml", "--tags", tags, timeout=800)


def ask(machine: Machine, path: str, token: str = "") -> tuple[int, str]:
    """What the door answers to a request for a path."""
    header = f'-H "Authorization: Bearer {token}"' if token else ""
    done = machine.run(f'curl -sk --max-time 10 {header} -w "\\n%{{http_code}}" https://127.0.0.1:8443{path}')
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def read(machine: Machine, path: str) -> str:
    return machine.run(f"cat {path}").stdout


def test_models_are_served_behind_the_door(site: Site, machine: Machine) -> None:
    first = play(site)
    assert first.code == 0, first.text[-6000:]
    assert TOKEN not in first.text
    assert play(site, LATER).changed == []
    assert read(machine, "/srv/docker.log").count(" up ") == 1

    assert ask(machine, "/champion/v1/models")[0] == 401
    assert ask(machine, "/champion/v1/models", "another")[0] == 401
    assert ask(machine, "/champion/v1/models", TOKEN) == (200, "champion /v1/models\n")
    assert ask(machine, "/challenger/health", TOKEN) == (200, "challenger /health\n")
    for path in (
        "/champion/pause",
        "/champion/slots",
        "/champion/metrics",
        "/champion/v1/load_lora_adapter",
        "/champion",
    ):
        assert ask(machine, path, TOKEN)[0] == 404, path
    assert ask(machine, "/metrics/champion")[0] == 401
    assert ask(machine, "/metrics/champion", METRICS) == (200, "champion /metrics\n")


def test_only_root_reads_the_key_and_no_command_has_it(site: Site, machine: Machine) -> None:
    modes = machine.run("stat -c %a%n /etc/glossator/serving /etc/glossator/serving/* /etc/caddy/serving.env").stdout
    assert {line[:3] for line in modes.split()} == {"700", "600"}
    assert TOKEN in read(machine, "/etc/glossator/serving/keys.env")
    assert TOKEN not in read(machine, "/etc/glossator/serving/serving.env")
    assert TOKEN not in read(machine, "/etc/systemd/system/glossator-serving.service")
    assert TOKEN not in read(machine, "/srv/docker.log")
    assert TOKEN not in read(machine, "/etc/caddy/glossator.d/serving.caddy")
    assert machine.run("systemd-analyze verify /etc/systemd/system/glossator-serving.service").returncode == 0
    assert machine.run("systemctl is-enabled glossator-serving").stdout.strip() == "enabled"


def test_docker_is_for_root_and_keeps_what_others_configured(site: Site, machine: Machine) -> None:
    configured = json.loads(read(machine, "/etc/docker/daemon.json"))
    assert configured["runtimes"] == {"nvidia": {"path": "nvidia-container-runtime"}}
    assert configured["log-opts"] == {"max-size": "20m", "max-file": "5"}
    assert configured["data-root"] == "/mnt/glossator/docker"
    assert read(machine, "/etc/group").split("docker:x:")[1].split("\n")[0].endswith(":")
    machine.run(r'sed -i "s/^{/{\"hosts\": [\"tcp:\/\/0.0.0.0:2375\"],/" /etc/docker/daemon.json')
    refused = play(site, "docker")
    machine.run("rm /etc/docker/daemon.json")
    assert refused.counts["failed"] == 1
    assert "opens a TCP socket" in refused.text


def test_a_new_challenger_leaves_the_champion_alone(site: Site, machine: Machine) -> None:
    before = read(machine, "/etc/glossator/serving/serving.env").splitlines()
    pids = {name: main_pid(machine, name) for name in ("champion", "challenger")}
    played = play(with_settings(site, challenger=track("challenger", "base", "c")), "serving")
    assert played.code == 0, played.text[-4000:]
    after = read(machine, "/etc/glossator/serving/serving.env").splitlines()
    changed = [line.partition("=")[0] for line, was in zip(after, before, strict=True) if line != was]
    assert changed == ["CHALLENGER_ARGS"]
    assert main_pid(machine, "champion") == pids["champion"]
    assert main_pid(machine, "challenger") != pids["challenger"]


def main_pid(machine: Machine, name: str) -> str:
    return machine.run(f"systemctl show --property=MainPID --value standin-{name}").stdout.strip()


def test_a_gpu_that_cannot_serve_stops_the_run_with_words(site: Site, machine: Machine) -> None:
    put(machine, "srv/gpus", "0, Tesla K80, 3.7, 11441, 470.256.02, [N/A]\n")
    try:
        played = play(site, "serving")
    finally:
        put(machine, "srv/gpus", P100)
    assert played.counts["failed"] == 1
    assert "No backend runs on Tesla K80 (sm_37, 11,441 MiB)" in played.text
    assert "CUDA 12 begins at capability 5.0" in played.text


def test_a_file_that_is_another_stops_the_run_and_its_address_is_not_said(site: Site, machine: Machine) -> None:
    wrong = track("champion", "base", "") | {"adapter": f"file:///srv/a.gguf?secret-signature#sha256={'0' * 64}"}
    played = play(with_settings(site, champion=wrong), "serving")
    assert played.counts["failed"] == 1
    assert "a.gguf is not what its digest says" in played.text
    assert "secret-signature" not in played.text
    assert ask(machine, "/champion/health", TOKEN)[0] == 200, "what was served is served on"


def test_an_image_without_a_digest_is_refused(site: Site, machine: Machine) -> None:
    played = play(with_settings(site, serving_gpu="mi100"), "serving")
    assert played.counts["failed"] == 1
    assert "No digest is known of ghcr.io/ggml-org/llama.cpp:server-rocm" in played.text


def named(machine: Machine, site: Site, challenger: str, adapter: str = "", **settings: Any) -> Played:
    """Serve models by their names; the base of one is fixed to a commit."""
    put(machine, "srv/ops", FETCHING, 0o755)
    put(machine, "srv/fetched", "")
    tracks = {
        "champion": {"name": "champion", "model": "qwen2.5-coder-1.5b", "revision": "0123abc", "adapter": ""},
        "challenger": {"name": "challenger", "model": challenger, "revision": "main", "adapter": adapter},
    }
    return play(with_settings(site, serving_command="/srv/ops", **tracks, **settings), "serving")


def variables(machine: Machine) -> dict[str, str]:
    lines = read(machine, "/etc/glossator/serving/serving.env").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_a_challenger_of_another_name_is_another_model(site: Site, machine: Machine) -> None:
    played = named(machine, site, "qwen2.5-coder-14b", serving_quantization="q4_k_m")
    assert played.code == 0, played.text[-4000:]
    assert read(machine, "/srv/fetched").split() == [
        "hf:Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF@0123abc:*q4_k_m*.gguf",
        "hf:Qwen/Qwen2.5-Coder-14B-Instruct-GGUF@main:*q4_k_m*.gguf",
    ]
    served = variables(machine)
    assert served["CHAMPION_MODEL"] != served["CHALLENGER_MODEL"]
    assert served["SERVING_CONCURRENCY"] == "3", "as many as the larger leaves room for, not 8"
    assert "champion: path /champion on port 8443, model champion" in played.text
    assert "challenger: path /challenger on port 8443, model challenger" in played.text


def test_a_challenger_without_a_name_is_the_same_commit(site: Site, machine: Machine) -> None:
    played = named(machine, site, "", adapter=source("b"))
    assert played.code == 0, played.text[-4000:]
    fetched = read(machine, "/srv/fetched").split()
    assert fetched == ["hf:Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF@0123abc:*q8_0*.gguf", source("b")]


def test_a_challenger_that_does_not_fit_as_the_champion_does_is_refused(site: Site, machine: Machine) -> None:
    played = named(machine, site, "qwen2.5-coder-14b")
    assert played.counts["failed"] == 1
    assert "challenger.model: " in played.text
    assert "qwen2.5-coder-14b as q8_0" in played.text
    assert read(machine, "/srv/fetched") == ""
    played = named(machine, site, "codellama-13b", serving_quantization="q4_k_m", serving_context=2048)
    assert played.counts["failed"] == 1
    assert "The model of challenger is not published as q4_k_m for llamacpp" in played.text


def test_nothing_to_serve(site: Site, machine: Machine) -> None:
    played = play(with_settings(site, champion={"name": "champion", "model": ""}), "serving")
    assert played.code == 0
    assert "nothing is served" in played.text
