#!/usr/bin/env bash
# Put glossator-train and dvc on the path of later steps, with what the stages need or without.
set -euo pipefail
name=requirements
if [ "${GLOSSATOR_WITH_DATA:-true}" = true ]; then
  name=requirements-train
fi
exec "$(dirname "${BASH_SOURCE[0]}")/../commands.sh" glossator-train glossator-train=training dvc=dvc -- "$name"
