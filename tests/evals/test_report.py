"""The report: what it says, that it says it of the right columns, and that strangers' words stay words."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cmarkgfm
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.commands.report import command
from evals.errors import EvalError
from evals.gate import GATE_SCHEMA, Decision
from evals.markup import Html, element, escape, join
from evals.records import save_document
from evals.report import Report, build_report, choose_examples, render_headline
from evals.report_examples import render_examples
from evals.report_files import MOST_BYTES, append_summary
from evals.report_html import POLICY, render_html
from evals.report_markdown import choose_best, render_markdown
from evals.report_metrics import BY_NAME, count, render_change, render_range, render_value, say_missing
from evals.report_notes import render_limits, render_noise, render_provenance
from evals.report_tables import render_all_figures, render_main_table
from evals.scorecard import Estimate, save_scorecard
from tests.evals.report_cards import make_pair, make_scorecard, make_slice

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)></code></pre></p>",
    "</style><style>*{display:none}</style>",
    "\u202egnp.exe\u2066 \u200bhidden\u0000 \ud800",
    '"><a href="https://evil.example/">@octocat</a> #1 https://evil.example ![x](https://evil.example/x.png)',
    "<!-- glossator:1:state: --> ]]> &lt;b&gt; \x1b[31m",
)
REASONS = ["F1 fell <b>far</b>", "@octocat noise rose"]
DECISION = Decision("hold", "tuned", "embedded", "gui", make_scorecard().revision, 40, REASONS, [])


class Page(HTMLParser):
    """A page read by a parser of its own: which elements there are, and whether they are nested well."""

    VOID = frozenset({"meta", "br", "hr", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    def find(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def make_report() -> Report:
    card = make_scorecard(skill=0.9)
    champion = make_scorecard("embedded", 2, skill=0.4)
    baselines = [make_scorecard("random-line", 3, skill=0.0, kind="baseline")]
    return build_report(card, champion, baselines, replace(DECISION, revision=card.revision))


REPORT = make_report()


@pytest.fixture(scope="module")
def html() -> str:
    return render_html(REPORT)


def test_the_page_is_whole_and_fetches_nothing(html: str) -> None:
    page = Page(html)
    assert not {"script", "link", "iframe", "object", "form", "a"} & {tag for tag, _ in page.tags}
    assert {"http-equiv": "Content-Security-Policy", "content": POLICY} in page.find("meta")
    outside = [value for _, given in page.tags for name, value in given.items() if name in {"src", "href", "action"}]
    assert outside == []
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def test_the_page_can_be_heard(html: str) -> None:
    page = Page(html)
    assert page.find("html") == [{"lang": "en"}]
    assert len(page.find("h1")) == 1
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.find("svg"))
    assert len(page.find("svg")) >= 8
    assert len(page.find("caption")) == len(page.find("table"))
    assert all(th.get("scope") in {"col", "row", "colgroup"} for th in page.find("th"))
    ids = [given["id"] for _, given in page.tags if "id" in given]
    assert len(ids) == len(set(ids))


def test_every_section_is_there(html: str) -> None:
    words = " ".join(Page(html).words)
    for said in ("Decision: hold", "Figures", "Difference to the champion", "Where it comments", "Parts of the set"):
        assert said in " ".join(words.split()), said
    for said in (
        "What a score is worth",
        "How it runs",
        "Examples",
        "Could the model have seen them?",
        "Noise: of the",
    ):
        assert said in " ".join(words.split()), said
    assert "What these figures do not say" in words


def test_a_scorecard_with_next_to_nothing_makes_a_page() -> None:
    bare = make_scorecard(
        pairs=[], slices=[], curves={}, calibration=[], drops={}, origins=[], notes=[], metrics={}, columns={}
    )
    page = Page(render_html(build_report(bare)))
    assert page.find("svg") == []
    assert "Examples" not in " ".join(page.words)


def test_the_headline_says_who_was_judged_on_what() -> None:
    assert render_headline(build_report(make_scorecard(in_set=535))) == (
        "tuned (qwen2.5-coder-1.5b 3) was judged on 40 of 535 pull requests of bitcoin-core/gui with "
        f"{int(make_scorecard().table.column('location.gold').sum()) + 40} commented lines: "
        "held-out set gui, revision 0f1e2d3c4b5a6978."
    )


def test_a_figure_stands_in_its_row_and_column() -> None:
    table = Page("".join(render_main_table(REPORT)))
    words = " ".join(" ".join(table.words).split())
    metric = BY_NAME["location.hunk.f1"]
    figures = [column.card.metrics[metric.name] for column in REPORT.columns]
    change = REPORT.columns[1].comparisons[metric.name]
    expected = [render_value(figure.value, "share") for figure in figures]
    expected.insert(2, render_change(change.difference, "share"))
    row = words.partition(f"{metric.label} ")[2]
    places = [row.index(text) for text in expected]
    assert places == sorted(places)
    assert f"\u00b1{render_value(change.detectable, 'share').removesuffix(' %')}" in row


def test_a_mark_needs_an_interval_without_zero() -> None:
    metric = BY_NAME["location.hunk.f1"]
    lower = BY_NAME["running.noise"]
    column = REPORT.columns[1]

    def judge(low: float, high: float, name: str = metric.name) -> str:
        found = replace(column.comparisons[name], low=low, high=high)
        return replace(column, comparisons={name: found}).judge(BY_NAME[name])

    assert (judge(0.01, 0.2), judge(-0.2, -0.01), judge(-0.1, 0.1)) == ("worse", "better", "")
    assert (judge(0.01, 0.2, lower.name), judge(-0.2, -0.01, lower.name)) == ("better", "worse")
    assert replace(column, comparisons={}).judge(metric) == ""


def test_the_good_candidate_is_told_from_the_bad_baseline() -> None:
    assert REPORT.columns[2].judge(BY_NAME["location.hunk.f1"]) == "worse"
    assert "significantly worse" in "".join(render_main_table(REPORT))


def test_what_was_not_scored_says_so() -> None:
    card = make_scorecard()
    card.metrics["location.hunk.f1"] = Estimate(None, note="only 3 pull requests")
    report = build_report(card, make_scorecard("embedded", 2))
    assert "only 3 pull requests" in "".join(render_main_table(report))
    assert "undefined" in "".join(render_main_table(report))
    assert "(only 3 pull requests)" in render_all_figures(report)


def test_a_figure_without_a_value_says_why() -> None:
    precision, text = BY_NAME["location.hunk.precision"], BY_NAME["text.bertscore.matched"]
    ranked = BY_NAME["ranking.hunk.ap"]
    card = make_scorecard(metrics={}, columns={"location.predicted": [0.0], "running.posted": [1.0]})
    assert say_missing(precision, card) == "undefined"
    assert (say_missing(text, card), say_missing(ranked, card)) == ("not scored", "not scored")
    card.metrics[precision.name] = Estimate(None, pull_requests=3, note="only 3 pull requests")
    assert say_missing(precision, card) == "too few"
    silent = make_scorecard(metrics={}, columns={"running.posted": [0.0]})
    assert say_missing(text, silent) == "undefined"


@pytest.mark.slow
def test_the_arrow_is_explained_where_one_is_drawn() -> None:
    near, far = make_scorecard("embedded", 2, skill=0.9), make_scorecard("embedded", 2, skill=0.0)
    card = make_scorecard(skill=0.9)
    for champion, shift in ((near, 0.1), (far, 0.6)):
        report = build_report(card, champion)
        column = report.columns[1]
        moved = {name: replace(one, difference=shift) for name, one in column.comparisons.items()}
        report = replace(report, columns=(report.columns[0], replace(column, comparisons=moved)))
        assert ("An arrow is more than 30 points away." in render_html(report)) == (shift > 0.3)


@pytest.mark.slow
def test_a_page_promises_no_picture_that_it_does_not_show() -> None:
    card = make_scorecard(drops={})
    card.columns["running.seconds"] = [0.0] * len(card.keys)
    page = render_html(build_report(card))
    assert "how long it took" not in page
    assert "Noise: of the" in page


def test_marks_have_a_shape_and_no_colour(html: str) -> None:
    marks = Page(html).find("abbr")
    assert {given["title"] for given in marks} == {
        f"significantly {how} than this candidate" for how in ("better", "worse")
    }
    assert not any("class" in given for given in marks)
    assert "corrects its p values for their number" in html


def test_other_sets_are_not_put_side_by_side() -> None:
    with pytest.raises(EvalError, match="other sets"):
        build_report(make_scorecard(), make_scorecard("embedded", 2, dataset="others"))


@pytest.mark.parametrize("changed", [{"challenger": "other"}, {"dataset": "others"}, {"revision": "other"}])
def test_a_decision_on_something_else_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(EvalError, match="decision"):
        build_report(make_scorecard(), decision=replace(DECISION, **changed))


def test_texts_that_were_scored_in_another_way_are_left_out() -> None:
    card = make_scorecard()
    other = {**card.text_scorer, "training_pairs": {"count": 1}}
    report = build_report(card, make_scorecard("embedded", 2, text_scorer=other), [make_scorecard("silent", 3)])
    text, place = BY_NAME["text.bertscore.matched"], BY_NAME["location.hunk.f1"]
    _, champion, baseline = report.columns
    for column, is_compared in ((champion, False), (baseline, True)):
        assert (column.get(text).value is not None) == is_compared
        assert (column.comparisons[text.name].difference is not None) == is_compared
        assert column.get(place).value is not None
        assert column.comparisons[place.name].difference is not None
    assert "scored with other training pairs" in "".join(render_main_table(report))
    assert report.card == card


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words(words: str) -> None:
    pair = make_pair(1, 0.5, human=words, ours=words, hunk=f"+{words}\n {words}", marked=0, path=words, repo=words)
    card = make_scorecard(words, pairs=[pair], notes=[words], settings={words: words}, slices=[], origins=[])
    report = build_report(card, decision=replace(DECISION, challenger=words, reasons=[words], revision=card.revision))
    parts = (*render_examples(report), render_provenance(report), *render_main_table(report))
    page = Page("".join(parts))
    allowed = {"p", "article", "h3", "h4", "small", "pre", "code", "mark", "span", "div", "details", "summary"}
    allowed |= {"table", "caption", "thead", "tbody", "tr", "th", "td", "abbr"}
    assert {tag for tag, _ in page.tags} <= allowed
    assert not any(name.startswith("on") for _, given in page.tags for name in given)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b\ud800]", "".join(parts))


def test_hostile_words_stay_words_in_pictures() -> None:
    words = "".join(HOSTILE)
    slices = [make_slice(random.Random(1), words, words, 30)]
    card = make_scorecard(words, slices=slices, calibration=[], curves={}, drops={words: 3}, metrics={}, columns={})
    page = Page(render_html(build_report(card)))
    assert not {"script", "img", "a"} & {tag for tag, _ in page.tags}
    assert len(page.find("style")) == 1
    assert len(page.find("svg")) == 3


@given(st.text(max_size=80))
@settings(max_examples=60)
def test_any_text_is_inert_in_html(text: str) -> None:
    page = Page(element("p", text, title=text))
    assert [tag for tag, _ in page.tags] == ["p"]
    assert escape(escape(text)) == escape(text)
    escape(text).encode()


def test_markup_escapes_what_is_no_html() -> None:
    assert join(["<", Html("<b>")], ", ") == "&lt;, <b>"
    assert element("td", ["a&b", Html("<i></i>")], class_="x", aria_label='"') == (
        '<td class="x" aria-label="&quot;">a&amp;b<i></i></td>'
    )
    assert element("br") == "<br>"


def test_the_marked_line_and_its_neighbours_are_shown() -> None:
    lines = [f"+line {number}" for number in range(40)]
    card = make_scorecard(pairs=[make_pair(1, 0.5, hunk="\n".join(lines), marked=20)])
    shown = "".join(render_examples(build_report(card)))
    assert re.findall(r"<mark[^>]*>\+(line \d+)", shown) == ["line 20"]
    assert re.findall(r"\+(line \d+)", shown) == [f"line {number}" for number in range(12, 25)]


def test_a_pair_without_a_mark_shows_the_end_of_its_hunk() -> None:
    card = make_scorecard(pairs=[make_pair(1, 0.5, marked=-1)])
    shown = "".join(render_examples(build_report(card)))
    assert "<mark" not in shown
    assert "log(path)" in shown


def test_examples_are_chosen_by_rank_whatever_their_order() -> None:
    pairs = [make_pair(rank, 1 - rank / 12) for rank in range(1, 12)]
    chosen = choose_examples(pairs)
    assert [(kind, pair.rank) for kind, pair in chosen] == [
        ("most alike", 1),
        ("most alike", 2),
        ("in the middle", 5),
        ("in the middle", 6),
        ("least alike", 10),
        ("least alike", 11),
    ]
    assert choose_examples(pairs[::-1]) == chosen
    assert [kind for kind, _ in choose_examples(pairs[:4])] == [""] * 4


def test_the_summary_is_short_inert_and_has_the_decision_first() -> None:
    text = render_markdown(REPORT)
    lines = text.splitlines()
    assert len(lines) < 60
    assert lines[2] == "**Decision: hold**"
    page = cmarkgfm.github_flavored_markdown_to_html(text, options=cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)
    assert "<b>" not in page
    assert "<strong>hold</strong>" in page or "<strong>Decision: hold</strong>" in page
    assert "<code>@octocat</code>" in page
    assert page.count("<table>") == 1
    assert "| F1, same hunk |" in text


def test_many_baselines_are_one_column_with_the_best_of_each_figure() -> None:
    names = ["random-line", "locator", "everywhere", "silent"]
    cards = [make_scorecard(name, at, skill=at / 10, kind="baseline") for at, name in enumerate(names, 3)]
    report = build_report(make_scorecard(skill=0.9), make_scorecard("embedded", 2, skill=0.4), cards)
    lines = render_markdown(report).splitlines()
    (head,) = [line for line in lines if line.startswith("| metric |")]
    assert head.endswith("| difference to it | best baseline |")
    (row,) = [line for line in lines if line.startswith("| F1, same hunk |")]
    metric = next(metric for _, metrics in report.groups for metric in metrics if metric.name == "location.hunk.f1")
    values = {column.card.candidate: column.get(metric).value or 0 for column in report.baselines}
    assert row.endswith(f", {max(values, key=lambda name: values[name])} |")
    assert choose_best(replace(metric, better="lower"), report.baselines) is None


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_names_are_inert_in_the_summary(words: str) -> None:
    report = build_report(make_scorecard(words))
    page = cmarkgfm.github_flavored_markdown_to_html(
        render_markdown(report), options=cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE
    )
    assert not re.search(r"<(?:script|img|a|style)\b", page)
    assert "<!--" not in page
    assert page.count("<table>") == 1


def test_many_reasons_are_cut() -> None:
    decision = replace(DECISION, reasons=[f"reason {number}" for number in range(40)])
    lines = render_markdown(build_report(make_scorecard(), decision=decision)).splitlines()
    assert "- and 28 more" in lines
    assert len(lines) < 65


def test_the_summary_is_appended_where_a_job_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "summary"
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert not append_summary("x")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    assert append_summary("one\n")
    assert append_summary("two\n")
    assert file.read_text() == "one\ntwo\n"
    file.write_bytes(b"x" * (MOST_BYTES - 3))
    assert not append_summary("four")
    assert file.stat().st_size == MOST_BYTES - 3
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    with pytest.raises(EvalError, match="Cannot write"):
        append_summary("x")


def test_the_command_writes_all_forms(tmp_path: Path) -> None:
    few: dict[str, Any] = {"slices": [], "curves": {}, "calibration": [], "metrics": {}}
    seeds = {"card": ("tuned", 1), "champion": ("embedded", 2), "base": ("silent", 3)}
    names = {name: make_scorecard(*who, **few) for name, who in seeds.items()}
    for name, card in names.items():
        save_scorecard(card, tmp_path / f"{name}.json")
    decision = replace(DECISION, revision=names["card"].revision)
    save_document(tmp_path / "gate.json", GATE_SCHEMA, decision)
    given = ["--scorecard", "card.json", "--champion", "champion.json", "--baseline", "base.json"]
    given += ["--decision", "gate.json", "--out", "out.html", "--markdown", "out.md", "--model-card", "model.md"]
    given = [str(tmp_path / word) if "." in word else word for word in given]
    done = CliRunner().invoke(command, given, env={"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")})
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out.html").read_text("utf-8")
    assert "silent" in page
    assert "Decision: <strong>hold</strong>" in page
    assert (tmp_path / "summary").read_text("utf-8") == (tmp_path / "out.md").read_text("utf-8")
    assert (tmp_path / "model.md").read_text("utf-8").startswith("---\nmodel-index:")


def test_a_scorecard_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("{}")
    done = CliRunner().invoke(command, ["--scorecard", str(tmp_path / "card.json")])
    assert isinstance(done.exception, EvalError)


def test_figures_are_written_with_their_units() -> None:
    assert [render_value(0.2834, unit) for unit in ("share", "score", "count", "seconds")] == [
        "28.3 %",
        "0.283",
        "0.28",
        "0.3 s",
    ]
    assert render_value(12345.6, "tokens") == "12,346"
    assert render_value(None, "share") == "\u2013"
    assert render_range(0.1, 0.25, "share") == "10.0 to 25.0"
    assert render_range(None, 0.25, "share") == ""
    assert [render_change(value, "share") for value in (0.031, -0.031, 0.00001)] == [
        "+3.1 points",
        "\u22123.1 points",
        "0.0 points",
    ]
    assert render_change(-1.25, "seconds") == "\u22121.2 s"
    assert count(1, "pull request") == "1 pull request"
    assert count(1234, "pull request") == "1,234 pull requests"


def test_noise_is_said_in_a_sentence_or_not_at_all() -> None:
    card = make_scorecard()
    card.metrics["running.noise"] = Estimate(0.452, 0.4, 0.5, 210)
    card.metrics["running.noise_comments"] = Estimate(0.8, 0.7, 0.9, 210)
    said = render_noise(build_report(card))
    assert "of the 210 pull requests without a human comment it commented on 45.2 % (40.0 to 50.0)" in said
    card.metrics.clear()
    assert render_noise(build_report(card)) == ""


def test_every_limit_is_told() -> None:
    assert render_limits().count("<li>") == 7
