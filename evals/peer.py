"""A peer as a candidate: another reviewer, run in an environment of its own by its driver in `evals.peers`.

It reviews the same pull requests with the same model, and what it would post is scored by the same code. The driver is
a process that is handed one pull request after another; see `evals.peers.pr_agent_driver` for what they say.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from evals.diff_text import render_diff
from evals.errors import EvalError
from evals.held_out import HeldOut
from evals.predictions import Predicted, Prediction, Run
from reviewer import __version__
from reviewer.domain import ModelVersion
from reviewer.errors import ModelUnavailable, UsageError

PEERS: Final = Path(__file__).parent / "peers"
DRIVER: Final = PEERS / "pr_agent_driver.py"
REQUIREMENTS: Final = PEERS / "pr-agent.txt"
NAME: Final = "pr-agent"
CONTEXT_TOKENS: Final = 8192
LONGEST_LINE: Final = 64 * 2**20
PATIENCE: Final = 120.0
"""Seconds for the driver to load its libraries."""
TOP_SCORE: Final = 10.0
"""Of its suggestions."""
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
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class PeerCandidate:
    """A peer as a candidate of `evals.runner`."""

    def __init__(self, peer: Peer, model: PeerModel, dataset: str = "", name: str = NAME) -> None:
        settings = {"peer": f"{NAME} {peer.version}", "tool": "improve", "context_tokens": model.context_tokens}
        self.run = Run(name, "peer", ModelVersion(model.model), dataset, dict(settings), __version__)
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


def predict_from_answer(held: HeldOut, answer: dict[str, Any], seconds: float) -> Prediction:
    """The driver's answer as a prediction. All comments count as posted, as it posts them.

    A fault of its own, as on a diff that it cannot read, is a review that it has not made.

    Raises:
        ModelUnavailable: Its model did not answer.
    """
    lost = [failure for failure in answer["failures"] if not any(fault in failure for fault in _OWN_FAULTS)]
    if lost:
        words = _ADDRESS.sub("(address)", lost[-1].partition(" <- ")[0])
        raise ModelUnavailable(f"The model server gave {NAME} no answer: {words}", "Is it up, and its token right?")
    asked, unreadable = int(answer["asked"]), int(answer["unreadable"])
    status = "not-reviewed" if answer["fault"] or asked == unreadable else "partial" if unreadable else "reviewed"
    repo, number = held.key
    comments = sorted(map(parse_comment, answer["comments"]), key=lambda comment: -comment.score)
    return Prediction(
        repo,
        number,
        held.digest,
        tuple(comments),
        status=status,
        asked=asked,
        unreadable=unreadable,
        requests=int(answer["requests"]),
        prompt_tokens=answer["prompt_tokens"] or None,
        completion_tokens=answer["completion_tokens"] or None,
        seconds=round(seconds, 3),
    )


def parse_comment(comment: dict[str, Any]) -> Predicted:
    """A comment of the driver. It only ever speaks of the new version of a file."""
    first, last = int(comment["start_line"]), int(comment["line"])
    return Predicted(
        path=str(comment["path"]),
        side="RIGHT",
        line=last,
        start_line=first if first < last else None,
        body=str(comment["body"]),
        score=min(1.0, float(comment["score"]) / TOP_SCORE),
        suggestion=comment["suggestion"],
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
