"""What a candidate made of held-out pull requests: a folder with `run.json` and `predictions.jsonl`.

A run appends one line for each pull request as it goes. A killed run continues: what is there is not done again, and a
line that was cut short is thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from evals.errors import EvalError, refuse_read, refuse_write
from evals.held_out import HeldOut, Key
from evals.records import check_head, encode, encode_values, load_document, parse_line, save_document
from evals.same_run import is_same_run, tell_difference
from reviewer.domain import Hunk, Line, ModelVersion, Side

RUN_SCHEMA: Final = "glossator/eval-run/1"
PREDICTIONS_SCHEMA: Final = "glossator/predictions/1"

Count = Annotated[int, Meta(ge=0, le=2**53)]
"""What a sum of floats still holds exactly."""
LineNumber = Annotated[int, Meta(ge=1, le=2**53)]
Score = Annotated[float, Meta(ge=-1e300, le=1e300)]
Seconds = Annotated[float, Meta(ge=0, le=1e300)]


@dataclass(frozen=True, slots=True)
class Predicted:
    """One comment of a candidate. Line numbers as in `GoldComment`.

    `posted`: it would stand on the line; else it was over the budget, and counts only where comments are ranked.
    """

    path: str
    side: Side
    line: LineNumber
    start_line: LineNumber | None
    body: str
    score: Score = 0.0
    posted: bool = True
    suggestion: str | None = None
    """Replaces exactly the lines `start_line or line` to `line`."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """What became of the places that the model named: of all findings with words that could be read.

    `exact`: the quoted line stands where it was cited. `moved`: it was found elsewhere in the hunk. `lost`: nowhere.
    """

    exact: Count = 0
    moved: Count = 0
    lost: Count = 0


@dataclass(frozen=True, slots=True)
class Prediction:
    """All that a candidate made of one pull request."""

    repo: str
    number: int
    shown: str
    """`HeldOut.digest` of what it was shown."""
    comments: tuple[Predicted, ...] = ()
    """Best first."""
    hunk_scores: tuple[Score, ...] = ()
    """One for each hunk of `list_hunks`: the higher, the sooner a human should look. Empty: it does not rank."""
    line_scores: tuple[Score, ...] = ()
    """One for each changed line of `list_changed`."""
    status: str = ""
    """The review's; empty for a candidate that is no model."""
    asked: Count = 0
    """Pieces that the model was asked about."""
    unreadable: Count = 0
    """Of these, those whose answer could not be used, the repair turn included."""
    repaired: Count = 0
    """Requests beyond one a piece."""
    anchors: Anchors = Anchors()
    drops: dict[str, Count] = field(default_factory=dict)
    """Findings and replies that were not posted, by `DropReason`."""
    requests: Count = 0
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    seconds: Seconds = 0.0
    """Of the model, all its requests after one another, also of those whose answers were remembered."""

    @property
    def key(self) -> Key:
        """What the pull request goes by."""
        return (self.repo, self.number)


@dataclass(frozen=True, slots=True)
class Run:
    """Who was run on what: the content of run.json."""

    candidate: str
    """A short name, as `embedded` or `random-line`."""
    kind: str
    """`reviewer`, `baseline` or `peer`."""
    model: ModelVersion
    dataset: str
    """Name of the held-out set."""
    settings: dict[str, object] = field(default_factory=dict)
    glossator: str = ""
    """Version of the code."""
    gaps: str = ""
    """Why pull requests are left out, where it is not that the model failed on them."""
    server: str = ""
    """`name_server` of who answers, so that no run is a mixture of two; empty for a model without a server."""


def list_hunks(held: HeldOut) -> list[Hunk]:
    """The hunks of the diff in its order: what `hunk_scores` goes by."""
    return [hunk for file in held.bundle.pull_request.files for hunk in file.hunks]


def list_changed(held: HeldOut) -> list[tuple[int, Hunk, Line]]:
    """The added and removed lines in the order of the diff, each with its hunk's place in `list_hunks`."""
    return [(at, hunk, line) for at, hunk in enumerate(list_hunks(held)) for line in hunk.lines if line.kind != " "]


class RunFolder:
    """A run on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run_file = folder / "run.json"
        self.predictions_file = folder / "predictions.jsonl"

    def start(self, run: Run) -> dict[Key, Prediction]:
        """Begin or continue a run, and give what is done already.

        Raises:
            EvalError: The folder holds another run, or cannot be written.
        """
        if self.run_file.exists():
            before = self.load_run()
            if not is_same_run(before, run):
                there = f"{self.folder} holds a run of {before.candidate!r} ({before.model.name})"
                raise EvalError(f"{there} {tell_difference(before, run)}.", "Choose another folder, or remove it.")
            done = self.load_predictions()
            self._cut_torn_line()
            return done
        save_document(self.run_file, RUN_SCHEMA, run)
        self._append(encode_values({"schema": PREDICTIONS_SCHEMA}))
        return {}

    def add(self, prediction: Prediction) -> None:
        """Write one prediction.

        Raises:
            EvalError: It cannot be written.
        """
        self._append(encode(prediction))

    def load_run(self) -> Run:
        """What run.json says.

        Raises:
            EvalError: It is missing or something else.
        """
        return load_document(self.run_file, RUN_SCHEMA, Run)

    def load_predictions(self) -> dict[Key, Prediction]:
        """All predictions by pull request; a last line without its newline is left out.

        Raises:
            EvalError: They cannot be read.
        """
        if not self.predictions_file.exists():
            return {}
        try:
            lines = self.predictions_file.read_bytes().split(b"\n")[:-1]
        except OSError as error:
            raise refuse_read(self.predictions_file, error) from error
        if not lines:
            return {}
        check_head(lines[0], PREDICTIONS_SCHEMA, self.predictions_file)
        found = (
            parse_line(line, Prediction, f"{self.predictions_file}, line {number},")
            for number, line in enumerate(lines[1:], 2)
        )
        return {prediction.key: prediction for prediction in found}

    def _cut_torn_line(self) -> None:
        """Drop the rest of a line that a killed run has begun."""
        data = self.predictions_file.read_bytes() if self.predictions_file.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        try:
            if whole != data:
                with self.predictions_file.open("r+b") as file:
                    file.truncate(len(whole))
        except OSError as error:
            raise refuse_write(self.predictions_file, error) from error
        if not whole:
            self._append(encode_values({"schema": PREDICTIONS_SCHEMA}))

    def _append(self, line: bytes) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.predictions_file.open("ab") as file:
                file.write(line + b"\n")
        except OSError as error:
            raise refuse_write(self.predictions_file, error) from error
