"""`glossator-eval score`."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evals.commands.run import FILE, FOLDER

if TYPE_CHECKING:
    from evals.text_scorers import TextScorer

ANY = click.Path(path_type=Path)
TEXT_SCORERS = ("auto", "bertscore", "words", "none")


@click.command()
@click.option("--held-out", type=FILE, required=True, help="Pull requests, as `glossator-train held-out` writes them.")
@click.option("--run", "folders", type=FOLDER, required=True, multiple=True, help="A run, or a folder of runs.")
@click.option("--out", type=ANY, help="File of the one run, NAME.json, or folder of several.  [default: each run's]")
@click.option("--training-pairs", type=FILE, help="What the model learned from: is anything of it held out?")
@click.option("--released", type=click.DateTime(["%Y-%m-%d"]), help="The day on which the base model came out.")
@click.option("--untuned", type=FOLDER, help="Run of the model before it was trained.")
@click.option(
    "--text-scorer",
    type=click.Choice(TEXT_SCORERS),
    default="auto",
    show_default=True,
    help="bertscore needs the package bert-score; words: chrF and ROUGE-L alone; auto: what is installed.",
)
@click.option("--text-model", default="", help="Of BERTScore: a name, or a folder.  [default: all-MiniLM-L6-v2]")
@click.option("--text-layer", type=click.IntRange(0), default=0, help="Layer of a model in a folder.")
@click.option("--results", type=FILE, help="Where BERTScores are remembered.  [default: texts.sqlite beside --run]")
@click.option("--limit", type=click.IntRange(0), default=0, help="Only so many pull requests, a random sample.")
@click.option("--allow-holes", is_flag=True, help="Leave out what a model has failed on, and say so.")
@click.option("--all-figures", is_flag=True, help="Print every figure; scorecard.json always has all of them.")
def command(
    held_out: Path,
    folders: tuple[Path, ...],
    out: Path | None,
    training_pairs: Path | None,
    released: datetime | None,
    untuned: Path | None,
    text_scorer: str,
    text_model: str,
    text_layer: int,
    results: Path | None,
    limit: int,
    allow_holes: bool,  # noqa: FBT001 - click gives it
    all_figures: bool,  # noqa: FBT001 - click gives it
) -> None:
    """Score runs against the human reviews, and write scorecards.

    Several runs are scored on the pull requests that all of them have, so that their figures can be compared.
    """
    from evals.contamination import check_leaks
    from evals.held_out import load_held_out
    from evals.loaded_run import choose_files, choose_sample, load_run
    from evals.run_folders import list_runs
    from evals.score import METRICS, Seen, Texts, score_run
    from evals.scorecard import save_scorecard
    from evals.scorecard_text import measure_terminal, render_scorecards
    from evals.training_pairs import load_training_pairs

    wanted = load_held_out(held_out)
    runs = [load_run(folder, wanted) for folder in list_runs(folders)]
    before = load_run(untuned, wanted) if untuned else None
    files = choose_files(runs, out)
    sample = choose_sample(wanted, [*runs, before] if before else runs, limit, allow_holes=allow_holes)
    pairs = load_training_pairs(training_pairs) if training_pairs else None
    check_leaks(sample.pull_requests, pairs or ())
    seen = Seen(pairs, f"{released:%Y-%m-%d}" if released else "")
    with ExitStack() as stack:
        stored = results or folders[0].parent / "texts.sqlite"
        scorers, notes = open_scorers(text_scorer, text_model, text_layer, stored, stack)
        texts = Texts(scorers, before.predictions if before else None, notes) if scorers else None
        cards = [score_run(run, sample, texts, seen) for run in runs]
    for card, file in zip(cards, files, strict=True):
        save_scorecard(card, file)
    click.echo(render_scorecards(cards, METRICS if all_figures else (), measure_terminal()), nl=False)
    for file in files:
        click.echo(f"Wrote {file}.", err=True)


def open_scorers(
    name: str, model: str, layer: int, results: Path, stack: ExitStack
) -> tuple[list[TextScorer], tuple[str, ...]]:
    """How texts are compared, and what must be said of it. `results` is open until `stack` is closed.

    Raises:
        ModelFileError: The model of BERTScore cannot be had.
        ModuleNotFoundError: BERTScore was asked for and is not installed.
    """
    from evals.chrf import ChrF
    from evals.rouge import RougeL

    if name == "none":
        return [], ()
    if name == "words" or (name == "auto" and not find_spec("bert_score")):
        why = "" if name == "words" else ", as bert-score is not installed here"
        return [ChrF(), RougeL()], (f"Texts were compared by chrF and ROUGE-L alone{why}.",)
    from evals.bertscore import open_text_scorers
    from evals.content_store import ContentStore
    from evals.text_models import MINILM
    from reviewer.progress import ProgressLine

    store = stack.enter_context(ContentStore(results))
    return open_text_scorers(store, model or MINILM, layer, progress=stack.enter_context(ProgressLine())), ()
