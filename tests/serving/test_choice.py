"""What is chosen for which GPU, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runners.errors import ServingError
from runners.serving.choice import ENOUGH, Wish, choose
from runners.serving.gpus import GPUS, Gpu
from runners.serving.memory import MIB
from runners.serving.models import MODELS

SMALL, MIDDLE, LARGE = (MODELS[f"qwen2.5-coder-{size}"] for size in ("1.5b", "7b", "14b"))


@pytest.mark.parametrize(
    ("gpu", "backend", "quantization", "servers"),
    [
        ("m40", "llamacpp", "q8_0", 2),
        ("p100", "llamacpp", "q8_0", 2),
        ("v100", "llamacpp", "q8_0", 2),
        ("t4", "vllm", "awq", 1),
        ("rtx6000", "vllm", "fp16", 1),
        ("a100-40", "vllm", "bf16", 1),
        ("a100-80", "vllm", "bf16", 1),
        ("h100", "vllm", "bf16", 1),
        ("h100-12", "vllm", "awq", 1),
        ("mi100", "llamacpp", "q8_0", 2),
        ("none", "llamacpp", "q4_k_m", 2),
    ],
)
def test_seven_billion_parameters_on_each_gpu(gpu: str, backend: str, quantization: str, servers: int) -> None:
    choice = choose(GPUS[gpu], Wish(MIDDLE))
    assert (choice.backend, choice.quantization, choice.servers) == (backend, quantization, servers)


def test_no_choice_takes_more_than_there_is() -> None:
    for gpu in GPUS.values():
        for model in MODELS.values():
            for tracks in (1, 2):
                try:
                    choice = choose(gpu, Wish(model, tracks))
                except ServingError:
                    continue
                room = (gpu.memory or 16_384) * MIB * choice.share
                assert choice.memory.total <= room
                assert choice.concurrency >= 1
                assert choice.share * (1 if choice.each_gpu else choice.servers) <= 0.9


def test_a_kepler_gpu_is_refused_for_every_reason_there_is() -> None:
    with pytest.raises(ServingError, match=r"No backend runs on 2 x Tesla K80 \(sm_37, 11,441 MiB\)") as caught:
        choose(GPUS["k80"], Wish(SMALL))
    assert "CUDA 12 begins at capability 5.0" in caught.value.what


@pytest.mark.parametrize("backend", ["tgi", "vllm"])
@pytest.mark.parametrize("gpu", ["p100", "v100", "mi100", "none"])
def test_a_backend_that_does_not_run_there_is_refused_also_when_it_is_asked_for(gpu: str, backend: str) -> None:
    with pytest.raises(ServingError, match=f"{backend} cannot serve on") as caught:
        choose(GPUS[gpu], Wish(MIDDLE), backend)  # type: ignore[arg-type] # one of the two
    assert caught.value.hint == "What runs there: llamacpp."


def test_a_backend_that_runs_there_is_taken_when_it_is_asked_for() -> None:
    assert choose(GPUS["a100-80"], Wish(MIDDLE), "tgi").backend == "tgi"
    assert choose(GPUS["a100-80"], Wish(MIDDLE), "llamacpp").servers == 2


def test_an_old_driver_rules_out_the_image_that_needs_a_newer_one() -> None:
    old = replace(GPUS["a100-80"], driver=560)
    choice = choose(old, Wish(MIDDLE))
    assert choice.backend == "tgi"
    assert choice.reasons[0] == "vllm: its image needs driver 580 or newer; this machine has 560."
    with pytest.raises(ServingError, match="needs driver 550 or newer; this machine has 470"):
        choose(replace(old, driver=470), Wish(MIDDLE), "tgi")
    assert choose(replace(old, driver=580), Wish(MIDDLE)).backend == "vllm"


def test_two_models_need_two_servers_with_half_the_memory_each() -> None:
    choice = choose(GPUS["a100-80"], Wish(MIDDLE, shared=False))
    assert (choice.servers, choice.share, choice.each_gpu) == (2, 0.45, False)
    assert "the tracks have different models" in " ".join(choice.reasons)


def test_two_gpus_are_given_one_to_each_server() -> None:
    pair, single = choose(GPUS["p100"], Wish(MIDDLE)), choose(replace(GPUS["p100"], count=1), Wish(MIDDLE))
    assert (pair.each_gpu, pair.share) == (True, 0.9)
    assert (single.each_gpu, single.share) == (False, 0.45)
    assert single.quantization == "q4_k_m"
    assert single.concurrency < pair.concurrency


def test_a_second_gpu_stays_free_where_one_server_has_both_adapters() -> None:
    choice = choose(replace(GPUS["a100-80"], count=2), Wish(MIDDLE))
    assert choice.servers == 1
    assert "1 of 2 GPUs stay free." in choice.reasons


def test_what_does_not_fit_is_refused_with_what_would() -> None:
    with pytest.raises(ServingError, match=r"takes [\d,]+ MiB, and 13,824 MiB of Tesla T4") as caught:
        choose(GPUS["t4"], Wish(LARGE))
    assert caught.value.hint.startswith("The champion alone fits: --tracks 1 (vllm, awq)")
    assert choose(GPUS["t4"], Wish(LARGE, tracks=1)).quantization == "awq"
    tiny = Gpu("GPU", "nvidia", (8, 0), 2_048)
    with pytest.raises(ServingError, match="takes") as caught:
        choose(tiny, Wish(SMALL))
    assert "smaller model" in caught.value.hint


def test_weights_are_only_as_coarse_as_they_must_be() -> None:
    for memory, quantization in ((40_960, "bf16"), (12_288, "awq")):
        choice = choose(Gpu("GPU", "nvidia", (8, 0), memory), Wish(MIDDLE))
        assert choice.quantization == quantization
        assert choice.concurrency >= ENOUGH
    assert "is the finest that leaves room" in choice.reasons[-1]
    assert "leaves the most room, though not" in choose(GPUS["h100-12"], Wish(MIDDLE)).reasons[-1]


def test_fp8_is_for_gpus_that_have_it_and_hold_the_model_in_16_bits_first() -> None:
    with pytest.raises(ServingError, match="vllm does not serve fp8"):
        choose(GPUS["a100-80"], Wish(MIDDLE), "vllm", "fp8")
    assert choose(GPUS["h100"], Wish(MIDDLE), "vllm", "fp8").quantization == "fp8"
    slice_of_16 = Gpu("GPU", "nvidia", (9, 0), 16_384)
    assert choose(slice_of_16, Wish(MIDDLE)).quantization == "awq"
    with pytest.raises(ServingError, match="as fp8"):
        choose(slice_of_16, Wish(MIDDLE), "vllm", "fp8")


def test_awq_needs_somebody_who_publishes_it() -> None:
    with pytest.raises(ServingError, match="vllm does not serve awq") as caught:
        choose(GPUS["a100-80"], Wish(MODELS["codellama-13b"]), "vllm", "awq")
    assert "bf16, nf4" in caught.value.hint


def test_a_longer_context_takes_from_how_many_are_answered_at_once() -> None:
    short, long = (choose(GPUS["rtx6000"], Wish(MIDDLE, context=context)) for context in (8_192, 16_384))
    assert short.concurrency > long.concurrency
    with pytest.raises(ServingError, match="A context of 40,000 tokens is not possible"):
        choose(GPUS["h100"], Wish(MIDDLE, context=40_000))
