"""Runs in the environment of pr-agent, and has its `/improve` review the pull requests that come on standard input.

One JSON object a line, each way. The first one in says which model to ask and how, the first one out who answers. Then
each pull request in (`title`, `body`, `diff`) makes one line out: its comments, and what became of it.

pr-agent gets what it would get from GitHub, except for the whole files: only the lines of the diff are known. Nothing
but the model's address can be reached from here.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any, TextIO
from urllib.parse import urlsplit

PROVIDER = "held-out"


class Case:
    """The pull request at hand, and what was published on it, asked and not answered."""

    def __init__(self) -> None:
        self.begin({})

    def begin(self, pull_request: dict[str, str]) -> None:
        """Turn to the next one."""
        self.pull_request = pull_request
        self.published: list[dict[str, Any]] = []
        self.failures: list[str] = []
        self.requests = 0


def main() -> None:
    """Answer until standard input ends."""
    answers = take_standard_output()
    options = json.loads(sys.stdin.readline())
    allow_only(options["url"])
    configure(options)
    case = Case()
    register_provider(case)
    handler = make_handler(case)
    say(answers, {"peer": "pr-agent", "version": version("pr-agent")})
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            case.begin(json.loads(line))
            say(answers, runner.run(improve(case, handler)))


def take_standard_output() -> TextIO:
    """Keep standard output for the answers; what others print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def say(answers: TextIO, value: dict[str, Any]) -> None:
    """One line of JSON."""
    answers.write(json.dumps(value, default=str) + "\n")
    answers.flush()


def allow_only(url: str) -> None:
    """Refuse every connection of this process but those to the model's server."""
    parts = urlsplit(url)
    host, port = parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]
    addresses: set[str] = {str(host)}

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo" and str(arguments[0]) not in addresses:
            raise PermissionError(f"{arguments[0]} may not be looked up")
        if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][:2] not in known:
            raise PermissionError(f"{arguments[1]} may not be reached")

    import socket

    known = {entry[4][:2] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    addresses |= {str(address) for address, _ in known}
    sys.addaudithook(check)


def configure(options: dict[str, Any]) -> None:
    """Its settings: as it comes, but for the model, the limits, and all that would need GitHub or other servers."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import_module("litellm.litellm_core_utils.default_encoding")  # has tiktoken take its tokens from the package
    from pr_agent.config_loader import get_settings  # type: ignore[import-not-found]

    values = {
        "config.model": f"openai/{options['model']}",
        "config.fallback_models": [],
        "config.custom_model_max_tokens": options["context_tokens"],
        "config.max_model_tokens": options["context_tokens"],
        "config.ai_timeout": options["timeout"],
        "config.temperature": 0.0,
        "config.git_provider": PROVIDER,
        "config.use_repo_settings_file": False,
        "config.repo_context_files": [],
        "config.publish_output": True,
        "config.publish_output_progress": False,
        "pr_code_suggestions.committable_code_suggestions": True,
        "openai.api_base": options["url"].rstrip("/").removesuffix("/v1") + "/v1",
        "openai.key": options["token"] or "none",
    }
    for name, value in values.items():
        get_settings().set(name, value)


def register_provider(case: Case) -> None:
    """Make a code host that shows the pull request, as GitHub would, and keeps what is published on it."""
    from pr_agent.config_loader import get_settings
    from pr_agent.git_providers import register_git_provider  # type: ignore[import-not-found]
    from pr_agent.git_providers.plain_diff_provider import PlainDiffGitProvider  # type: ignore[import-not-found]

    class HeldOutProvider(PlainDiffGitProvider):  # type: ignore[misc]
        def __init__(self, pr_url: str | None = None, incremental: bool = False) -> None:  # noqa: FBT001, FBT002 - its signature
            get_settings().set("plain_diff.content", case.pull_request["diff"])
            try:
                super().__init__(pr_url, incremental)
            finally:
                get_settings().set("plain_diff.content", None)

        def get_pr_title(self) -> str:
            return case.pull_request["title"]

        def get_pr_description_full(self) -> str:
            return case.pull_request["body"]

        def supports_code_suggestions_artifact(self) -> bool:
            return False

        def publish_code_suggestions(self, code_suggestions: list[dict[str, Any]]) -> bool:
            case.published.extend(code_suggestions)
            return True

        def publish_comment(self, pr_comment: str, is_temporary: bool = False) -> None:  # noqa: FBT001, FBT002 - its signature
            """A comment without a line."""

    register_git_provider(PROVIDER, HeldOutProvider)


def make_handler(case: Case) -> Any:
    """Its own way to the model, with a count of the failures: the tool only logs them."""
    from pr_agent.algo.ai_handlers.litellm_ai_handler import LiteLLMAIHandler  # type: ignore[import-not-found]

    class CountingHandler(LiteLLMAIHandler):  # type: ignore[misc]
        async def chat_completion(self, *arguments: Any, **options: Any) -> Any:
            case.requests += 1
            try:
                return await super().chat_completion(*arguments, **options)
            except Exception as error:
                case.failures.append(describe(error))
                raise

    return CountingHandler


async def improve(case: Case, handler: Any) -> dict[str, Any]:
    """Have it review the pull request, and tell what it published and what it cost."""
    from pr_agent.algo.run_details import get_run_details, init_run_details  # type: ignore[import-not-found]
    from pr_agent.tools.pr_code_suggestions import PRCodeSuggestions  # type: ignore[import-not-found]

    init_run_details()
    tool, fault = None, ""
    try:
        tool = PRCodeSuggestions(PROVIDER, cli_mode=True, ai_handler=handler)
        await tool.run()
    except Exception as error:  # noqa: BLE001 - a fault of its own costs this pull request alone
        fault = describe(error)
    details = get_run_details()
    if details.command_failed:
        fault = fault or "it recorded a failure"
    return {
        "comments": [render_comment(comment) for comment in case.published],
        "fault": fault,
        "failures": case.failures,
        "requests": case.requests,
        "asked": getattr(tool, "total_chunk_count", 0) or 0,
        "unreadable": getattr(tool, "failed_chunk_count", 0) or 0,
        "prompt_tokens": details.prompt_tokens,
        "completion_tokens": details.completion_tokens,
    }


def render_comment(comment: dict[str, Any]) -> dict[str, Any] | None:
    """A published comment, its words apart from the code that it suggests. `score` is its own, from 0 to 10.

    None: it holds something else, as the model made it up.
    """
    try:
        return render_parts(comment, comment["original_suggestion"])
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def render_parts(comment: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """The parts of a comment."""
    offered = "suggestion\n" in comment["body"]
    return {
        "path": comment["relevant_file"],
        "start_line": comment["relevant_lines_start"],
        "line": comment["relevant_lines_end"],
        "body": str(said["suggestion_content"]).strip(),
        "suggestion": str(said["improved_code"]).rstrip() if offered else None,
        "score": float(said.get("score") or 0),
    }


def describe(error: BaseException) -> str:
    """The error and what it came from, as `Outer: words <- Inner: words`."""
    chain = [f"{type(error).__name__}: {error}"[:300]]
    cause = error.__cause__ or error.__context__
    return " <- ".join([*chain, *([describe(cause)] if cause else [])])[:1000]


if __name__ == "__main__":
    main()
