"""The script that backs up, with stand-ins for PostgreSQL and restic: what it counts as a backup."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.ansible.test_services_templates import render

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
RUNUSER = '#!/bin/sh\nshift 3\nexec "$@"\n'
RESTIC = '#!/bin/sh\ncase "$*" in backup*) ls > "$STORE" ;; esac\n'
DUMP = '#!/bin/sh\nfor name; do :; done\n[ "$name" != "$ABSENT" ] || exit 1\necho "$name"\n'
"""As pg_dump does: the database is the last word, and one that is not there ends it."""


def back_up(folder: Path, absent: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script as it is rendered for `folder`; what the store got is in `store`, what it tells in `told.prom`."""
    given: dict[str, Any] = {
        "glossator_config": str(folder),
        "glossator_data": str(folder),
        "backup_state": str(folder / "state"),
        "backup_textfile": str(folder / "told.prom"),
    }
    script = render(folder, "backup", "glossator-backup.j2", **given)
    (folder / "backup.env").write_text("RESTIC_PASSWORD=x\n")
    programs = folder / "bin"
    programs.mkdir()
    for name, text in {"runuser": RUNUSER, "restic": RESTIC, "pg_dump": DUMP, "psql": "#!/bin/sh\nexit 2\n"}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "ABSENT": absent, "STORE": str(folder / "store")}
    return subprocess.run(
        ("bash", "-s", "run"), input=script, capture_output=True, text=True, timeout=60, check=False, env=environment
    )


def test_both_databases_are_backed_up(tmp_path: Path) -> None:
    done = back_up(tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "store").read_text().split() == ["mlflow.dump", "mlflow_auth.dump"]
    assert "glossator_backup_last_success_timestamp_seconds 1" in (tmp_path / "told.prom").read_text()


@pytest.mark.parametrize("absent", ["mlflow", "mlflow_auth"])
def test_a_backup_that_lacks_a_database_is_none(absent: str, tmp_path: Path) -> None:
    assert back_up(tmp_path, absent).returncode != 0
    assert not (tmp_path / "store").exists()
    assert not (tmp_path / "told.prom").exists()
