"""The compose files: what they allow a container, and that every value they want is made."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reviewer.errors import UsageError
from runners.serving.choice import Wish, choose
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
from runners.serving.gpus import GPUS
from runners.serving.images import IMAGES
from runners.serving.models import MODELS
from tests.serving.recipes import (
    APART,
    CASES,
    EXAMPLE,
    GGUF,
    HOST,
    OVERLAYS,
    SERVERS,
    TENSORS,
    find_variables,
    load,
    make,
    read,
)

AMD = {"SERVING_VIDEO_GROUP", "SERVING_RENDER_GROUP"}
"""Numbers of groups of the machine, which only an AMD GPU needs."""


def services(name: str) -> list[tuple[str, dict[str, Any]]]:
    return list(load(name)["services"].items())


@pytest.mark.parametrize("name", SERVERS)
def test_a_container_may_do_no_more_than_it_must(name: str) -> None:
    for track, service in services(name):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service["user"].startswith("0"), "not root"
        assert service["restart"] == "unless-stopped"
        assert service["pids_limit"] <= 1_024
        assert {"cpus", "mem_limit", "shm_size", "healthcheck", "logging", "stop_grace_period"} <= set(service)
        assert service["logging"]["options"]["max-size"]
        assert [port.split(":")[:2] for port in service["ports"]] == [
            ["127.0.0.1", str(8080 + (track == "challenger"))]
        ]
        assert all(volume["read_only"] for volume in service["volumes"])
        assert not {"privileged", "network_mode", "pid", "ipc", "cap_add", "devices"} & set(service)


@pytest.mark.parametrize("name", SERVERS)
def test_only_the_challenger_may_be_left_out(name: str) -> None:
    found = dict(services(name))
    assert set(found) == {"champion", "challenger"}
    assert "profiles" not in found["champion"]
    assert found["challenger"]["profiles"] == ["two"]


@pytest.mark.parametrize("name", SERVERS)
def test_no_image_and_no_key_stands_in_a_recipe(name: str) -> None:
    text = read(name)
    for track, service in services(name):
        assert service["image"].startswith("${SERVING_IMAGE:?")
        assert "key" not in str(service["command"]).lower(), track
    assert not re.search(r"(?i)(api_key|token|secret)\s*[:=]\s*['\"]?[A-Za-z0-9]", text)


def test_tgi_gets_no_key_because_its_launcher_hands_it_on_in_a_command() -> None:
    for _, service in services("compose.tgi.yaml"):
        assert "env_file" not in service
        assert "API_KEY" not in service["environment"]


def test_nothing_is_fetched_or_reported_while_serving() -> None:
    for name in ("compose.vllm.yaml", "compose.tgi.yaml"):
        for _, service in services(name):
            assert service["environment"]["HF_HUB_OFFLINE"] == "1"
    assert dict(services("compose.tgi.yaml"))["champion"]["environment"]["USAGE_STATS"] == "off"
    assert dict(services("compose.vllm.yaml"))["champion"]["environment"]["VLLM_NO_USAGE_STATS"] == "1"
    assert dict(services("compose.llamacpp.yaml"))["champion"]["environment"]["LLAMA_ARG_OFFLINE"] == "1"


def test_no_recipe_lets_vllm_change_what_it_serves() -> None:
    for name in SERVERS:
        assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" not in read(name)
        assert "VLLM_SERVER_DEV_MODE" not in read(name)
        assert "trust-remote-code" not in read(name).lower().replace("_", "-")


@pytest.mark.parametrize("name", ["compose.vllm.yaml", "compose.tgi.yaml", "compose.llamacpp.nvidia.yaml"])
def test_each_track_has_its_gpu_and_no_other(name: str) -> None:
    for track, service in services(name):
        devices = service["deploy"]["resources"]["reservations"]["devices"]
        assert [device["capabilities"] for device in devices] == [["gpu"]]
        assert f"{track.upper()}_GPU" in devices[0]["device_ids"][0]
        assert "count" not in devices[0]


def test_every_variable_of_a_recipe_is_made_and_every_one_made_is_used() -> None:
    wanted = set[str]().union(*(find_variables(read(name)) for name in (*SERVERS, *OVERLAYS)))
    made = set(make("vllm")[1])
    assert wanted - made == AMD
    assert made - wanted == {"COMPOSE_PROFILES"}, "which docker compose itself reads"


def test_the_example_is_what_the_code_makes() -> None:
    assert EXAMPLE.read_text(encoding="utf-8").split("\n\n", 1)[1] == render_file(make("vllm")[1])


@pytest.mark.parametrize("case", CASES)
def test_no_value_could_be_read_as_something_else(case: str) -> None:
    for name, value in make(case)[1].items():
        assert re.fullmatch(r"[A-Za-z0-9 ._,/:@=+-]*", value), name


def test_two_adapters_on_one_server() -> None:
    choice, values = make("vllm")
    assert values["COMPOSE_PROFILES"] == ""
    assert values["CHAMPION_ARGS"] == (
        "--dtype bfloat16 --served-model-name base --enable-lora --max-loras 2 --max-lora-rank 64 "
        "--lora-modules champion=/models/files/a challenger=/models/files/b"
    )
    assert values["CHALLENGER_MODEL"] == values["CHALLENGER_ARGS"] == values["CHALLENGER_GPU"] == ""
    assert list_ports(choice, TENSORS) == {"champion": 8080, "challenger": 8080}
    assert list_files(choice) == ["compose.vllm.yaml"]
    _, values = make("tgi")
    assert values["CHAMPION_ARGS"] == (
        "--dtype bfloat16 --lora-adapters champion=/models/files/a,challenger=/models/files/b"
    )
    assert int(values["SERVING_PREFILL"]) >= int(values["SERVING_INPUT"]), "else TGI does not start"
    assert int(values["SERVING_INPUT"]) < int(values["SERVING_CONTEXT"])


def test_two_models_on_two_servers() -> None:
    choice, values = make("vllm-two")
    assert values["COMPOSE_PROFILES"] == "two"
    assert values["SERVING_FRACTION"] == "0.45"
    assert values["CHAMPION_ARGS"].endswith("--lora-modules champion=/models/files/a")
    assert values["CHALLENGER_MODEL"] == "/models/hf/other"
    assert values["CHALLENGER_ARGS"] == "--dtype bfloat16 --served-model-name challenger"
    assert list_ports(choice, APART) == {"champion": 8080, "challenger": 8081}
    assert (int(values["SERVING_CPUS"]), values["SERVING_MEMORY"]) == (15, "52428m")
    assert (values["CHAMPION_GPU"], values["CHALLENGER_GPU"]) == ("0", "0"), "there is one"


def test_llama_cpp_has_a_server_and_a_gpu_for_each_track() -> None:
    choice, values = make("llamacpp-nvidia")
    assert (values["CHAMPION_GPU"], values["CHALLENGER_GPU"]) == ("0", "1")
    assert (values["CHAMPION_ARGS"], values["CHALLENGER_ARGS"]) == ("--lora /models/a.gguf", "")
    assert int(values["SERVING_CONTEXT_ALL"]) == choice.context * choice.concurrency
    assert list_files(choice) == ["compose.llamacpp.yaml", "compose.llamacpp.nvidia.yaml"]
    assert list_files(make("llamacpp-amd")[0])[1] == "compose.llamacpp.amd.yaml"
    assert list_files(make("llamacpp-none")[0]) == ["compose.llamacpp.yaml"]


def test_a_track_without_an_adapter_is_asked_for_by_the_name_that_the_backend_gives_it() -> None:
    plain = [Track("champion", "hf/base"), Track("challenger", "hf/base", "files/b")]
    wish = Wish(MODELS["qwen2.5-coder-7b"])
    tgi, vllm = (choose(GPUS["a100-80"], wish, backend) for backend in ("tgi", "vllm"))
    assert list_names(tgi, plain) == {"champion": "tgi", "challenger": "challenger"}
    assert list_names(vllm, plain) == {"champion": "champion", "challenger": "challenger"}
    assert "--served-model-name champion" in render_environment(vllm, plain, HOST)["CHAMPION_ARGS"]


@pytest.mark.parametrize(
    "text", ["../etc", "hf/../../etc", "hf/base; rm -rf /", "/etc/passwd", "$HOME", "a b", "", "base,", "base,$(id)"]
)
def test_a_path_that_a_shell_would_read_otherwise_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be used as a path"):
        parse_track("champion", text)
    assert parse_track("champion", "hf/Qwen--x/abc,files/a.b/c") == Track("champion", "hf/Qwen--x/abc", "files/a.b/c")


def test_files_that_a_backend_does_not_read_are_refused() -> None:
    vllm = choose(GPUS["a100-80"], Wish(MODELS["qwen2.5-coder-7b"]))
    with pytest.raises(UsageError, match=r"champion: vllm wants the model as a folder of safetensors, not base\.gguf"):
        render_environment(vllm, GGUF, HOST)
    llama = choose(GPUS["p100"], Wish(MODELS["qwen2.5-coder-7b"]))
    with pytest.raises(UsageError, match="champion: llamacpp wants the model as one GGUF file") as caught:
        render_environment(llama, TENSORS, HOST)
    assert "convert_lora_to_gguf.py" in caught.value.hint


def test_a_small_machine_gives_at_least_one_processor() -> None:
    small = Host(cpus=1, memory=4_096, models="/m", keys="/k")
    assert make("llamacpp-none", small)[1]["SERVING_CPUS"] == "1"


def test_images_are_pinned_by_digest_but_for_the_one_of_which_none_is_known() -> None:
    assert [name for name, image in IMAGES.items() if not image.is_pinned] == ["llamacpp-rocm"]
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", image.reference) for image in IMAGES.values() if image.is_pinned)
    assert not any(":latest" in image.reference for image in IMAGES.values())
