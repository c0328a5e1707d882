"""The compose files, and what they are filled with, for tests."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from runners.serving.choice import Choice, Wish, choose
from runners.serving.environment import Host, Track, render_environment
from runners.serving.gpus import GPUS
from runners.serving.models import MODELS

FOLDER = Path(__file__).parents[2] / "runners" / "serving"
EXAMPLE = FOLDER / "serving.env.example"
SERVERS = ("compose.vllm.yaml", "compose.tgi.yaml", "compose.llamacpp.yaml")
OVERLAYS = ("compose.llamacpp.nvidia.yaml", "compose.llamacpp.amd.yaml")
HOST = Host(cpus=32, memory=131_072, models="/mnt/glossator/models", keys="/etc/glossator/serving/keys.env")
TENSORS = [Track("champion", "hf/base", "files/a"), Track("challenger", "hf/base", "files/b")]
APART = [Track("champion", "hf/base", "files/a"), Track("challenger", "hf/other")]
GGUF = [Track("champion", "base.gguf", "a.gguf"), Track("challenger", "base.gguf")]
CASES: dict[str, tuple[str, str, list[Track]]] = {
    "vllm": ("a100-80", "vllm", TENSORS),
    "vllm-two": ("a100-80", "vllm", APART),
    "tgi": ("a100-80", "tgi", TENSORS),
    "tgi-two": ("a100-80", "tgi", APART),
    "llamacpp-nvidia": ("p100", "llamacpp", GGUF),
    "llamacpp-amd": ("mi100", "llamacpp", GGUF),
    "llamacpp-none": ("none", "llamacpp", GGUF),
    "champion alone": ("a100-40", "vllm", [Track("champion", "hf/base")]),
}


def read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@cache
def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(read(name))
    return loaded


def find_variables(text: str) -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", text))


def make(case: str, host: Host = HOST) -> tuple[Choice, dict[str, str]]:
    """What is chosen for a case, and the variables for it."""
    gpu, backend, tracks = CASES[case]
    shared = len({track.model for track in tracks}) == 1
    choice = choose(GPUS[gpu], Wish(MODELS["qwen2.5-coder-7b"], len(tracks), shared), backend)  # type: ignore[arg-type] # one of three
    return choice, render_environment(choice, tracks, host)
