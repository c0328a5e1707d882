#!/usr/bin/env bash
# Run one step of the action. PYTHONSAFEPATH keeps the working directory off the module path. What earlier steps of the
# job have told Python is dropped, and so are INPUT_*: some runners repeat all inputs there, so that each step would
# hold the secrets of the others. What asks the model gets only what it needs, whatever the job has set.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$RUNNER_TEMP"
dropped=(-u BASH_ENV)
while IFS='=' read -r -d '' name _; do
  case "$name" in
    INPUT_* | PYTHON*) dropped+=(-u "$name") ;;
    PATH | HOME | USER | LANG | LC_* | TZ | TMPDIR | CI | RUNNER_* | XDG_CACHE_HOME | OMP_*) ;;
    *_PROXY | *_proxy | SSL_CERT_* | PIP_* | UV_* | HF_* | GITHUB_ACTIONS | GITHUB_OUTPUT | GITHUB_STEP_SUMMARY) ;;
    GLOSSATOR_GITHUB_TOKEN | GLOSSATOR_SIGNING_KEY) [ "$1" != infer ] || dropped+=(-u "$name") ;;
    GLOSSATOR_*) ;;
    *) [ "$1" != infer ] || dropped+=(-u "$name") ;;
  esac
done < <(env -0)
exec env "${dropped[@]}" PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1 PYTHONUTF8=1 PYTHONPATH="$here" \
  PYTHONPYCACHEPREFIX="$RUNNER_TEMP/glossator-pycache" \
  "$RUNNER_TEMP/glossator-venv/bin/python" -m action.entry "$1"
