"""The recipes before real programs: Docker Compose's own reader, the schema's checker, llama.cpp's server."""

from __future__ import annotations

import importlib.util
import json
import mmap
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from runners.serving.environment import list_files, render_file
from tests.real_models import get_smollm2
from tests.serving.recipes import CASES, FOLDER, OVERLAYS, SERVERS, load, make, read

pytestmark = pytest.mark.slow

KEYS = "VLLM_API_KEY=a-key\nLLAMA_API_KEY=a-key\n"
GROUPS = {"SERVING_VIDEO_GROUP": "44", "SERVING_RENDER_GROUP": "109"}
SERVE = """
import sys, time, xllamacpp
model, ready = sys.argv[1:]
params = xllamacpp.CommonParams()
params.model.path, params.model_alias = model, {"champion"}
params.n_ctx, params.n_parallel, params.n_ubatch = 1024, 2, 512
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.api_keys, params.endpoint_metrics, params.endpoint_slots, params.ui = ["a-key"], True, False, False
params.port, params.verbosity = 0, -1
server = xllamacpp.Server(params)
open(ready, "w").write(server.listening_address)
sys.stdin.read()
"""
"""llama.cpp's server as compose.llamacpp.yaml sets it, but for what a GPU adds. It ends when its input does."""


def find_compose() -> str:
    """Docker Compose's own program, in a package: the script that comes with it does not pass exit codes on."""
    spec = importlib.util.find_spec("compose")
    for folder in (spec.submodule_search_locations if spec else None) or []:
        if (Path(folder) / "docker-compose").exists():
            return str(Path(folder) / "docker-compose")
    found = shutil.which("docker-compose")
    if not found:
        pytest.skip("Docker Compose is not installed; the extra acceptance has it")
    return found


def find_tool(name: str) -> str:
    """A program beside this Python or on the PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed; the extras acceptance and lint have it")
    return found


def read_by_compose(folder: Path, files: list[str], values: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What Docker Compose makes of the files; it needs no Docker for that."""
    (folder / "keys.env").write_text(KEYS, encoding="utf-8")
    environment = folder / "serving.env"
    environment.write_text(render_file(values | {"SERVING_KEYS": str(folder / "keys.env")}), encoding="utf-8")
    named = [argument for name in files for argument in ("--file", str(FOLDER / name))]
    command = [find_compose(), "--env-file", str(environment), *named, "config", "--format", "json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=folder)


def test_the_schema_of_compose_files() -> None:
    files = [str(FOLDER / name) for name in (*SERVERS, *OVERLAYS)]
    command = [find_tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES)
def test_compose_reads_what_was_meant(case: str, tmp_path: Path) -> None:
    choice, values = make(case)
    done = read_by_compose(tmp_path, list_files(choice), values | GROUPS)
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    assert set(services) == ({"champion"} if choice.servers == 1 else {"champion", "challenger"})
    for track, service in services.items():
        assert service["image"] == choice.image.reference
        assert not any(" " in word or "$" in word for word in service["command"]), "split into words"
        assert "a-key" not in service["command"]
        arguments = values[f"{track.upper()}_ARGS"].split()
        assert service["command"][len(service["command"]) - len(arguments) :] == arguments
        assert service["ports"][0]["host_ip"] == "127.0.0.1"
        devices = service.get("deploy", {}).get("resources", {}).get("reservations", {}).get("devices", [])
        wanted = [values[f"{track.upper()}_GPU"]] if choice.gpu.maker == "nvidia" else []
        assert [device["device_ids"] for device in devices] == ([wanted] if wanted else [])
        assert ("a-key" in str(service["environment"])) == (choice.backend != "tgi")


def test_compose_refuses_a_recipe_without_its_values(tmp_path: Path) -> None:
    for missing in ("SERVING_IMAGE", "CHAMPION_MODEL", "SERVING_CONCURRENCY", "CHAMPION_GPU"):
        done = read_by_compose(tmp_path, ["compose.vllm.yaml"], make("vllm")[1] | {missing: ""})
        assert done.returncode != 0
        assert missing in done.stderr


def test_llama_cpp_knows_every_variable_and_option_that_its_recipe_sets() -> None:
    xllamacpp = pytest.importorskip("xllamacpp", reason="the engine has llama.cpp's own reader of options in it")
    library = next(Path(xllamacpp.__file__).parent.glob("xllamacpp*.so"))
    asked = set(re.findall(r"LLAMA_[A-Z_]+", read("compose.llamacpp.yaml")))
    assert len(asked) > 10
    options = {"--no-webui", "--lora"}
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        missing = [name for name in sorted(asked | options) if content.find(b"\0" + name.encode() + b"\0") < 0]
    assert not missing
    assert load("compose.llamacpp.yaml")["services"]["champion"]["command"].startswith("--no-webui")


def test_llama_cpp_behind_a_key_lets_only_its_health_be_seen(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="the engine is llama.cpp's own server")
    ready, model = tmp_path / "ready", get_smollm2()
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(model), str(ready)], stdin=subprocess.PIPE)
    try:
        for _ in range(600):
            if ready.exists() and ready.read_text(encoding="utf-8"):
                break
            assert process.poll() is None
            time.sleep(0.1)
        base = ready.read_text(encoding="utf-8")
        key = {"Authorization": "Bearer a-key"}
        body = {"model": "champion", "messages": [{"role": "user", "content": "Say hi."}], "max_tokens": 4}
        with httpx.Client(base_url=base, timeout=50) as client:
            assert client.get("/health").status_code == 200
            assert client.get("/v1/models").status_code == 401
            assert [each["id"] for each in client.get("/v1/models", headers=key).json()["data"]] == ["champion"]
            for wrong in ({}, {"Authorization": "Bearer another"}):
                assert client.post("/v1/chat/completions", json=body, headers=wrong).status_code == 401
            assert client.post("/v1/chat/completions", json=body, headers=key).status_code == 200
            assert client.get("/metrics").status_code == 401, "so that the door must show the key for the metrics"
            assert "llamacpp:requests_processing" in client.get("/metrics", headers=key).text
            assert client.get("/slots", headers=key).status_code == 501, "prompts of others"
    finally:
        process.communicate(timeout=20)
