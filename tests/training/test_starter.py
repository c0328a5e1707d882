"""`glossator-train init`, and the parameters that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from reviewer import __version__
from reviewer.errors import HostError, UsageError
from simulation.github_server import GitHubServer
from tests.training.collecting import SALT, add_pull, create_repo
from training.anchors import AlignParams
from training.cli import train
from training.collect_run import CollectParams
from training.dataset_params import DatasetParams
from training.filter import FilterParams
from training.params import load_params
from training.snapshot import hash_name
from training.split import SplitParams, check_params
from training.starter import PACKAGE, write_starter

FILES = [".dvcignore", ".gitignore", "dvc.yaml", "opt-out.txt", "params.yaml"]
SECTIONS = {
    "collect": CollectParams,
    "align": AlignParams,
    "filter": FilterParams,
    "split": SplitParams,
    "dataset": DatasetParams,
}


def test_init_writes_a_pipeline_for_these_repositories(tmp_path: Path) -> None:
    folder = tmp_path / "reviews"
    result = CliRunner().invoke(train, ["init", str(folder), "--repo", "octo/demo", "--repo", "octo/other"])
    assert result.exit_code == 0
    assert "dvc remote add" in result.output
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert load_params(folder / "params.yaml", "collect", CollectParams).repos == ("octo/demo", "octo/other")
    assert load_params(folder / "params.yaml", "split", SplitParams).method == "time"


def test_a_name_is_written_as_it_is(tmp_path: Path) -> None:
    write_starter(tmp_path, ["octo/VERSION-x"])
    assert load_params(tmp_path / "params.yaml", "collect", CollectParams).repos == ("octo/VERSION-x",)


def test_init_writes_over_nothing_unless_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"already holds params\.yaml"):
        write_starter(tmp_path, ["octo/demo"])
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]
    assert len(write_starter(tmp_path, ["octo/demo"], force=True)) == 5
    assert (tmp_path / "params.yaml").read_text() != "mine"


@pytest.mark.parametrize("repo", ["demo", "octo/demo/x", "octo/demo]\nsplit: {}", "", "../..", "octo/.."])
def test_init_takes_only_names_of_repositories(tmp_path: Path, repo: str) -> None:
    with pytest.raises(UsageError, match="is no repository"):
        write_starter(tmp_path, [repo])


def test_of_ones_own_project_no_stranger_teaches(tmp_path: Path) -> None:
    """In public data nobody knows who is one."""
    write_starter(tmp_path, ["octo/demo"])
    own = load_params(tmp_path / "params.yaml", "filter", FilterParams).associations
    assert own == ("OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR")
    assert load_params(PACKAGE / "params.yaml", "filter", FilterParams).associations == "any"


@pytest.mark.parametrize("which", ["package", "own"])
def test_all_parameters_that_come_along_are_known(tmp_path: Path, which: str) -> None:
    write_starter(tmp_path, ["octo/demo"])
    path = PACKAGE / "params.yaml" if which == "package" else tmp_path / "params.yaml"
    for section, kind in SECTIONS.items():
        load_params(path, section, kind)
    document = yaml.safe_load(path.read_text())
    assert set(document) == {"glossator", *SECTIONS}
    assert document["glossator"] == __version__
    check_params(load_params(path, "split", SplitParams))


def test_each_stage_goes_by_its_own_section_and_the_version() -> None:
    stages = yaml.safe_load((PACKAGE / "dvc.yaml").read_text())["stages"]
    commands: dict[str, object] = {name: f"glossator-train {name}" for name in SECTIONS}
    commands["collect"] = "glossator-train collect --allow-partial"
    commands["dataset"] = ["glossator-train dataset", "glossator-train split --check --dataset data/dataset"]
    commands["held_out"] = "glossator-train held-out --pairs data/training-pairs.jsonl"
    assert {name: stage["cmd"] for name, stage in stages.items()} == commands
    own = {name: ["glossator", name] for name in SECTIONS} | {"collect": ["collect"], "held_out": ["glossator"]}
    assert {name: stage["params"] for name, stage in stages.items()} == own


def run_collect_stage(server: GitHubServer) -> Result:
    """What `dvc repro` runs for its stage collect, in the folder that we are in."""
    words = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]["collect"]["cmd"].split()
    variables = {"GITHUB_API_URL": server.url, "GITHUB_GRAPHQL_URL": server.graphql_url, "GLOSSATOR_NAME_SALT": SALT}
    tokens = {"GLOSSATOR_GITHUB_TOKENS": "actions-token", "GLOSSATOR_APP_ID": "", "GLOSSATOR_APP_KEY": ""}
    return CliRunner().invoke(train, words[1:], env={**variables, **tokens})


def test_a_repository_that_is_gone_does_not_stop_the_pipeline(
    github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it keep the words of somebody who opts out in what is built."""
    monkeypatch.chdir(tmp_path)
    write_starter(tmp_path, ["octo/gone", "octo/demo"])
    nothing = run_collect_stage(github_server)
    assert isinstance(nothing.exception, HostError), "of nothing there is no part"
    add_pull(create_repo(github_server), 1)
    for out in ("", "bob\n"):
        Path("opt-out.txt").write_text(out)
        result = run_collect_stage(github_server)
        assert result.exit_code == 0, result.output
        assert "octo/gone: " in result.stderr
        assert "not collected to the end" in result.stdout
        stored = Path("data/snapshots/octo/demo/000001.json").read_text()
        assert (hash_name("bob", SALT) in stored) is (not out)
