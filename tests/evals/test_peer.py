"""A peer is handed pull requests by its driver, and what it would post becomes a prediction."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from evals.commands.peer import command
from evals.diff_text import quote_path, render_diff
from evals.errors import EvalError
from evals.peer import DRIVER, REQUIREMENTS, Peer, PeerCandidate, PeerModel, predict_from_answer
from evals.peers import pr_agent_driver
from evals.predictions import RunFolder
from reviewer.diff import parse_diff
from reviewer.errors import GlossatorError, ModelUnavailable, UsageError
from tests.evals.small_sets import APP, MAIN, hold_out, write_run, write_set
from tests.fakes import make_diff
from tests.model_server import ModelServer

MODEL = PeerModel("http://127.0.0.1:9", "tiny", "secret")
HELD = hold_out(1, APP)
ANSWER: dict[str, Any] = {
    "comments": [
        {"path": "app.py", "start_line": 5, "line": 5, "body": "Check it.", "suggestion": "newer 5", "score": 6.0},
        {"path": "app.py", "start_line": 30, "line": 31, "body": "Close the file.", "suggestion": None, "score": 8.0},
    ],
    "fault": "",
    "failures": [],
    "requests": 2,
    "asked": 1,
    "unreadable": 0,
    "prompt_tokens": 3391,
    "completion_tokens": 218,
}
"""What the driver of pr-agent 0.49.0 gave for HELD, with a model that answers as it wants."""
AWAY = (
    "InternalServerError: litellm.InternalServerError: Connection error at http://10.0.0.1:80/v1. "
    "<- OpenAIError: Connection error. <- ConnectError: Cannot connect to host gpu.example:80"
)
TOO_LONG = "ContextWindowExceededError: request (9000 tokens) exceeds the context <- BadRequestError: 400"
DRIVER_OF_TESTS = """
import json, os, sys, time
told = json.loads(sys.stdin.readline())
print(json.dumps({"peer": "pr-agent", "version": "0.49.0"}), flush=True)
print("a remark", file=sys.stderr)
for line in sys.stdin:
    asked = json.loads(line)
    if "STOP" in asked["title"]:
        os.close(1)
        time.sleep(0.2)
        print("ended by itself", file=sys.stderr)
        sys.exit(1)
    answer = ANSWER | {"failures": FAILURES if "AWAY" in asked["title"] else []}
    print(json.dumps(answer | {"seen": [told, asked, dict(os.environ), os.getcwd()]}), flush=True)
"""


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    """A driver that always gives ANSWER, unless the title says otherwise."""
    text = DRIVER_OF_TESTS.replace("ANSWER |", f"{ANSWER!r} |").replace("FAILURES", repr([AWAY]))
    (tmp_path / "driver.py").write_text(text)
    return tmp_path / "driver.py"


def ask(driver: Path, *titles: str, model: PeerModel = MODEL) -> list[dict[str, Any]]:
    async def go() -> list[dict[str, Any]]:
        async with Peer(Path(sys.executable), model, driver.with_name("log"), driver) as peer:
            assert peer.version == "0.49.0"
            return [await peer.ask(hold_out(1, APP, title=title)) for title in titles]

    return asyncio.run(go())


def test_the_driver_is_told_the_model_and_then_each_pull_request(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOSSATOR_ENDPOINT_TOKEN", "mine")
    first, second = (answer["seen"] for answer in ask(driver, "One", "caf\udce9"))
    told, asked, environment, folder = first
    assert (told["url"], told["model"], told["token"], told["context_tokens"]) == (MODEL.url, "tiny", "secret", 8192)
    assert (asked["title"], asked["diff"]) == ("One", render_diff(HELD.bundle.pull_request.files))
    assert second[1]["title"] == "caf?", "what is no UTF-8 would stop it"
    assert "GLOSSATOR_ENDPOINT_TOKEN" not in environment
    assert environment["HOME"] == folder
    assert not Path(folder).exists(), "left no folder behind"
    assert "a remark" in driver.with_name("log").read_text()


def test_an_answer_becomes_a_prediction() -> None:
    prediction = predict_from_answer(HELD, ANSWER, 1.23456)
    best, other = prediction.comments
    assert (best.path, best.side, best.start_line, best.line) == ("app.py", "RIGHT", 30, 31), "best first"
    assert (best.body, best.suggestion, best.score, best.posted) == ("Close the file.", None, 0.8, True)
    assert (other.start_line, other.line, other.suggestion) == (None, 5, "newer 5")
    assert (prediction.key, prediction.shown) == (HELD.key, HELD.digest)
    assert (prediction.status, prediction.asked, prediction.unreadable, prediction.requests) == ("reviewed", 1, 0, 2)
    assert (prediction.prompt_tokens, prediction.completion_tokens, prediction.seconds) == (3391, 218, 1.235)
    assert prediction.hunk_scores == (), "it does not rank"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"asked": 1, "unreadable": 1, "comments": []}, "not-reviewed"),
        ({"asked": 3, "unreadable": 1}, "partial"),
        ({"fault": "ValueError: a diff that it cannot read", "asked": 0, "comments": []}, "not-reviewed"),
        ({"failures": [TOO_LONG], "unreadable": 1, "comments": []}, "not-reviewed"),
    ],
)
def test_what_it_cannot_do_is_its_own_doing(changes: dict[str, Any], status: str) -> None:
    assert predict_from_answer(HELD, ANSWER | changes, 1.0).status == status


def test_a_model_that_is_away_makes_no_prediction() -> None:
    with pytest.raises(ModelUnavailable) as caught:
        predict_from_answer(HELD, ANSWER | {"failures": [AWAY]}, 1.0)
    assert caught.value.what.endswith("Connection error at (address)"), "no address"
    assert "10.0.0.1" not in str(caught.value)
    assert "gpu.example" not in str(caught.value)


def test_a_driver_that_stops_is_said(driver: Path) -> None:
    with pytest.raises(EvalError, match="has stopped") as caught:
        ask(driver, "One", "STOP")
    assert str(driver.with_name("log")) in caught.value.what
    assert "ended by itself" in driver.with_name("log").read_text(), "killed while it ends, asyncio would complain"


def test_a_driver_that_does_not_end_is_killed(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evals.peer.GRACE", 0.1)
    with driver.open("a") as file:
        file.write("time.sleep(60)\n")
    started = time.monotonic()
    assert len(ask(driver, "One")) == 1
    assert time.monotonic() - started < 30


def comment_of(**changes: Any) -> dict[str, Any]:
    return {**ANSWER["comments"][0], **changes}


@pytest.mark.parametrize(
    "comment",
    [
        comment_of(score=float("-inf")),
        comment_of(score=float("nan")),
        comment_of(score=10**400),
        comment_of(score=None),
        comment_of(suggestion=["a", "b"]),
        comment_of(line="five"),
        comment_of(line=0),
        comment_of(line=10**400),
        comment_of(start_line=None),
        comment_of(path=3),
        {"path": "app.py"},
        "a comment",
        None,
    ],
)
def test_a_comment_that_cannot_be_read_is_counted(tmp_path: Path, comment: Any) -> None:
    prediction = predict_from_answer(HELD, ANSWER | {"comments": [comment, *ANSWER["comments"]]}, 1.0)
    assert len(prediction.comments) == 2
    assert (prediction.status, prediction.drops) == ("partial", {"unreadable-reply": 1})
    folder = write_run(tmp_path / "run", [prediction])
    assert RunFolder(folder).load_predictions() == {HELD.key: prediction}, "it can be read again"


@pytest.mark.parametrize(("score", "expected"), [(-1.7e308, 0), (-3.0, 0), (12.0, 1), (1.7e308, 1)])
def test_a_score_beyond_its_scale_is_its_end(tmp_path: Path, score: float, expected: float) -> None:
    prediction = predict_from_answer(HELD, ANSWER | {"comments": [comment_of(score=score)]}, 1.0)
    assert prediction.comments[0].score == expected
    folder = write_run(tmp_path / "run", [prediction])
    assert RunFolder(folder).load_predictions() == {HELD.key: prediction}, "it can be read again"


@pytest.mark.parametrize(
    "said", [{}, ANSWER | {"asked": "many"}, ANSWER | {"asked": 2**60}, ANSWER | {"comments": None}, []]
)
def test_a_driver_that_says_something_else_is_refused(said: Any) -> None:
    with pytest.raises(EvalError, match="answered something unknown"):
        predict_from_answer(HELD, said, 1.0)


@pytest.mark.parametrize("python", ["/nonexistent/python", sys.executable])
def test_an_environment_without_it(tmp_path: Path, python: str) -> None:
    async def go() -> None:
        async with Peer(Path(python), MODEL, tmp_path / "log", tmp_path / "nothing.py"):
            pytest.fail("it cannot start")

    with pytest.raises(UsageError) as caught:
        asyncio.run(go())
    assert str(REQUIREMENTS) in caught.value.hint


def test_the_run_names_the_version_and_no_address() -> None:
    peer = Peer(Path(sys.executable), MODEL, Path("log"))
    peer.version = "0.49.0"
    run = PeerCandidate(peer, MODEL, "demo").run
    assert (run.candidate, run.kind, run.model.name) == ("pr-agent", "peer", "tiny")
    assert run.settings == {"peer": "pr-agent 0.49.0", "tool": "improve", "context_tokens": 8192}
    assert "secret" not in repr(MODEL)


def invoke(tmp_path: Path, python: object, *words: object) -> Any:
    given = ["--held-out", tmp_path / "set.jsonl", "--out", tmp_path / "run", "--python", python, "--model", "tiny"]
    return CliRunner().invoke(command, [str(word) for word in [*given, *words]])


def test_the_command_goes_on_where_it_was(tmp_path: Path, driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evals.peer.DRIVER", driver)
    monkeypatch.setattr(Peer.__init__, "__defaults__", (driver,))
    write_set(tmp_path / "set.jsonl", [hold_out(1, APP), hold_out(2, APP, title="AWAY"), hold_out(3, MAIN)])
    words = ("--endpoint-url", MODEL.url)
    result = invoke(tmp_path, sys.executable, *words)
    assert isinstance(result.exception, GlossatorError)
    assert result.exception.exit_code == 4
    assert [number for _, number in RunFolder(tmp_path / "run").load_predictions()] == [1, 3]
    write_set(tmp_path / "set.jsonl", [hold_out(1, APP), hold_out(2, APP), hold_out(3, MAIN)])
    result = invoke(tmp_path, sys.executable, *words)
    assert result.exit_code == 0, result.output
    assert "2 of 3 pull requests had been done before" in result.stderr
    assert "pr-agent: 2 comments on 1 pull request" in result.stderr
    assert (tmp_path / "run" / "peer.log").read_text().count("a remark") == 2


def test_it_needs_a_model_server(tmp_path: Path) -> None:
    write_set(tmp_path / "set.jsonl", [HELD])
    result = invoke(tmp_path, sys.executable)
    assert isinstance(result.exception, UsageError)
    assert "--endpoint-url" in result.exception.hint


def test_the_driver_reaches_nothing_but_the_model() -> None:
    """In a process of its own: an audit hook cannot be taken back."""
    program = f"""
import runpy, socket, threading
driver = runpy.run_path({str(DRIVER)!r})
server = socket.create_server(("127.0.0.1", 0))
other = socket.create_server(("127.0.0.1", 0))
driver["allow_only"](f"http://localhost:{{server.getsockname()[1]}}/v1")
socket.create_connection(server.getsockname()).close()
socket.create_connection(("localhost", server.getsockname()[1])).close()
for address in (other.getsockname(), ("127.0.0.2", server.getsockname()[1]), ("example.org", 443)):
    try:
        socket.create_connection(address, timeout=1)
    except PermissionError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3, done.stdout


def test_words_and_code_are_told_apart() -> None:
    said = {"suggestion_content": " Check it.\n", "improved_code": "a = 1\n", "score": None}
    plain = {"relevant_file": "a.py", "relevant_lines_start": 3, "relevant_lines_end": 4, "original_suggestion": said}
    offered = pr_agent_driver.render_comment({**plain, "body": "**Suggestion:** Check it.\n```suggestion\na = 1\n```"})
    assert offered
    assert (offered["body"], offered["suggestion"], offered["score"]) == ("Check it.", "a = 1", 0.0)
    shown = pr_agent_driver.render_comment({**plain, "body": "**Suggestion:** Check it.\n```\na = 1\n```"})
    assert shown
    assert shown["suggestion"] is None


@pytest.mark.parametrize("said", [{"suggestion_content": "x", "improved_code": "y", "score": "high"}, {}, None, "x"])
def test_a_comment_that_a_model_made_up_does_not_end_the_driver(said: Any) -> None:
    plain = {"relevant_file": "a.py", "relevant_lines_start": 3, "relevant_lines_end": 4, "body": "x"}
    assert pr_agent_driver.render_comment({**plain, "original_suggestion": said}) is None
    assert pr_agent_driver.render_comment({}) is None


def test_an_error_is_told_with_what_it_came_from() -> None:
    error = ValueError("outer")
    error.__cause__ = KeyError("inner")
    assert pr_agent_driver.describe(error) == "ValueError: outer <- KeyError: 'inner'"


RENAMED = """\
diff --git a/old.py b/new.py
similarity index 90%
rename from old.py
rename to new.py
--- a/old.py
+++ b/new.py
@@ -1,2 +1,2 @@ def f():
 one
-two
+2
"""
DIFFS = [
    make_diff("src/a.py", "one\ntwo\n", "one\nthree\n"),
    make_diff("new file.txt", "", "one\n"),
    make_diff("gone.c", "int a;\n", ""),
    RENAMED,
]


def test_a_diff_that_is_written_reads_the_same() -> None:
    files = tuple(file for diff in DIFFS for file in parse_diff(diff))
    assert parse_diff(render_diff(files)) == files


@given(st.text(st.characters(exclude_characters="\x00/"), min_size=1, max_size=12))
@example("\ud800\udcff")
def test_paths_are_quoted_as_git_does(name: str) -> None:
    path = f"a/{name}"
    quoted = quote_path(path)
    assert quoted.isascii()
    assert quoted.isprintable()


def test_a_quoted_path_reads_the_same() -> None:
    (file,) = parse_diff(make_diff("x.py", "a\n", "b\n"))
    path = 'na\u00efve "x".py'
    odd = replace(file, path=path, hunks=tuple(replace(hunk, path=path) for hunk in file.hunks))
    assert parse_diff(render_diff([odd])) == (odd,)


IMPROVE = """```yaml
code_suggestions:
- relevant_file: |
    app.py
  language: |
    python
  existing_code: |
    new 5
  suggestion_content: |
    Check the length before the loop.
  improved_code: |
    newer 5
  one_sentence_summary: |
    Check the length
  label: |
    possible bug
```"""
REFLECT = """```yaml
code_suggestions:
- suggestion_summary: |
    Check the length
  relevant_file: "app.py"
  relevant_lines_start: 5
  relevant_lines_end: 5
  suggestion_score: 6
  why: |
    It breaks.
```"""


def model_for_pr_agent(body: dict[str, Any]) -> str:
    """Suggestions first, then where they belong."""
    return REFLECT if "suggestion_score" in json.dumps(body["messages"]) else IMPROVE


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_real_one(tmp_path: Path) -> None:
    uv, python = shutil.which("uv"), tmp_path / "peer" / "bin" / "python"
    if not uv:
        pytest.skip("uv is not installed")
    for words in (
        ("venv", "-q", "--python", os.environ.get("PEER_PYTHON", ">=3.12"), tmp_path / "peer"),
        ("pip", "install", "-q", "--python", python, "-r", REQUIREMENTS),
    ):
        made = subprocess.run([uv, *map(str, words)], capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.skip(f"pr-agent cannot be installed here: {made.stderr[-300:]}")
    write_set(tmp_path / "set.jsonl", [HELD])
    with ModelServer(model_for_pr_agent) as server:
        result = invoke(tmp_path, python, "--endpoint-url", server.url)
    assert result.exit_code == 0, result.output
    (prediction,) = RunFolder(tmp_path / "run").load_predictions().values()
    (comment,) = prediction.comments
    assert (comment.path, comment.line, comment.body) == ("app.py", 5, "Check the length before the loop.")
    assert (comment.suggestion, comment.score, prediction.requests) == ("newer 5", 0.6, 2)
    assert RunFolder(tmp_path / "run").load_run().settings["peer"] == "pr-agent 0.49.0"
