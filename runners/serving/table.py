"""What the recipes choose for each GPU and model, as a table for the page on serving."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from runners.errors import ServingError
from runners.serving.choice import Wish, choose
from runners.serving.gpus import GPUS, Gpu
from runners.serving.memory import MIB, Backend
from runners.serving.models import MODELS, Model

HEADER: Final = (
    "| GPU | model | backend | quantization | weights | with all | servers | at once |\n"
    "| --- | --- | --- | --- | ---: | ---: | ---: | ---: |"
)
SIZED: Final = ("qwen2.5-coder-1.5b", "qwen2.5-coder-7b", "qwen2.5-coder-14b", "codellama-13b")
NAMES: Final = {"vllm": "vLLM", "tgi": "TGI", "llamacpp": "llama.cpp"}


def render_table(backend: Backend | None = None) -> str:
    """The table in Markdown. `backend` forces one, and leaves out the GPUs that it does not run on."""
    return "\n".join([HEADER, *render_rows(backend)])


def render_rows(backend: Backend | None) -> Iterator[str]:
    """A row for each GPU and model."""
    for key, gpu in GPUS.items():
        for name in SIZED:
            row = render_row(gpu, MODELS[name], backend)
            if row:
                yield f"| `{key}` | {name} | {row} |"


def render_row(gpu: Gpu, model: Model, backend: Backend | None) -> str:
    """The cells after the model; empty where a forced backend does not run."""
    try:
        choice = choose(gpu, Wish(model), backend)
    except ServingError as error:
        return "" if backend else f"none: {shorten(error.what)} | | | | | "
    weights, total = (f"{size / MIB / 1024:.1f} GiB" for size in (choice.memory.weights, choice.memory.total))
    cells = (NAMES[choice.backend], choice.quantization, weights, total, str(choice.servers), str(choice.concurrency))
    return " | ".join(cells)


def shorten(what: str) -> str:
    """A refusal in two words."""
    return "too large" if "takes" in what else "too old"
