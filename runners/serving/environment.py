"""The values that the compose files are filled with: one file of variables, and who answers on which port."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from reviewer.errors import UsageError
from runners.serving.choice import Choice
from runners.serving.memory import RANK, Quantization, get_prefill

MOUNT: Final = "/models"
"""Where the containers see the folder of models."""
ANSWER: Final = 1_024
"""Tokens kept for the answer where prompt and answer share the context."""
PORTS: Final = {"champion": 8080, "challenger": 8081}
SAFE_PATH: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@+=-]*")
VLLM: Final[dict[Quantization, str]] = {
    "bf16": "--dtype bfloat16",
    "fp16": "--dtype half",
    "fp8": "--dtype bfloat16 --quantization fp8",
    "awq": "--dtype half",
    "nf4": "--quantization bitsandbytes",
}
"""AWQ is read from the model's own files; vLLM then takes Marlin's kernels where the GPU has them."""
TGI: Final[dict[Quantization, str]] = {
    "bf16": "--dtype bfloat16",
    "fp16": "--dtype float16",
    "fp8": "--quantize fp8",
    "awq": "--quantize awq",
    "nf4": "--quantize bitsandbytes-nf4",
}


@dataclass(frozen=True, slots=True)
class Track:
    """What is served under a name: a model, and maybe an adapter, as paths below the folder of models."""

    name: str
    model: str
    adapter: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """What the machine gives: processors, MiB of main memory, the folder of models, the file with the key."""

    cpus: int
    memory: int
    models: str
    keys: str


def parse_track(name: str, text: str) -> Track:
    """`MODEL` or `MODEL,ADAPTER`.

    Raises:
        UsageError: A path that leaves the folder of models, or that a shell would read otherwise.
    """
    model, comma, adapter = text.partition(",")
    for path in [model, adapter] if comma else [model]:
        if not SAFE_PATH.fullmatch(path) or ".." in path.split("/"):
            hint = "Give paths below the folder of models, of letters, digits and ._/@+=-"
            raise UsageError(f"{name}: {path!r} cannot be used as a path.", hint)
    return Track(name, model, adapter)


def check_tracks(choice: Choice, tracks: list[Track]) -> None:
    """Refuse files that the backend does not read.

    Raises:
        UsageError: A folder for llama.cpp, or a GGUF file for another.
    """
    for track in tracks:
        for kind, path in (("model", track.model), ("adapter", track.adapter)):
            is_gguf = path.endswith(".gguf")
            if path and is_gguf != (choice.backend == "llamacpp"):
                wants = "one GGUF file" if choice.backend == "llamacpp" else "a folder of safetensors"
                hint = "llama.cpp has convert_hf_to_gguf.py for models and convert_lora_to_gguf.py for adapters."
                raise UsageError(f"{track.name}: {choice.backend} wants the {kind} as {wants}, not {path}.", hint)


def render_environment(choice: Choice, tracks: list[Track], host: Host) -> dict[str, str]:
    """The variables of the compose files.

    Args:
        choice: What fits the machine, made for as many tracks.
        tracks: The champion, and maybe the challenger.
        host: The machine.

    Raises:
        UsageError: Files that the backend does not read.
    """
    check_tracks(choice, tracks)
    alone = choice.servers == 1
    servers = {"champion": tracks} if alone else {track.name: [track] for track in tracks}
    values = {
        "COMPOSE_PROFILES": "" if alone else "two",
        "SERVING_IMAGE": choice.image.reference,
        "SERVING_MODELS": host.models,
        "SERVING_KEYS": host.keys,
        "SERVING_CPUS": str(max(1, (host.cpus - 1) // choice.servers)),
        "SERVING_MEMORY": f"{host.memory * 8 // 10 // choice.servers}m",
        "SERVING_CONTEXT": str(choice.context),
        "SERVING_CONTEXT_ALL": str(choice.context * choice.concurrency),
        "SERVING_INPUT": str(choice.context - ANSWER),
        "SERVING_PREFILL": str(get_prefill(choice.backend, choice.context)),
        "SERVING_CONCURRENCY": str(choice.concurrency),
        "SERVING_FRACTION": f"{choice.share:.2f}",
    }
    for place, name in enumerate(PORTS):
        served = servers.get(name, [])
        prefix = name.upper()
        values[f"{prefix}_MODEL"] = f"{MOUNT}/{served[0].model}" if served else ""
        values[f"{prefix}_ARGS"] = render_arguments(choice, served)
        values[f"{prefix}_GPU"] = str(place if choice.each_gpu else 0) if served else ""
    return values


def render_arguments(choice: Choice, served: list[Track]) -> str:
    """The part of a server's command that depends on weights and adapters; empty where none is served."""
    adapted = {track.name: f"{MOUNT}/{track.adapter}" for track in served if track.adapter}
    if not served:
        return ""
    if choice.backend == "llamacpp":
        return " ".join(f"--lora {path}" for path in adapted.values())
    pairs = [f"{name}={path}" for name, path in adapted.items()]
    if choice.backend == "tgi":
        return " ".join([TGI[choice.quantization], *([f"--lora-adapters {','.join(pairs)}"] if pairs else [])])
    plain = [track.name for track in served if not track.adapter] or ["base"]
    words = [VLLM[choice.quantization], f"--served-model-name {' '.join(plain)}"]
    if pairs:
        limits = f"--enable-lora --max-loras {len(pairs)} --max-lora-rank {RANK}"
        words.append(f"{limits} --lora-modules {' '.join(pairs)}")
    return " ".join(words)


def list_ports(choice: Choice, tracks: list[Track]) -> dict[str, int]:
    """On which port of loopback each track answers."""
    return {track.name: PORTS["champion" if choice.servers == 1 else track.name] for track in tracks}


def list_names(choice: Choice, tracks: list[Track]) -> dict[str, str]:
    """The `model` that a client asks for. TGI knows adapters by name, and its base model as `tgi` alone."""
    is_tgi = choice.backend == "tgi"
    return {track.name: "tgi" if is_tgi and not track.adapter else track.name for track in tracks}


def list_files(choice: Choice) -> list[str]:
    """The compose files that are given together."""
    extra = {"nvidia": ["compose.llamacpp.nvidia.yaml"], "amd": ["compose.llamacpp.amd.yaml"], "none": []}
    return [f"compose.{choice.backend}.yaml", *(extra[choice.gpu.maker] if choice.backend == "llamacpp" else [])]


def render_file(values: dict[str, str]) -> str:
    """The file that `docker compose --env-file` reads. No value has a quote, a `$` or a line end in it."""
    return "".join(f"{name}={value}\n" for name, value in values.items())
