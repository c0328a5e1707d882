"""An environment of its own with torch, transformers and bert-score, and the real sentence model, for the slow tests.

About 90 s and 1.3 GB the first time; kept in the user's cache directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.command import ROOT
from tests.real_models import QUIET, cache_folder, run_or_skip

PACKAGES = ("torch==2.13.0", "transformers==5.23.0", "bert-score==0.3.13", "httpx", "msgspec", "numpy", "pyyaml")
SECONDS = 900


def get_scoring_python() -> Path:
    """The Python of that environment."""
    name = "score-" + hashlib.sha256(repr((PACKAGES, sys.version)).encode()).hexdigest()[:12]
    folder = cache_folder() / name
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        run_or_skip([sys.executable, "-m", "venv", str(folder)], "an environment for bert-score")
        run_or_skip([str(python), "-m", "pip", "install", "-q", *PACKAGES], "bert-score")
        ready.touch()
    return python


def run_scoring(script: str, **values: Any) -> Any:
    """Run a script in that environment: it reads `values` from its standard input and prints JSON as its last line."""
    environment = {**os.environ, **QUIET, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(
        [str(get_scoring_python()), "-c", script],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    return json.loads(answer.stdout.splitlines()[-1])
