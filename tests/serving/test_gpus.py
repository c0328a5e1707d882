"""The GPU of a machine, by a stand-in of nvidia-smi."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewer.errors import UsageError
from runners.errors import ServingError
from runners.serving import gpus
from runners.serving.gpus import detect, find_gpu, parse

P100 = "0, Tesla P100-PCIE-16GB, 6.0, 16280, 570.86.15, [N/A]"
A100 = "0, NVIDIA A100 80GB PCIe, 8.0, 81920, 580.105.08, Disabled"


def put_tool(folder: Path, script: str) -> str:
    """A nvidia-smi that answers so."""
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    tool.chmod(0o755)
    return str(tool)


def test_the_gpu_that_nvidia_smi_shows(tmp_path: Path) -> None:
    found = detect(put_tool(tmp_path, f'echo "$@" > {tmp_path}/asked; echo "{P100}"; echo "{P100}"'))
    assert (found.name, found.capability, found.memory, found.count, found.driver) == (
        "Tesla P100-PCIE-16GB",
        (6, 0),
        16_280,
        2,
        570,
    )
    asked = (tmp_path / "asked").read_text(encoding="utf-8")
    assert "--query-gpu=index,name,compute_cap,memory.total,driver_version,mig.mode.current" in asked
    assert "--format=csv,noheader,nounits" in asked


def test_a_machine_without_a_driver(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match="nvidia-smi was not found") as caught:
        detect(str(tmp_path / "nvidia-smi"), tmp_path / "kfd")
    assert "--gpu none" in caught.value.hint


def test_a_machine_with_an_amd_gpu(tmp_path: Path) -> None:
    (tmp_path / "kfd").touch()
    with pytest.raises(ServingError, match="An AMD GPU is here") as caught:
        detect(str(tmp_path / "nvidia-smi"), tmp_path / "kfd")
    assert "--gpu mi100" in caught.value.hint


def test_a_driver_that_is_not_loaded(tmp_path: Path) -> None:
    says = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."
    with pytest.raises(ServingError, match="nvidia-smi failed: NVIDIA-SMI has failed"):
        detect(put_tool(tmp_path, f'echo "{says}"; exit 9'))


def test_a_driver_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "TIMEOUT", 0.2)
    with pytest.raises(ServingError, match="gave no answer"):
        detect(put_tool(tmp_path, "exec sleep 5"))


def test_a_tool_that_cannot_be_run(tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_bytes(b"\x7fELF nothing")
    tool.chmod(0o755)
    with pytest.raises(ServingError, match="cannot be run"):
        detect(str(tool))


@pytest.mark.parametrize("text", ["", "\n", "No devices were found\n"])
def test_no_gpu_in_the_list(text: str) -> None:
    with pytest.raises(ServingError, match="lists no GPU"):
        parse(text)


@pytest.mark.parametrize(
    "line",
    [
        "garbage",
        "0, Tesla P100, six, 16280, 570.86.15, [N/A]",
        "0, Tesla P100, 6.0, lots, 570.86.15, [N/A]",
        "0, Tesla P100, 6.0, 12, 570.86.15, [N/A]",
        "0, Tesla P100, 6.0, 16280, 570.86.15",
        "0, Tesla P100, [N/A], 16280, 570.86.15, [N/A]",
        "\x1b[31m0, Tesla",
    ],
)
def test_garbage_is_refused(line: str) -> None:
    with pytest.raises(ServingError, match="something else than a GPU") as caught:
        parse(line)
    assert "\x1b" not in caught.value.what


def test_gpus_that_differ_are_refused() -> None:
    with pytest.raises(ServingError, match=r"differ: Tesla P100.*; NVIDIA A100") as caught:
        parse(f"{P100}\n{A100}\n")
    assert "--gpu-memory" in caught.value.hint


def test_a_gpu_cut_into_slices_must_be_described() -> None:
    with pytest.raises(ServingError, match="is cut into MIG slices"):
        parse("0, NVIDIA H100 PCIe, 9.0, 81559, 580.105.08, Enabled")


def test_an_odd_driver_version_is_none() -> None:
    assert parse("0, NVIDIA A100, 8.0, 81920, [N/A], Disabled").driver == 0


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UsageError, match="No GPU is called 'b200'"):
        find_gpu("b200")
