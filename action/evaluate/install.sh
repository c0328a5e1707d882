#!/usr/bin/env bash
# Put glossator-eval, glossator-ops and dvc on the path of later steps, with what an evaluation needs or what `alarm`
# alone does.
set -euo pipefail
names=(requirements)
if [ "${GLOSSATOR_WITH_MODELS:-true}" = true ]; then
  names=(requirements-evaluate)
  if [ "${GLOSSATOR_SIMILARITY:-true}" = true ]; then
    names=(requirements-similarity)
  fi
  if [ "${GLOSSATOR_EMBEDDED:-true}" = true ]; then
    names+=(requirements-local)
  fi
fi
exec "$(dirname "${BASH_SOURCE[0]}")/../commands.sh" glossator-evaluate glossator-eval=evals glossator-ops=runners \
  dvc=dvc -- "${names[@]}"
