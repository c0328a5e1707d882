#!/usr/bin/env bash
# Decide whether a review can run. A job for a self-hosted runner that is off waits 24 hours and then fails, so a job on
# GitHub's own machines looks first. Without the variables, or with an end that cannot be read, nothing is skipped.
set -euo pipefail
why=""
if [ "${SERVING:-}" = down ]; then
  why="the model server is down (the variable GLOSSATOR_SERVING says so)"
elif [ -n "${UNTIL:-}" ]; then
  if [[ "$UNTIL" =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z$ ]] && end="$(date -u -d "$UNTIL" +%s)"; then
    if [ "$end" -le "$(date -u +%s)" ]; then
      why="serving ended at $UNTIL (the variable GLOSSATOR_SERVING_UNTIL says so)"
    fi
  else
    echo "::warning title=Glossator::The variable GLOSSATOR_SERVING_UNTIL is no time such as 2026-12-01T18:00:00Z."
  fi
fi
if [ -z "$why" ]; then
  echo "state=up" >> "$GITHUB_OUTPUT"
  exit 0
fi
echo "state=down" >> "$GITHUB_OUTPUT"
if [ "${QUIET:-}" = true ]; then
  exit 0
fi
echo "::notice title=Glossator::Not reviewed: $why."
cat >> "$GITHUB_STEP_SUMMARY" <<TEXT
## Not reviewed

**No review happened:** $why. This says nothing about the change. Once the model is served again, push to the pull
request or write \`/review\`.
TEXT
