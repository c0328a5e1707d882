#!/usr/bin/env bash
# Run one step of the action. PYTHONSAFEPATH keeps the working directory off the module path.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$RUNNER_TEMP"
export PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1 PYTHONPATH="$here"
unset PYTHONHOME PYTHONSTARTUP
exec "$RUNNER_TEMP/glossator-venv/bin/python" -m action.entry "$1"
