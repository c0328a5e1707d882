"""`glossator-ops serving`: what can be served on a GPU, and why."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any, get_args

import click

from reviewer.console import write
from reviewer.errors import EXIT_OK, UsageError
from reviewer.report_lines import plural
from runners.serving.choice import CONTEXT, Choice, Wish, choose
from runners.serving.environment import (
    Host,
    Track,
    list_files,
    list_names,
    list_ports,
    parse_track,
    render_environment,
    render_file,
)
from runners.serving.gpus import GPUS, Gpu, detect, find_gpu
from runners.serving.memory import MIB, Backend, Quantization
from runners.serving.models import DEFAULT_MODEL, MODELS, find_model


@click.command()
@click.option("--detect", "detected", is_flag=True, help="Ask this machine's nvidia-smi.")
@click.option("--gpu", metavar="NAME", default="", help=f"A known GPU: {', '.join(GPUS)}.")
@click.option("--compute-capability", metavar="X.Y", default="", help="Of an NVIDIA GPU, as in 8.0.")
@click.option("--gpu-memory", metavar="MIB", type=click.IntRange(1_024), help="Memory of one GPU.")
@click.option("--gpus", metavar="N", type=click.IntRange(1), help="How many GPUs alike.")
@click.option("--model", metavar="NAME", default=DEFAULT_MODEL, show_default=True, help=f"One of {', '.join(MODELS)}.")
@click.option("--tracks", type=click.IntRange(1, 2), default=2, show_default=True, help="Without a challenger: 1.")
@click.option("--separate", is_flag=True, help="The challenger has another base model: a server for each track.")
@click.option("--context", metavar="TOKENS", type=int, default=CONTEXT, show_default=True, help="Longest request.")
@click.option("--backend", type=click.Choice(["auto", *get_args(Backend)]), default="auto", show_default=True)
@click.option("--quantization", type=click.Choice(["auto", *get_args(Quantization)]), default="auto", show_default=True)
@click.option("--image", metavar="IMAGE", default="", help="Another image than the recipe's, with its digest.")
@click.option("--champion", metavar="MODEL[,ADAPTER]", default="", help="Its files, below the folder of models.")
@click.option("--challenger", metavar="MODEL[,ADAPTER]", default="", help="Likewise. Sets --tracks and --separate.")
@click.option("--models", default="/mnt/glossator/models", show_default=True, help="The folder of models.")
@click.option("--keys", default="/etc/glossator/serving/keys.env", show_default=True, help="The file with the key.")
@click.option("--env", "as_env", is_flag=True, help="Print serving.env, which the compose files are filled with.")
@click.option("--json", "as_json", is_flag=True, help="For a machine to read.")
def command(
    *,
    detected: bool,
    gpu: str,
    compute_capability: str,
    gpu_memory: int | None,
    gpus: int | None,
    model: str,
    tracks: int,
    separate: bool,
    context: int,
    backend: str,
    quantization: str,
    image: str,
    champion: str,
    challenger: str,
    models: str,
    keys: str,
    as_env: bool,
    as_json: bool,
) -> int:
    """Choose backend, quantization and sizes for a GPU, and say why. Nothing is started."""
    given = {"champion": champion, "challenger": challenger}
    served = [parse_track(name, text) for name, text in given.items() if text]
    if (as_env or challenger) and not champion:
        raise UsageError("Which champion?", "--champion MODEL[,ADAPTER], as glossator-ops serving-files prints it")
    if served:
        tracks, separate = len(served), len({track.model for track in served}) > 1
    wish = Wish(find_model(model), tracks, not separate, context)
    machine = name_gpu(gpu, compute_capability, gpu_memory, gpus, detected=detected)
    choice = choose(
        machine,
        wish,
        next((name for name in get_args(Backend) if name == backend), None),
        next((name for name in get_args(Quantization) if name == quantization), None),
    )
    if image:
        choice = replace(choice, image=replace(choice.image, reference=image))
    environment = render_environment(choice, served, find_host(models, keys)) if served else {}
    if as_env:
        write(render_file(environment))
    elif as_json:
        write(json.dumps(to_json(choice) | to_json_tracks(choice, served, environment), indent=2))
    else:
        write(render(choice))
    return EXIT_OK


def find_host(models: str, keys: str) -> Host:
    """This machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB
    return Host(os.cpu_count() or 1, memory, models, keys)


def name_gpu(name: str, capability: str, memory: int | None, count: int | None, *, detected: bool) -> Gpu:
    """The GPU that the options say.

    Raises:
        UsageError: They say none, or two.
    """
    if sum(map(bool, (detected, name, capability))) != 1:
        raise UsageError("Say which GPU, in one way.", "--detect, or --gpu NAME, or --compute-capability X.Y")
    if detected:
        found = detect()
    elif name:
        found = find_gpu(name)
    else:
        found = Gpu("GPU", "nvidia", read_capability(capability), 0)
    if found.maker == "nvidia" and not (memory or found.memory):
        raise UsageError("--compute-capability needs --gpu-memory.", "As in --gpu-memory 16384")
    return Gpu(found.name, found.maker, found.capability, memory or found.memory, count or found.count, found.driver)


def read_capability(text: str) -> tuple[int, int]:
    """`8.0` as (8, 0).

    Raises:
        UsageError: It is none such.
    """
    major, _, minor = text.partition(".")
    if not (major.isdecimal() and minor.isdecimal() and len(text) < 6):  # noqa: PLR2004 - 99.99 is beyond any
        raise UsageError(f"{text!r} is no compute capability.", "As in 8.0; nvidia-smi --query-gpu=compute_cap")
    return int(major), int(minor)


def to_json(choice: Choice) -> dict[str, Any]:
    """The choice as plain data; sizes in MiB."""
    memory = choice.memory
    parts = {
        name: getattr(memory, name) for name in ("weights", "cache", "adapters", "activations", "runtime", "total")
    }
    return {
        "backend": choice.backend,
        "image": choice.image.reference,
        "image_pinned": choice.image.is_pinned,
        "compose": list_files(choice),
        "source": find_source(choice),
        "model": choice.model.name,
        "quantization": choice.quantization,
        "context": choice.context,
        "concurrency": choice.concurrency,
        "servers": choice.servers,
        "adapters": choice.adapters,
        "memory_fraction": round(choice.share, 2),
        "each_gpu": choice.each_gpu,
        "gpu": {"name": choice.gpu.name, "maker": choice.gpu.maker, "memory": choice.gpu.memory},
        "memory": {name: -(-size // MIB) for name, size in parts.items()},
        "reasons": list(choice.reasons),
    }


def find_source(choice: Choice) -> str:
    """Where the weights are published in that form, for `glossator-ops serving-files`; empty where nobody does."""
    model = choice.model
    if choice.backend == "llamacpp":
        return f"hf:{model.gguf_repo}@main:*{choice.quantization}*.gguf" if model.gguf_repo else ""
    return f"hf:{model.awq_repo if choice.quantization == 'awq' else model.repo}@main"


def to_json_tracks(choice: Choice, served: list[Track], environment: dict[str, str]) -> dict[str, Any]:
    """What there is to say where the files are known."""
    if not served:
        return {}
    names, ports = list_names(choice, served), list_ports(choice, served)
    return {
        "tracks": {name: {"port": ports[name], "model": names[name]} for name in names},
        "environment": environment,
    }


def render(choice: Choice) -> str:
    """The choice for a person."""
    memory = choice.memory
    sizes = {name: getattr(memory, name) / MIB for name in ("weights", "cache", "adapters", "total")}
    rest = (memory.activations + memory.runtime) / MIB
    lines = [
        f"{choice.model.name} on {choice.gpu.shown}: {choice.backend}, {choice.quantization}",
        f"  servers      {choice.servers}, with room for {plural(choice.adapters, 'adapter')} each",
        f"  at once      {choice.concurrency} requests of {choice.context:,} tokens",
        f"  memory each  {sizes['total']:,.0f} MiB: weights {sizes['weights']:,.0f}, cache {sizes['cache']:,.0f}",
        f"               adapters {sizes['adapters']:,.0f}, allowed for the rest {rest:,.0f}",
        f"  image        {choice.image.reference}",
        *(f"- {reason}" for reason in choice.reasons),
    ]
    if not choice.image.is_pinned:
        lines.append("! No digest is known of this image: pull it once, look at it, and pin it.")
    return "\n".join(lines)
