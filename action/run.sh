#!/usr/bin/env bash
# Run one step of the action. PYTHONSAFEPATH keeps the working directory off the module path. What earlier steps of the
# job have told Python is dropped, and so are INPUT_*: some runners repeat all inputs there, so that each step would
# hold the secrets of the others.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$RUNNER_TEMP"
dropped=(-u BASH_ENV)
while IFS='=' read -r -d '' name _; do
  case "$name" in INPUT_* | PYTHON*) dropped+=(-u "$name") ;; esac
done < <(env -0)
exec env "${dropped[@]}" PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1 PYTHONUTF8=1 PYTHONPATH="$here" \
  PYTHONPYCACHEPREFIX="$RUNNER_TEMP/glossator-pycache" \
  "$RUNNER_TEMP/glossator-venv/bin/python" -m action.entry "$1"
