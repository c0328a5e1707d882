"""How much of the prompts of a pull request with ten pieces a server can take from the prefix they share."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

from bench.measure import ROOT, Figure
from bench.table import Row

PIECES = 10
DATA = ROOT.parent / "shared" / "data"
FIXTURE = ROOT / "tests" / "pull_requests" / "bitcoin-core-gui-952.diff"


def measure_prefix(_rounds: int) -> list[Row]:
    """The share, the first request of each pull request not counted as cached; its least value is the worst one's.

    These pull requests come without their repository, so the prefix has no guidelines in it; with them it is larger.
    """
    shares = [share for diff in load_diffs() if (share := shared_part(diff)) is not None]
    beside = f"{len(shares)} pull requests, {sum(share >= 0.8 for share in shares)} of them at 80 % or more"  # noqa: PLR2004 - the target
    ours = Figure.of(100 * share for share in shares)
    return [Row("prompt tokens from the shared prefix, ten pieces", "%", ours, 80, None, beside, at_least=True)]


def load_diffs() -> Iterator[str]:
    """Diffs of real pull requests of about ten hunks, or the one of the tests where the data is not at hand."""
    files = sorted(DATA.glob("prs-*.jsonl.gz"))
    if not files:
        yield FIXTURE.read_text(encoding="utf-8")
    for path in files:
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
            for line in lines:
                row = json.loads(line)
                if PIECES <= (row["n_hunks"] or 0) <= PIECES + 4:
                    yield row["diff"]


def shared_part(diff: str) -> float | None:
    """The shared part of the prompts' tokens by default settings, None unless there are ten pieces to ask about."""
    from reviewer.diff import parse_diff
    from reviewer.domain import Bundle, PullRequest
    from reviewer.errors import SourceError
    from reviewer.locate import choose_hunks
    from reviewer.prompt import render_prefix, render_prompt
    from reviewer.settings import Settings
    from reviewer.tokens import estimate_tokens

    try:
        bundle = Bundle(PullRequest("o/r", 1, "", "", "", "", "", parse_diff(diff)))
    except SourceError:
        return None
    settings = Settings()
    hunks = choose_hunks(bundle, settings).hunks
    if len(hunks) != PIECES:
        return None
    prefix = render_prefix(bundle, settings)
    shared = estimate_tokens(prefix)
    own = sum(estimate_tokens(render_prompt(prefix, hunk).hunk) for hunk in hunks)
    return (PIECES - 1) * shared / (PIECES * shared + own)
