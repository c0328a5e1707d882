#!/usr/bin/env bash
# Install the locked requirements into a folder of the job, with uv when it is there, else with pip.
# Nothing of the working directory has a say: no uv.toml, no .python-version, no module of that name. Nor has what earlier
# steps of the job have told Python, which may point there.
set -euo pipefail
unset "${!PYTHON@}"
case "${GLOSSATOR_STEP:-all}" in
  all | collect | infer | post) ;;
  *) echo "::error title=Glossator::The input step must be all, collect, infer or post." && exit 2 ;;
esac
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
venv="$RUNNER_TEMP/glossator-venv"
cd "$RUNNER_TEMP"

python="$(command -v python3 || command -v python || true)"
if ! "${python:-false}" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "::error title=Glossator::This runner has no Python 3.11 or newer. Add actions/setup-python before this step."
  exit 2
fi
requirements=(-r "$here/requirements.txt")
if [ "${GLOSSATOR_EMBEDDED:-}" = true ] && [[ "${GLOSSATOR_STEP:-all}" =~ ^(all|infer)$ ]]; then
  requirements+=(-r "$here/requirements-local.txt")
fi
if command -v uv >/dev/null; then
  export UV_NO_CONFIG=1 UV_PYTHON_DOWNLOADS=never
  uv venv --quiet --clear --no-project --python "$python" "$venv"
  uv pip install --quiet --python "$venv/bin/python" --require-hashes --only-binary :all: "${requirements[@]}"
else
  "$python" -I -m venv --clear "$venv"
  "$venv/bin/python" -I -m pip install --quiet --disable-pip-version-check --require-hashes \
    --only-binary :all: "${requirements[@]}"
fi
