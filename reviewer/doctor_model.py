"""The doctor's look at the model: what an endpoint says of itself, or what the embedded model needs on this machine."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from reviewer.cpu import choose_threads, count_cores
from reviewer.doctor import Check, failed
from reviewer.endpoint import Endpoint, Probe
from reviewer.errors import GlossatorError, ModelError, ModelFileError
from reviewer.locate import PIECE_TOKENS
from reviewer.model_catalogue import CATALOGUE, DEFAULT_MODEL, CatalogueModel
from reviewer.model_files import Silence, check_given_file, find_stored, models_dir
from reviewer.prompt import MAX_TOKENS
from reviewer.settings import CommandInputs, Settings, parse_command_inputs

BACKOFF = 0.1
"""Seconds before the first of some tries again."""
PATIENCE = 30.0
"""Seconds for one endpoint: `doctor` is quicker to give up than a review."""
INSTALL = "Install it with: pip install 'glossator[local]'. Or give an endpoint in GLOSSATOR_ENDPOINT_URL."
IMPORT_SECONDS = 60


def examine_endpoint(inputs: Mapping[str, object], settings: Settings) -> Iterator[Check]:
    """The endpoint and the fallback, each asked for itself."""
    try:
        given = parse_command_inputs(inputs)
    except GlossatorError as error:
        yield failed("endpoint", error)
        return
    for name, url in (("endpoint", given.endpoint_url), ("fallback", given.fallback_url)):
        if url:
            yield from examine_address(name, url, given, settings)


def examine_address(name: str, url: str, given: CommandInputs, settings: Settings) -> Iterator[Check]:
    """What one server says and does."""
    try:
        probe = asyncio.run(probe_address(url, given, min(settings.timeout, PATIENCE)))
    except GlossatorError as error:
        yield failed(name, error)
        return
    yield Check(name, "ok", f"{probe.flavour}, model {probe.model}; it answered in {probe.seconds:.1f} s")
    if len(probe.models) > 1:
        yield Check(name, "ok", f"it lists {', '.join(probe.models[:10])}")
    yield judge_structure(name, probe)
    if warning := judge_limits(name, probe, settings):
        yield warning
    for text in probe.warnings:
        yield Check(name, "warn", text, "Check `model` and the address.")


async def probe_address(url: str, given: CommandInputs, timeout: float) -> Probe:  # noqa: ASYNC109 - for each request
    """Ask one server who it is."""
    async with Endpoint(url, given.endpoint_token, given.model, timeout=timeout, backoff=BACKOFF) as endpoint:
        return await endpoint.probe()


def judge_structure(name: str, probe: Probe) -> Check:
    """Whether the server holds its model to the form of answer that is asked for."""
    if probe.structured == "enforced":
        return Check(name, "ok", "answers are constrained to the schema")
    how = {"ignored": "takes a JSON schema for its answers and ignores it", "refused": "refuses JSON schemas"}
    hint = "Reviews work, with more unusable answers. Turn structured output (grammars) on in the server."
    return Check(name, "warn", f"The server {how[probe.structured]}.", hint)


def judge_limits(name: str, probe: Probe, settings: Settings) -> Check | None:
    """Whether the longest prompt and its answer fit the server, as far as it tells its limits."""
    prompt = settings.context_tokens + PIECE_TOKENS
    for limit, needed in ((probe.max_input_tokens, prompt), (probe.max_total_tokens, prompt + MAX_TOKENS)):
        if limit and limit < needed:
            what = f"The server takes {limit:,} tokens; a prompt with all guidelines may have {needed:,}."
            return Check(name, "warn", what, "Lower context-tokens, or let the server take more.")
    return None


def examine_local_model(inputs: Mapping[str, object]) -> Iterator[Check]:
    """The package, the file, and the machine."""
    yield check_package()
    name = str(inputs.get("model") or DEFAULT_MODEL)
    try:
        yield check_file(name)
    except ModelFileError as error:
        yield failed("model", error)
    threads, cores = choose_threads(), count_cores()
    slow = "" if cores > 1 else "One core is slow; a smaller model or an endpoint is quicker."
    yield Check("machine", "ok", f"{threads} of {cores} cores for the model", slow)


def check_package() -> Check:
    """Whether llama.cpp runs here. Asked of another process, which it might take down on an old processor."""
    code = "import importlib.metadata as m, xllamacpp; print(m.version('xllamacpp'))"
    try:
        done = subprocess.run(  # noqa: S603 - this very Python and a fixed text
            [sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=IMPORT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Check("llama.cpp", "warn", "xllamacpp takes long to load here.", "Use an endpoint.")
    if done.returncode == 0:
        return Check("llama.cpp", "ok", f"xllamacpp {done.stdout.strip()}")
    lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
    what = "is not installed" if "No module named 'xllamacpp'" in lines[-1] else f"does not run here: {lines[-1]}"
    return Check("llama.cpp", "fail", f"The package xllamacpp {what}.", INSTALL, ModelError.exit_code)


def check_file(name: str) -> Check:
    """The model's file: here, or to be downloaded and with room for it.

    Raises:
        ModelFileError: It cannot be had.
    """
    model = CATALOGUE.get(name)
    if model is None:
        path = check_given_file(Path(name), Silence())
        return Check("model", "ok", f"{path.name}, {path.stat().st_size / 1e6:,.0f} MB")
    reasons: list[str] = []
    size = f"{model.size / 1e6:,.0f} MB"
    if stored := find_stored(model, Silence(), reasons):
        return Check("model", "ok", f"{model.title}, {size}, checked, in {stored.parent}")
    room = check_room(model)
    wrong = "".join(f"\nNot used: {reason}" for reason in reasons)
    what = f"{model.title} is not here yet. The first review downloads it: {size}.{wrong}"
    return room or Check("model", "warn" if reasons else "ok", what)


def check_room(model: CatalogueModel) -> Check | None:
    """A failure when there is no room for the model or no way to store it."""
    folder = models_dir()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        what = f"{model.title} is not here, and {folder} cannot be written."
    elif free < model.size:
        what = f"{model.title} needs {model.size / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free in {folder}."
    else:
        return None
    hint = "Set XDG_CACHE_HOME to a folder with room, or give a smaller model."
    return Check("model", "fail", what, hint, ModelFileError.exit_code)
