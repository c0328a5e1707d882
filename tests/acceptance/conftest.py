"""What every run of the whole action needs: GitHub's stand-in, a model server, and act."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulation.github_server import GitHubServer
from tests.acceptance.act import ROOT, Act, export_action, find_act
from tests.demo import plain_model
from tests.github_fixtures import github_server
from tests.model_server import ModelServer

__all__ = ["github_server"]

MakeAct = Callable[..., Act]
ENDPOINT_TOKEN = "endpoint-token-1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each of these runs whole workflows and installs packages."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(300))
            if not find_act():
                item.add_marker(pytest.mark.skip(reason="act is not installed: pip install '.[acceptance]'"))


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    with ModelServer(plain_model) as server:
        yield server


@pytest.fixture(scope="session")
def action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_action(tmp_path_factory.mktemp("glossator"))


@pytest.fixture(scope="session")
def operate_action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the commands of operations."""
    folder = export_action(tmp_path_factory.mktemp("glossator-operate"))
    shutil.copytree(ROOT / "runners", folder / "runners", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def make_act(github_server: GitHubServer, model_server: ModelServer, action: Path, tmp_path: Path) -> MakeAct:
    def make(name: str = "first", **options: Any) -> Act:
        given = {"secrets": {"ENDPOINT_URL": model_server.url}} | options
        folder = tmp_path / name
        folder.mkdir()
        return Act(folder, action, github_server.url, github_server.graphql_url, **given)

    return make
