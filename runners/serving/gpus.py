"""GPUs by name, and what `nvidia-smi` says of those in this machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from reviewer.errors import UsageError
from runners.errors import ServingError

Maker = Literal["nvidia", "amd", "none"]

QUERY: Final = ("index", "name", "compute_cap", "memory.total", "driver_version", "mig.mode.current")
TIMEOUT: Final = 30
"""Seconds. The driver may have to be loaded first."""
LEAST_MEMORY: Final = 1_024
"""MiB. Nothing below it is a GPU that anything could be served on."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU, or several alike. `capability` is (0, 0) where the maker has none; `memory` is of one, in MiB."""

    name: str
    maker: Maker
    capability: tuple[int, int]
    memory: int
    count: int = 1
    driver: int = 0
    """The driver's major version, 0 where it is not known."""

    @property
    def shown(self) -> str:
        """As in `2 x Tesla P100-PCIE-16GB (sm_60, 16,276 MiB)`."""
        several = f"{self.count} x " if self.count > 1 else ""
        kind = f"sm_{self.capability[0]}{self.capability[1]}, " if self.maker == "nvidia" else ""
        return f"{several}{self.name} ({kind}{self.memory:,} MiB)" if self.maker != "none" else self.name


def _nvidia(name: str, capability: tuple[int, int], memory: int, count: int = 1) -> Gpu:
    return Gpu(name, "nvidia", capability, memory, count)


NO_GPU: Final = Gpu("no GPU", "none", (0, 0), 0)
GPUS: Final[dict[str, Gpu]] = {
    "k80": _nvidia("Tesla K80", (3, 7), 11_441, 2),
    "m40": _nvidia("Tesla M40", (5, 2), 22_945, 2),
    "p100": _nvidia("Tesla P100-PCIE-16GB", (6, 0), 16_276, 2),
    "v100": _nvidia("Tesla V100-SXM2-32GB", (7, 0), 32_768),
    "t4": _nvidia("Tesla T4", (7, 5), 15_360),
    "rtx6000": _nvidia("Quadro RTX 6000", (7, 5), 24_576),
    "a100-40": _nvidia("NVIDIA A100-PCIE-40GB", (8, 0), 40_960),
    "a100-80": _nvidia("NVIDIA A100 80GB PCIe", (8, 0), 81_920),
    "h100": _nvidia("NVIDIA H100 PCIe", (9, 0), 81_559),
    "h100-12": _nvidia("NVIDIA H100 MIG 1g.12gb", (9, 0), 11_008),
    "mi100": Gpu("AMD Instinct MI100", "amd", (0, 0), 32_752),
    "none": NO_GPU,
}
"""Those of Chameleon and a few others. Memory is about what the driver shows; `--gpu-memory` sets it exactly."""


def find_gpu(name: str) -> Gpu:
    """The GPU of that name.

    Raises:
        UsageError: There is none.
    """
    try:
        return GPUS[name.lower()]
    except KeyError:
        hint = f"Known are {', '.join(GPUS)}. Others: --compute-capability and --gpu-memory."
        raise UsageError(f"No GPU is called {name!r}.", hint) from None


def detect(tool: str = "nvidia-smi", kfd: Path = Path("/dev/kfd")) -> Gpu:
    """The GPU of this machine.

    Raises:
        ServingError: There is no GPU, no driver, or several that differ.
    """
    found = shutil.which(tool)
    if found is None:
        if kfd.exists():
            raise ServingError("An AMD GPU is here, and nothing says which.", "Name it: --gpu mi100")
        hint = "Install the driver, or a GPU image such as CC-Ubuntu24.04-CUDA. Without a GPU: --gpu none"
        raise ServingError("nvidia-smi was not found: no NVIDIA driver, or no GPU.", hint)
    command = [found, f"--query-gpu={','.join(QUERY)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)  # noqa: S603 - found on the PATH
    except subprocess.TimeoutExpired:
        hint = "The driver hangs. Look into `dmesg`, and restart the machine."
        raise ServingError(f"nvidia-smi gave no answer in {TIMEOUT} s.", hint) from None
    except OSError as error:
        raise ServingError(f"nvidia-smi cannot be run: {error.strerror}.", "Install the driver anew.") from None
    out, err = (text.decode("utf-8", "replace").strip() for text in (done.stdout, done.stderr))
    if done.returncode:
        said = (out or err or f"exit code {done.returncode}").splitlines()[0]
        hint = "The driver is not loaded, or does not fit the kernel. Install it anew, and restart the machine."
        raise ServingError(f"nvidia-smi failed: {said}", hint)
    return parse(out)


def parse(text: str) -> Gpu:
    """The GPUs that `nvidia-smi` lists, which must be alike.

    Raises:
        ServingError: It lists none, several kinds, or something that cannot be read.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or "no devices" in text.lower():
        raise ServingError("nvidia-smi lists no GPU.", "Is it a GPU machine? Without a GPU: --gpu none")
    gpus = [parse_line(line) for line in lines]
    kinds = {(gpu.name, gpu.capability, gpu.memory) for gpu in gpus}
    if len(kinds) > 1:
        shown = "; ".join(dict.fromkeys(gpu.shown for gpu in gpus))
        hint = "Name the one to serve on: --compute-capability and --gpu-memory."
        raise ServingError(f"The GPUs of this machine differ: {shown}.", hint)
    first = gpus[0]
    return Gpu(first.name, first.maker, first.capability, first.memory, len(gpus), first.driver)


def parse_line(line: str) -> Gpu:
    """One line, as in `0, Tesla P100-PCIE-16GB, 6.0, 16276, 570.86.15, [N/A]`.

    Raises:
        ServingError: It is none such, or the GPU is cut into slices.
    """
    fields = [field.strip() for field in line.split(",")]
    numbers = re.fullmatch(r"(\d+)\.(\d+)", fields[2]) if len(fields) == len(QUERY) else None
    if numbers is None or not fields[3].isdigit() or int(fields[3]) < LEAST_MEMORY:
        hint = "Is the driver older than R510? Else say it yourself: --compute-capability and --gpu-memory."
        raise ServingError(f"nvidia-smi answered something else than a GPU: {line[:200]!r}.", hint)
    if fields[5].lower() == "enabled":
        hint = "Give the capability and the memory of the slice: --compute-capability 9.0 --gpu-memory 11008"
        raise ServingError(f"{fields[1]} is cut into MIG slices, and the memory shown is the whole GPU's.", hint)
    driver = re.match(r"\d+", fields[4])
    return Gpu(
        name=fields[1],
        maker="nvidia",
        capability=(int(numbers[1]), int(numbers[2])),
        memory=int(fields[3]),
        driver=int(driver[0]) if driver else 0,
    )
