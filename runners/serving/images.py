"""The images that the recipes start, by digest where one is known for certain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from runners.serving.gpus import Gpu
from runners.serving.memory import Backend

Variant = Literal["tgi", "vllm", "llamacpp-cuda", "llamacpp-rocm", "llamacpp-cpu"]


@dataclass(frozen=True, slots=True)
class Image:
    """An image. `driver` is the oldest major version of NVIDIA's driver that runs it, 0 where none is needed."""

    reference: str
    version: str
    driver: int

    @property
    def is_pinned(self) -> bool:
        """Whether a digest says what it is."""
        return "@sha256:" in self.reference


IMAGES: Final[dict[Variant, Image]] = {
    # The router in it calls itself 3.3.6-dev0: built of commit db931fc of 2026-01-08, the last there is.
    "tgi": Image(
        "ghcr.io/huggingface/text-generation-inference"
        "@sha256:e6b0af6e0bf65337b84a19f15d74660c7892192f555fb0b68d3f3d62bf0c1e9a",
        "3.3.6-dev0",
        550,
    ),
    "vllm": Image(
        "docker.io/vllm/vllm-openai:v0.28.0@sha256:61fc8a896b0a4fbbbdc063bc4b0dbc25ce98e02b5050c24aeb7830ac02039b14",
        "0.28.0",
        580,
    ),
    "llamacpp-cuda": Image(
        "ghcr.io/ggml-org/llama.cpp:server-cuda-b11206"
        "@sha256:3e7673cce183a55f97a1bc3c80817f3c61452483c13bc088a6766388af4775fe",
        "b11206, CUDA 12.8",
        570,
    ),
    "llamacpp-rocm": Image("ghcr.io/ggml-org/llama.cpp:server-rocm-b11277", "b11277", 0),
    "llamacpp-cpu": Image(
        "ghcr.io/ggml-org/llama.cpp:server-b11243"
        "@sha256:f9115c95639e60abc09d4ea83b26fd4d56c66aa1174594393335a514da00c283",
        "b11243",
        0,
    ),
}


def choose_variant(backend: Backend, gpu: Gpu) -> Variant:
    """The image of a backend for a GPU."""
    if backend != "llamacpp":
        return backend
    variants: dict[str, Variant] = {"nvidia": "llamacpp-cuda", "amd": "llamacpp-rocm", "none": "llamacpp-cpu"}
    return variants[gpu.maker]
