"""The embedded model: a GGUF file that llama.cpp (xllamacpp) runs in this process.

The shared prefix of a pull request's prompts is worked out once and used for all of its hunks, in a way that gives the
same answer in any order of the hunks: see docs/adr/0003-embedded-model.md.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from reviewer.cpu import choose_threads
from reviewer.domain import EMBEDDED, ModelVersion
from reviewer.errors import ModelError, ModelFileError, ModelRefused, ModelUnavailable
from reviewer.model_catalogue import CATALOGUE
from reviewer.model_files import Silence, get_sha256
from reviewer.prompt import PROMPT_VERSION, Prompt, Reply

CONTEXT = 8192
"""Tokens for a prompt and its answer. A hunk, its guidelines and the answer take less than half of it."""
BATCH = 512
"""Tokens that are read between two looks at the clock: some 15 s on one slow core."""


class LocalModel:
    """A GGUF model in this process. One request at a time: a second one waits for the first.

    Args:
        path: Of the GGUF file, as `find_model` gives it.
        timeout: Seconds for one answer, counted from when it is begun. Longer than for a server: one core reads
            a prompt of 3,000 tokens for more than a minute.
        context: Tokens that a prompt and its answer may take together.
        threads: None for one less than there are cores.

    Raises:
        ModelError: xllamacpp is not installed or does not run here.
        ModelFileError: The file is no model that it can load.
    """

    def __init__(self, path: Path, timeout: float = 600.0, context: int = CONTEXT, threads: int | None = None) -> None:
        self._path = path
        self._timeout = timeout
        self._server = load_server(path, context, threads or choose_threads())
        self._prefix = ""
        self._shares_prefix = True
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="model")

    @property
    def version(self) -> ModelVersion:
        """The model's title if the catalogue knows the bytes, else the file's name; and the start of its SHA-256."""
        sha256 = get_sha256(self._path, Silence())
        title = next((model.title for model in CATALOGUE.values() if model.sha256 == sha256), self._path.stem)
        return ModelVersion(title, sha256[:12], EMBEDDED, prompt_version=PROMPT_VERSION)

    async def complete(self, prompt: Prompt) -> Reply:
        """Answer one prompt. Stops working when it is cancelled.

        Raises:
            ModelRefused: The prompt is too long.
            ModelUnavailable: There was no whole answer in time.
        """
        cancelled = threading.Event()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._answer, prompt, cancelled)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def _answer(self, prompt: Prompt, cancelled: threading.Event) -> Reply:
        deadline = time.monotonic() + self._timeout
        answer = Answer(deadline, cancelled)
        request = {
            "messages": prompt.messages,
            "max_tokens": prompt.max_tokens,
            "response_format": {"type": "json_schema", "json_schema": {"name": "review", "schema": prompt.schema}},
        }
        if self._shares_prefix:
            self._shares_prefix = self._read_prefix(prompt, Answer(deadline, cancelled))
        self._ask(request | {"cache_prompt": self._shares_prefix}, answer)
        if answer.error:
            raise explain_error(answer.error)
        if not answer.finish_reason:
            raise ModelUnavailable(
                f"The embedded model gave no whole answer in {self._timeout:.0f} s.",
                "Give it more time, a smaller model, or use an endpoint on a GPU.",
            )
        return answer.reply

    def _read_prefix(self, prompt: Prompt, answer: Answer) -> bool:
        """Bring the model to the end of the shared prefix, and say whether that worked.

        After this the model holds the prefix, read in one go, and nothing of an earlier hunk or pull request. A chat
        template that takes no system message alone makes it fail; then each prompt is read from its start.
        """
        is_known, self._prefix = prompt.prefix == self._prefix, ""
        self._ask({"messages": prompt.messages[:1], "max_tokens": 1, "cache_prompt": is_known}, answer)
        if answer.finish_reason:
            self._prefix = prompt.prefix
        return not answer.error

    def _ask(self, request: dict[str, Any], answer: Answer) -> None:
        options = {
            "temperature": 0,
            "stream": True,
            "return_progress": True,
            "stream_options": {"include_usage": True},
        }
        if answer.is_over():
            return
        try:
            failure = self._server.handle_chat_completions(request | options, answer.take)
        except (RuntimeError, ValueError) as error:
            failure = {"error": {"message": str(error), "code": 400}}
        if failure:
            answer.error = failure["error"]


class Answer:
    """Collects the pieces of an answer as they come, and says when to stop."""

    def __init__(self, deadline: float, cancelled: threading.Event) -> None:
        self._deadline = deadline
        self._cancelled = cancelled
        self._pieces: list[str] = []
        self._usage: dict[str, Any] = {}
        self.finish_reason = ""
        self.error: dict[str, Any] = {}

    def is_over(self) -> bool:
        """Nobody waits for the answer any more."""
        return self._cancelled.is_set() or time.monotonic() > self._deadline

    def take(self, chunk: dict[str, Any]) -> bool:
        """Take one piece. Return whether the model shall stop."""
        self.error = chunk.get("error") or self.error
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk.get("choices", []):
            self._pieces.append(choice["delta"].get("content") or "")
            self.finish_reason = choice["finish_reason"] or self.finish_reason
        return not self.finish_reason and self.is_over()

    @property
    def reply(self) -> Reply:
        """The whole answer."""
        return Reply(
            text="".join(self._pieces),
            cut=self.finish_reason == "length",
            prompt_tokens=self._usage.get("prompt_tokens"),
            cached_tokens=self._usage.get("prompt_tokens_details", {}).get("cached_tokens"),
            completion_tokens=self._usage.get("completion_tokens"),
        )


def load_server(path: Path, context: int, threads: int) -> Any:
    """Load the model into llama.cpp's server.

    The library always opens a port on the loopback device. A key that nobody knows keeps other local users out.
    """
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "passive"
    )  # Read at import: busy waiting is 20 times slower on a full CPU.
    try:
        import xllamacpp
    except ImportError as error:
        what = "is not installed" if isinstance(error, ModuleNotFoundError) else f"does not run here: {error}"
        hint = "Install it with: pip install 'glossator[local]'. Or give the address of an endpoint."
        raise ModelError(f"The embedded model needs the package xllamacpp, which {what}.", hint) from None
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = context
    params.n_batch = BATCH
    params.n_parallel = 1
    params.cache_ram_mib = 0  # Of prompts of earlier hunks: they would change later answers.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.verbosity = -1
    params.port = 0
    params.api_keys = [secrets.token_hex(32)]
    params.endpoint_slots = False
    try:
        return xllamacpp.Server(params)
    except RuntimeError:
        raise ModelFileError(
            f"The model file {path} cannot be loaded.",
            "It may be cut short, of a kind that this llama.cpp does not know, or need more memory than is free. "
            "Try another one, or a newer xllamacpp.",
        ) from None


def explain_error(error: dict[str, Any]) -> ModelError:
    """The server's error object as one of ours."""
    if error.get("type") == "exceed_context_size_error":
        return ModelRefused(
            f"The prompt has {error.get('n_prompt_tokens')} tokens, and the embedded model takes {error.get('n_ctx')}.",
            "Lower context-tokens, so that less of the guidelines goes in.",
        )
    what = f"The embedded model failed: {error.get('message', 'no reason given')}"
    if int(error.get("code", 0)) >= 500:  # noqa: PLR2004 - HTTP's server errors
        return ModelUnavailable(what, "Try again, or another model.")
    return ModelRefused(what, "Try another model.")
