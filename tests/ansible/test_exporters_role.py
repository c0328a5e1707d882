"""The GPU's exporter, which is given SYS_ADMIN: only an image that a digest names is started."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.ansible.playbook import PLAYBOOKS, find_program, make_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]
DIGEST = "nvcr.io/nvidia/k8s/dcgm-exporter@sha256:" + "0" * 64


def start(folder: Path, **given: str) -> str:
    """What Ansible says when it is to start the exporter. No engine is asked: DOCKER_HOST names nothing."""
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(PLAYBOOKS / "roles/exporters/defaults/main.yml")],
        "environment": {"DOCKER_HOST": f"unix://{folder}/none.sock"},
        "tasks": [{"ansible.builtin.import_tasks": str(PLAYBOOKS / "roles/exporters/tasks/dcgm.yml")}],
    }
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    command = (find_program("ansible-playbook"), "-i", "localhost,", "-e", json.dumps(given), str(folder / "play.yml"))
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=150, check=False, cwd=PLAYBOOKS, env=make_environment(folder)
    )
    assert done.returncode != 0
    return done.stdout + done.stderr


@pytest.mark.parametrize("image", [None, "nvcr.io/x:1", "nvcr.io/x@sha256:1", f"{DIGEST}/x"])
def test_an_image_without_a_digest_is_refused(image: str | None, tmp_path: Path) -> None:
    told = start(tmp_path, **({"exporters_dcgm_image": image} if image else {}))
    assert "No digest is known of" in told
    assert "TASK [The GPU's exporter]" not in told


def test_one_with_a_digest_is_started(tmp_path: Path) -> None:
    told = start(tmp_path, exporters_dcgm_image=DIGEST)
    assert "No digest is known of" not in told
    assert "TASK [The GPU's exporter]" in told
