"""The workflows that the documentation shows, as they are written there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.acceptance.act import ROOT


def extract_workflow(page: str) -> str:
    """The one workflow of a page."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (workflow,) = (block for block in blocks if "jobs:" in block)
    return str(workflow)


def readme_workflow() -> str:
    """The single-job form of the README, for pull requests from the repository itself."""
    return extract_workflow("README.md")


def readme_workflow_for_forks() -> str:
    """The same with the one word changed, twice, as the README says."""
    text, count = re.subn(r"\bpull_request(?=:|')", "pull_request_target", readme_workflow())
    assert count == 2, "the README says: twice"
    return text


def three_jobs_workflow() -> str:
    """The workflow that calls the three-job form."""
    return extract_workflow("docs/self-hosted.md")


def artifact_actions() -> dict[str, Path]:
    """GitHub's artifact actions, by the very commits that the three-job form names, and what stands in for each."""
    text = (ROOT / ".github/workflows/review-jobs.yml").read_text(encoding="utf-8")
    found = set(re.findall(r"uses: (actions/((?:up|down)load-artifact)@[0-9a-f]{40})", text))
    return {reference: Path(__file__).with_name(name) for reference, name in found}
