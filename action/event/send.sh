#!/usr/bin/env bash
# Send the run record of the review before this step, with the libraries that the review has installed. As in run.sh the
# working directory and what earlier steps have told Python have no say.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
python="$RUNNER_TEMP/glossator-venv/bin/python"
record="${GLOSSATOR_FOLDER:-$RUNNER_TEMP/glossator}/run.json"
cd "$RUNNER_TEMP"
if [ ! -f "$record" ] || [ ! -x "$python" ]; then
  echo "There is no review to tell of."
  exit 0
fi
unset BASH_ENV "${!PYTHON@}" "${!INPUT_@}"
PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1 PYTHONUTF8=1 PYTHONPATH="$here" PYTHONPYCACHEPREFIX="$RUNNER_TEMP/glossator-pycache" \
  "$python" -m runners event review --run-record "$record" || echo "The event could not be sent."
