#!/usr/bin/env bash
# Write the hash-locked requirements. They name packages and hashes only, so any index can serve them.
set -euo pipefail
cd "$(dirname "$0")"
for name in requirements requirements-local; do
  uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet \
    --upgrade --output-file "$name.txt" "$name.in"
done
