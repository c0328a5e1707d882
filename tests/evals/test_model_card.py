"""The evaluation section of a model card: what the Hub reads of it, and what people read."""

from __future__ import annotations

import cmarkgfm
import yaml

from evals.gate import Decision
from evals.model_card import build_model_index, render_front_matter, render_model_card, render_section
from evals.scorecard import Estimate
from tests.evals.report_cards import make_scorecard

DECISION = Decision("promote", "tuned", "embedded", "gui", "r", 40, [], [])


def test_the_front_matter_holds_what_the_hub_requires() -> None:
    card = make_scorecard()
    card.metrics["location.hunk.f1"] = Estimate(0.28341, 0.2, 0.35, 38)
    text = render_front_matter(card)
    assert text.startswith("---\n")
    assert text.endswith("\n---\n")
    (index,) = yaml.safe_load(text.strip("-\n"))["model-index"]
    assert index["name"] == "qwen2.5-coder-1.5b-3"
    (result,) = index["results"]
    assert result["task"]["type"] == "text-generation"
    assert result["dataset"] == {
        "type": "gui",
        "name": "gui (bitcoin-core/gui)",
        "revision": "0f1e2d3c4b5a6978",
        "split": "test",
    }
    wanted = [metric for metric in result["metrics"] if metric["args"]["metric"] == "location.hunk.f1"]
    assert wanted == [
        {
            "type": "f1",
            "name": "F1, same hunk",
            "value": 0.2834,
            "args": {"metric": "location.hunk.f1", "interval_95": [0.2, 0.35], "pull_requests": 38},
        }
    ]
    assert all(isinstance(metric["value"], float) and metric["type"] for metric in result["metrics"])


def test_the_hubs_names_are_used_where_it_has_some() -> None:
    (index,) = build_model_index(make_scorecard())
    kinds = {metric["args"]["metric"]: metric["type"] for metric in index["results"][0]["metrics"]}
    assert kinds["text.bertscore.matched"] == "bertscore"
    assert kinds["text.rouge_l.matched"] == "rouge"
    assert kinds["location.hunk.recall"] == "recall"
    assert kinds["running.noise"] == "running.noise"


def test_what_was_not_scored_is_left_out() -> None:
    card = make_scorecard()
    card.metrics["location.hunk.f1"] = Estimate(None, note="too few")
    (index,) = build_model_index(card)
    assert "location.hunk.f1" not in {metric["args"]["metric"] for metric in index["results"][0]["metrics"]}
    assert "F1, same hunk |" not in render_section(card)


def test_the_section_has_figures_intervals_and_limits() -> None:
    card = make_scorecard()
    card.metrics["location.hunk.f1"] = Estimate(0.28341, 0.2, 0.35, 38)
    text = render_section(card, DECISION)
    assert "| F1, same hunk | 28.3 % | 20.0 to 35.0 | 38 |" in text
    assert "Decision of the gate: **promote**." in text
    assert "### Limits of these figures" in text
    assert "revision `0f1e2d3c4b5a6978`" in text


def test_strangers_words_are_inert() -> None:
    words = "<script>x</script> @octocat ![a](https://evil.example/x.png)\n---\n- a: b"
    card = make_scorecard(dataset=words, revision=f"`{words}`", notes=[words])
    text = render_model_card(card)
    front, _, section = text[4:].partition("\n---\n")
    assert yaml.safe_load(front)["model-index"][0]["results"][0]["dataset"]["type"] == words
    page = cmarkgfm.github_flavored_markdown_to_html(section, options=cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)
    assert "<script" not in page
    assert "<img" not in page
    assert "<code>@octocat</code>" in page
