#!/usr/bin/env bash
# Install the locked requirements of the training side, and put glossator-train and dvc on the path of later steps. Like
# action/install.sh: nothing of the working directory, nor of what earlier steps have told Python, has a say.
set -euo pipefail
unset ${!PYTHON@}
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
venv="$RUNNER_TEMP/glossator-train-venv"
commands="$RUNNER_TEMP/glossator-train-commands"
cd "$RUNNER_TEMP"

python="$(command -v python3 || command -v python || true)"
if ! "${python:-false}" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "::error title=Glossator::This runner has no Python 3.11 or newer. Add actions/setup-python before this step."
  exit 2
fi
# The lock is complete but for a package that has no wheel, and that DVC needs for a command that is not used here.
requirements=(-r "$root/action/requirements.txt")
if [ "${GLOSSATOR_WITH_DATA:-true}" = true ]; then
  requirements=(-r "$root/action/requirements-train.txt")
fi
if command -v uv >/dev/null; then
  export UV_NO_CONFIG=1 UV_PYTHON_DOWNLOADS=never
  uv venv --quiet --clear --no-project --python "$python" "$venv"
  uv pip install --quiet --python "$venv/bin/python" --require-hashes --no-deps --only-binary :all: "${requirements[@]}"
else
  "$python" -I -m venv --clear "$venv"
  "$venv/bin/python" -I -m pip install --quiet --disable-pip-version-check --require-hashes \
    --no-deps --only-binary :all: "${requirements[@]}"
fi

mkdir -p "$commands"
for name in glossator-train dvc; do
  module=dvc
  [ "$name" = dvc ] || module=training
  cat > "$commands/$name" <<SCRIPT
#!/usr/bin/env bash
exec env -u PYTHONHOME -u PYTHONSTARTUP PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1 PYTHONUTF8=1 PYTHONPATH="$root" \\
  PYTHONPYCACHEPREFIX="$RUNNER_TEMP/glossator-pycache" "$venv/bin/python" -m $module "\$@"
SCRIPT
  chmod +x "$commands/$name"
done
echo "$commands" >> "$GITHUB_PATH"
