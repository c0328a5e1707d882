"""Examples and pull requests as Parquet: documented columns, written as they come, the same bytes for the same rows.

A hunk's lines are one text, as a diff has them: each line with its mark, joined by newlines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from reviewer.diff_hunks import number_lines
from reviewer.domain import ExampleComment, Hunk, Outcome, ReviewExample, Split
from training.counts import COUNTS_FILE
from training.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

EXAMPLES = "examples/{split}.parquet"
PULL_REQUESTS = "pull_requests.parquet"
AGAIN: Final = "Run `glossator-train dataset` again."
ROWS = 1_000
"""Rows of a row group: what is in memory at once."""

Row = dict[str, Any]
Column = tuple[str, str]
"""A type, as `_TYPES` names it, and what the column says."""

OUTCOME: Final[dict[str, Column]] = {
    "addressed": ("bool", "The lines, or those beside them, changed after the comment. Null: nobody can tell."),
    "resolved": ("bool", "The thread was resolved. Null: nobody can tell."),
    "upvotes": ("int32", "Reactions of approval."),
    "downvotes": ("int32", "Reactions of disapproval."),
    "replies": ("int32", "Answers in the thread."),
}
COMMENT: Final[dict[str, Column]] = {
    "id": ("int64", "GitHub's id of the comment, or the source's."),
    "line": ("int32", "Line number, on its side; of a range the last."),
    "side": ("string", "`RIGHT`: the new version. `LEFT`: a removed line of the old one."),
    "start_line": ("int32", "First line of a range. Null: one line."),
    "body": ("string", "What the human wrote, without secrets and personal data."),
    "author": ("string", "Hashed."),
    "created_at": ("string", "RFC 3339, UTC. Empty: unknown."),
    "quality": ("float64", "0 to 1: how much a reviewer can learn from it, by rule."),
    "outcome": ("outcome", "What became of it."),
}
EXAMPLE: Final[dict[str, Column]] = {
    "id": ("string", "`owner/name#number:digest`; of a `diff-hunk` also the comment's id."),
    "repo": ("string", "Repository."),
    "number": ("int64", "Pull request."),
    "origin": (
        "string",
        "`pull-request`: a piece of the final diff. `diff-hunk`: the code that an outdated comment stood on.",
    ),
    "labelled": (
        "bool",
        "All that people said of this piece is known; only then does it say something that nobody did.",
    ),
    "language": ("string", "By the file's ending. Empty: unknown."),
    "path": ("string", "The file."),
    "section": ("string", "Git's heading behind `@@`."),
    "scope": ("string", "First line of the enclosing function or class, or else git's heading. Empty: unknown."),
    "source_start": ("int32", "First line number in the old version."),
    "target_start": ("int32", "First line number in the new version."),
    "lines": ("string", "The piece as a diff has it: `+`, `-` or a blank before each line."),
    "commented": ("strings", "Ids (`R12`, `L7`) of all lines that a human remarked on, left-out remarks included."),
    "comments": ("comments", "The human comments that teach something."),
}
PULL_REQUEST: Final[dict[str, Column]] = {
    "repo": ("string", "Repository."),
    "number": ("int64", "Number."),
    "split": ("string", "Where its examples are."),
    "title": ("string", "Without secrets and personal data."),
    "body": ("string", "Likewise."),
    "base_sha": ("string", "Merge base."),
    "head_sha": ("string", "Head."),
    "source": ("string", "`github`, or the published set that it comes from."),
    "license": ("string", "SPDX identifier of the code's licence. Empty: unknown."),
    "language": ("string", "Main language, by the source."),
    "created_at": ("string", "RFC 3339, UTC. Empty: unknown."),
    "comments_complete": ("bool", "All its review comments are known."),
    "unseen_comments": ("int32", "Human comments without a line in the final diff."),
    "examples": ("int32", "Rows of this pull request among the examples."),
    "comments": ("int32", "Comments in them."),
    "guidelines": ("guidelines", "Excerpts of the project's guidelines at the base, as the reviewer would read them."),
}
GUIDELINE: Final[dict[str, Column]] = {
    "path": ("string", "File at the base."),
    "text": ("string", "Excerpt."),
    "reason": ("string", "Why it was chosen."),
}


def build_schema(columns: dict[str, Column]) -> pa.Schema:
    """The Arrow schema of a table, with each column's description in its metadata."""
    import pyarrow as pa

    def type_of(name: str) -> pa.DataType:
        nested = {"outcome": OUTCOME, "comments": COMMENT, "guidelines": GUIDELINE}
        if name in nested:
            struct = pa.struct(list(build_schema(nested[name])))
            return struct if name == "outcome" else pa.list_(struct)
        return pa.list_(pa.string()) if name == "strings" else getattr(pa, name + "_" * (name == "bool"))()

    return pa.schema(
        [pa.field(name, type_of(kind), metadata={"description": text}) for name, (kind, text) in columns.items()]
    )


def describe_tables() -> str:
    """The columns of all tables, in Markdown."""
    tables = (
        ("examples", EXAMPLE),
        ("a comment of an example", COMMENT),
        ("the outcome of a comment", OUTCOME),
        ("pull_requests", PULL_REQUEST),
        ("a guideline of a pull request", GUIDELINE),
    )
    lists = {"strings": "list of string", "comments": "list of comments", "guidelines": "list of guidelines"}
    parts = []
    for title, columns in tables:
        rows = "".join(f"| `{name}` | {lists.get(kind, kind)} | {text} |\n" for name, (kind, text) in columns.items())
        parts.append(f"In {title}:\n\n| column | type | what |\n| --- | --- | --- |\n{rows}")
    return "\n".join(parts)


class TableWriter:
    """A Parquet file that is written as its rows come. Use it in a `with` block: only then is it whole."""

    def __init__(self, path: Path, columns: dict[str, Column]) -> None:
        import pyarrow.parquet as pq

        path.parent.mkdir(parents=True, exist_ok=True)
        self.schema = build_schema(columns)
        self.rows: list[Row] = []
        self.writer = pq.ParquetWriter(path, self.schema, compression="zstd", store_schema=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self.rows:
            self._flush()
        self.writer.close()

    def write(self, row: Row) -> None:
        """Add one row."""
        self.rows.append(row)
        if len(self.rows) >= ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        self.writer.write_table(pa.Table.from_pylist(self.rows, schema=self.schema))
        self.rows.clear()


def example_row(example: ReviewExample) -> Row:
    """An example as a row. Its split is the name of its file."""
    hunk = example.hunk
    return {
        "id": example.id,
        "repo": example.repo,
        "number": example.number,
        "origin": example.origin,
        "labelled": example.labelled,
        "language": example.language,
        "path": hunk.path,
        "section": hunk.section,
        "scope": example.scope,
        "source_start": hunk.source_start,
        "target_start": hunk.target_start,
        "lines": "\n".join(line.kind + line.text for line in hunk.lines),
        "commented": list(example.commented),
        "comments": msgspec.to_builtins(example.comments),
    }


def parse_example(row: Row, split: Split) -> ReviewExample:
    """The example that `example_row` made the row of."""
    source, target = row["source_start"], row["target_start"]
    lines = tuple(number_lines(row["lines"].split("\n"), source, target))
    comments = (comment | {"outcome": Outcome(**comment["outcome"])} for comment in row["comments"])
    return ReviewExample(
        repo=row["repo"],
        number=row["number"],
        hunk=Hunk(row["path"], row["section"], source, target, lines),
        comments=tuple(ExampleComment(**comment) for comment in comments),
        origin=row["origin"],
        labelled=row["labelled"],
        split=split,
        scope=row["scope"],
        language=row["language"],
        commented=tuple(row["commented"]),
    )


def load_examples(folder: Path, split: Split) -> Iterator[ReviewExample]:
    """The examples of one split of a dataset, one row group in memory.

    Raises:
        DataError: The dataset is not whole, or the file is missing, cut short or of other columns.
    """
    check_whole(folder)
    path = folder / EXAMPLES.format(split=split)
    return (parse_example(row, split) for row in read_rows(path, EXAMPLE))


def load_pull_requests(folder: Path) -> Iterator[Row]:
    """The rows of the table of pull requests, as dictionaries; see `load_examples`."""
    check_whole(folder)
    return read_rows(folder / PULL_REQUESTS, PULL_REQUEST)


def check_whole(folder: Path) -> None:
    """Refuse a folder that a run was interrupted in: its files may be of two runs. counts.json is written last.

    Raises:
        DataError: There is no counts.json.
    """
    if not (folder / COUNTS_FILE).is_file():
        raise DataError(f"{folder} holds no whole dataset: no {COUNTS_FILE}, as when a run was interrupted.", AGAIN)


def read_rows(path: Path, columns: Iterable[str]) -> Iterator[Row]:
    """The rows of a Parquet file that has these columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if file.schema_arrow.names != list(columns):
                raise DataError(f"{path} has other columns than this version writes.", AGAIN)
            for batch in file.iter_batches(ROWS):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"Cannot read {path}: {error}.", AGAIN) from error
