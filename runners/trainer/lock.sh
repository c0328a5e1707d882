#!/usr/bin/env bash
# Write requirements.txt: what the trainer's image installs, by hash. It names packages alone, for any index.
set -euo pipefail
cd "$(dirname "$0")/../.."
extras=()
for name in data dvc evals simulation similarity tracking; do
  extras+=(--extra "$name")
done
# antlr4-python3-runtime has no wheel; DVC needs it for `dvc exp run --set-param` alone.
uv pip compile --python-version 3.12 --python-platform x86_64-manylinux_2_28 --generate-hashes --no-emit-index-url \
  --no-header --quiet --no-emit-package antlr4-python3-runtime "${extras[@]}" \
  --output-file runners/trainer/requirements.txt runners/trainer/requirements.in pyproject.toml
