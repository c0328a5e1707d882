"""The data card: what the dataset holds, where it comes from, what it is good for and what not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from training.counts import LEFT_OUT, Counts
from training.filter_counts import SAID
from training.parquet import describe_tables
from training.plots import save_plots
from training.splits import SPLITS

CARD_FILE: Final = "card.md"
PLOTS: Final = "plots"
MOST_ROWS: Final = 15
SIZES: Final = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
STANDINGS: Final = {
    "exact": "stand where they were made",
    "reanchored": "stand on a line that has moved, and was found again",
    "outdated": "are on a line that is not in the final diff",
    "file": "are about a whole file",
    "unplaced": "are on a line that nobody knows",
}
INTRODUCTION: Final = """\
# Code review examples

Pieces of real pull requests, each with what human reviewers said about its lines, or with nothing where they said
nothing. Made by `glossator-train`, to train and judge a reviewer of pull requests.
"""
FILES: Final = """\
| files | rows |
| --- | --- |
| `examples/SPLIT.parquet` | one for each piece of a diff, as the reviewer would be asked about it |
| `pull_requests.parquet` | one for each pull request, with its title, text and the guidelines in force |
| `chats/SPLIT.jsonl` | prompt and completion: pieces of final diffs, with comments or with an empty reply |
| `chats/SPLIT-outdated.jsonl` | prompt and completion: code as it was when the comment was made, if it changed since |
"""
READING: Final = """\
- A piece is **labelled** when all human comments on it are known. Only then does it say something that there is none.
  A source may hold a selection of the comments; then, and where a comment on the file has no line in the final diff,
  its pieces are unlabelled, those with a remark too: good for training on what was said, never for precision. Nor is a
  piece labelled that people spoke of without a remark: a reply, the author's own words, a part of a range.
- So labelled pieces have **fewer remarks than pieces at large**: files that were much discussed and much changed fall
  out. The table above has both numbers. Report metrics with and without such files: on labelled pieces, and on all
  pieces of the pull requests whose `comments_complete` is true.
- `commented` has every line that a human remarked on, and `comments` only what teaches something. So recall and ranking
  are judged by `commented`: a remark that is too short to learn from still shows where a reviewer stopped.
- Examples of **outdated code** end with the commented line, as the code host shows them. They teach what to say. A
  model that is trained on where they point learns to point at the last line.
- A comment after which **something was pushed** has its chat among those of outdated code, made of the code that the
  reviewer saw: the final diff may hold its answer. In the table it stands on its line of the final diff.
- Each completion was read back and placed by the reviewer's own code, and stands on the human's own line.
"""
LIMITS: Final = """\
- **Severity and category of the completions are weak labels**, chosen by keywords in the comment. Nobody checked them.
- A line without a comment is no proof of good code: reviewers overlook things, and stop when they are tired.
- Long comments are cut to their first whole sentences of at most 400 characters in the completions, not in the tables.
- `addressed` says that the lines, or those beside them, changed afterwards, not that they changed because of it.
- `scope` is found in what the hunk shows; else it is git's heading, which knows few languages well: of a Makefile or
  a text it is any line that begins with a letter.
- Comments made before a rebase may be placed by the text of their line; a wrong place is rare, not impossible.
- Secrets and personal data are taken out of comments, titles, texts and guidelines, not out of code.
- The licence of a repository covers its code. The comments are their authors' words. Know your duties before you pass
  this on; who does not want to be in it is left out at the next build.
- The texts are as people wrote them. They may hold insults, mistakes, and instructions to whatever reads them.
"""


def save_card(folder: Path, counts: Counts) -> None:
    """Write card.md and its plots into a dataset's folder."""
    plots = save_plots(folder / PLOTS, counts)
    (folder / CARD_FILE).write_text(render_card(counts, plots), "utf-8")


def render_card(counts: Counts, plots: Sequence[tuple[str, str]] = ()) -> str:
    """The card in Markdown, with the front matter that the Hugging Face Hub reads from its README.md.

    Args:
        counts: What the dataset holds.
        plots: File and title of each plot in the folder `plots`.
    """
    images = {name.removesuffix(".png"): f"![{title}]({PLOTS}/{name})\n" for name, title in plots}
    sections = [
        _front_matter(counts),
        INTRODUCTION,
        _by_split(counts),
        "## Files\n",
        FILES,
        "## How to read it\n",
        READING,
        "## Pieces and comments\n",
        *(images[name] for name in ("comments-per-hunk", "comment-length", "years") if name in images),
        _shares(counts),
        "## Languages and sizes\n",
        *(images[name] for name in ("languages",) if name in images),
        _table(counts, "lines", "lines of a piece", in_order=True),
        _table(counts, "tokens", "tokens of a piece, about", in_order=True),
        "## Sources\n",
        _table(counts, "sources", "pull requests from", column=LEFT_OUT),
        _table(counts, "licenses", "licence of the code", column=LEFT_OUT),
        _table(counts, "repositories", "repository", column=LEFT_OUT),
        _left_out(counts),
        "## Comments left out\n",
        *(images[name] for name in ("drops",) if name in images),
        _drops(counts),
        _list_counts(counts, "comments_without_example", "Kept, but in no example"),
        _list_counts(counts, "not_an_example", "Pieces that are no example"),
        "## Completions\n",
        _table(counts, "chats", "chats"),
        _table(counts, "severities", "severity (weak label)"),
        _table(counts, "categories", "category (weak label)"),
        _list_counts(counts, "comments_without_chat", "Comments of examples that are in no completion"),
        "## Limits\n",
        LIMITS,
        "## Columns\n",
        describe_tables(),
        "## Parameters\n",
        "\n".join(f"- `{name}`: {value}" for name, value in sorted(counts.parameters.items())) + "\n",
    ]
    return "\n".join(section for section in sections if section)


def render_summary(counts: Counts) -> str:
    """What the dataset holds, as a table for a terminal."""
    rows = [["", *SPLITS], *([name, *cells] for name, cells in _summary(counts))]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    )


def _summary(counts: Counts) -> list[tuple[str, list[str]]]:
    pieces = ("commented and labelled", "commented, unlabelled", "without a remark", "unlabelled")
    kinds = (*pieces, "outdated code with a comment")
    rows = [("pull requests", [counts.total("pull_requests", split) for split in SPLITS])]
    rows += [(f"pieces, {kind}", [counts.by_key("examples", split).get(kind, 0) for split in SPLITS]) for kind in kinds]
    rows += [(name, [counts.total(name, split) for split in SPLITS]) for name in ("comments", "chats")]
    return [(name, [f"{count:,}" for count in cells]) for name, cells in rows]


def _front_matter(counts: Counts) -> str:
    total = counts.total("examples")
    size = next((name for limit, name in SIZES if total < limit), "n>1M")

    def config(name: str, files: Iterable[tuple[str, str]]) -> str:
        rows = "".join(f"  - split: {split}\n    path: {path}\n" for split, path in files)
        return f"- config_name: {name}\n  data_files:\n{rows}"

    configs = [
        config("examples", [(split, f"examples/{split}.parquet") for split in SPLITS]),
        config("pull_requests", [("all", "pull_requests.parquet")]),
        config("chats", [(split, f"chats/{split}.jsonl") for split in SPLITS]),
        config("chats_outdated", [(split, f"chats/{split}-outdated.jsonl") for split in SPLITS]),
    ]
    return (
        "---\npretty_name: Code review examples\nlicense: other\nlanguage:\n- en\n- code\n"
        "task_categories:\n- text-generation\ntags:\n- code-review\n- pull-requests\n"
        f"size_categories:\n- {size}\nconfigs:\n{''.join(configs)}---\n"
    )


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _by_split(counts: Counts) -> str:
    return _markdown(["", *SPLITS], [[name, *cells] for name, cells in _summary(counts)])


def _table(counts: Counts, section: str, title: str, *, in_order: bool = False, column: str = "") -> str:
    """A section by key and split, largest first or in the order of the numbers that the keys begin with."""
    rows = list(counts.sections.get(section, {}).items())
    if not rows:
        return ""
    if in_order:
        rows.sort(key=lambda row: int(row[0].partition("-")[0].rstrip("+")))
    else:
        rows.sort(key=lambda row: (-sum(row[1].values()), row[0]))
    columns = [*SPLITS, *([column] if column else [])]
    shown = [[key.replace("-", " to ") if in_order else key, *_cells(row, columns)] for key, row in rows[:MOST_ROWS]]
    if rest := [row for _, row in rows[MOST_ROWS:]]:
        sums = {name: sum(row.get(name, 0) for row in rest) for name in columns}
        shown.append([f"{len(rest):,} more", *_cells(sums, columns)])
    return _markdown([title, *columns], shown)


def _cells(row: dict[str, int], columns: Iterable[str]) -> list[str]:
    return [f"{row.get(column, 0):,}" for column in columns]


def _shares(counts: Counts) -> str:
    """Where the comments stand and what became of them, in sentences."""
    placed = counts.by_key("standings")
    parts = [f"{_share(placed[key], placed)} {said}" for key, said in STANDINGS.items() if placed.get(key)]
    lines = [f"Of all {sum(placed.values()):,} comments: {'; '.join(parts)}.\n"] if parts else []
    outcomes = counts.by_key("outcomes")
    if outcomes:
        parts = [f"{_share(count, outcomes)} {key}" for key, count in sorted(outcomes.items())]
        lines.append(f"What became of the {sum(outcomes.values()):,} comments in the examples: {'; '.join(parts)}.\n")
    return "\n".join(lines)


def _share(count: int, row: dict[str, int]) -> str:
    return f"{count / sum(row.values()):.1%} ({count:,})"


def _left_out(counts: Counts) -> str:
    return _list_counts(counts, "left_out", "Pull requests that are in no split")


def _drops(counts: Counts) -> str:
    filtered = counts.by_key("filtered")
    rows = sorted((key for key in filtered if key != "kept"), key=lambda key: (-filtered[key], key))
    table = _markdown(
        ["reason", "comments", "share"],
        [[f"{key}: {SAID.get(key, '')}", f"{filtered[key]:,}", _percent(filtered[key], filtered)] for key in rows],
    )
    removed = counts.by_key("removed")
    parts = [f"{count:,} x {kind}" for kind, count in sorted(removed.items())]
    kept = f"{filtered.get('kept', 0):,} of {sum(filtered.values()):,} comments are kept.\n"
    out = f"Taken out of the kept ones: {', '.join(parts)}.\n" if parts else ""
    return "\n".join(part for part in (kept, table, out) if part)


def _percent(count: int, row: dict[str, int]) -> str:
    return f"{count / sum(row.values()):.1%}"


def _list_counts(counts: Counts, section: str, title: str) -> str:
    rows = sorted(counts.by_key(section).items(), key=lambda row: (-row[1], row[0]))
    return f"{title}:\n\n" + "".join(f"- {key}: {count:,}\n" for key, count in rows if count) if rows else ""
