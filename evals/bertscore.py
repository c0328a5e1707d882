"""BERTScore (Zhang et al. 2020, arXiv 1904.09675) by the package bert-score, with what it takes under transformers 5.

- An empty text makes it fail: such a pair scores 0 and never gets there.
- A tokenizer without a longest length makes it fail: it is set to 512, and longer texts are cut there.
- For a model in a folder it has to be told the layer.
- A path with `t5` in it makes it load another kind of model: that is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from evals.chrf import ChrF
from evals.content_store import ContentStore
from evals.records import digest
from evals.rouge import RougeL
from evals.text_models import MINILM, TextModel, find_text_model
from evals.text_scorers import RememberedScorer, TextPair, TextScorer
from reviewer.errors import ModelFileError
from reviewer.model_sources import Progress

LONGEST: Final = 512
"""Tokens of a text."""
BATCH: Final = 64
LIBRARIES: Final = ("bert-score", "transformers", "torch")


class BertScorer:
    """The F1 of BERTScore. The model is loaded for the first pair: what is remembered needs none."""

    name = "bertscore"

    def __init__(self, model: TextModel, idf_texts: Sequence[str] = ()) -> None:
        """`idf_texts`: the references whose words weigh the less the more of the texts have them; none: all alike.

        Raises:
            ModelFileError: The folder's name would be misread.
            ModuleNotFoundError: bert-score is not installed.
        """
        if "t5" in str(model.folder):
            what = f"bert-score takes {model.folder} for a T5 model, since its path has 't5' in it."
            raise ModelFileError(what, "Move the folder, or set XDG_CACHE_HOME to another one.")
        self._model = model
        self._idf_texts = sorted(set(filter(str.strip, idf_texts)))
        self._versions = {library: version(library) for library in LIBRARIES}
        self._loaded: Any = None

    def describe(self) -> dict[str, Any]:
        """The model, and all settings that change a score."""
        texts = self._idf_texts
        idf = (
            f"of {len(texts)} references, {digest(chr(0).join(texts).encode('utf-8', 'replace'))}" if texts else "none"
        )
        return {
            "scorer": "BERTScore F1",
            "model": self._model.name,
            "sha256": self._model.sha256,
            "revision": self._model.revision,
            "layer": self._model.layer,
            "longest": LONGEST,
            "idf": idf,
            "rescaled": self._model.baseline or "no",
            "versions": self._versions,
        }

    def score(self, pairs: Sequence[TextPair]) -> list[float]:
        """A score for each pair, in their order."""
        scores = [0.0] * len(pairs)
        usable = {at: [text for text in pair[1] if text.strip()] for at, pair in enumerate(pairs) if pair[0].strip()}
        # Pairs of about the same length go together: the shorter ones of a batch are padded.
        order = sorted((at for at, texts in usable.items() if texts), key=lambda at: sum(map(len, usable[at])))
        if order:
            self._loaded = self._loaded or self._load()
            candidates, references = [pairs[at][0] for at in order], [usable[at] for at in order]
            _, _, found = self._loaded.score(candidates, references, batch_size=BATCH)
            for at, score in zip(order, found.tolist(), strict=True):
                scores[at] = score
        return scores

    def _load(self) -> Any:
        import bert_score
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        model = self._model
        scorer = bert_score.BERTScorer(
            model_type=str(model.folder),
            num_layers=model.layer,
            idf=bool(self._idf_texts),
            lang="en",
            rescale_with_baseline=bool(model.baseline),
            baseline_path=str(Path(bert_score.__file__).parent / "rescale_baseline" / f"{model.baseline}.tsv"),
            nthreads=0,
        )
        scorer._tokenizer.model_max_length = LONGEST  # noqa: SLF001 - it has no other way
        if self._idf_texts:
            scorer.compute_idf(self._idf_texts)
        return scorer


def open_text_scorers(
    store: ContentStore,
    model: str = MINILM,
    layer: int = 0,
    idf_texts: Sequence[str] = (),
    progress: Progress | None = None,
) -> list[TextScorer]:
    """BERTScore, which remembers its scores, chrF and ROUGE-L.

    Args:
        store: Where scores are remembered.
        model: As in `find_text_model`; empty: no BERTScore, and nothing is downloaded.
        layer: As in `find_text_model`.
        idf_texts: As in `BertScorer`.
        progress: Who is told about downloads.

    Raises:
        ModelFileError: The model cannot be had.
        ModuleNotFoundError: bert-score is not installed.
    """
    quick: list[TextScorer] = [ChrF(), RougeL()]
    if not model:
        return quick
    scorer = BertScorer(find_text_model(model, layer, progress), idf_texts)
    return [RememberedScorer(scorer, store), *quick]
