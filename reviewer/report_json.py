"""The review as `--format json`: review.json, indented for eyes. It fits schemas/review.schema.json."""

from __future__ import annotations

import json

from reviewer.domain import Review
from reviewer.jsonfile import render_json


def render_pretty_json(review: Review) -> str:
    """review.json with two spaces of indentation, in ASCII: what could steer a terminal stands there as an escape."""
    return json.dumps(json.loads(render_json(review)), indent=2) + "\n"
