"""Events: their schema, how they are made of files, and how they are sent."""

from __future__ import annotations

import dataclasses
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from evals.gate import Decision, save_decision
from evals.statistics import Comparison
from reviewer.domain import Dropped, DropReason, ModelVersion, Review, Usage
from reviewer.errors import GlossatorError, UsageError
from reviewer.jsonfile import run_record
from runners.commands.event import KINDS, command
from runners.errors import CloudError
from runners.events import AnyEvent, make_event, parse_event, render_event, render_event_schema
from runners.events_build import build_event, from_gate, from_run_record, from_scorecard, parse_settings, to_word
from runners.events_send import WAITS, Target, read_target, send
from tests.command import ROOT
from tests.monitoring.gateways import EVENTS, TOKEN, job, run_gateway

SCHEMA = ROOT / "runners" / "monitoring" / "event.schema.json"
DROPPED = Dropped(DropReason.ALREADY_POSTED, "a.py", "again")
REVIEW = Review(
    "octo/demo",
    7,
    "0" * 40,
    "partial",
    ModelVersion("Qwen/Qwen2.5-Coder 7B", "12", "challenger"),
    dropped=(DROPPED, DROPPED),
    usage=Usage(3, 900, None, 50, 12.5),
)


def make_job() -> AnyEvent:
    return parse_event(json.dumps(job()).encode())


def test_the_schema_file_is_the_code_s() -> None:
    assert SCHEMA.read_text() == render_event_schema(), "write it anew: render_event_schema()"
    assert list(json.loads(SCHEMA.read_text())["discriminator"]["mapping"]) == list(KINDS)
    assert {event["kind"] for event in EVENTS} == set(KINDS)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event["kind"]))
def test_the_schema_and_the_code_agree(event: dict[str, Any]) -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text()))
    validator.validate(event)
    assert parse_event(render_event(parse_event(json.dumps(event).encode()))).id == event["id"]
    for wrong in ({**event, "more": 1}, {**event, "id": "two words"}, {k: v for k, v in event.items() if k != "id"}):
        assert not validator.is_valid(wrong)
        with pytest.raises(UsageError):
            parse_event(json.dumps(wrong).encode())


def test_a_review_is_made_of_its_run_record(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(run_record(REVIEW)))
    event = build_event("review", from_run_record(path), {})
    fields = json.loads(render_event(event))
    assert fields | {"id": ""} == {
        "kind": "review",
        "id": "",
        "schema": "glossator-event/1",
        "repository": "octo/demo",
        "status": "partial",
        "track": "challenger",
        "model": "Qwen/Qwen2.5-Coder_7B@12",
        "comments": 0,
        "routed": 0,
        "severities": {},
        "dropped": {"already-posted": 2},
        "coverage": {},
        "requests": 3,
        "prompt_tokens": 900,
        "cached_tokens": 0,
        "completion_tokens": 50,
        "seconds": 12.5,
    }


def test_a_model_that_is_no_track_is_none(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(run_record(dataclasses.replace(REVIEW, model=ModelVersion("m", alias="\x00 best")))))
    assert from_run_record(path)["track"] == "none"
    path.write_text(json.dumps(run_record(dataclasses.replace(REVIEW, model=ModelVersion("m", alias="embedded")))))
    assert from_run_record(path)["track"] == "embedded"


def test_an_evaluation_is_made_of_a_decision(tmp_path: Path) -> None:
    comparisons = [Comparison("location.f1", 0.2, 0.31), Comparison("text.bert", None, None)]
    save_decision(
        Decision("hold", "new", "old", "set", "1", 90, [], [], comparisons=comparisons), tmp_path / "gate.json"
    )
    event = build_event("evaluation", from_gate(tmp_path / "gate.json"), {})
    fields = json.loads(render_event(event))
    assert (fields["verdict"], fields["track"], fields["scores"]) == ("hold", "challenger", {"location.f1": 0.31})


def test_an_evaluation_is_made_of_a_scorecard(tmp_path: Path) -> None:
    path = tmp_path / "scorecard.json"
    metrics = {"location.f1": {"value": 0.25, "low": 0.2}, "text.bert": {"value": None}}
    path.write_text(json.dumps({"schema": "glossator/scorecard/1", "metrics": metrics}))
    event = build_event("evaluation", from_scorecard(path) | parse_settings(["track=champion"]), {})
    fields = json.loads(render_event(event))
    assert (fields["verdict"], fields["track"], fields["scores"]) == ("none", "champion", {"location.f1": 0.25})


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"schema":"glossator/review/1"}', "[" * 9999])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(content)
    for reader in (from_run_record, from_gate, from_scorecard):
        with pytest.raises(UsageError, match=r"run\.json is not"):
            reader(path)


def test_fields_are_given_as_text() -> None:
    fields = parse_settings(["feature=diff=tokens", "test=ks", "statistic=0.25", "p_value=0.4", "drifted=false"])
    assert fields["feature"] == "diff=tokens"
    event = build_event("drift", fields | {"feature": "diff_tokens"}, {})
    assert json.loads(render_event(event))["drifted"] is False
    review = parse_settings(["repository=octo/demo", "status=reviewed", "dropped.duplicate=2", "dropped.over-budget=1"])
    assert json.loads(render_event(build_event("review", review, {})))["dropped"] == {"duplicate": 2, "over-budget": 1}
    for wrong in (["no sign"], ["=1"], ["a=1", "a.b=2"]):
        with pytest.raises(UsageError, match="cannot be used"):
            parse_settings(wrong)
    with pytest.raises(UsageError, match="This is no drift event"):
        make_event("drift", {"id": "12345678", "feature": "x"})


def test_a_step_that_is_run_again_has_the_same_id() -> None:
    run = {"GITHUB_RUN_ID": "9", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "post", "GITHUB_REPOSITORY": "octo/demo"}
    fields = {"task": "backup", "result": "success"}
    first = build_event("job", fields, run).id
    assert build_event("job", fields, run).id == first
    for other in ({**run, "GITHUB_RUN_ATTEMPT": "2"}, {**run, "GITHUB_JOB": "x"}):
        assert build_event("job", fields, other).id != first
    assert build_event("job", fields | {"result": "failure"}, run).id != first
    assert build_event("job", fields, {}).id != build_event("job", fields, {}).id
    assert build_event("job", fields | {"id": "my-own-id"}, run).id == "my-own-id"


def test_names_become_words() -> None:
    assert to_word("a b\n\u202ec") == "a_b_c"
    assert len(to_word("x" * 500)) == 80
    assert to_word("") == "none"


class Replies(BaseHTTPRequestHandler):
    """Answers from a list, one a request."""

    replies: list[tuple[int, bytes]]
    asked: int

    def do_POST(self) -> None:
        type(self).asked += 1
        status, body = self.replies.pop(0)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@contextmanager
def stand_in(*replies: tuple[int, bytes], tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, type[Replies]]]:
    handler = type("Handler", (Replies,), {"replies": list(replies), "asked": 0})
    server = HTTPServer(("127.0.0.1", 0), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/events", handler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refuse_to_wait(seconds: float) -> None:
    pytest.fail(f"waits {seconds} s")


def test_it_is_sent_again_while_the_gateway_is_busy() -> None:
    waits: list[float] = []
    replies = [(503, b'{"error":"busy"}'), (502, b"<html>proxy.example</html>"), (200, b'{"status":"Taken."}')]
    with stand_in(*replies) as (url, handler):
        assert send(Target(url, TOKEN), make_job(), waits.append) == "Taken."
        assert handler.asked == 3
    assert waits == list(WAITS)


def test_a_refusal_is_not_sent_again() -> None:
    with stand_in((422, b'{"error":"The event does not fit."}')) as (url, handler):
        with pytest.raises(CloudError, match=r"422: The event does not fit\."):
            send(Target(url, TOKEN), make_job(), refuse_to_wait)
        assert handler.asked == 1


def test_words_that_are_not_the_gateway_s_are_not_shown() -> None:
    with stand_in((404, b"<html>secret.example</html>")) as (url, _):
        with pytest.raises(CloudError) as caught:
            send(Target(url, TOKEN), make_job(), refuse_to_wait)
        said = str(caught.value)
    assert "secret.example" not in said
    assert "127.0.0.1" not in said
    assert TOKEN not in said


def test_nobody_there() -> None:
    with stand_in() as (url, _):
        pass
    waits: list[float] = []
    with pytest.raises(CloudError, match="no answer") as caught:
        send(Target(url, TOKEN), make_job(), waits.append)
    assert waits == list(WAITS)
    assert "127.0.0.1" not in str(caught.value)
    assert TOKEN not in repr(Target(url, TOKEN)) + str(caught.value)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl, which makes the certificate, is missing")
def test_the_machines_own_root_is_trusted(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "root.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    made += ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out"]
    subprocess.run([*made, str(certificate)], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with stand_in((200, b'{"status":"Taken."}'), tls=tls) as (url, handler):
        with pytest.raises(CloudError, match="no answer"):
            send(Target(url, TOKEN), make_job(), lambda _: None)
        assert handler.asked == 0
        assert send(Target(url, TOKEN, certificate), make_job()) == "Taken."
    with pytest.raises(UsageError, match="GLOSSATOR_EVENTS_CA"):
        send(Target(url, TOKEN, key), make_job())


def test_the_system_s_own_roots_are_trusted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they are is built into OpenSSL, so that all that can be seen is that they are asked for."""
    asked: list[ssl.SSLContext] = []

    def ask(context: ssl.SSLContext) -> None:
        asked.append(context)

    monkeypatch.setattr(ssl.SSLContext, "set_default_verify_paths", ask)
    with stand_in((200, b'{"status":"Taken."}')) as (url, _):
        send(Target(url, TOKEN), make_job())
    assert asked


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://services.example.org/events", "in clear"),
        ("http://10.0.0.4/events", "in clear"),
        ("ftp://127.0.0.1/events", "no address"),
        ("https://", "no address"),
        ("https://user:pass@example.org", "no address"),
        ("https://example.org:port", "no address"),
        ("https://[::1", "no address"),
        ("https://example.org/events?token=x", "no address"),
        ("events", "no address"),
    ],
)
def test_an_address_that_cannot_be_used_is_not_repeated(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        read_target({"GLOSSATOR_EVENTS_URL": url, "GLOSSATOR_EVENTS_TOKEN": TOKEN})
    assert url in {"https://", "events"} or url not in str(caught.value)


def test_the_environment_names_the_gateway(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    assert read_target({"GLOSSATOR_EVENTS_TOKEN": TOKEN}) is None
    target = read_target({"GLOSSATOR_EVENTS_URL": "https://a.example:8443/", "GLOSSATOR_EVENTS_TOKEN_FILE": str(file)})
    assert target == Target("https://a.example:8443/events", TOKEN)
    for token in ("", "\u00e9" * 20, "a\nb"):
        with pytest.raises(UsageError, match="no token"):
            read_target({"GLOSSATOR_EVENTS_URL": "https://a.example", "GLOSSATOR_EVENTS_TOKEN": token})
    with pytest.raises(UsageError, match="cannot be read"):
        read_target({"GLOSSATOR_EVENTS_URL": "https://a.example", "GLOSSATOR_EVENTS_TOKEN_FILE": "/nowhere"})


def run(*arguments: str, **environment: str | None) -> Result:
    names = ("GLOSSATOR_EVENTS_URL", "GLOSSATOR_EVENTS_TOKEN", "GLOSSATOR_EVENTS_TOKEN_FILE", "GITHUB_RUN_ID")
    return CliRunner().invoke(command, list(arguments), env={**dict.fromkeys(names), **environment})


JOB = ("job", "--set", "task=backup", "--set", "result=success")


def test_the_command_sends() -> None:
    with run_gateway() as gateway:
        done = run(*JOB, GLOSSATOR_EVENTS_URL=gateway.url, GLOSSATOR_EVENTS_TOKEN=TOKEN, GITHUB_RUN_ID="5")
        again = run(*JOB, GLOSSATOR_EVENTS_URL=gateway.url, GLOSSATOR_EVENTS_TOKEN=TOKEN, GITHUB_RUN_ID="5")
        found = gateway.read()
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "The gateway: Taken.\n")
    assert again.stderr == "The gateway: This event had been taken before.\n"
    assert found['glossator_tasks_total{pool="none",result="success",task="backup"}'] == 1


def test_the_command_never_fails_a_job_unless_it_is_strict(tmp_path: Path) -> None:
    with run_gateway() as gateway:
        wrong = {"GLOSSATOR_EVENTS_URL": gateway.url, "GLOSSATOR_EVENTS_TOKEN": "x" * 20}
        cases: list[tuple[tuple[str, ...], dict[str, str], str, int]] = [
            (JOB, wrong, "No event was sent. The event was not taken; 401: The token is missing or wrong.", 8),
            (("job", "--set", "task=a"), {}, "No event was sent. This is no job event", 2),
            (("review", "--run-record", str(tmp_path / "none")), {}, "No event was sent. Cannot read", 2),
            (("job", "--gate", str(tmp_path / "none")), {}, "--gate is for evaluation events", 2),
            (JOB, {"GLOSSATOR_EVENTS_URL": "https://example.org"}, "There is no token for events.", 2),
        ]
        for arguments, environment, words, code in cases:
            done = run(*arguments, **environment)
            assert done.exit_code == 0, words
            assert words in done.stderr
            strict = run(*arguments, "--strict", **environment)
            assert isinstance(strict.exception, GlossatorError)
            assert strict.exception.exit_code == code


def test_without_an_address_nothing_is_sent() -> None:
    done = run(*JOB, "--strict")
    assert (done.exit_code, done.stderr) == (0, "GLOSSATOR_EVENTS_URL is not set: no event was sent.\n")


def test_a_dry_run_shows_the_event() -> None:
    done = run(*JOB, "--dry-run", GLOSSATOR_EVENTS_URL="https://nowhere.invalid", GLOSSATOR_EVENTS_TOKEN=TOKEN)
    assert json.loads(done.stdout)["task"] == "backup"
    assert done.stderr == ""
