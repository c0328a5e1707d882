"""Settings: one table for action inputs, command-line options and `.github/glossator.yml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reviewer.domain import Severity


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that shape a review. None of them is a secret."""

    max_comments: int = 3
    min_severity: Severity = "info"
    fail_on: Severity | Literal["never"] = "never"
    context_tokens: int = 2000
    max_prompt_tokens: int = 60_000
    concurrency: int = 4
    timeout: float = 120.0
    exclude: tuple[str, ...] = ()
    review_drafts: bool = False
    review_bots: bool = False
    trigger_label: str = ""
    resolve_outdated: Literal["off", "report", "on"] = "report"
