"""The pipeline under DVC in a repository of a user's, with a real object store: run, push, clone, pull, run again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.object_store import ObjectStore
from tests.training.small_published import write_published

TOP = Path(__file__).parents[2]
PARAMS = {
    "repos: [octo/alpha, octo/beta]": "repos: []\n  sources: [published.jsonl]",
    "english_only: false": "min_quality: 0.3",
    "method: time": "method: repository\n  test_repositories: [octo/gamma]\n  validation_repositories: [octo/beta]",
}


@dataclass(frozen=True)
class Pipeline:
    """A checkout with the pipeline in its folder `reviews`."""

    top: Path
    environment: dict[str, str]

    @property
    def folder(self) -> Path:
        return self.top / "reviews"

    def run(self, *words: str) -> str:
        """What a command prints, in the folder of the pipeline; it must do well."""
        where = self.folder if self.folder.is_dir() else self.top
        command = [sys.executable, "-m", *words] if words[0] == "dvc" else [*words]
        done = subprocess.run(
            command, cwd=where, env=self.environment, capture_output=True, text=True, timeout=150, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def repro(self, *options: str) -> list[str]:
        """The stages that DVC found to run."""
        return re.findall(r"^Running stage '(\w+)':$", self.run("dvc", "repro", *options), re.MULTILINE)

    def change(self, old: str, new: str) -> None:
        params = self.folder / "params.yaml"
        text = params.read_text()
        assert old in text
        params.write_text(text.replace(old, new))

    def read_data(self) -> dict[str, bytes]:
        data = self.folder / "data"
        return {str(path.relative_to(data)): path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with ObjectStore() as running:
        yield running


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, store: ObjectStore) -> dict[str, str]:
    """As on a machine of its own, with `glossator-train` on the path."""
    home = tmp_path_factory.mktemp("home")
    program = home / "bin" / "glossator-train"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{TOP}" exec "{sys.executable}" -P -m training "$@"\n')
    program.chmod(0o755)
    (home / ".gitconfig").write_text("[user]\nname = Demo\nemail = demo@example.com\n[init]\ndefaultBranch = main\n")
    return {
        "HOME": str(home),
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "DVC_SITE_CACHE_DIR": str(home / "site"),
        "DVC_NO_ANALYTICS": "1",
        **store.environment,
    }


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], store: ObjectStore) -> Pipeline:
    """A user's repository whose dataset is built, committed and pushed."""
    made = Pipeline(tmp_path_factory.mktemp("project"), environment)
    made.run("git", "init", "--quiet")
    made.run("glossator-train", "init", "reviews", "--repo", "octo/alpha", "--repo", "octo/beta")
    made.run("dvc", "init", "--quiet", "--subdir")
    made.run("dvc", "config", "core.analytics", "false")
    made.run("dvc", "config", "core.check_update", "false")
    made.run("dvc", "remote", "add", "--quiet", "--default", "storage", f"s3://{store.bucket}/glossator")
    made.run("dvc", "remote", "modify", "storage", "endpointurl", store.url)
    write_published(made.folder / "published.jsonl")
    for old, new in PARAMS.items():
        made.change(old, new)
    assert made.repro() == ["collect", "align", "filter", "split", "dataset", "held_out"]
    made.run("git", "add", "--all", ".")
    made.run("git", "commit", "--quiet", "--message", "Build the dataset")
    made.run("dvc", "push")
    return made


def test_git_keeps_the_records_and_the_card_and_dvc_the_data(pipeline: Pipeline, store: ObjectStore) -> None:
    kept = pipeline.run("git", "ls-files").split()
    assert [name for name in kept if name.startswith("data/")] == ["data/dataset/card.md", "data/dataset/counts.json"]
    assert {"dvc.lock", "dvc.yaml", "params.yaml", "opt-out.txt", ".gitignore", ".dvc/config"} <= set(kept)
    stored = store.list_keys()
    assert len(stored) > 20
    assert all(key.startswith("glossator/files/md5/") for key in stored)


def test_a_fresh_clone_pulls_the_same_bytes(pipeline: Pipeline, environment: dict[str, str], tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "--quiet", pipeline.top, tmp_path / "clone"], env=environment, check=True)
    clone = Pipeline(tmp_path / "clone", environment)
    assert "data/dataset/examples/train.parquet" not in clone.read_data()
    clone.run("dvc", "pull", "--quiet")
    assert clone.read_data() == pipeline.read_data()
    assert clone.run("dvc", "status").strip() == "Data and pipelines are up to date."
    assert "in sync" in clone.run("dvc", "status", "--cloud")
    assert clone.repro() == []
    assert clone.run("git", "status", "--short") == ""
    assert "No leak" in clone.run("glossator-train", "split", "--check", "--dataset", "data/dataset")


@pytest.mark.parametrize(
    ("old", "new", "stages"),
    [
        ("context_tokens: 2000", "context_tokens: 1500", ["dataset"]),
        ("test_repositories: [octo/gamma]", "test_repositories: [octo/delta]", ["split", "dataset", "held_out"]),
        ("glossator: ", "glossator: 1", ["align", "filter", "split", "dataset", "held_out"]),
    ],
)
def test_a_parameter_runs_again_only_what_depends_on_it(
    pipeline: Pipeline, old: str, new: str, stages: list[str]
) -> None:
    before = pipeline.read_data()
    pipeline.change(old, new)
    changed = set(re.findall(r"^(\w+):$", pipeline.run("dvc", "status"), re.MULTILINE))
    assert stages[0] in changed <= set(stages)
    assert pipeline.repro() == stages
    same = {name for name, data in pipeline.read_data().items() if before.get(name) == data}
    assert {name for name in before if name.split("/")[0] == "snapshots"} <= same
    pipeline.change(new, old)
    pipeline.run("dvc", "repro", "--quiet")
    assert pipeline.read_data() == before
    assert pipeline.run("git", "status", "--short") == ""


def test_all_stages_again_give_the_same_bytes(pipeline: Pipeline) -> None:
    before, lock = pipeline.read_data(), (pipeline.folder / "dvc.lock").read_bytes()
    assert pipeline.repro("--force") == ["collect", "align", "filter", "split", "dataset", "held_out"]
    assert pipeline.read_data() == before
    assert (pipeline.folder / "dvc.lock").read_bytes() == lock
