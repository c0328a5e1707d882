"""What the action runs: `python -m action.entry collect | infer | post`, one step of a job each.

The steps share files in one folder and no secret: `infer` is never given GitHub's token, the others never the model's.
Every error ends here, at the top: as an annotation and a line in the job summary, never as a traceback.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from action.annotations import Level, add_summary, annotate, render_command, say, set_output
from reviewer.code_host import CodeHost
from reviewer.collect import collect_from_host, load_settings_file, may_command
from reviewer.commands import carry_out
from reviewer.domain import ModelVersion, PullRequest, Review
from reviewer.errors import EXIT_OK, GlossatorError, HostError, NotFound, PermissionDenied, UsageError
from reviewer.event import PULL_REQUEST_EVENTS, Decision, decide_command
from reviewer.inert import inert_line, make_inert_line
from reviewer.jsonfile import load_bundle, load_review, run_record, save_json
from reviewer.publish import Published, patiently, publish_review
from reviewer.render import Place, render_job_summary
from reviewer.report_lines import plural
from reviewer.settings import Settings, merge_settings
from reviewer.settings_table import BY_NAME
from reviewer.state import Signer

PREFIX = "GLOSSATOR_"
REFUSALS = (PermissionDenied, NotFound)
"""How GitHub answers a token that may not write, such as a fork's: nothing is wrong with the run."""


@dataclass(frozen=True, slots=True)
class Job:
    """The environment of a step, read once."""

    inputs: Mapping[str, str]
    """By their kebab-case names; those that are not given are absent."""
    repo: str
    event_name: str
    payload: Mapping[str, Any]
    folder: Path
    embedded: bool
    """Whether the model runs on this machine rather than behind an address."""
    server_url: str
    api_url: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Job:
        """Read what GitHub and action.yml put into the environment."""
        named = {
            k.removeprefix(PREFIX).lower().replace("_", "-"): v for k, v in environ.items() if k.startswith(PREFIX)
        }
        folder = Path(environ.get("GLOSSATOR_FOLDER") or Path(environ.get("RUNNER_TEMP", ".")) / "glossator")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"The run's folder cannot be made: {error.strerror}.", "Set RUNNER_TEMP.") from None
        return cls(
            inputs={name: value for name, value in named.items() if value.strip() and name in BY_NAME},
            repo=environ.get("GITHUB_REPOSITORY", ""),
            event_name=environ.get("GITHUB_EVENT_NAME", ""),
            payload=_load_payload(environ.get("GITHUB_EVENT_PATH", "")),
            folder=folder,
            embedded=environ.get("GLOSSATOR_EMBEDDED") == "true",
            server_url=environ.get("GITHUB_SERVER_URL", "https://github.com"),
            api_url=environ.get("GITHUB_API_URL", "https://api.github.com"),
        )

    @property
    def place(self) -> Place:
        """Where texts will stand."""
        return Place(self.server_url, self.repo)

    def decide(self, file: Mapping[str, object]) -> Decision:
        """What the event asks for, under the inputs and a settings file."""
        number = self.inputs.get("pull-request", "").strip()
        if number and not number.isdigit():
            raise UsageError(f"The input `pull-request` is {number!r}.", "Give the number of a pull request, like 12.")
        return decide_command(self.event_name, self.payload, merge_settings(self.inputs, file), int(number or 0))

    def signer(self, number: int) -> Signer:
        """Of the markers on this pull request."""
        return Signer(f"{self.repo}#{number}", self.inputs.get("signing-key", ""))

    def host(self) -> CodeHost:
        """GitHub, seen with the step's token."""
        from reviewer.github_api import GitHub

        if "github-token" not in self.inputs:
            raise UsageError("There is no `github-token`.", "Set the input, or leave out the line that empties it.")
        return GitHub(self.repo, self.inputs["github-token"], self.api_url)


def decide(job: Job, host: CodeHost) -> Decision:
    """What the event asks for, if whoever asks may. The settings file is read only where it may ask for more."""
    decision = job.decide({})
    if decision.command == "none" and job.event_name in PULL_REQUEST_EVENTS:
        base = host.base_files(job.payload["pull_request"]["base"]["sha"])
        return job.decide(load_settings_file(base))
    if not may_command(host, decision):
        return replace(decision, command="none", reason=f"{decision.commenter} may not write to this repository.")
    return decision


def collect(job: Job) -> int:
    """Read the pull request and write bundle.json. Its outputs say what the next steps have to do."""
    host = job.host()
    decision = decide(job, host)
    if decision.command == "none":
        return _nothing_to_do(decision.reason)
    acknowledge(host, decision, "eyes")
    set_output("number", str(decision.number))
    (job.folder / "review.json").unlink(missing_ok=True)
    if decision.command == "review":
        collected = collect_from_host(host, decision, job.inputs, job.signer(decision.number), embedded=job.embedded)
        if isinstance(collected, str):
            return _nothing_to_do(collected)
        save_json(collected.bundle, job.folder / "bundle.json")
        files = len(collected.bundle.pull_request.files)
        say(f"Collected {inert_line(collected.bundle.pull_request.key, 120)}: {plural(files, 'file')}.")
    set_output("command", decision.command)
    return EXIT_OK


def infer(job: Job) -> int:
    """Ask the model and write review.json. Knows no token of GitHub's and needs no network but the model's."""
    bundle = load_bundle(job.folder / "bundle.json")
    settings = merge_settings(job.inputs, bundle.settings, embedded=job.embedded)
    from reviewer.infer import infer_review

    review = asyncio.run(infer_review(bundle, job.inputs, settings))
    save_json(review, job.folder / "review.json")
    if review.order != "own":
        say(render_command("warning", inert_line(review.note, 400), title="Glossator"))
    usage = review.usage
    say(f"{review.status}: {len(review.findings)} findings, {usage.requests} requests, {usage.seconds:.1f} s.")
    return EXIT_OK


def post(job: Job) -> int:
    """Check review.json against the pull request and post it, or hand the findings down the ladder."""
    host = job.host()
    decision = decide(job, host)
    if decision.command == "none":
        return _nothing_to_do(decision.reason)
    if decision.command != "review":
        carry_out(host, decision, job.signer(decision.number))
        acknowledge(host, decision, "rocket")
        return EXIT_OK
    pull_request = patiently(lambda: host.get_pull_request(decision.number))
    settings = merge_settings(job.inputs, load_settings_file(host.base_files(pull_request.base_sha)))
    review = load_answer(job.folder / "review.json", pull_request)
    published = publish_review(host, pull_request, review, settings, job.signer(decision.number), job.place)
    acknowledge(host, decision, "rocket" if published.rung == "review" else "confused")
    return report(job, published, pull_request, settings)


def load_answer(path: Path, pull_request: PullRequest) -> Review:
    """review.json, or the review that says why there is none."""
    try:
        review = load_review(path)
    except UsageError as error:
        note = "The step that asks the model left no review; see its log."
        say(render_command("warning", f"{note} {inert_line(error.what, 300)}", title="Glossator"))
        return Review(
            pull_request.repo,
            pull_request.number,
            pull_request.head_sha,
            "not-reviewed",
            ModelVersion("none"),
            note=note,
        )
    if (review.repo, review.number) != (pull_request.repo, pull_request.number):
        raise UsageError(
            "review.json is about another pull request.", "Let each run have its own folder; see `GLOSSATOR_FOLDER`."
        )
    return review


def report(job: Job, published: Published, pull_request: PullRequest, settings: Settings) -> int:
    """Say in the log, the job summary, the outputs and the run's files what became of the review."""
    from reviewer.report import decide_exit_code, render

    review, why = published.review, ""
    if published.rung == "overtaken":
        say(render_command("notice", published.why, title="Glossator"))
        set_output("status", "overtaken")
        return EXIT_OK
    if published.error:
        shown = annotate(review) if published.rung == "annotations" else 0
        why = f"{inert_line(published.why, 500)} The findings are here{' and in the annotations' if shown else ''}."
        level: Level = "notice" if isinstance(published.error, REFUSALS) else "error"
        say(render_command(level, why, title="Glossator could not post"))
    add_summary(render_job_summary(review, job.place, why))
    (job.folder / "review.sarif").write_text(render(review, pull_request, "sarif"), encoding="utf-8")
    (job.folder / "review.md").write_text(render(review, pull_request, "markdown"), encoding="utf-8")
    save_json(review, job.folder / "posted.json")
    (job.folder / "run.json").write_text(json.dumps(run_record(review), indent=1), encoding="utf-8")
    set_output("status", review.status)
    set_output("comments", str(len(review.comments)))
    set_output("sarif-file", str(job.folder / "review.sarif"))
    if published.error and not isinstance(published.error, REFUSALS):
        return published.error.exit_code
    return decide_exit_code(review, settings.fail_on)


def acknowledge(host: CodeHost, decision: Decision, content: str) -> None:
    """React to the comment that gave the command; a token that may not is no reason to stop."""
    if decision.comment_kind:
        try:
            host.add_reaction(decision.comment_kind, decision.comment_id, content)
        except HostError as error:
            say(render_command("notice", f"No reaction: {error.what}", title="Glossator"))


def _nothing_to_do(reason: str) -> int:
    say(f"Nothing to do: {inert_line(reason, 500)}")
    set_output("command", "none")
    return EXIT_OK


def _load_payload(path: str) -> Mapping[str, Any]:
    try:
        payload = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError) as error:
        raise UsageError(f"The event's payload cannot be read: {error}.", "GITHUB_EVENT_PATH must name it.") from error
    return payload if isinstance(payload, dict) else {}


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Run one step; its exit code."""
    steps = {"collect": collect, "infer": infer, "post": post}
    if len(argv) != 1 or argv[0] not in steps:
        say("Name one step: python -m action.entry collect | infer | post")
        return UsageError.exit_code
    try:
        return steps[argv[0]](Job.from_environment(environ))
    except GlossatorError as error:
        what, code = str(error), error.exit_code
    except OSError as error:
        what, code = f"A file of the run cannot be read or written: {error.strerror or error}. Is the disk full?", 2
    except Exception as error:  # noqa: BLE001 - the top: a bug must not show a traceback with the environment in it
        what, code = f"A bug of Glossator: {type(error).__name__} in {_last_line(error)}. Please report it.", 70
    what = inert_line(what, 2000)
    say(render_command("error", what, title="Glossator"))
    add_summary(
        f"### Glossator: not reviewed\n\n{make_inert_line(what, limit=2000)} This says nothing about the change.\n"
    )
    return code


def _last_line(error: BaseException) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "an unknown place"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
