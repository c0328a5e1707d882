"""How a runner's unit is asked for: what systemctl is told, and that what it hands on is for root and gone at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from runners.broker_launch import Ending, UnitLauncher
from runners.errors import RunnerError

UNIT = "glossator-runner@gpu.service"


@pytest.fixture
def systemctl(tmp_path: Path) -> Path:
    """A stand-in: it notes what it is told and what lies there, and answers with the file `answer`."""
    program = tmp_path / "systemctl"
    program.write_text(f"""#!/bin/sh
cd {tmp_path}
echo "$@" >> told
if [ "$1" = start ]; then stat -c %a jitconfig >> told; cat jitconfig >> told; echo >> told; test ! -e broken; exit; fi
if [ "$1" = show ]; then cat answer; fi
""")
    program.chmod(0o755)
    return program


def test_the_configuration_lies_there_only_while_the_unit_starts(systemctl: Path) -> None:
    launcher = UnitLauncher("gpu", systemctl.parent, str(systemctl))
    (systemctl.parent / "jitconfig").write_text("of an earlier broker")
    launcher.start("c2VjcmV0")
    launcher.stop()
    told = (systemctl.parent / "told").read_text().splitlines()
    assert told == [f"reset-failed {UNIT}", f"start {UNIT}", "600", "c2VjcmV0", f"stop {UNIT}"]
    assert not (systemctl.parent / "jitconfig").exists()


def test_a_unit_that_does_not_start_leaves_nothing_behind(systemctl: Path) -> None:
    (systemctl.parent / "broken").touch()
    with pytest.raises(RunnerError) as caught:
        UnitLauncher("gpu", systemctl.parent, str(systemctl)).start("c2VjcmV0")
    assert f"journalctl -u {UNIT}" in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)
    assert not (systemctl.parent / "jitconfig").exists()


@pytest.mark.parametrize(
    ("answer", "ending"),
    [
        ("ActiveState=active\nExecMainCode=0\nExecMainStatus=0\n", None),
        ("ActiveState=activating\nExecMainCode=0\nExecMainStatus=0\n", None),
        ("ActiveState=deactivating\nExecMainCode=1\nExecMainStatus=0\n", None),
        ("ActiveState=inactive\nExecMainCode=1\nExecMainStatus=0\n", Ending(0)),
        ("ActiveState=failed\nExecMainCode=1\nExecMainStatus=7\n", Ending(7)),
        ("ActiveState=failed\nExecMainCode=2\nExecMainStatus=9\n", Ending(-9)),
    ],
)
def test_how_a_unit_ended(systemctl: Path, answer: str, ending: Ending | None) -> None:
    (systemctl.parent / "answer").write_text(answer)
    assert UnitLauncher("gpu", systemctl.parent, str(systemctl)).poll() == ending


def test_a_machine_without_systemd(tmp_path: Path) -> None:
    with pytest.raises(RunnerError) as caught:
        UnitLauncher("gpu", tmp_path, str(tmp_path / "none")).poll()
    assert "systemd" in str(caught.value)
