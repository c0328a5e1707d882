"""How many bytes a model takes on a GPU: weights by quantization, the cache of keys and values, adapters, the rest.

Weights follow from the shapes alone; tests hold the formula for Q4_K_M to the size of published files. The cache
follows from the architecture. What a backend takes besides is an allowance, named so, and was not measured on a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from runners.serving.models import Model, Tensor, list_tensors

Backend = Literal["tgi", "vllm", "llamacpp"]
Quantization = Literal["bf16", "fp16", "fp8", "awq", "nf4", "q8_0", "q4_k_m"]

MIB: Final = 1024 * 1024
GGUF: Final[tuple[Quantization, ...]] = ("q8_0", "q4_k_m")
GROUP: Final = 128
"""Weights that share a scale in AWQ."""
NF4_BLOCK: Final = 64
"""Weights that share a scale in bitsandbytes."""
BLOCKS: Final[dict[str, tuple[int, int]]] = {"q4_k": (144, 256), "q5_0": (22, 32), "q6_k": (210, 256), "q8_0": (34, 32)}
"""Bytes and weights of a block in GGUF (`ggml-common.h`)."""
FALLBACKS: Final[dict[str, str]] = {"q4_k": "q5_0", "q6_k": "q8_0"}
"""What llama.cpp takes where a row is no multiple of 256."""
RUNTIME: Final[dict[Backend, int]] = {"tgi": 1_536 * MIB, "vllm": 1_536 * MIB, "llamacpp": 512 * MIB}
"""Allowance for the driver's context, kernels and captured graphs."""
PREFILL: Final[dict[Backend, int]] = {"vllm": 4_096, "llamacpp": 512}
"""Tokens that are worked on at once while a prompt is read. TGI does not start with fewer than the longest prompt."""
ON_LOADING: Final[tuple[Quantization, ...]] = ("fp8",)
"""Those made while loading, out of weights in 16 bits that have to fit first."""
RANK: Final = 64
"""The largest rank of an adapter that the recipes make room for."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What one server takes, in bytes."""

    weights: int
    cache: int
    adapters: int
    activations: int
    runtime: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.cache + self.adapters + self.activations + self.runtime


def estimate(
    model: Model, backend: Backend, quantization: Quantization, *, context: int, concurrency: int, adapters: int
) -> Memory:
    """What a server takes that answers so many requests at once, each of `context` tokens."""
    return Memory(
        weights=weigh(model, quantization),
        cache=context * concurrency * weigh_token(model),
        adapters=adapters * weigh_adapter(model),
        activations=weigh_activations(model, get_prefill(backend, context)),
        runtime=RUNTIME[backend],
    )


def get_prefill(backend: Backend, context: int) -> int:
    """How many tokens of prompts a backend works on at once."""
    return min(PREFILL.get(backend, context), context)


@cache
def weigh(model: Model, quantization: Quantization) -> int:
    """Bytes of the weights with their scales. GGUF holds the output matrix also where it is tied."""
    tied = model.tied and quantization not in GGUF
    return sum(weigh_tensor(tensor, quantization, model.layers) for tensor in list_tensors(model, tied=tied))


def weigh_tensor(tensor: Tensor, quantization: Quantization, layers: int) -> int:
    """Bytes of one tensor."""
    weights = tensor.rows * tensor.columns
    if quantization in GGUF:
        return (
            4 * weights if tensor.kind == "plain" else weigh_blocks(tensor, choose_type(tensor, quantization, layers))
        )
    if tensor.kind != "linear" or quantization in {"bf16", "fp16"}:
        return 2 * weights
    if quantization == "fp8":
        return weights + 4 * tensor.rows
    if quantization == "awq":
        return weights // 2 + weights // GROUP * 5 // 2  # a scale of 16 bits and a zero of 4
    return weights // 2 + weights // NF4_BLOCK * 4


def choose_type(tensor: Tensor, quantization: Quantization, layers: int) -> str:
    """The type that llama.cpp stores a matrix in (`llama_tensor_get_type` for Q4_K_M)."""
    if quantization == "q8_0":
        return "q8_0"
    more = tensor.name in {"attn_v", "ffn_down"} and uses_more_bits(tensor.layer, layers)
    return "q6_k" if more or tensor.kind == "output" else "q4_k"


def uses_more_bits(layer: int, layers: int) -> bool:
    """Whether llama.cpp spends more bits on this layer: the first and the last eighth, and every third between."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2  # noqa: PLR2004 - as llama.cpp has it


def weigh_blocks(tensor: Tensor, kind: str) -> int:
    """Bytes of a matrix in blocks of a GGUF type, or of its fallback where the rows do not divide."""
    size, weights = BLOCKS[kind]
    if tensor.columns % weights:
        size, weights = BLOCKS[FALLBACKS.get(kind, kind)]
    return tensor.rows * tensor.columns // weights * size


def weigh_token(model: Model, bytes_per_number: int = 2) -> int:
    """Bytes of the keys and values of one token, in 16 bits."""
    return 2 * model.layers * model.kv_width * bytes_per_number


@cache
def weigh_adapter(model: Model, rank: int = RANK) -> int:
    """Bytes of an adapter on all linear layers, in 16 bits."""
    return sum(2 * rank * (tensor.rows + tensor.columns) for tensor in list_linear(model))


def list_linear(model: Model) -> Iterator[Tensor]:
    """The matrices that an adapter may change."""
    return (tensor for tensor in list_tensors(model, tied=model.tied) if tensor.kind == "linear")


def weigh_activations(model: Model, tokens: int) -> int:
    """Bytes of what is computed while so many tokens are read: the widest layer, and the scores of some tokens."""
    scores = min(tokens, 512) * model.vocabulary * 4
    return tokens * (2 * model.feed_forward + 4 * model.hidden) * 2 + scores
