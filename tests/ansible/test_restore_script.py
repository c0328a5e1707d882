"""The script that puts MLflow's databases back, with stand-ins for PostgreSQL; test_site.py has a real one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.ansible.playbook import PLAYBOOKS

SCRIPT = PLAYBOOKS / "roles/mlflow/files/restore.sh"
WRITE = '#!/bin/sh\necho "$(basename "$0") $*" >> "$STORY"\n'


def test_both_databases_change_places_in_one_transaction(tmp_path: Path) -> None:
    story = tmp_path / "story"
    for name in ("dropdb", "createdb", "pg_restore", "psql"):
        program = tmp_path / name
        program.write_text(WRITE + ('cat >> "$STORY"\n' if name == "psql" else ""))
        program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "STORY": str(story)}
    subprocess.run(("sh", str(SCRIPT), "/backup", "5432"), check=True, timeout=30, env=environment)
    before, _, rest = story.read_text().partition("BEGIN;\n")
    inside, _, after = rest.partition("COMMIT;\n")
    assert after == ""
    assert "RENAME" not in before
    renamed = [line.split()[2] for line in inside.splitlines()]
    assert renamed == ["mlflow", "mlflow_auth", "mlflow_restored", "mlflow_auth_restored"]
    assert before.count("pg_restore ") == 2, "both are read before either is touched"
