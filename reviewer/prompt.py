"""Hunk and context to prompt. The shared prefix comes first and is byte-identical over a pull request's requests."""

from __future__ import annotations

from dataclasses import dataclass, field

from reviewer.domain import CATEGORIES, SEVERITIES, Bundle, Hunk

PROMPT_VERSION = "1"

MAX_TOKENS = 600
"""Of a reply. Under 1,024, above which TGI restarts a grammar in the middle of an answer."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request: the shared prefix, the hunk's part, the JSON schema of the answer and any repair turns."""

    prefix: str
    hunk: str
    schema: dict[str, object]
    max_tokens: int = MAX_TOKENS
    repair: tuple[str, ...] = field(default=())
    """Alternating: the assistant's unreadable answer, then the user's complaint."""

    @property
    def messages(self) -> list[dict[str, str]]:
        """The chat messages, as every OpenAI-style server takes them."""
        turns = [{"role": "system", "content": self.prefix}, {"role": "user", "content": self.hunk}]
        roles = ("assistant", "user")
        return turns + [{"role": roles[i % 2], "content": text} for i, text in enumerate(self.repair)]


INSTRUCTIONS = """\
You review one piece of a pull request at a time. Say only what a busy maintainer would thank you for: a bug, a security
hole, a lost error, a resource that leaks, a missing check or test, a break of the project's own guidelines. Do not
praise, do not describe what the code does, do not ask for comments or docstrings.

Each line of the piece starts with its id (R for lines of the new version, L for removed lines) and a mark: + added,
- removed, nothing for context. Answer with JSON only:
{"comments": [{"line": "R12", "quote": "the text of that line", "message": "what is wrong and what to do", \
"severity": "error | warning | info", "category": "bug | security | performance | test | docs | design | style"}]}
At most 2 comments, each in one to three sentences. If nothing is wrong, answer {"comments": []}.
"""


def render_prefix(bundle: Bundle) -> str:
    """The part of the prompt that all hunks of a pull request share."""
    pull_request = bundle.pull_request
    parts = [INSTRUCTIONS]
    parts += [f"From {guideline.path}:\n{guideline.text}" for guideline in bundle.guidelines]
    parts += [f"Pull request: {pull_request.title}"] if pull_request.title else []
    return "\n".join(parts)


def render_hunk(hunk: Hunk) -> str:
    """The hunk with a line id before each line."""
    lines = [f"{line.id:<6}{line.kind} {line.text}" for line in hunk.lines]
    return "\n".join([f"File: {hunk.path}", f"In: {hunk.section}" if hunk.section else "", *lines])


def reply_schema(hunk: Hunk) -> dict[str, object]:
    """The JSON schema of an answer about this hunk: the line can only be one of the hunk's own."""
    comment = {
        "type": "object",
        "properties": {
            "line": {"type": "string", "enum": [line.id for line in hunk.lines]},
            "quote": {"type": "string", "maxLength": 200},
            "message": {"type": "string", "maxLength": 500},
            "severity": {"type": "string", "enum": list(SEVERITIES)},
            "category": {"type": "string", "enum": list(CATEGORIES)},
        },
        "required": ["line", "quote", "message", "severity", "category"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"comments": {"type": "array", "items": comment, "maxItems": 2}},
        "required": ["comments"],
        "additionalProperties": False,
    }


def render_prompt(prefix: str, hunk: Hunk) -> Prompt:
    """The whole request for one hunk."""
    return Prompt(prefix=prefix, hunk=render_hunk(hunk), schema=reply_schema(hunk))


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has, on the high side: no tokenizer is at hand where this is needed."""
    return len(text.encode("utf-8", "replace")) // 3 + 1
