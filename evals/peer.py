"""A peer as a candidate: another reviewer, run in an environment of its own by its driver in `evals.peers`.

It reviews the same pull requests with the same model, and what it would post is scored by the same code. The driver is
a process that is handed one pull request after another; see `evals.peers.pr_agent_driver` for what they say.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import shutil
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Final, Self

import msgspec

from evals.diff_text import render_diff
from evals.errors import EvalError
from evals.held_out import HeldOut
from evals.predictions import Count, Predicted, Prediction, Run
from evals.same_run import name_server
from reviewer import __version__
from reviewer.domain import DropReason, ModelVersion
from reviewer.errors import ModelUnavailable, UsageError

PEERS: Final = Path(__file__).parent / "peers"
DRIVER: Final = PEERS / "pr_agent_driver.py"
REQUIREMENTS: Final = PEERS / "pr-agent.txt"
NAME: Final = "pr-agent"
CONTEXT_TOKENS: Final = 8192
LONGEST_LINE: Final = 64 * 2**20
PATIENCE: Final = 120.0
"""Seconds for the driver to load its libraries."""
GRACE: Final = 5.0
"""Seconds for the driver to end when it has nothing more to do."""
TOP_SCORE: Final = 10.0
"""Of its suggestions; the lowest is 0."""
_OWN_FAULTS: Final = ("BadRequestError", "ContextWindowExceededError", "UnprocessableEntityError", "ContentPolicy")
"""The model's server read the request and refused it: that is how this reviewer is."""
_ADDRESS: Final = re.compile(r"https?://[^\s'\"]+")


@dataclass(frozen=True, slots=True)
class PeerModel:
    """The model that a peer asks. `timeout` is in seconds, for one answer."""

    url: str
    model: str
    token: str = field(default="", repr=False)
    context_tokens: int = CONTEXT_TOKENS
    timeout: float = 120.0


class Peer:
    """A running driver; an asynchronous context manager.

    Args:
        python: The interpreter of its environment.
        model: What it asks.
        log: File for what it says on standard error.
        driver: The script.
    """

    def __init__(self, python: Path, model: PeerModel, log: Path, driver: Path = DRIVER) -> None:
        self._python, self._model, self._log, self._driver = python, model, log, driver
        self._folder = ""
        self._process: asyncio.subprocess.Process
        self.version = ""

    async def __aenter__(self) -> Self:
        """Start it, in an empty folder and without this process's variables.

        Raises:
            UsageError: The interpreter cannot be run, or the peer is not installed there.
        """
        self._folder = tempfile.mkdtemp(prefix="glossator-peer-")
        environment = {"PATH": "/usr/bin:/bin", "HOME": self._folder, "LANG": "C.UTF-8", "LOG_LEVEL": "WARNING"}
        try:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    self._python.absolute(),
                    "-I",
                    self._driver,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    cwd=self._folder,
                    env=environment,
                    limit=LONGEST_LINE,
                )
        except OSError as error:
            shutil.rmtree(self._folder)
            raise UsageError(f"Cannot run {self._python}: {error.strerror or error}.", render_install()) from error
        try:
            self.version = str((await asyncio.wait_for(self._exchange(render_model(self._model)), PATIENCE))["version"])
        except (EvalError, TimeoutError) as error:
            await self._stop()
            raise UsageError(
                f"{NAME} does not start with {self._python}; {self._log} says why.", render_install()
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def ask(self, held: HeldOut) -> dict[str, Any]:
        """What it makes of a pull request.

        Raises:
            EvalError: It has stopped.
        """
        pull_request = held.bundle.pull_request
        texts = {"title": pull_request.title, "body": pull_request.body, "diff": render_diff(pull_request.files)}
        return await self._exchange({name: text.encode("utf-8", "replace").decode() for name, text in texts.items()})

    async def _exchange(self, value: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin, "a pipe"
        assert self._process.stdout, "a pipe"
        try:
            self._process.stdin.write(json.dumps(value).encode() + b"\n")
            await self._process.stdin.drain()
            answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
        except (OSError, ValueError) as error:
            raise EvalError(f"{NAME} has stopped; {self._log} says why.", "The same command goes on.") from error
        return answer

    async def _stop(self) -> None:
        """Let it end, and kill it when it does not. Killed while it ends, asyncio would report a process unknown."""
        assert self._process.stdin, "a pipe"
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), GRACE)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class PeerCandidate:
    """A peer as a candidate of `evals.runner`."""

    def __init__(self, peer: Peer, model: PeerModel, dataset: str = "", name: str = NAME) -> None:
        settings = {"peer": f"{NAME} {peer.version}", "tool": "improve", "context_tokens": model.context_tokens}
        run = Run(name, "peer", ModelVersion(model.model), dataset, dict(settings), __version__)
        self.run = replace(run, server=name_server(model.url))
        self._peer = peer

    async def predict(self, held: HeldOut) -> Prediction:
        """What it would post.

        Raises:
            ModelUnavailable: Its model did not answer.
            EvalError: It has stopped.
        """
        started = time.monotonic()
        answer = await self._peer.ask(held)
        return predict_from_answer(held, answer, time.monotonic() - started)


Line = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class _Comment(msgspec.Struct):
    path: str
    start_line: Line
    line: Line
    body: str
    score: float
    suggestion: str | None


class _Answer(msgspec.Struct):
    """What the driver says of a pull request. `comments` hold what the model made up, so they are read one by one."""

    comments: list[Any]
    fault: str
    failures: list[str]
    requests: Count
    asked: Count
    unreadable: Count
    prompt_tokens: Count | None
    completion_tokens: Count | None


def predict_from_answer(held: HeldOut, said: dict[str, Any], seconds: float) -> Prediction:
    """The driver's answer as a prediction. All comments count as posted, as it posts them.

    A fault of its own, as on a diff that it cannot read, is a review that it has not made. A comment that cannot be
    read is dropped and counted.

    Raises:
        ModelUnavailable: Its model did not answer.
        EvalError: The driver says something else.
    """
    try:
        answer = msgspec.convert(said, _Answer)
    except msgspec.ValidationError as error:
        raise EvalError(f"{NAME} answered something unknown: {error}.", "Is its version the one we pin?") from error
    lost = [failure for failure in answer.failures if not any(fault in failure for fault in _OWN_FAULTS)]
    if lost:
        words = _ADDRESS.sub("(address)", lost[-1].partition(" <- ")[0])
        raise ModelUnavailable(f"The model server gave {NAME} no answer: {words}", "Is it up, and its token right?")
    read = [comment for comment in map(parse_comment, answer.comments) if comment]
    dropped = len(answer.comments) - len(read)
    has_gaps = answer.unreadable or dropped
    status = "partial" if has_gaps else "reviewed"
    return Prediction(
        *held.key,
        held.digest,
        tuple(sorted(read, key=lambda comment: -comment.score)),
        status="not-reviewed" if answer.fault or answer.asked == answer.unreadable else status,
        asked=answer.asked,
        unreadable=answer.unreadable,
        drops={str(DropReason.UNREADABLE_REPLY): dropped} if dropped else {},
        requests=answer.requests,
        prompt_tokens=answer.prompt_tokens or None,
        completion_tokens=answer.completion_tokens or None,
        seconds=round(seconds, 3),
    )


def parse_comment(comment: object) -> Predicted | None:
    """A comment of the driver, or None when it cannot be read. It only ever speaks of the new version of a file."""
    try:
        said = msgspec.convert(comment, _Comment)
    except (msgspec.ValidationError, OverflowError):
        return None
    if not math.isfinite(said.score):
        return None
    return Predicted(
        path=said.path,
        side="RIGHT",
        line=said.line,
        start_line=said.start_line if said.start_line < said.line else None,
        body=said.body,
        score=max(0.0, min(1.0, said.score / TOP_SCORE)),
        suggestion=said.suggestion,
    )


def render_model(model: PeerModel) -> dict[str, Any]:
    """What the driver is told first."""
    return {
        "url": model.url,
        "model": model.model,
        "token": model.token,
        "context_tokens": model.context_tokens,
        "timeout": model.timeout,
    }


def render_install() -> str:
    """How to make the peer's environment."""
    return (
        "Make its environment: uv venv --python 3.12 FOLDER && "
        f"uv pip install --python FOLDER/bin/python -r {REQUIREMENTS}, and give --python FOLDER/bin/python."
    )
