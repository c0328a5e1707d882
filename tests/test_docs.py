"""What README and docs/ say is so: commands parse, files and links exist, tables are those of the code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from evals.cli import STEPS as NAMES_OF_STEPS
from evals.cli import evaluate
from reviewer import errors
from reviewer.cli import STOPPED
from reviewer.cli import glossator as commands
from reviewer.event import HELP, decide_command
from reviewer.model_catalogue import CATALOGUE
from reviewer.report import FORMATS
from reviewer.settings import Settings
from reviewer.settings_table import TABLE
from runners.cli import TASKS as NAMES_OF_TASKS
from runners.cli import operate
from runners.serving.models import MODELS as SERVED
from tests.command import ROOT
from training.cli import STAGES as NAMES_OF_STAGES
from training.cli import train

PAGES = sorted([ROOT / "README.md", ROOT / "examples" / "README.md", *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FOLDERS = (
    *("reviewer", "training", "runners", "terraform", "ansible", "simulation", "action", "tests", "docs", "examples"),
    *("schemas", "bench"),
)
PLACEHOLDERS = {"KIND": "lease", "FORMAT": "text", "NUMBER": "7", "NAME": "x"}
MADE_BY_RUNS = {"review.json", "bundle.json", "run.json", "review.sarif", "posted.json", "review.md"}


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def find_commands(program: str) -> Iterator[tuple[str, list[str]]]:
    """The page and the words after the program's name of each command line in a block or a code span."""
    for page in NAMES:
        blocks = re.findall(r"```bash\n(.*?)```", read(page), re.DOTALL)
        lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
        for line in (*lines, *re.findall(r"`([^`\n]+)`", read(page))):
            for part in re.split(r"&&|\|", line):
                words = shlex.split(part, comments=True) if "glossator" in part else []
                if words and words[0].rpartition("/")[2] == program and len(words) > 1:
                    yield page, [PLACEHOLDERS.get(word, word) for word in words[1:]]


COMMANDS = list(find_commands("glossator"))


def name_module(package: str, command: str) -> str:
    return f"{package}.commands.{command.replace('-', '_')}"


GROUPS: dict[str, tuple[str, click.Group]] = {
    "glossator-train": ("training", train),
    "glossator-eval": ("evals", evaluate),
    "glossator-ops": ("runners", operate),
}
GROUP_COMMANDS = [
    (program, page, words)
    for program, (package, _) in GROUPS.items()
    for page, words in find_commands(program)
    if find_spec(name_module(package, words[0]))
]
MODULES = [name_module("training", name) for name in NAMES_OF_STAGES]
MODULES += [name_module("evals", name) for name in NAMES_OF_STEPS]
MODULES += [name_module("runners", name) for name in NAMES_OF_TASKS]
STAGES = [import_module(module).command for module in MODULES]
STAGES += [below for one in STAGES if isinstance(one, click.Group) for below in one.commands.values()]
OF_GROUPS = {
    name
    for package in ("training", "evals", "runners")
    for file in ROOT.glob(f"{package}/**/*.py")
    for name in re.findall(r"GLOSSATOR_\w+", file.read_text())
} | {
    name
    for file in (ROOT / "ansible").glob("*/**/*.yml")
    for name in re.findall(r"'(GLOSSATOR_\w+)'", file.read_text())
}
for name in ("deploy", "lease"):
    workflow = (ROOT / f".github/workflows/{name}.yml").read_text()
    OF_GROUPS |= set(re.findall(r"(?:vars|secrets)\.(GLOSSATOR_\w+)", workflow))
"""Variables that only `glossator-train`, `glossator-eval`, `glossator-ops`, Ansible or a workflow of theirs reads."""


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=[f"{page}: {' '.join(words)}" for page, words in COMMANDS])
def test_a_command_line_parses(page: str, words: list[str]) -> None:
    context = click.Context(commands)
    name, command, rest = commands.resolve_command(context, words)
    assert command
    try:
        command.make_context(name, rest, parent=context)
    except click.exceptions.Exit:
        assert words[-1] == "--help"


@pytest.mark.parametrize(
    ("program", "page", "words"),
    GROUP_COMMANDS,
    ids=[f"{page}: {program} {' '.join(words)}" for program, page, words in GROUP_COMMANDS],
)
def test_a_command_line_of_a_group_parses(
    program: str, page: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that is named alone, as `glossator-train retrain` in a sentence, may lack its arguments."""
    monkeypatch.setenv("GITHUB_REPOSITORY", "octo/demo")
    group = GROUPS[program][1]
    context = click.Context(group)
    name, command, rest = group.resolve_command(context, words)
    assert command
    try:
        rest = [str(ROOT) if word == "PATH" else word for word in rest]
        context = command.make_context(name, rest, parent=context)
        if isinstance(command, click.Group) and rest:
            name, command, rest = command.resolve_command(context, rest)
            assert command
            command.make_context(name, rest, parent=context)
    except click.exceptions.Exit:
        assert words[-1] == "--help"
    except (click.MissingParameter, click.exceptions.NoArgsIsHelpError):
        assert not rest


@pytest.mark.parametrize(
    ("program", "names"),
    [("glossator-train", NAMES_OF_STAGES), ("glossator-eval", NAMES_OF_STEPS), ("glossator-ops", NAMES_OF_TASKS)],
)
def test_every_stage_is_explained(program: str, names: dict[str, str]) -> None:
    named = re.findall(rf"^\| `{program} ([a-z-]+)` \|", read("docs/cli.md"), re.MULTILINE)
    assert named == list(names)


def test_every_command_is_explained() -> None:
    assert len(COMMANDS) > 15
    named = re.findall(r"^\| `glossator ([a-z]+)` \|", read("docs/cli.md"), re.MULTILINE)
    assert named == list(commands.commands)


@pytest.mark.parametrize("page", NAMES)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        if re.match(r"https?:", target):
            continue
        path, _, section = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), target
        if section:
            titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert section in {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}, target


@pytest.mark.parametrize("page", NAMES)
def test_files_that_are_named_exist(page: str) -> None:
    """Paths with a folder of ours in front."""
    text = re.sub(r"```.*?```", "", read(page), flags=re.DOTALL)
    for path in re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./*-]+)`", text):
        made = path == "bench/results.json"  # by `make bench`
        assert made or list(ROOT.glob(path.rstrip("/"))), path


@pytest.mark.parametrize("page", NAMES)
def test_options_and_variables_that_are_named_exist(page: str) -> None:
    ours = {
        option for command in [*commands.commands.values(), *STAGES] for one in command.params for option in one.opts
    }
    spans = [span for span in re.findall(r"`([^`\n]+)`", read(page)) if re.match(r"(glossator )?[a-z ]*--[a-z]", span)]
    for span in spans:
        if not span.startswith(("git ", "uv ", "pip ")):
            unknown = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", span)) - ours - {"--help"}
            assert not unknown or page.startswith("docs/adr/"), span
    known = {setting.variable for setting in TABLE} | {"GLOSSATOR_TRACEBACK", "GLOSSATOR_UPDATE", "GLOSSATOR_"}
    shown = {name for name in re.findall(r"GLOSSATOR_\w*", read(page)) if f"secrets.{name}" not in read(page)}
    assert shown <= known | {"GLOSSATOR_FOLDER", "GLOSSATOR_EMBEDDED"} | OF_GROUPS


def test_the_exit_codes() -> None:
    listed = dict(re.findall(r"^\| (\d+) \| (.+) \|$", read("docs/output.md"), re.MULTILINE))
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.GlossatorError)]
    codes = {errors.EXIT_OK, errors.EXIT_FINDINGS, STOPPED, *(one.exit_code for one in classes)}
    assert {int(code) for code in listed} == codes
    epilog = re.findall(r"(\d+) [a-zA-Z-]", commands.epilog or "")
    assert {int(code) for code in epilog} == codes - {STOPPED, errors.GlossatorError.exit_code}


def test_the_formats() -> None:
    listed = re.findall(r"^\| `([a-z]+)` \|", read("docs/output.md"), re.MULTILINE)
    assert tuple(listed) == FORMATS


def test_the_commands_in_comments() -> None:
    named = set(re.findall(r"`(/[a-z]+(?: [a-z]+)?)`", read("README.md")))
    assert named == {"/review", "/review full", "/pause", "/resume", "/help"}
    for text in named:
        assert text == "/help" or f"`{text}`" in HELP
        comment = {"id": 1, "body": text, "user": {"login": "bob", "type": "User"}, "author_association": "OWNER"}
        issue = {"number": 3, "pull_request": {"url": "x"}, "state": "open"}
        payload = {"action": "created", "comment": comment, "issue": issue}
        decision = decide_command("issue_comment", payload, Settings(), 0)
        assert (decision.command, decision.full) == (text.split()[0][1:], text.endswith("full"))


def test_models_that_are_named_are_in_the_catalogue() -> None:
    for page in NAMES:
        for name in re.findall(r"--model ([a-z0-9.-]+)(?:`|\s)", read(page)):
            assert name in CATALOGUE or name in SERVED or name in ("reviewer-v3", "champion"), f"{page}: {name}"


def test_the_readme_runs_two_commands_of_set_up() -> None:
    blocks = re.findall(r"```bash\n(.*?)```", read("README.md"), re.DOTALL)
    set_up = [block for block in blocks if "pip install" in block]
    assert [block.count("\n") for block in set_up] == [1, 1], "one line each"
    assert (ROOT / "examples/nanochat-392/pull-request.diff").is_file()
    for extra in re.findall(r"\[([a-z,]+)\]'", "".join(set_up)):
        for name in extra.split(","):
            assert re.search(rf"^{name} = \[", read("pyproject.toml"), re.MULTILINE), name


def test_no_page_has_a_path_of_somebodys_machine() -> None:
    for page in NAMES:
        assert not re.search(r"/(root|work|home)/|localhost:\d{5}", read(page)), page


def test_pages_are_found() -> None:
    assert {"README.md", "docs/cli.md", "docs/output.md"} <= set(NAMES)
    assert all(isinstance(page, Path) for page in PAGES)
