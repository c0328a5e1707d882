#!/usr/bin/env bash
# commands.sh NAME COMMAND=MODULE... -- REQUIREMENTS...
# Install locked requirements into a folder of the job, and put commands on the path of later steps. As in install.sh
# nothing of the working directory, nor of what earlier steps have told Python, has a say.
set -euo pipefail
unset "${!PYTHON@}"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$RUNNER_TEMP/$1-venv" folder="$RUNNER_TEMP/$1-commands"
shift
cd "$RUNNER_TEMP"
commands=()
while [ "$1" != -- ]; do
  commands+=("$1")
  shift
done
shift
requirements=()
for name in "$@"; do
  requirements+=(-r "$root/action/$name.txt")
done

python="$(command -v python3 || command -v python || true)"
if ! "${python:-false}" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "::error title=Glossator::This runner has no Python 3.11 or newer. Add actions/setup-python before this step."
  exit 2
fi
# The locks are complete but for a package that has no wheel, and that DVC needs for a command that is not used here.
if command -v uv >/dev/null; then
  export UV_NO_CONFIG=1 UV_PYTHON_DOWNLOADS=never
  uv venv --quiet --clear --no-project --python "$python" "$venv"
  uv pip install --quiet --python "$venv/bin/python" --require-hashes --no-deps --only-binary :all: "${requirements[@]}"
else
  "$python" -I -m venv --clear "$venv"
  "$venv/bin/python" -I -m pip install --quiet --disable-pip-version-check --require-hashes \
    --no-deps --only-binary :all: "${requirements[@]}"
fi

mkdir -p "$folder"
for command in "${commands[@]}"; do
  cat > "$folder/${command%%=*}" <<SCRIPT
#!/usr/bin/env bash
exec env -u PYTHONHOME -u PYTHONSTARTUP PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1 PYTHONUTF8=1 PYTHONPATH="$root" \\
  PYTHONPYCACHEPREFIX="$RUNNER_TEMP/glossator-pycache" "$venv/bin/python" -m ${command#*=} "\$@"
SCRIPT
  chmod +x "$folder/${command%%=*}"
done
echo "$folder" >> "$GITHUB_PATH"
