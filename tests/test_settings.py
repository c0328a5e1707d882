"""Settings: one table, one precedence, and messages that say what to write instead."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from reviewer.errors import UsageError
from reviewer.settings import CommandInputs, Settings, merge_settings, parse_command_inputs
from reviewer.settings_file import MAX_CHARACTERS, load_settings_text
from reviewer.settings_forms import click_options, render_action_inputs, render_docs_table, render_schema
from reviewer.settings_table import COMMAND_ONLY, SHARED, TABLE

ROOT = Path(__file__).parent.parent


def assert_current(path: Path, text: str) -> None:
    """A published file says what the code says. GLOSSATOR_UPDATE=1 writes it."""
    if os.environ.get("GLOSSATOR_UPDATE") == "1":
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "run this test with GLOSSATOR_UPDATE=1 and commit the result"


def complaint(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        load_settings_text(text)
    return str(caught.value)


# The table


def test_the_table_and_the_dataclasses_name_the_same_settings_with_the_same_defaults() -> None:
    assert [row.field for row in SHARED] == [field.name for field in dataclasses.fields(Settings)]
    assert {row.field for row in COMMAND_ONLY} == {field.name for field in dataclasses.fields(CommandInputs)}
    assert merge_settings({}, {}) == Settings()
    assert parse_command_inputs({}) == CommandInputs()


def test_the_action_has_at_most_twenty_inputs() -> None:
    assert sum(row.in_action for row in TABLE) <= 20
    assert len({row.name for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("row", SHARED, ids=lambda row: row.name)
def test_every_example_and_default_is_valid_in_the_file(row: Any) -> None:
    assert load_settings_text(f"{row.name}: {row.yaml_example}") != {}
    default = "[]" if row.default == () else json.dumps(row.default)
    values = load_settings_text(f"{row.name}: {default}")
    assert getattr(merge_settings({}, values), row.field) == getattr(Settings(), row.field)


# Precedence


def test_an_input_goes_before_the_file_and_the_file_before_the_default() -> None:
    file = load_settings_text("max-comments: 5\nconcurrency: 9")
    settings = merge_settings({"max-comments": "7", "fail-on": "error"}, file)
    assert (settings.max_comments, settings.concurrency, settings.timeout) == (7, 9, 120.0)
    assert settings.fail_on == "error"


@pytest.mark.parametrize("empty", ["", "  ", None, ()])
def test_an_empty_input_is_not_given(empty: object) -> None:
    inputs = {row.name: empty for row in TABLE}
    assert merge_settings(inputs, {"max-comments": 5}).max_comments == 5
    assert parse_command_inputs(inputs).step == "all"


def test_an_input_can_turn_off_what_the_file_turns_on() -> None:
    file = load_settings_text("review-drafts: true\nmax-comments: 4")
    settings = merge_settings({"review-drafts": "False", "max-comments": "0"}, file)
    assert (settings.review_drafts, settings.max_comments) == (False, 0)


def test_globs_may_be_separated_by_commas_or_newlines() -> None:
    expected = ("dist/**", "a b/*.js", "*.lock")
    assert merge_settings({"exclude": "dist/**, a b/*.js\n\n*.lock,"}, {}).exclude == expected
    assert merge_settings({"exclude": ("dist/**", "a b/*.js,*.lock")}, {}).exclude == expected


def test_auto_depends_on_where_the_model_is() -> None:
    served, embedded = merge_settings({}, {}), merge_settings({}, {}, embedded=True)
    assert (served.context_tokens, served.max_prompt_tokens) == (6000, 60_000)
    assert (embedded.context_tokens, embedded.max_prompt_tokens) == (1300, 6000)
    assert merge_settings({"context-tokens": "auto"}, {"context-tokens": 77}, embedded=True).context_tokens == 1300
    assert merge_settings({}, {"context-tokens": 77}, embedded=True).context_tokens == 77


# Inputs that cannot be used


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (
            {"max-comments": "many"},
            ["max-comments is the text 'many'", "a whole number from 0 to 20", "max-comments: 5"],
        ),
        ({"max-comments": "21"}, ["the number 21", "from 0 to 20"]),
        ({"max-comments": "-1"}, ["the number -1"]),
        ({"max-comments": "9" * 5000}, ["a whole number"]),
        ({"timeout": "soon"}, ["a number of seconds from 1 to 3600"]),
        ({"timeout": "0"}, ["the number 0.0"]),
        ({"review-bots": "yes"}, ["the text 'yes'", "true or false"]),
        ({"fail-on": "critical"}, ["one of error, warning, info, never"]),
        ({"context-tokens": "lots"}, ["auto or a whole number"]),
        ({"trigger-label": "a\nb"}, ["one line", "50 characters"]),
        ({"exclude": ",".join(["x"] * 201)}, ["at most 200 globs"]),
        ({"max-coments": "3"}, ["there is no setting 'max-coments'", "Did you mean max-comments?"]),
        ({"MAX_COMMENT": "3"}, ["Did you mean max-comments?"]),
        ({"zzz": "3"}, ["docs/settings.md"]),
        ({"pull-request": "#7"}, ["the text '#7'", "a whole number"]),
    ],
)
def test_a_bad_input_says_what_was_given_and_what_is_expected(inputs: dict[str, object], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        merge_settings(inputs, {})
    for word in words:
        assert word in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "url",
    [
        "hush",
        "ftp://x",
        "http://",
        "https://user:word@x",
        "https://x:99999",
        "http://a b",
        "http://[x",
        "file:///a",
        "x:0",
    ],
)
def test_a_bad_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_command_inputs({"endpoint-url": url})
    assert "endpoint-url must be an address" in str(caught.value)
    assert url not in str(caught.value).replace("http://", "", 1) or url == "http://"


def test_no_secret_shows_in_a_repr() -> None:
    inputs = parse_command_inputs(
        {"github-token": "hush1", "endpoint-url": "https://hush2", "signing-key": "hush3", "endpoint-token": "hush4"}
    )
    assert (inputs.github_token, inputs.endpoint_url) == ("hush1", "https://hush2")
    assert "hush" not in repr(inputs)


def test_a_bundle_is_not_trusted_with_settings() -> None:
    with pytest.raises(UsageError, match="max-comments is the number 10000"):
        merge_settings({}, {"max-comments": 10_000})
    with pytest.raises(UsageError, match="cannot be set in the file"):
        merge_settings({}, {"endpoint-url": "https://elsewhere.example"})


# The file


def test_the_file_gives_checked_values_fit_for_json() -> None:
    values = load_settings_text(
        "# ours\nmax-comments: 5\nexclude: [dist/**, '*.min.js']\nresolve-outdated: off\n"
        "timeout: 30\nfail-on: 'error'\n"
    )
    assert values == {
        "max-comments": 5,
        "exclude": ["dist/**", "*.min.js"],
        "resolve-outdated": "off",
        "timeout": 30.0,
        "fail-on": "error",
    }
    assert merge_settings({}, json.loads(json.dumps(values))).exclude == ("dist/**", "*.min.js")


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "---\n", "{}"])
def test_an_empty_file_gives_nothing(text: str) -> None:
    assert load_settings_text(text) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("concurrency: 2\nmax-coment: 5", ["line 2", "no setting 'max-coment'", "Did you mean max-comments?"]),
        ("max_comments: 5", ["Did you mean max-comments?"]),
        ("\n\nmax-comments: '5'", ["line 3", "the text '5'"]),
        ("max-comments: true", ["is true"]),
        ("max-comments: 5.5", ["the number 5.5"]),
        ("max-comments:", ["is empty"]),
        ("max-comments: [1]", ["is a list"]),
        ("max-comments: {a: 1}", ["is a mapping"]),
        ("review-drafts: yes", ["the text 'yes'"]),
        ("timeout: 1:30", ["the text '1:30'"]),
        ("trigger-label: 2024-01-01\nexclude: x", ['exclude: ["dist/**", "*.min.js"]']),
        ("exclude: [1]", ["a list of at most 200 globs"]),
        ("exclude: ['']", ["a list of at most 200 globs"]),
        ("max-comments: 1\nmax-comments: 2", ["line 2", "given twice"]),
        ("- max-comments", ["no mapping"]),
        ("hello", ["no mapping"]),
        ("a: b: c", ["line 1", "not YAML"]),
        ("max-comments: 1\n  x: [", ["not YAML"]),
        ("\x00", ["not YAML"]),
        ("max-comments: \udc80", ["not YAML"]),
        ("a: 1\n---\nb: 2", ["another document"]),
        ("max-comments: &x 1", ["anchors and aliases"]),
        ("max-comments: *x", ["anchors and aliases"]),
        ("exclude: !!python/object/apply:os.system ['true']", ["tags are not supported"]),
        ("max-comments: !!int '5'", ["tags are not supported"]),
        ("exclude: [[[a]]]", ["nested too deeply"]),
        ("[" * 60_000, ["nested too deeply"]),
        ("{" * 60_000, ["nested too deeply"]),
        ("? [a]\n: 1", ["no setting '?'"]),
        ("<<: {max-comments: 1}", ["no setting '<<'"]),
        ("#" * (MAX_CHARACTERS + 1), ["at most 65536"]),
    ],
)
def test_a_bad_file_names_the_place_and_the_remedy(text: str, words: list[str]) -> None:
    message = complaint(text)
    assert message.startswith(".github/glossator.yml")
    for word in words:
        assert word in message


@pytest.mark.parametrize("row", COMMAND_ONLY, ids=lambda row: row.name)
def test_what_belongs_to_the_command_is_refused_in_the_file_without_its_value(row: Any) -> None:
    message = complaint(f"{row.name}: hush")
    assert f"{row.name} cannot be set in the file" in message
    assert f"--{row.name}" in message
    assert "hush" not in message


@given(st.text(max_size=200) | st.text(alphabet="max-comments:3 \n[]{},&*!'\"|>#?%@`", max_size=60))
def test_no_text_does_anything_but_load_or_complain(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert merge_settings({}, load_settings_text(text))


# Options


def run_options(args: list[str], env: dict[str, str], *names: str) -> dict[str, object]:
    seen: dict[str, object] = {}

    @click.command()
    @click_options(*names)
    def command(**options: object) -> None:
        seen.update(options)

    result = CliRunner().invoke(command, args, env=env)
    assert result.exit_code == 0, result.output
    return seen


def test_options_not_given_leave_the_file_in_force() -> None:
    options = run_options([], {row.variable: "" for row in TABLE})
    assert set(options) == {row.field for row in TABLE}
    assert merge_settings(options, {"max-comments": 9, "review-drafts": True}).max_comments == 9
    assert merge_settings(options, {"review-drafts": True}).review_drafts is True


def test_options_and_their_variables_reach_the_settings() -> None:
    args = [
        "--max-comments",
        "4",
        "--no-review-drafts",
        "--exclude",
        "a/*",
        "--exclude",
        "b c/*,d",
        "--fail-on",
        "error",
    ]
    env = {"GLOSSATOR_CONCURRENCY": "2", "GLOSSATOR_REVIEW_BOTS": "true", "GLOSSATOR_ENDPOINT_TOKEN": "hush"}
    options = run_options(args, env)
    settings = merge_settings(options, {"review-drafts": True})
    assert (settings.max_comments, settings.review_drafts, settings.fail_on) == (4, False, "error")
    assert (settings.concurrency, settings.review_bots) == (2, True)
    assert settings.exclude == ("a/*", "b c/*", "d")
    assert parse_command_inputs(options).endpoint_token == "hush"


def test_globs_come_through_the_environment_with_their_spaces() -> None:
    options = run_options([], {"GLOSSATOR_EXCLUDE": "my dir/**, x\ny"})
    assert merge_settings(options, {}).exclude == ("my dir/**", "x", "y")


def test_a_command_may_take_some_options_only() -> None:
    assert set(run_options(["--timeout", "9"], {}, "timeout", "model")) == {"timeout", "model"}


def test_reading_the_table_imports_neither_yaml_nor_click() -> None:
    code = "import sys, reviewer.settings_forms; print(sorted({'yaml', 'click', 'difflib'} & set(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert output == "[]\n"


# What is made from the table


def test_the_published_schema_is_current() -> None:
    assert_current(ROOT / "schemas" / "settings.schema.json", render_schema())


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("max-comments: 5\nexclude: [a]\ncontext-tokens: auto\ntimeout: 1.5\nreview-bots: true", True),
        ("max-comments: 21", False),
        ("max-comments: '5'", False),
        ("endpoint-url: https://x", False),
        ("exclude: a", False),
        ("exclude: ['']", False),
        ("context-tokens: many", False),
        ("fail-on: critical", False),
        ("trigger-label: " + "x" * 51, False),
    ],
)
def test_schema_and_code_agree(text: str, valid: bool) -> None:
    schema = json.loads(render_schema())
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema)
    assert validator(schema).is_valid(yaml.safe_load(text)) is valid
    if valid:
        assert load_settings_text(text)
    else:
        assert complaint(text)


def test_the_table_in_the_documentation_is_current() -> None:
    path = ROOT / "docs" / "settings.md"
    pattern = re.compile(r"(<!-- table: .*? -->\n).*?(<!-- end of table -->)", re.DOTALL)
    text = path.read_text(encoding="utf-8")
    assert pattern.search(text)
    assert_current(path, pattern.sub(lambda match: match[1] + render_docs_table() + match[2], text))


def test_the_settings_file_shown_in_the_documentation_loads() -> None:
    (example,) = re.findall(
        r"```yaml\n(.*?)```", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert load_settings_text(example)["resolve-outdated"] == "on"


def test_the_action_inputs_are_yaml_and_hide_no_setting_of_the_file() -> None:
    inputs = yaml.safe_load(render_action_inputs())["inputs"]
    assert list(inputs) == [row.name for row in TABLE if row.in_action]
    assert {name: spec["default"] for name, spec in inputs.items() if spec["default"]} == {
        "github-token": "${{ github.token }}"
    }
    assert "Default: 3." in inputs["max-comments"]["description"]
    assert "One of all, collect, infer, post." in inputs["step"]["description"]
