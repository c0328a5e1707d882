"""The sizes of models: the formula against files that are published, and against what is known of the architecture."""

from __future__ import annotations

import pytest

from reviewer.errors import UsageError
from runners.serving.memory import weigh, weigh_adapter, weigh_token
from runners.serving.models import MODELS, find_model

TOKENIZER = 5_950_000
"""Bytes of a Qwen GGUF file that are no tensors, about: the vocabulary and its merges."""


@pytest.mark.parametrize(
    ("name", "size"),
    [("qwen2.5-coder-0.5b", 491_400_064), ("qwen2.5-coder-1.5b", 1_117_320_768)],
)
def test_the_formula_for_q4_k_m_gives_the_size_of_the_published_file(name: str, size: int) -> None:
    assert abs(size - TOKENIZER - weigh(MODELS[name], "q4_k_m")) < 4_096


def test_bytes_of_16_bit_weights_are_twice_the_parameters() -> None:
    for model in MODELS.values():
        assert weigh(model, "bf16") == weigh(model, "fp16") == 2 * model.parameters


@pytest.mark.parametrize(
    ("name", "billions"),
    [("qwen2.5-coder-1.5b", 1.54), ("qwen2.5-coder-7b", 7.62), ("qwen2.5-coder-14b", 14.77), ("codellama-13b", 13.02)],
)
def test_parameters_are_those_that_the_model_cards_name(name: str, billions: float) -> None:
    assert round(MODELS[name].parameters / 1e9, 2) == billions


def test_weights_get_smaller_from_16_to_8_to_4_bits() -> None:
    model = MODELS["qwen2.5-coder-7b"]
    sizes = [weigh(model, name) for name in ("bf16", "fp8", "awq")]
    assert sizes == sorted(sizes, reverse=True)
    assert weigh(model, "q8_0") > weigh(model, "awq") > weigh(model, "q4_k_m")


def test_scales_are_counted() -> None:
    model = MODELS["codellama-13b"]
    linear = model.parameters - 2 * model.vocabulary * model.hidden - (2 * model.layers + 1) * model.hidden
    rest = 2 * (model.parameters - linear)
    assert weigh(model, "awq") == pytest.approx(rest + linear * (4 + 20 / 128) / 8)
    assert weigh(model, "nf4") == pytest.approx(rest + linear * 4.5 / 8)


def test_a_token_takes_what_its_keys_and_values_take() -> None:
    assert weigh_token(MODELS["qwen2.5-coder-7b"]) == 2 * 28 * 4 * 128 * 2
    assert weigh_token(MODELS["codellama-13b"]) == 2 * 40 * 5_120 * 2


def test_an_adapter_grows_with_its_rank() -> None:
    model = MODELS["qwen2.5-coder-7b"]
    assert weigh_adapter(model, 64) == 4 * weigh_adapter(model, 16)
    assert 300 < weigh_adapter(model) / 1024**2 < 320


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(UsageError, match="No model is called 'gpt-5'") as caught:
        find_model("gpt-5")
    assert "qwen2.5-coder-7b" in caught.value.hint
