"""The action on runners that are not as one would wish: no uv, an old Python, a working directory full of traps."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulation.github_server import PullScenario
from tests.acceptance.conftest import MakeAct
from tests.acceptance.standing import commented_lines
from tests.acceptance.workflows import readme_workflow
from tests.action_job import pushed
from tests.model_server import ModelServer

ALL_STEPS = {"install": "success", "collect": "success", "infer": "success", "post": "success"}
TRAPPED_MODULES = (
    *("click.py", "msgspec.py", "httpx.py", "github.py", "yaml.py", "json.py", "sitecustomize.py", "usercustomize.py"),
    *("startup.py", "pip/__init__.py", "pip/__main__.py", "reviewer/__init__.py", "action/__init__.py"),
    *("action/entry.py", "venv/__init__.py", "venv/__main__.py"),
)
CHECKOUT = "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8"


EARLIER_STEPS = f"""\
      - uses: {CHECKOUT}
      - run: |
          test -f click.py
          for name in PYTHONPATH PYTHONHOME PYTHONUSERBASE PYTHONPYCACHEPREFIX; do
            echo "$name=$PWD" >> "$GITHUB_ENV"
          done
          echo "PYTHONSTARTUP=$PWD/startup.py" >> "$GITHUB_ENV"
          echo "PYTHONINSPECT=1" >> "$GITHUB_ENV"
"""


def with_steps_before(workflow: str, steps: str) -> str:
    """The workflow with more steps in front."""
    head, start, tail = workflow.partition("    steps:\n")
    assert tail
    return head + start + steps + tail


def test_an_old_python(pull: PullScenario, make_act: MakeAct, tmp_path: Path) -> None:
    old = tmp_path / "old" / "python3"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)

    run = make_act(path=(old.parent,)).run(readme_workflow(), *pushed(pull))

    assert run.code == 1
    assert run.steps() == {"install": "failure"}, run.story
    assert run.messages("error") == [
        "This runner has no Python 3.11 or newer. Add actions/setup-python before this step.",
    ]


def test_a_step_that_is_none(pull: PullScenario, make_act: MakeAct) -> None:
    text = readme_workflow() + "          step: postt\n"

    run = make_act().run(text, *pushed(pull))

    assert run.steps() == {"install": "failure"}, run.story
    assert run.messages("error") == ["The input step must be all, collect, infer or post."]


@pytest.mark.parametrize("without", [(), ("uv",)], ids=["with uv", "with pip alone"])
def test_a_hostile_working_directory(
    without: tuple[str, ...], pull: PullScenario, make_act: MakeAct, model_server: ModelServer
) -> None:
    act = make_act(without=without)
    sprung = act.folder / "sprung"
    trap = f"open({str(sprung)!r}, 'a').write(__file__ + '\\n')\n"
    index = "http://127.0.0.1:9/simple"
    traps = dict.fromkeys(TRAPPED_MODULES, trap) | {
        "uv.toml": f'index-url = "{index}"\nno-index = true\n',
        "pip.conf": f"[global]\nindex-url = {index}\nno-index = true\n",
        ".python-version": "2.7\n",
        "pyproject.toml": f'[tool.uv]\nindex-url = "{index}"\nrequired-version = "==0.0.1"\n',
        "uv.lock": "version = 99\n",
        ".env": "GLOSSATOR_ENDPOINT_URL=http://127.0.0.1:9\n",
        ".github/glossator.yml": "max-comments: 0\nexclude: ['**']\n",
        "setup.cfg": "[metadata]\nname = trap\n",
    }
    for name, text in traps.items():
        path = act.checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    run = act.run(with_steps_before(readme_workflow(), EARLIER_STEPS), *pushed(pull))

    assert run.steps() == ALL_STEPS, run.story
    assert not sprung.exists(), sprung.read_text(encoding="utf-8")
    assert commented_lines(pull) == [3, 20]
    assert len(model_server.posts) == 2
