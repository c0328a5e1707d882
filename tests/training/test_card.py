"""The card says what is in the dataset, draws the same plots each time, and tells two datasets apart."""

from __future__ import annotations

from pathlib import Path

import cmarkgfm
import pytest
import yaml

from training.card import render_card, render_summary, save_card
from training.card_difference import render_difference
from training.counts import COUNTS_SCHEMA, Counts, name_bins, parse_counts, render_counts
from training.errors import DataError
from training.plots import save_plots


def make_counts() -> Counts:
    counts = Counts(parameters={"context_tokens": 2000})
    counts.add(
        {
            "pull_requests": {"all": 2},
            "sources": {"github": 2},
            "repositories": {"octo/demo": 2},
            "licenses": {"MIT": 2},
            "standings": {"exact": 3, "outdated": 1},
            "filtered": {"kept": 3, "bot": 1},
            "removed": {"e-mail": 2},
            "examples": {"commented and labelled": 2, "without a remark": 1200},
            "comments_without_example": {"on the same piece again": 4},
            "languages": {f"language-{number:02}": number + 1 for number in range(20)},
            "lines": {"5-9": 2, "80+": 1},
            "tokens": {"50-99": 3},
            "comments_per_piece": {"0": 1200, "1": 1, "2": 1, "7": 1},
            "comments": {"pull-request": 3},
            "characters": {"50-99": 2, "1600+": 1},
            "outcomes": {"addressed": 2, "nobody can tell": 1},
            "years": {"2023": 2, "2024": 1},
            "chats": {"comment": 2, "nothing": 2},
            "severities": {"info": 2},
            "categories": {"design": 2},
        },
        "train",
    )
    counts.add(
        {
            "pull_requests": {"all": 1},
            "examples": {"unlabelled": 4, "commented, unlabelled": 3},
            "languages": {"language-02": 4},
        },
        "test",
    )
    counts.add({"pull_requests": {"all": 5}, "left_out": {"license": 5}}, "")
    return counts


def test_the_card_holds_the_counts_and_is_markdown() -> None:
    card = render_card(make_counts(), [("languages.png", "Examples by language")])
    head, _, body = card.removeprefix("---\n").partition("---\n")
    front = yaml.safe_load(head)
    assert front["size_categories"] == ["1K<n<10K"]
    assert [config["config_name"] for config in front["configs"]] == [
        "examples",
        "pull_requests",
        "chats",
        "chats_outdated",
    ]
    html = cmarkgfm.github_flavored_markdown_to_html(body)
    assert '<img src="plots/languages.png" alt="Examples by language" />' in html
    for row in (
        "| pull requests | 2 | 0 | 1 |",
        "| pieces, unlabelled | 0 | 0 | 4 |",
        "| octo/demo | 2 | 0 | 0 | 0 |",
        "| bot: a program's account | 1 | 25.0% |",
        "- license: 5",
        "| pieces, commented, unlabelled | 0 | 0 | 3 |",
        "- on the same piece again: 4",
        "Report metrics with and without such files",
        "Taken out of the kept ones: 2 x e-mail.",
        "66.7% (2) addressed",
        "| `commented` | list of string |",
        "- `context_tokens`: 2000",
    ):
        assert row in card


def test_an_empty_dataset_has_a_card(tmp_path: Path) -> None:
    save_card(tmp_path, Counts())
    assert "| pull requests | 0 | 0 | 0 |" in (tmp_path / "card.md").read_text()
    assert not list((tmp_path / "plots").iterdir())


@pytest.mark.slow
def test_the_plots_are_the_same_each_time(tmp_path: Path) -> None:
    saved = save_plots(tmp_path / "one", make_counts())
    save_plots(tmp_path / "two", make_counts())
    assert [name for name, _ in saved] == [
        "years.png",
        "languages.png",
        "comment-length.png",
        "comments-per-hunk.png",
        "drops.png",
    ]
    for name, _ in saved:
        data = (tmp_path / "one" / name).read_bytes()
        assert data == (tmp_path / "two" / name).read_bytes()
        assert b"tEXt" not in data, "no name of a program or a time"


def test_the_summary_is_aligned() -> None:
    lines = render_summary(make_counts()).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[2].split() == ["pieces,", "commented", "and", "labelled", "2", "0", "0"]
    assert lines[3].split() == ["pieces,", "commented,", "unlabelled", "0", "0", "3"]


def test_counts_are_read_back() -> None:
    counts = make_counts()
    assert parse_counts(render_counts(counts)) == counts
    assert parse_counts(b"") == Counts()
    assert counts.total("pull_requests") == 8
    assert counts.by_key("languages", "test")["language-02"] == 4


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"schema": "glossator/dataset-counts/9", "sections": {}}', "this version of Glossator reads"),
        (b'{"schema": "glossator/data', "cut short"),
        (b"[]", "cannot be read"),
        (f'{{"schema": "{COUNTS_SCHEMA}", "sections": {{"a": 1}}}}'.encode(), "cannot be read"),
    ],
)
def test_counts_that_are_damaged_are_named(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        parse_counts(data, "data/counts.json")
    assert "data/counts.json" in caught.value.what


def test_bins_have_no_gap() -> None:
    assert name_bins((0, 5, 10)) == ["0-4", "5-9", "10+"]


def test_the_difference_names_what_changed() -> None:
    old, new = make_counts(), make_counts()
    new.parameters["context_tokens"] = 3000
    new.add(
        {"pull_requests": {"all": 3}, "repositories": {"octo/new": 3}, "filtered": {"bot": 4, "own": 1}}, "validation"
    )
    assert render_difference(old, new) == (
        "| | before | now | change |\n"
        "| --- | ---: | ---: | ---: |\n"
        "| Pull requests, validation | 0 | 3 | +3 |\n"
        "\n"
        "- Parameters: `context_tokens` from 2000 to 3000.\n"
        "- New repositories: `octo/new`.\n"
        "- Comments that the filter leaves out: `bot` +4, `own` +1.\n"
    )
    assert "| Pull requests, validation | 3 | 0 | -3 |" in render_difference(new, old)
    assert "- Repositories gone: `octo/new`." in render_difference(new, old)


@pytest.mark.parametrize("section", ["repositories", "filtered"])
@pytest.mark.parametrize("key", ["@octo/team", "fixes #1", "`@octo/team`", "``` @octo", "`", "x\n\n@octo/team", "  "])
def test_whatever_a_key_says_stays_in_its_code_span(section: str, key: str) -> None:
    new = Counts()
    new.add({section: {key: 1}}, "train")
    (line,) = render_difference(Counts(), new).splitlines()
    before, code, after = line.split("`")
    assert code.strip()
    assert not {"@", "#"} & set(before + after)


def test_parameters_are_named_as_code_and_not_all() -> None:
    old, new = make_counts(), make_counts()
    new.parameters |= {f"`@octo/{number}": number for number in range(10, 30)}
    note = render_difference(old, new)
    assert "`'@octo/10` from nothing to 10" in note
    assert note.endswith(" and 12 more.\n")


def test_no_difference_and_a_first_dataset() -> None:
    assert render_difference(make_counts(), make_counts()) == "Nothing that the data card counts has changed.\n"
    first = render_difference(Counts(), make_counts())
    assert "| Examples, train | 0 | 1,202 | +1,202 |" in first
    assert "Parameters" not in first


def test_many_repositories_are_not_all_named() -> None:
    new = Counts()
    new.add({"repositories": {f"octo/{number}": 1 for number in range(20)}}, "train")
    assert "`octo/15` and 12 more." in render_difference(Counts(), new)
