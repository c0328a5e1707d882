"""What the recipes choose for each GPU and model, as a table for the page on serving."""

from __future__ import annotations

from typing import Final

from runners.errors import ServingError
from runners.serving.choice import Wish, choose
from runners.serving.gpus import GPUS, Gpu
from runners.serving.memory import MIB
from runners.serving.models import MODELS, Model

SIZED: Final = ("qwen2.5-coder-1.5b", "qwen2.5-coder-7b", "qwen2.5-coder-14b", "codellama-13b")
NAMES: Final = {"vllm": "vLLM", "tgi": "TGI", "llamacpp": "llama.cpp"}


def render_table() -> str:
    """The table in Markdown: a row for each GPU, a column for each model."""
    header = f"| GPU | {' | '.join(SIZED)} |\n| --- |{' --- |' * len(SIZED)}"
    rows = (
        f"| `{key}` | {' | '.join(render_cell(gpu, MODELS[name]) for name in SIZED)} |" for key, gpu in GPUS.items()
    )
    return "\n".join([header, *rows])


def render_cell(gpu: Gpu, model: Model) -> str:
    """As `vLLM awq: 13.2, 12`: backend, weights, GiB that a server takes, requests at once."""
    try:
        choice = choose(gpu, Wish(model))
    except ServingError as error:
        return "too large" if "takes" in error.what else "too old"
    total = choice.memory.total / MIB / 1024
    return f"{NAMES[choice.backend]} {choice.quantization}: {total:.1f}, {choice.concurrency}"
