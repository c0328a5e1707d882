"""The evaluation section of a model card, with the front matter that the Hugging Face Hub reads.

The format is `model-index` of the Hub's model card metadata (huggingface/hub-docs, modelcard.md): results by task and
dataset, each with metrics. Intervals stand in the metric's `args`, since a value has to be a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from evals.gate import Decision
from evals.metrics import Metric
from evals.report_metrics import BY_NAME, choose_groups, count, render_interval, render_value
from evals.report_notes import LIMITS
from evals.run import NO_MODEL
from evals.scorecard import Estimate, Scorecard
from reviewer.inert import make_inert_line
from reviewer.report_lines import render_span

TASK: Final = {"type": "text-generation", "name": "Code review of pull requests"}
HUB_METRICS: Final = {
    "f1": "f1",
    "precision": "precision",
    "recall": "recall",
    "bertscore": "bertscore",
    "chrf": "chrf",
    "rouge_l": "rouge",
}
"""Metrics of the Hub by a part of our names; any other goes by its own name."""
DIGITS: Final = 4
NO_HOST: Final = ""


def render_model_card(card: Scorecard, decision: Decision | None = None) -> str:
    """Front matter and section, as a file of their own or to be put into a larger card."""
    return f"{render_front_matter(card)}\n{render_section(card, decision)}"


def render_front_matter(card: Scorecard) -> str:
    """The YAML between two lines of dashes."""
    import yaml

    values = {"model-index": build_model_index(card)}
    return f"---\n{yaml.safe_dump(values, sort_keys=False, allow_unicode=False, width=120)}---\n"


def build_model_index(card: Scorecard) -> list[dict[str, Any]]:
    """The results as the Hub takes them: plain lists, texts and numbers."""
    dataset: dict[str, Any] = {"type": card.dataset, "name": _name_dataset(card), "revision": card.revision}
    metrics = [_metric(metric, card.metrics[metric.name]) for metric in _list_scored(card)]
    name = card.candidate if card.model == NO_MODEL else "-".join(filter(None, (card.model.name, card.model.version)))
    return [
        {"name": name, "results": [{"task": dict(TASK), "dataset": {**dataset, "split": "test"}, "metrics": metrics}]}
    ]


def render_section(card: Scorecard, decision: Decision | None = None) -> str:
    """The section in Markdown: what was measured on what, the figures with their intervals, and their limits."""
    blocks = [
        "## Evaluation",
        _introduce(card),
        *([f"Decision of the gate: **{decision.verdict}**."] if decision else []),
        _table(card),
        "### Limits of these figures",
        "\n".join(f"- {line}" for line in (*LIMITS, *(_text(note) for note in card.notes))),
    ]
    return "\n\n".join(blocks) + "\n"


def _introduce(card: Scorecard) -> str:
    where = _text(_name_dataset(card))
    return (
        f"Measured with Glossator {_text(card.glossator)} on {count(len(card.keys), 'held-out pull request')} of the "
        f"set {where}, revision {render_span(card.revision)}: its comments against those of human reviewers. "
        "Intervals are 95 % bootstrap intervals over pull requests."
    )


def _table(card: Scorecard) -> str:
    lines = ["| metric | value | 95 % interval | pull requests |", "| --- | ---: | ---: | ---: |"]
    for metric in _list_scored(card):
        estimate = card.metrics[metric.name]
        cells = (render_value(estimate.value, metric.unit), render_interval(estimate, metric.unit))
        lines.append(f"| {_text(metric.label)} | {' | '.join(cells)} | {estimate.pull_requests:,} |")
    return "\n".join(lines)


def _list_scored(card: Scorecard) -> Iterator[Metric]:
    for _, metrics in choose_groups([card]):
        yield from metrics


def _metric(metric: Metric, estimate: Estimate) -> dict[str, Any]:
    parts = metric.name.split(".")
    kind = next((HUB_METRICS[part] for part in parts if part in HUB_METRICS), metric.name)
    ends = [None if end is None else round(end, DIGITS) for end in (estimate.low, estimate.high)]
    return {
        "type": kind,
        "name": BY_NAME[metric.name].label,
        "value": None if estimate.value is None else round(estimate.value, DIGITS),
        "args": {"metric": metric.name, "interval_95": ends, "pull_requests": estimate.pull_requests},
    }


def _name_dataset(card: Scorecard) -> str:
    repos = ", ".join(origin.repo for origin in card.origins)
    return f"{card.dataset} ({repos})" if repos else card.dataset


def _text(text: str) -> str:
    return make_inert_line(text, NO_HOST)
