"""Which backend serves a model on a GPU, how it is quantized, and how much it answers at once: and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from runners.errors import ServingError
from runners.serving.gpus import Gpu
from runners.serving.images import IMAGES, Image, choose_variant
from runners.serving.memory import MIB, ON_LOADING, RUNTIME, Backend, Memory, Quantization, estimate, weigh
from runners.serving.models import Model

BACKENDS: Final[tuple[Backend, ...]] = ("vllm", "tgi", "llamacpp")
"""In the order of preference: TGI has been in maintenance mode since December 2025."""
SHARE: Final = 0.90
"""Of a GPU's memory, for one server; two servers on one GPU get half of it each."""
CONTEXT: Final = 8_192
LEAST_CONTEXT: Final = 2_048
ENOUGH: Final = 4
"""Requests at once for which weights are quantized more coarsely."""
MOST: Final[dict[Backend, int]] = {"tgi": 32, "vllm": 32, "llamacpp": 8}
CPU_MEMORY: Final = 16_384
"""MiB of main memory that the recipe takes without a GPU."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be served: a model with an adapter for each track, or two models (`shared` is false)."""

    model: Model
    tracks: int = 2
    shared: bool = True
    context: int = CONTEXT


@dataclass(frozen=True, slots=True)
class Choice:
    """What is started. `servers` are containers, `share` is of one GPU's memory for each, `each_gpu` one GPU each."""

    gpu: Gpu
    model: Model
    backend: Backend
    quantization: Quantization
    context: int
    concurrency: int
    servers: int
    adapters: int
    share: float
    each_gpu: bool
    memory: Memory
    image: Image
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one server runs: its part of a GPU, in bytes, and how many adapters it has."""

    servers: int
    adapters: int
    share: float
    each_gpu: bool
    room: int


def choose(gpu: Gpu, wish: Wish, backend: Backend | None = None, quantization: Quantization | None = None) -> Choice:
    """What to start on a GPU.

    Args:
        gpu: The GPU, or several alike.
        wish: What to serve.
        backend: The one to take, whether or not it is preferred.
        quantization: Likewise.

    Raises:
        ServingError: It does not fit, or the backend does not run there.
    """
    if backend and (refusal := refuse(backend, gpu)):
        others = [name for name in BACKENDS if not refuse(name, gpu)]
        hint = f"What runs there: {', '.join(others)}." if others else "Nothing runs there. Take another machine."
        raise ServingError(f"{backend} cannot serve on {gpu.shown}. {refusal}", hint)
    reasons: list[str] = []
    misfit: ServingError | None = None
    for name in [backend] if backend else BACKENDS:
        refusal = refuse(name, gpu)
        if not refusal:
            try:
                return fit(gpu, wish, name, quantization, reasons)
            except ServingError as error:
                misfit, refusal = misfit or error, f"{name}: {error.what}"
        reasons.append(refusal)
    if misfit and wish.tracks > 1 and (alone := choose_alone(gpu, wish, backend, quantization)):
        hint = f"The champion alone fits: --tracks 1 ({alone.backend}, {alone.quantization}). Else a smaller model."
        raise ServingError(misfit.what, hint)
    if misfit:
        raise misfit
    raise ServingError(f"No backend runs on {gpu.shown}. {' '.join(reasons)}", "Take another machine.")


def choose_alone(gpu: Gpu, wish: Wish, backend: Backend | None, quantization: Quantization | None) -> Choice | None:
    """What would fit without a challenger."""
    try:
        return choose(gpu, replace(wish, tracks=1), backend, quantization)
    except ServingError:
        return None


def refuse(backend: Backend, gpu: Gpu) -> str:
    """Why a backend does not run on a GPU; empty when it does."""
    capability = "{}.{}".format(*gpu.capability)
    if gpu.maker != "nvidia":
        return "" if backend == "llamacpp" else f"{backend}: its recipe is for NVIDIA GPUs only."
    least = (5, 0) if backend == "llamacpp" else (7, 5)
    if gpu.capability < least:
        words = {
            "vllm": "its builds begin at capability 7.5",
            "tgi": "below 7.5 it has no paged attention, and refuses 6.0 outright",
            "llamacpp": "CUDA 12 begins at capability 5.0",
        }
        return f"{backend}: {words[backend]}; this GPU has {capability}."
    needed = IMAGES[choose_variant(backend, gpu)].driver
    if gpu.driver and gpu.driver < needed:
        return f"{backend}: its image needs driver {needed} or newer; this machine has {gpu.driver}."
    return ""


def fit(gpu: Gpu, wish: Wish, backend: Backend, quantization: Quantization | None, refusals: list[str]) -> Choice:
    """The finest quantization that leaves room for enough requests, or else the one that leaves the most.

    Raises:
        ServingError: Not even one request fits, or the quantization is not the backend's.
    """
    known = list(list_quantizations(backend, gpu, wish.model))
    if quantization and quantization not in known:
        hint = f"{backend} has there, for {wish.model.name}: {', '.join(known)}."
        raise ServingError(f"{backend} does not serve {quantization} on {gpu.shown}.", hint)
    if not LEAST_CONTEXT <= wish.context <= wish.model.context:
        limits = f"between {LEAST_CONTEXT:,} and {wish.model.context:,}"
        raise ServingError(f"A context of {wish.context:,} tokens is not possible.", f"Choose one {limits}.")
    place = find_place(gpu, wish, backend)
    tried = {name: count_requests(wish, backend, name, place) for name in ([quantization] if quantization else known)}
    enough = [name for name, requests in tried.items() if requests >= ENOUGH]
    best = enough[0] if enough else max(tried, key=lambda name: tried[name])
    if not tried[best]:
        least = min(tried, key=lambda name: weigh(wish.model, name))
        raise ServingError(*explain_misfit(gpu, wish, backend, least, place))
    concurrency = min(tried[best], MOST[backend])
    memory = estimate(wish.model, backend, best, context=wish.context, concurrency=concurrency, adapters=place.adapters)
    reasons = (*refusals, *explain(gpu, wish, backend, place), explain_quantization(best, concurrency, wish))
    image = IMAGES[choose_variant(backend, gpu)]
    return Choice(
        gpu=gpu,
        model=wish.model,
        backend=backend,
        quantization=best,
        context=wish.context,
        concurrency=concurrency,
        servers=place.servers,
        adapters=place.adapters,
        share=place.share,
        each_gpu=place.each_gpu,
        memory=memory,
        image=image,
        reasons=reasons,
    )


def list_quantizations(backend: Backend, gpu: Gpu, model: Model) -> Iterator[Quantization]:
    """What a backend can do with a model on a GPU, the finest first."""
    if backend == "llamacpp":
        yield "q8_0"
        yield "q4_k_m"
        return
    yield "bf16" if gpu.capability >= (8, 0) else "fp16"
    if gpu.capability >= ((8, 9) if backend == "vllm" else (9, 0)):
        yield "fp8"
    if model.awq_repo:
        yield "awq"
    yield "nf4"


def find_place(gpu: Gpu, wish: Wish, backend: Backend) -> Place:
    """One server with all adapters where the backend chooses between them by name, else one for each track."""
    together = wish.shared and backend != "llamacpp"
    servers = 1 if together else wish.tracks
    each_gpu = servers > 1 and gpu.count >= servers
    share = SHARE if servers == 1 or each_gpu else SHARE / servers
    memory = gpu.memory if gpu.maker != "none" else CPU_MEMORY
    return Place(
        servers=servers,
        adapters=wish.tracks if together else 1,
        share=share,
        each_gpu=each_gpu,
        room=int(memory * MIB * share),
    )


def count_requests(wish: Wish, backend: Backend, quantization: Quantization, place: Place) -> int:
    """How many requests of the full context fit at once; 0 when the model does not."""
    if quantization in ON_LOADING and weigh(wish.model, "bf16") + RUNTIME[backend] > place.room:
        return 0
    empty, one = (
        estimate(
            wish.model, backend, quantization, context=wish.context, concurrency=number, adapters=place.adapters
        ).total
        for number in (0, 1)
    )
    return max(0, (place.room - empty) // (one - empty))


def explain_quantization(quantization: Quantization, concurrency: int, wish: Wish) -> str:
    """Why the weights are as coarse as they are."""
    requests = f"{ENOUGH} requests of {wish.context:,} tokens at once"
    if concurrency >= ENOUGH:
        return f"{quantization} is the finest that leaves room for {requests}."
    return f"{quantization} leaves the most room, though not for {requests}."


def explain(gpu: Gpu, wish: Wish, backend: Backend, place: Place) -> Iterator[str]:
    """What led to the choice, in sentences."""
    names = {
        "vllm": "vLLM is preferred: it is developed on, and serves both adapters from one copy of the model.",
        "tgi": "TGI is taken: it serves both adapters from one copy of the model. It is in maintenance mode.",
        "llamacpp": "llama.cpp is what is left: it runs on any GPU and on none.",
    }
    yield names[backend]
    if wish.tracks > 1:
        one = "One server with an adapter for each track: the base is in memory once."
        why = "the adapter cannot be chosen by name" if wish.shared else "the tracks have different models"
        where = "each on a GPU of its own" if place.each_gpu else "on one GPU"
        yield one if place.servers == 1 else f"A server for each track, {where}: {why}."
    if place.servers < gpu.count:
        yield f"{gpu.count - (place.servers if place.each_gpu else 1)} of {gpu.count} GPUs stay free."


def explain_misfit(gpu: Gpu, wish: Wish, backend: Backend, quantization: Quantization, place: Place) -> tuple[str, str]:
    """What does not fit, and what would."""
    memory = estimate(wish.model, backend, quantization, context=wish.context, concurrency=1, adapters=place.adapters)
    which = f"{wish.model.name} as {quantization} with one request of {wish.context:,} tokens"
    room = f"{place.room / MIB:,.0f} MiB of {gpu.shown}"
    several = " for each of two servers" if place.servers > 1 and not place.each_gpu else ""
    hint = "Take a smaller model, a shorter --context, or a larger GPU."
    return f"{which} takes {memory.total / MIB:,.0f} MiB, and {room} are there{several}.", hint
