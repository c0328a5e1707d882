"""The models that the recipes size: their architecture, as their `config.json` has it, and their tensors.

Figures are from the published `config.json` of each repository named. Only shapes matter here; nothing is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reviewer.errors import UsageError


@dataclass(frozen=True, slots=True)
class Model:
    """A decoder with grouped attention and a gated feed-forward part. `context` is in tokens."""

    name: str
    repo: str
    layers: int
    hidden: int
    feed_forward: int
    heads: int
    kv_heads: int
    vocabulary: int
    context: int
    tied: bool
    """Whether the embedding is the output matrix too. GGUF files hold it twice all the same."""
    biased: bool
    """Whether the query, key and value projections have biases."""
    awq_repo: str = ""
    gguf_repo: str = ""

    @property
    def kv_width(self) -> int:
        """Numbers in the keys of one token in one layer."""
        return self.hidden // self.heads * self.kv_heads

    @property
    def parameters(self) -> int:
        """Weights, the output matrix counted once more unless it is tied."""
        return sum(tensor.rows * tensor.columns for tensor in list_tensors(self, tied=self.tied))


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a model. `kind` is `linear`, `embedding`, `output` or `plain`; `layer` counts from 0."""

    name: str
    kind: str
    rows: int
    columns: int
    layer: int = 0


def list_tensors(model: Model, *, tied: bool) -> Iterator[Tensor]:
    """The tensors of a model. `tied` leaves out the output matrix."""
    hidden, width, wide = model.hidden, model.kv_width, model.feed_forward
    yield Tensor("token_embd", "embedding", model.vocabulary, hidden)
    yield Tensor("output_norm", "plain", hidden, 1)
    if not tied:
        yield Tensor("output", "output", model.vocabulary, hidden)
    shapes = {
        "attn_q": (hidden, hidden),
        "attn_k": (width, hidden),
        "attn_v": (width, hidden),
        "attn_output": (hidden, hidden),
        "ffn_gate": (wide, hidden),
        "ffn_up": (wide, hidden),
        "ffn_down": (hidden, wide),
    }
    biases = {"attn_q": hidden, "attn_k": width, "attn_v": width} if model.biased else {}
    plain = {"attn_norm": hidden, "ffn_norm": hidden, **{f"{name}.bias": size for name, size in biases.items()}}
    for layer in range(model.layers):
        yield from (Tensor(name, "linear", rows, columns, layer) for name, (rows, columns) in shapes.items())
        yield from (Tensor(name, "plain", size, 1, layer) for name, size in plain.items())


def _qwen(size: str, layers: int, hidden: int, feed_forward: int, heads: int, kv_heads: int, **more: object) -> Model:
    repo = f"Qwen/Qwen2.5-Coder-{size}-Instruct"
    tied = bool(more.get("tied"))
    vocabulary = 151_936 if tied else 152_064
    return Model(
        name=f"qwen2.5-coder-{size.lower()}",
        repo=repo,
        layers=layers,
        hidden=hidden,
        feed_forward=feed_forward,
        heads=heads,
        kv_heads=kv_heads,
        vocabulary=vocabulary,
        context=32_768,
        tied=tied,
        biased=True,
        awq_repo=f"{repo}-AWQ",
        gguf_repo=f"{repo}-GGUF",
    )


MODELS: Final[dict[str, Model]] = {
    model.name: model
    for model in (
        _qwen("0.5B", 24, 896, 4_864, 14, 2, tied=True),
        _qwen("1.5B", 28, 1_536, 8_960, 12, 2, tied=True),
        _qwen("7B", 28, 3_584, 18_944, 28, 4),
        _qwen("14B", 48, 5_120, 13_824, 40, 8),
        Model(
            name="codellama-13b",
            repo="codellama/CodeLlama-13b-Instruct-hf",
            layers=40,
            hidden=5_120,
            feed_forward=13_824,
            heads=40,
            kv_heads=40,
            vocabulary=32_016,
            context=16_384,
            tied=False,
            biased=False,
        ),
    )
}
DEFAULT_MODEL: Final = "qwen2.5-coder-7b"


def find_model(name: str) -> Model:
    """The model of that name, or of that repository on the Hugging Face Hub.

    Raises:
        UsageError: There is none.
    """
    repos = {model.repo.lower(): model for model in MODELS.values()}
    try:
        return (repos | MODELS)[name.lower()]
    except KeyError:
        hint = f"Known are {', '.join(MODELS)}. Another is added in runners/serving/models.py."
        raise UsageError(f"No model is called {name!r}.", hint) from None
