"""From a pull request to bundle.json: diff, guidelines, settings file, and what has been reviewed before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reviewer.code_host import CodeHost
from reviewer.context import BaseFiles, choose_guidelines, guideline_budget
from reviewer.domain import Bundle, PullRequest
from reviewer.event import Decision
from reviewer.locator import MAX_BYTES
from reviewer.settings import Settings, merge_settings
from reviewer.settings_file import MAX_CHARACTERS, load_settings_text
from reviewer.state import Signer, find_summary

SETTINGS_FILE = ".github/glossator.yml"
LOCATOR_FILE = ".github/glossator-locator.json"
"""The repository's own, as `glossator-train locator` writes it."""
NO_TEXT = "(no text)"
"""Stands for one that is empty, binary or too large to be read: no locator, which the review then says."""
WRITERS = ("admin", "maintain", "write")


@dataclass(frozen=True, slots=True)
class Collected:
    """A bundle and the settings that go with it."""

    bundle: Bundle
    settings: Settings


def load_settings_file(files: BaseFiles) -> dict[str, object]:
    """The settings file at the base ref, checked; empty when there is none."""
    text = files.read_file(SETTINGS_FILE, MAX_CHARACTERS + 1) if SETTINGS_FILE in files.list_files() else None
    return load_settings_text(text) if text else {}


def load_locator_file(files: BaseFiles) -> str:
    """The repository's own locator at the base ref; empty when there is none. It is read where it is used."""
    if LOCATOR_FILE not in files.list_files():
        return ""
    return files.read_file(LOCATOR_FILE, MAX_BYTES + 1) or NO_TEXT


def may_command(host: CodeHost, decision: Decision) -> bool:
    """Whether GitHub confirms that whoever gave the command may write to the repository."""
    return not decision.commenter or host.get_permission(decision.commenter) in WRITERS


def collect_bundle(
    pull_request: PullRequest,
    files: BaseFiles,
    inputs: Mapping[str, object],
    *,
    file_settings: dict[str, object] | None = None,
    embedded: bool = False,
    reviewed: tuple[str, ...] = (),
) -> Collected:
    """Put the bundle of a pull request together.

    Args:
        pull_request: With its diff.
        files: The repository at the base ref.
        inputs: Settings given on the command line or as action inputs; they go before the file's.
        file_settings: The settings file when it has been read already.
        embedded: Whether the model runs in process: its budgets are smaller.
        reviewed: Digests of hunks that need no second look.
    """
    found = load_settings_file(files) if file_settings is None else file_settings
    settings = merge_settings(inputs, found, embedded=embedded)
    guidelines, manifest = choose_guidelines(files, pull_request, guideline_budget(settings))
    return Collected(Bundle(pull_request, guidelines, manifest, found, reviewed, load_locator_file(files)), settings)


def collect_from_host(
    host: CodeHost, decision: Decision, inputs: Mapping[str, object], signer: Signer, *, embedded: bool = False
) -> Collected | str:
    """Collect a pull request from GitHub, or say why not: it is paused and nobody asked."""
    state = find_summary(host.list_comments(decision.number, "issue"), signer)[1]
    if state.paused and not decision.asked:
        return "Reviews of this pull request are paused; /resume ends that."
    pull_request = host.get_pull_request(decision.number)
    reviewed = () if decision.full else state.reviewed
    return collect_bundle(
        pull_request, host.base_files(pull_request.base_sha), inputs, embedded=embedded, reviewed=reviewed
    )
