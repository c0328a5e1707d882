"""Models and adapters are fetched from a stand-in of the Hub and from files, checked, and not fetched twice."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reviewer.errors import UsageError
from runners.errors import ServingError
from runners.serving.sources import FileSource, HubSource, parse_source
from runners.serving.store import bring

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = {"model.safetensors": b"weights" * 5_000, "base-q4_k_m.gguf": b"GGUF" * 9_000}
SMALL = {"config.json": b"{}", "tokenizer.json": b"[]", "modeling.py": b"import os", "README.md": b"hello"}


class Hub:
    """A stand-in of the Hub with one repository. `cut` closes the first answers to a large file after so many bytes."""

    def __init__(self) -> None:
        self.files = LARGE | SMALL
        self.asked: list[tuple[str, str, str]] = []
        self.cut = 0
        self.token = ""
        self.change: dict[str, Any] = {}

    def describe(self) -> dict[str, Any]:
        siblings: list[dict[str, Any]] = []
        for name, content in self.files.items():
            git = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
            large = {"lfs": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}}
            siblings.append(
                {"rfilename": name, "size": len(content), "blobId": git, **(large if name in LARGE else {})}
            )
        return {"sha": COMMIT, "siblings": siblings} | self.change


@contextmanager
def serve(hub: Hub) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, query = urlsplit(self.path)[2:4]
            hub.asked.append((path, self.headers.get("Range", ""), self.headers.get("Authorization", "")))
            if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
                self.answer(401, b"")
            elif path.startswith("/api/models/octo/model/revision/"):
                assert parse_qs(query)["blobs"] == ["true"]
                self.answer(200, json.dumps(hub.describe()).encode())
            elif path.startswith(f"/octo/model/resolve/{COMMIT}/") and (name := path.split("/", 5)[5]) in hub.files:
                self.send_file(hub.files[name])
            else:
                self.answer(404, b"")

        def send_file(self, content: bytes) -> None:
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if "Range" in self.headers else 0
            rest = content[start:]
            if hub.cut and len(rest) > hub.cut:
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(rest)))
                self.end_headers()
                self.wfile.write(rest[: hub.cut])
                self.close_connection = True
            else:
                self.answer(206 if start else 200, rest)

        def answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    stand_in = Hub()
    with serve(stand_in) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        for name in ("HF_TOKEN", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
            monkeypatch.delenv(name, raising=False)
        yield stand_in


def fetch(source: str, into: Path) -> str:
    return bring(source, into, lambda _: None)


def pack(folder: Path, files: dict[str, bytes], name: str = "adapter.tar.gz", *extra: tarfile.TarInfo) -> str:
    """A source that is an archive with these files."""
    path = folder / name
    with tarfile.open(path, "w:gz") as packed:
        for each, content in files.items():
            info = tarfile.TarInfo(each)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
        for info in extra:
            packed.addfile(info)
    return name_file(path)


def name_file(path: Path) -> str:
    return f"{path.as_uri()}#sha256={hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_what_a_server_reads_of_a_repository(hub: Hub, tmp_path: Path) -> None:
    path = fetch("hf:octo/model@main", tmp_path)
    assert path == f"hf/octo--model/{COMMIT}"
    stored = {file.name for file in (tmp_path / path).iterdir() if not file.name.startswith(".")}
    assert stored == {"model.safetensors", "config.json", "tokenizer.json"}, "no Python, no GGUF, no page"
    assert (tmp_path / path / "model.safetensors").read_bytes() == LARGE["model.safetensors"]
    assert (tmp_path / path / "model.safetensors").stat().st_mode & 0o777 == 0o644


def test_nothing_is_fetched_twice_and_a_commit_is_not_even_asked_for(hub: Hub, tmp_path: Path) -> None:
    path = fetch("hf:octo/model@main", tmp_path)
    hub.asked.clear()
    assert fetch("hf:octo/model@main", tmp_path) == path
    assert [asked[0] for asked in hub.asked] == ["/api/models/octo/model/revision/main"]
    hub.asked.clear()
    assert fetch(f"hf:octo/model@{COMMIT}", tmp_path) == path
    assert hub.asked == []


def test_a_file_that_is_gone_is_fetched_again_alone(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / fetch("hf:octo/model@main", tmp_path)
    (path / "config.json").unlink()
    hub.asked.clear()
    fetch("hf:octo/model@main", tmp_path)
    assert [asked[0].rsplit("/", 1)[1] for asked in hub.asked] == ["main", "config.json"]


def test_one_gguf_file_by_its_pattern(hub: Hub, tmp_path: Path) -> None:
    assert fetch("hf:octo/model@main:*Q4_K_M*.gguf", tmp_path) == f"hf/octo--model/{COMMIT}/base-q4_k_m.gguf"
    assert not (tmp_path / f"hf/octo--model/{COMMIT}/config.json").exists()
    assert fetch(f"hf:octo/model@{COMMIT}", tmp_path) == f"hf/octo--model/{COMMIT}", (
        "which the pattern does not stand for"
    )


def test_parts_of_a_gguf_file_where_there_is_no_whole_one(hub: Hub, tmp_path: Path) -> None:
    hub.files = {f"m-q8_0-0000{part}-of-00002.gguf": b"part" for part in (1, 2)}
    assert fetch("hf:octo/model@main:*q8_0*.gguf", tmp_path / "parts").endswith("/m-q8_0-00001-of-00002.gguf")
    assert len(list((tmp_path / "parts").rglob("*.gguf"))) == 2
    hub.files |= {"m-q8_0.gguf": b"whole"}
    assert fetch("hf:octo/model@main:*q8_0*.gguf", tmp_path / "again").endswith("/m-q8_0.gguf")
    assert len(list((tmp_path / "again").rglob("*.gguf"))) == 1


def test_a_cut_download_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.cut = 20_000
    path = tmp_path / fetch("hf:octo/model@main", tmp_path)
    assert (path / "model.safetensors").read_bytes() == LARGE["model.safetensors"]
    ranges = [asked[1] for asked in hub.asked if asked[0].endswith("model.safetensors")]
    assert ranges == ["", "bytes=20000-"]


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_that_is_not_what_its_digest_says_is_not_kept(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.change = {"siblings": hub.describe()["siblings"]}
    hub.files[name] = hub.files[name][::-1]
    with pytest.raises(ServingError, match=f"{name} is not what its digest says") as caught:
        fetch("hf:octo/model@main", tmp_path)
    assert "not kept" in caught.value.hint
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(name)]


def test_a_token_is_shown_to_the_hub(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.token = "secret-token"
    with pytest.raises(ServingError, match=r"The Hub answers 401 for octo/model@main") as caught:
        fetch("hf:octo/model@main", tmp_path)
    assert "HF_TOKEN" in caught.value.hint
    monkeypatch.setenv("HF_TOKEN", "secret-token")
    assert fetch("hf:octo/model@main", tmp_path)


def test_a_login_is_shown_to_mlflow_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = LARGE["base-q4_k_m.gguf"]
    source = f"/octo/model/resolve/{COMMIT}/base-q4_k_m.gguf#sha256={hashlib.sha256(content).hexdigest()}"
    mlflow, other = Hub(), Hub()
    with serve(mlflow) as tracking, serve(other) as elsewhere:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking)
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret-password")
        monkeypatch.setenv("HF_TOKEN", "secret-token")
        monkeypatch.delenv("HF_ENDPOINT", raising=False)
        assert fetch(tracking + source, tmp_path / "a").endswith("/base-q4_k_m.gguf")
        assert fetch(elsewhere + source, tmp_path / "b")
    assert mlflow.asked[0][2].startswith("Basic ")
    assert other.asked[0][2] == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha": "main"}, "names no commit"),
        ({"siblings": [{"rfilename": "model.safetensors"}]}, "no digests"),
        ({"siblings": [{"rfilename": "../../etc/passwd", "size": 1, "blobId": "a"}]}, "names a file"),
        ({"siblings": [{"rfilename": "README.md", "size": 1, "blobId": "a"}]}, "no file that a server reads"),
        ({"siblings": None}, "did not answer"),
        ({"siblings": [{"rfilename": "model.safetensors", "size": 10**18, "blobId": "a"}]}, "do not fit"),
    ],
)
def test_an_odd_answer_of_the_hub_is_refused(hub: Hub, tmp_path: Path, change: dict[str, Any], words: str) -> None:
    hub.change = change
    with pytest.raises(ServingError, match=words):
        fetch("hf:octo/model@main", tmp_path)


def test_a_hub_that_is_not_there(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServingError, match="The Hub answers 404 for octo/other@main"):
        fetch("hf:octo/other@main", tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ServingError, match="did not answer for octo/model: ConnectError"):
        fetch("hf:octo/model@main", tmp_path)


def test_an_adapter_out_of_an_archive(tmp_path: Path) -> None:
    files = {
        "run/adapter_config.json": b"{}",
        "run/adapter_model.safetensors": b"weights",
        "run/optimizer.pt": b"a pickle",
        "other.json": b"{}",
    }
    path = tmp_path / "models" / fetch(source := pack(tmp_path, files), tmp_path / "models")
    stored = {file.name for file in path.iterdir() if not file.name.startswith(".")}
    assert stored == {"adapter_config.json", "adapter_model.safetensors"}, "no pickle, no archive"
    (tmp_path / "adapter.tar.gz").unlink()
    assert fetch(source, tmp_path / "models"), "it is there already"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("../adapter_config.json", tarfile.REGTYPE), ("/etc/x", tarfile.REGTYPE), ("link", tarfile.SYMTYPE)],
)
def test_an_archive_that_would_write_elsewhere_is_refused(tmp_path: Path, name: str, kind: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    adapter = {"adapter_config.json": b"{}", "adapter_model.safetensors": b""}
    with pytest.raises(ServingError, match="no plain file"):
        fetch(pack(tmp_path, adapter, "a.tar.gz", info), tmp_path / "models")


def test_an_archive_without_an_adapter_or_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match="holds no adapter"):
        fetch(pack(tmp_path, {"adapter_config.json": b"{}", "adapter_model.bin": b"a pickle"}), tmp_path / "models")
    for content in (b"nothing", b"\x1f\x8b\x08\x00 cut"):
        (tmp_path / "bad.tar.gz").write_bytes(content)
        with pytest.raises(ServingError, match=r"bad\.tar\.gz is no tar archive"):
            fetch(name_file(tmp_path / "bad.tar.gz"), tmp_path / "models")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=r"x\.gguf cannot be copied: No such file"):
        fetch(f"file:///nowhere/x.gguf#sha256={'0' * 64}", tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file", encoding="utf-8")
    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    with pytest.raises(ServingError, match="cannot be stored"):
        fetch(name_file(tmp_path / "x.gguf"), tmp_path / "models")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Qwen/Qwen2.5-Coder-7B-Instruct", "is no source"),
        ("hf:Qwen/Qwen2.5-Coder-7B-Instruct", "is no source"),
        ("ftp://host/x.gguf#sha256=" + "0" * 64, "is no source"),
        ("https://host/x.gguf", "has no SHA-256"),
        ("https://host/x.gguf#sha256=abc", "has no SHA-256"),
        ("https://host/x.zip#sha256=" + "0" * 64, "neither a GGUF file nor a tar archive"),
    ],
)
def test_what_is_no_source_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_source(text)


def test_sources() -> None:
    assert parse_source("hf:Qwen/Qwen2.5-Coder-7B-Instruct-GGUF@main:*q8_0*.gguf") == HubSource(
        "Qwen/Qwen2.5-Coder-7B-Instruct-GGUF", "main", "*q8_0*.gguf"
    )
    found = parse_source("https://host/path/a.tar.gz?X-Signature=abc#sha256=" + "A" * 64)
    assert found == FileSource("https://host/path/a.tar.gz?X-Signature=abc", "a.tar.gz", "a" * 64)
