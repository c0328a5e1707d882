"""`glossator-ops serving` and `serving-files` as they are run."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from pathlib import Path

import pytest

from runners.cli import main
from tests.serving.recipes import EXAMPLE


@pytest.fixture
def ops(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ops:
    return Ops(monkeypatch, capsys)


class Ops:
    """`glossator-ops` in this process: exit code, output, errors."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        self.monkeypatch.setattr(sys, "argv", ["glossator-ops", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = self.capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, shown.out, shown.err


def test_a_choice_for_a_person(ops: Ops) -> None:
    code, out, _ = ops("serving", "--gpu", "p100")
    assert code == 0
    assert out.startswith("qwen2.5-coder-7b on 2 x Tesla P100-PCIE-16GB (sm_60, 16,276 MiB): llamacpp, q8_0\n")
    assert "- vllm: its builds begin at capability 7.5; this GPU has 6.0." in out
    assert "! No digest" not in out
    assert "! No digest is known of this image" in ops("serving", "--gpu", "mi100")[1]


def test_a_choice_for_a_machine(ops: Ops) -> None:
    code, out, _ = ops("serving", "--compute-capability", "8.6", "--gpu-memory", "24576", "--gpus", "2", "--json")
    assert code == 0
    plan = json.loads(out)
    assert (plan["backend"], plan["quantization"], plan["servers"]) == ("vllm", "bf16", 1)
    assert plan["source"] == "hf:Qwen/Qwen2.5-Coder-7B-Instruct@main"
    assert plan["memory"]["total"] >= sum(plan["memory"][name] for name in ("weights", "cache", "adapters"))
    assert "environment" not in plan


@pytest.mark.parametrize(
    ("gpu", "model", "source"),
    [
        ("t4", "qwen2.5-coder-7b", "hf:Qwen/Qwen2.5-Coder-7B-Instruct-AWQ@main"),
        ("p100", "Qwen/Qwen2.5-Coder-7B-Instruct", "hf:Qwen/Qwen2.5-Coder-7B-Instruct-GGUF@main:*q8_0*.gguf"),
        ("m40", "codellama-13b", ""),
    ],
)
def test_where_the_weights_are_published_in_that_form(ops: Ops, gpu: str, model: str, source: str) -> None:
    assert json.loads(ops("serving", "--gpu", gpu, "--model", model, "--json")[1])["source"] == source


def test_the_variables_of_the_example(ops: Ops) -> None:
    tracks = ("--champion", "hf/base,files/a", "--challenger", "hf/base,files/b")
    code, out, _ = ops("serving", "--gpu", "a100-80", *tracks, "--env")
    assert code == 0
    of_the_machine = ("SERVING_CPUS=", "SERVING_MEMORY=")
    shown, example = (
        [line for line in text.splitlines() if not line.startswith(of_the_machine)]
        for text in (out, EXAMPLE.read_text(encoding="utf-8").split("\n\n", 1)[1])
    )
    assert shown == example
    plan = json.loads(ops("serving", "--gpu", "a100-80", *tracks, "--image", "mine@sha256:0", "--json")[1])
    assert plan["environment"]["SERVING_IMAGE"] == "mine@sha256:0"
    assert plan["tracks"] == {
        "champion": {"port": 8080, "model": "champion"},
        "challenger": {"port": 8080, "model": "challenger"},
    }


def test_tracks_that_have_different_models_have_different_servers(ops: Ops) -> None:
    tracks = ("--champion", "hf/base,files/a", "--challenger", "hf/other")
    plan = json.loads(ops("serving", "--gpu", "a100-80", *tracks, "--json")[1])
    assert (plan["servers"], plan["tracks"]["challenger"]["port"]) == (2, 8081)
    assert json.loads(ops("serving", "--gpu", "a100-80", "--champion", "hf/base", "--json")[1])["adapters"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "Say which GPU, in one way."),
        (("--gpu", "t4", "--detect"), 2, "Say which GPU, in one way."),
        (("--gpu", "b200"), 2, "No GPU is called 'b200'."),
        (("--gpu", "t4", "--model", "gpt-5"), 2, "No model is called 'gpt-5'."),
        (("--compute-capability", "8", "--gpu-memory", "9000"), 2, "'8' is no compute capability."),
        (("--compute-capability", "8.0"), 2, "--compute-capability needs --gpu-memory."),
        (("--gpu", "t4", "--env"), 2, "Which champion?"),
        (("--gpu", "t4", "--challenger", "hf/base"), 2, "Which champion?"),
        (("--gpu", "t4", "--champion", "../base", "--env"), 2, "'../base' cannot be used as a path."),
        (("--gpu", "p100", "--champion", "hf/base", "--env"), 2, "llamacpp wants the model as one GGUF file"),
        (("--gpu", "k80"), 10, "No backend runs on 2 x Tesla K80"),
        (("--gpu", "p100", "--backend", "tgi"), 10, "tgi cannot serve on 2 x Tesla P100"),
        (("--gpu", "h100-12", "--model", "qwen2.5-coder-14b"), 10, "takes"),
        (("--gpu", "t4", "--context", "100"), 10, "A context of 100 tokens is not possible."),
    ],
)
def test_what_cannot_be_done_is_said_in_words(ops: Ops, arguments: tuple[str, ...], code: int, words: str) -> None:
    ended, out, err = ops("serving", *arguments)
    assert (ended, out) == (code, "")
    assert words in err
    assert "Traceback" not in err


def test_this_machine_is_asked(ops: Ops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\necho "0, Tesla V100-SXM2-32GB, 7.0, 32768, 580.95.05, [N/A]"\n', encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    plan = json.loads(ops("serving", "--detect", "--json")[1])
    assert (plan["backend"], plan["gpu"]["name"]) == ("llamacpp", "Tesla V100-SXM2-32GB")


def test_files_are_brought_and_their_paths_printed(ops: Ops, tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    sha256 = hashlib.sha256(b"GGUF").hexdigest()
    source = f"{(tmp_path / 'a.gguf').as_uri()}#sha256={sha256}"
    code, out, err = ops("serving-files", source, "--into", str(tmp_path / "models"))
    assert (code, out) == (0, f"files/{sha256}/a.gguf\n")
    assert err == "Fetching a.gguf\n"
    assert ops("serving-files", source, "--into", str(tmp_path / "models"))[2] == "", "it is there already"
    code, out, err = ops("serving-files", source[:-1] + "0", "--into", str(tmp_path / "models"))
    assert (code, out) == (10, "") or sha256.endswith("0")
    assert "is not what its digest says" in err
    assert ops("serving-files", "nothing")[0] == 2


def test_sources_with_a_secret_in_them_come_by_standard_input(
    ops: Ops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    sha256 = hashlib.sha256(b"GGUF").hexdigest()
    text = f"\n{(tmp_path / 'a.gguf').as_uri()}#sha256={sha256}\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert ops("serving-files", "-", "--into", str(tmp_path / "models"))[1] == f"files/{sha256}/a.gguf\n"
