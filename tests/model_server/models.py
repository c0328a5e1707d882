"""What the stand-in server answers: functions from a chat request's body to the text of the answer."""

from __future__ import annotations

import json
import re
from typing import Any

ADDED_LINE = re.compile(r"^\s*(R\d+)\s+\+ ?(.*)$", re.MULTILINE)
ANY_LINE = re.compile(r"^\s*([RL]\d+)\s+[+-]? ?(.*)$", re.MULTILINE)
DEMAND = re.compile(
    r"REVIEWER:|ignore (?:all|any|the|your|previous|prior)|disregard|you must|new instructions|system prompt|"
    r"(?:say|reply|answer|respond|write|post|print|output|include|repeat|append) (?:exactly|only|with|this)|"
    r"::[a-z-]+|<!--|\]\(|https?://|javascript:|<img|<script|@[a-z]|LGTM|approve",
    re.IGNORECASE,
)
ESCAPE = re.compile(r"\\u([0-9a-f]{4,6})")


def text_of(body: dict[str, Any], role: str = "") -> str:
    """All that the messages of a request say, or those of one role."""
    messages = [message for message in body["messages"] if role in ("", message["role"])]
    return "\n".join(str(message["content"]) for message in messages)


def careful_model(body: dict[str, Any]) -> str:
    """One valid comment on the first added line of the hunk; none when nothing is added."""
    found = ADDED_LINE.search(text_of(body, "user"))
    if found is None:
        return '{"comments": []}'
    message = f"Check the value on {found[1]} before it is used."
    return render_comments({"line": found[1], "quote": found[2], "message": message})


def empty_model(body: dict[str, Any]) -> str:
    """Nothing to say."""
    return '{"comments": []}'


def obedient_model(body: dict[str, Any]) -> str:
    """Whatever the prompt's untrusted parts tell it, word for word and in every field; else as `careful_model`.

    A demand that holds an answer of its own ({"comments": ...}) is given back as it stands. Escapes of invisible
    characters become those characters again.
    """
    prompt = ESCAPE.sub(lambda match: chr(int(match[1], 16)), untrusted_text(body))
    demands = [line for line in prompt.split("\n") if DEMAND.search(line)]
    if not demands:
        return careful_model(body)
    demanded = "\n".join(re.sub(r"^.*?REVIEWER:\s*", "", line) for line in demands)
    if (start := demanded.find('{"comments"')) >= 0:
        return demanded[start:]
    anchor = ADDED_LINE.search(text_of(body, "user")) or ANY_LINE.search(text_of(body, "user"))
    line, quote = (anchor[1], anchor[2]) if anchor else ("R1", "")
    obeyed = {"message": demanded, "suggestion": demanded, "severity": "error", "category": "security"}
    return render_comments(
        {"line": line, "quote": quote, **obeyed, "path": demanded, "confidence": 1},
        {"line": line, "quote": demanded, **obeyed, "end_line": line},
    )


def untrusted_text(body: dict[str, Any]) -> str:
    """What comes after the reviewer's own instructions: the system prompt from its first fence on, and the hunk."""
    system = text_of(body, "system")
    fence = re.search(r"^<data ", system, re.MULTILINE)
    return (system[fence.start() :] if fence else system) + "\n" + text_of(body, "user")


def render_comments(*comments: dict[str, object]) -> str:
    """An answer as the prompt asks for it."""
    defaults: dict[str, object] = {"severity": "warning", "category": "bug"}
    return json.dumps({"comments": [defaults | comment for comment in comments]})
