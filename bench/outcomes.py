"""How often the outcome labels are right, beside simpler rules: `python -m bench.outcomes ../shared/data`.

The labels of `training/labels/outcomes.csv` were written by reading, see `training/labels/OUTCOMES.md`. The first half
of the file was looked at while the rule was made, the second half was not.
"""

from __future__ import annotations

import csv
import math
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from reviewer.domain import Outcome
from training.align import align
from training.aligned import AlignedComment
from training.published import import_files
from training.snapshot import Snapshot, SnapshotComment
from training.store import SnapshotStore

LABELS: Final = Path(__file__).parents[1] / "training" / "labels" / "outcomes.csv"
FILES: Final = ("prs-secp256k1.jsonl.gz", "prs-bitcoin-gui.jsonl.gz")
DONE: Final = re.compile(
    r"\b(?:done|fixed|addressed|updated|removed|changed|added|renamed|reworked|resolved|dropped|applied|gone)\b|✔|👍",
    re.IGNORECASE,
)
"""What an author writes who has done as asked."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread that was labelled, with all that a rule may look at."""

    is_addressed: bool
    snapshot: Snapshot
    root: SnapshotComment
    aligned: AlignedComment

    @property
    def outcome(self) -> Outcome:
        """What the shipped rule says."""
        return self.aligned.outcome


Rule = Callable[[Thread], bool | None]


def says_done(thread: Thread) -> bool:
    """Whether the pull request's author answers that it is done."""
    return any(
        comment.in_reply_to == thread.root.id
        and comment.author == thread.snapshot.author
        and DONE.search(comment.body) is not None
        for comment in thread.snapshot.comments
    )


RULES: Final[dict[str, Rule]] = {
    "the lines or the 2 above changed": lambda thread: thread.outcome.addressed,
    "... or the author says done": lambda thread: thread.outcome.addressed or says_done(thread),
    "always addressed": lambda _: True,
    "outdated is addressed": lambda thread: thread.aligned.standing == "outdated",
    "a commit came after": lambda thread: thread.root.original_commit_id != thread.snapshot.head_sha,
    "the author says done": says_done,
}


def load_threads(store: SnapshotStore, labels: Sequence[dict[str, str]]) -> Iterator[Thread | None]:
    """The labelled threads in the order of the file; None for one that nobody can tell."""
    for row in labels:
        if row["label"] == "cannot-tell":
            yield None
            continue
        snapshot = store.load((row["repo"], int(row["number"])))
        places = {comment.id: comment for comment in align(snapshot).comments}
        root = next(comment for comment in snapshot.comments if comment.id == int(row["comment_id"]))
        yield Thread(row["label"] == "addressed", snapshot, root, places[root.id])


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Wilson's interval of a share at 95 %."""
    if not total:
        return 0.0, 1.0
    z, share = 1.96, hits / total
    middle = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, (middle - spread) / (1 + z * z / total)), min(1.0, (middle + spread) / (1 + z * z / total))


def render_share(hits: int, total: int) -> str:
    """A share with its interval."""
    low, high = wilson(hits, total)
    return f"{hits / total if total else 0:.3f} [{low:.3f}, {high:.3f}]"


def render_scores(name: str, threads: Sequence[Thread], rule: Rule) -> str:
    """One line of the table. What a rule cannot tell is missed by it, and is no claim."""
    said = [(rule(thread), thread.is_addressed) for thread in threads]
    hits = sum(answer is True and truth for answer, truth in said)
    claims = sum(answer is True for answer, _ in said)
    wanted = sum(truth for _, truth in said)
    untold = sum(answer is None for answer, _ in said)
    right = hits + sum(answer is False and not truth for answer, truth in said)
    columns = (render_share(hits, claims), render_share(hits, wanted), render_share(right, len(said)))
    return f"  {name:<34}" + "".join(f"{column:>24}" for column in columns) + f"{untold:>7}"


def render_half(title: str, found: Sequence[Thread | None]) -> str:
    """The table of one half of the labels."""
    threads = [thread for thread in found if thread]
    wanted = sum(thread.is_addressed for thread in threads)
    head = f"{title}: {len(found)} threads, {wanted} addressed, {len(threads) - wanted} not, "
    names = "".join(f"{name:>24}" for name in ("precision", "recall", "right"))
    lines = [render_scores(name, threads, rule) for name, rule in RULES.items()]
    return "\n".join(
        [f"{head}{len(found) - len(threads)} that nobody can tell", f"{'':<36}{names}{'untold':>7}", *lines]
    )


def render_whole(store: SnapshotStore) -> str:
    """What the rule says of all threads, not only of the labelled ones."""
    answers: list[bool | None] = []
    for key in store.list_keys():
        snapshot = store.load(key)
        people = {comment.id for comment in snapshot.comments if comment.author_type != "Bot"}
        places = align(snapshot).comments
        answers += [place.outcome.addressed for place in places if place.id == place.root and place.id in people]
    yes, no, untold = (answers.count(answer) for answer in (True, False, None))
    share = f"addressed {yes:,} ({yes / (yes + no or 1):.1%} of those told), not {no:,}, untold {untold:,}"
    return f"All {len(answers):,} threads that people started: {share}"


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(data: Path) -> None:
    """Hold the outcome labels against those written by hand."""
    with LABELS.open(newline="", encoding="utf-8") as file:
        labels = list(csv.DictReader(file))
    with tempfile.TemporaryDirectory() as folder:
        store = SnapshotStore(Path(folder))
        import_files([data / name for name in FILES], store)
        found = list(load_threads(store, labels))
        half = len(found) // 2
        click.echo(render_half("Held out", found[half:]) + "\n")
        click.echo(render_half("Looked at while the rule was made", found[:half]) + "\n")
        click.echo(render_half("Both", found) + "\n")
        click.echo(render_whole(store))


if __name__ == "__main__":
    main()
