"""What the checks are told. They run in a pytest of their own, `python -m pytest tests/ansible/checks_*.py`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def settings() -> dict[str, Any]:
    """The variables that the machine was provisioned with, its address and the folder of the CA."""
    file = os.environ.get("GLOSSATOR_CHECKS")
    if not file:
        pytest.skip("these checks are run by tests/ansible/test_site.py")
    told: dict[str, Any] = json.loads(Path(file).read_text())
    return told
