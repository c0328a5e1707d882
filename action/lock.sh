#!/usr/bin/env bash
# Write the hash-locked requirements. They name packages and hashes only, so any index can serve them.
set -euo pipefail
cd "$(dirname "$0")"
for name in requirements requirements-local requirements-train requirements-evaluate requirements-similarity; do
  # antlr4-python3-runtime has no wheel; DVC needs it for `dvc exp run --set-param` alone.
  uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet \
    --no-emit-package antlr4-python3-runtime --upgrade --output-file "$name.txt" "$name.in"
done
