"""The gateway over HTTP: what it takes, what it refuses, and that nothing is counted twice or lost."""

from __future__ import annotations

import inspect
import json
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

import runners.gateway
from reviewer.errors import UsageError
from runners.events import MAX_EVENT
from runners.gateway import REASONS, Gateway, serving
from runners.gateway_metrics import METRICS, MOST_VALUES
from runners.gateway_store import MOST_SERIES, REMEMBERED, Store
from tests.command import ROOT, clean_environment
from tests.monitoring.gateways import EVENTS, NOW, TOKEN, job, run_gateway


def test_every_kind_is_counted() -> None:
    with run_gateway() as gateway:
        for event in EVENTS:
            assert gateway.post(event).json() == {"status": "Taken."}, event["kind"]
        found = gateway.read()
    expected = {
        'glossator_reviews_total{model="reviewer@7",repository="octo/demo",status="partial",track="challenger"}': 1,
        'glossator_review_comments_total{place="summary",repository="octo/demo",track="challenger"}': 2,
        'glossator_review_findings_total{severity="warning",track="challenger"}': 4,
        'glossator_review_dropped_total{reason="duplicate",track="challenger"}': 2,
        'glossator_review_pieces_total{state="failed",track="challenger"}': 1,
        'glossator_review_tokens_total{track="challenger",use="cached"}': 4000,
        'glossator_review_model_duration_seconds_sum{track="challenger"}': 41.5,
        'glossator_review_model_duration_seconds_bucket{le="30.0",track="challenger"}': 0,
        'glossator_review_model_duration_seconds_bucket{le="60.0",track="challenger"}': 1,
        'glossator_review_model_duration_seconds_bucket{le="+Inf",track="challenger"}': 1,
        'glossator_comment_outcomes_total{outcome="addressed",repository="octo/demo",track="champion"}': 4,
        'glossator_comment_reactions_total{reaction="down",repository="octo/demo",track="champion"}': 1,
        'drift_events_total{feature="diff_tokens",test="ks"}': 1,
        'drift_test_stat_sum{feature="diff_tokens",test="ks"}': 0.31,
        'drift_test_stat_count{feature="diff_tokens",test="ks"}': 1,
        'glossator_drift_p_value{feature="diff_tokens",test="ks"}': 0.0004,
        'glossator_lease_end_timestamp_seconds{lease="glossator-gpu",site="CHI@TACC"}': NOW + 86400,
        "glossator_serving_wanted": 1,
        'glossator_tasks_total{pool="gpu",result="success",task="evaluate"}': 1,
        'glossator_task_last_success_timestamp_seconds{task="evaluate"}': NOW,
        'glossator_task_wait_seconds_count{pool="gpu"}': 1,
        'glossator_training_loss{split="validation"}': 1.1,
        'glossator_evaluation_score{metric="location.f1",track="challenger"}': 0.31,
        'glossator_events_total{kind="lease"}': 1,
        'glossator_last_event_timestamp_seconds{kind="drift"}': NOW,
    }
    assert {name: found.get(name) for name in expected} == expected


def test_an_event_sent_again_counts_once() -> None:
    with run_gateway() as gateway:
        assert [gateway.post(job()).json() for _ in range(3)][1:] == [
            {"status": "This event had been taken before."}
        ] * 2
        reordered = dict(reversed(list(job().items())))
        assert gateway.post(reordered).status_code == 200
        found = gateway.read()
    assert found['glossator_tasks_total{pool="none",result="success",task="backup"}'] == 1
    assert found['glossator_events_repeated_total{kind="job"}'] == 3


def test_an_id_of_another_event_is_refused() -> None:
    with run_gateway() as gateway:
        gateway.post(job())
        answer = gateway.post(job(task="deploy"))
        found = gateway.read()
    assert answer.status_code == 409
    assert answer.json() == {"error": "Another event had this id. Give each event a new one."}
    assert 'glossator_tasks_total{pool="none",result="success",task="deploy"}' not in found
    assert found['glossator_events_rejected_total{reason="conflict"}'] == 1


def test_what_an_event_does_not_know_is_not_observed() -> None:
    with run_gateway() as gateway:
        gateway.post(job())
        gateway.post(job("job-00000002", result="cancelled", seconds=3))
        gateway.post({"kind": "training", "id": "training-0002", "result": "failure"})
        gateway.post(EVENTS[0] | {"id": "review-0003", "requests": 0, "status": "not-reviewed"})
        found = gateway.read()
    assert not [name for name in found if re.match("glossator_(task|training|review_model)_(duration|wait|loss)", name)]
    assert found['glossator_trainings_total{result="failure"}'] == 1
    assert found['glossator_tasks_total{pool="none",result="cancelled",task="backup"}'] == 1


def test_only_a_good_end_is_a_success() -> None:
    with run_gateway() as gateway:
        gateway.post(job(result="failure", seconds=1))
        found = gateway.read()
    assert found['glossator_task_last_run_timestamp_seconds{task="backup"}'] == NOW
    assert 'glossator_task_last_success_timestamp_seconds{task="backup"}' not in found


def test_no_drift_is_counted_as_a_comparison_alone() -> None:
    drift = next(event for event in EVENTS if event["kind"] == "drift")
    with run_gateway() as gateway:
        gateway.post(drift | {"drifted": False})
        found = gateway.read()
    what = '{feature="diff_tokens",test="ks"}'
    assert (found[f"drift_events_total{what}"], found[f"glossator_drift_found{what}"]) == (0, 0)
    assert found[f"glossator_drift_checks_total{what}"] == 1


def test_an_ended_lease_is_forgotten() -> None:
    lease = next(event for event in EVENTS if event["kind"] == "lease")
    with run_gateway() as gateway:
        gateway.post(lease)
        gateway.post(lease | {"id": "lease-0002", "action": "end", "state": "ended", "serving": "down"})
        found = gateway.read()
    assert not [name for name in found if name.startswith("glossator_lease_end")]
    assert found["glossator_serving_wanted"] == 0


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 422, "not JSON"),
        (b"", 422, "not JSON"),
        (b"[]", 422, "Expected `object`"),
        (b"\xff\xfe", 422, "not JSON"),
        (b"[" * 5000, 422, "The event"),
        (json.dumps(job(task="two words")).encode(), 422, "`$.task`"),
        (json.dumps(job(task="line\n")).encode(), 422, "`$.task`"),
        (json.dumps(job(task="x" * 81)).encode(), 422, "`$.task`"),
        (json.dumps(job(seconds=-1)).encode(), 422, "`$.seconds`"),
        (json.dumps(job(seconds="1")).encode(), 422, "`$.seconds`"),
        (json.dumps(job(extra=1)).encode(), 422, "extra"),
        (json.dumps(job(kind="jobs")).encode(), 422, "`$.kind`"),
        (json.dumps(job(schema="glossator-event/2")).encode(), 422, "`$.schema`"),
        (json.dumps(job("short")).encode(), 422, "`$.id`"),
        (b'{"kind":"job","id":"12345678","task":"a"}', 422, "missing required field `result`"),
        (b'{"kind":"job","id":"12345678","task":"a","result":"success","seconds":1e400}', 422, "`$.seconds`"),
        (b'{"kind":"job","id":"12345678","task":"a","result":"success","seconds":NaN}', 422, "not JSON"),
        (b" " * (MAX_EVENT + 1), 413, f"at most {MAX_EVENT} bytes"),
    ],
)
def test_what_is_no_event_is_refused_with_a_reason(body: bytes, status: int, words: str) -> None:
    with run_gateway() as gateway:
        answer = gateway.post(body)
        found = gateway.read()
    assert answer.status_code == status
    assert words in answer.json()["error"]
    assert 'glossator_events_total{kind="job"}' not in found
    assert sum(value for name, value in found.items() if name.startswith("glossator_events_rejected_total")) == 1


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer \xe9"]
)
def test_only_the_token_opens(header: str) -> None:
    with run_gateway() as gateway:
        answer = gateway.client.post(gateway.url, json=job(), headers={b"Authorization": header.encode("latin-1")})
        found = gateway.read()
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert TOKEN not in answer.text
    assert found['glossator_events_rejected_total{reason="token"}'] == 1


def test_other_paths_and_methods() -> None:
    with run_gateway() as gateway:
        root = gateway.url.removesuffix("/events")
        assert gateway.client.get(f"{root}/health").status_code == 200
        assert gateway.client.get(gateway.url).status_code == 405
        assert gateway.client.get(f"{root}/metrics").status_code == 404
        assert (
            gateway.client.post(f"{root}/event", json=job(), headers={"Authorization": f"Bearer {TOKEN}"}).status_code
            == 404
        )
        assert gateway.client.delete(gateway.url).status_code == 501
        assert gateway.client.post(gateway.metrics_url, json=job()).status_code == 501
        assert gateway.client.get(gateway.metrics_url.replace("/metrics", "/")).status_code == 404


def port_of(url: str) -> int:
    return httpx.URL(url).port or 0


def speak(port: int, request: bytes) -> bytes:
    """Say these bytes to the server and read until it hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.mark.parametrize("length", ["", "Content-Length: -1\r\n", "Content-Length: 1e9\r\n", "Content-Length: ٣\r\n"])
def test_a_body_of_unknown_length_is_refused(length: str) -> None:
    head = f"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n{length}\r\n"
    with run_gateway() as gateway:
        answer = speak(port_of(gateway.url), head.encode())
    assert answer.startswith(b"HTTP/1.1 411 ")


def test_who_falls_silent_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runners.gateway.Handler.timeout", 0.2)
    head = f"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 50\r\n\r\nhalf"
    with run_gateway() as gateway:
        answer = speak(port_of(gateway.url), head.encode())
        found = gateway.read()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert found['glossator_events_rejected_total{reason="slow"}'] == 1


def test_who_speaks_too_slowly_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runners.gateway.PATIENCE", 0.3)
    head = f"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 5000\r\n\r\n"
    with (
        run_gateway() as gateway,
        socket.create_connection(("127.0.0.1", port_of(gateway.url)), timeout=5) as connection,
    ):
        connection.sendall(head.encode())
        connection.settimeout(0.05)
        answer = b""
        for _ in range(100):
            connection.sendall(b" ")
            try:
                answer = connection.recv(4096)
                break
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_sender_without_a_token_hears_why_after_a_long_body() -> None:
    with run_gateway() as gateway:
        for _ in range(5):
            assert gateway.post(b" " * 900_000, token="x" * 20).status_code == 401
        assert gateway.post(b" " * 900_000).status_code == 413


def test_too_many_at_once_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runners.gateway.AT_ONCE", 0)
    with run_gateway() as gateway:
        answer = gateway.post(job())
        found = gateway.read()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert found['glossator_events_rejected_total{reason="busy"}'] == 1


def test_many_at_once_are_all_counted(tmp_path: Path) -> None:
    with run_gateway(tmp_path / "state.json") as gateway, ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda n: gateway.post(job(f"job-{n % 40:08}")).status_code, range(80)))
        found = gateway.read()
    assert set(codes) == {200}
    assert found['glossator_tasks_total{pool="none",result="success",task="backup"}'] == 40
    assert found['glossator_events_repeated_total{kind="job"}'] == 40


def test_counts_and_ids_survive_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with run_gateway(state) as gateway:
        for event in EVENTS:
            gateway.post(event)
        before = {name: value for name, value in gateway.read().items() if not name.startswith("process_")}
    with run_gateway(state) as gateway:
        after = {name: value for name, value in gateway.read().items() if not name.startswith("process_")}
        assert after == before
        assert gateway.post(EVENTS[0]).json() == {"status": "This event had been taken before."}
        gateway.post(EVENTS[0] | {"id": "review-0002"})
        later = gateway.read()
    name = 'glossator_review_model_duration_seconds_bucket{le="60.0",track="challenger"}'
    assert later[name] == 2
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


def test_an_event_is_on_disk_before_it_is_answered(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with run_gateway(state) as gateway:
        gateway.post(job())
        assert "job-00000001" in state.read_text()
        assert Store(state).take("job-00000001", b"other", []) is None


def test_a_state_that_cannot_be_saved_is_counted(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    with run_gateway(folder / "state.json") as gateway:
        folder.rmdir()
        assert gateway.post(job()).status_code == 200
        found = gateway.read()
        folder.mkdir()
    assert found["glossator_gateway_state_errors_total"] == 1
    assert found['glossator_tasks_total{pool="none",result="success",task="backup"}'] == 1
    assert Store(folder / "state.json").take("job-00000001", b"", []) is None, "saved again at the end"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", "null", '{"schema":"glossator-gateway/1"}', '{"schema":"glossator-gateway/2"}', "\x00"],
)
def test_a_state_of_something_else_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    state = tmp_path / "state.json"
    state.write_text(content)
    with pytest.raises(UsageError) as caught:
        Store(state)
    assert "Move the file away" in caught.value.hint
    assert state.read_text() == content


def test_a_state_with_other_labels_or_buckets_begins_there_at_nought(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    rows = {
        "glossator_reviews_total": [[["octo/demo"], [7.0]]],
        "drift_test_stat": [[["a", "ks"], [1.0, 2.0]]],
        "glossator_events_total": [[["job"], [5.0]]],
        "gone_total": [[["x"], [1.0]]],
    }
    state.write_text(json.dumps({"schema": "glossator-gateway/1", "rows": rows, "values": {}, "seen": []}))
    with run_gateway(state) as gateway:
        found = gateway.read()
    own = ("process_", "glossator_events_rejected", "glossator_gateway_state_errors")
    assert {name: value for name, value in found.items() if not name.startswith(own)} == {
        'glossator_events_total{kind="job"}': 5
    }


def test_a_bucket_holds_its_bound() -> None:
    store = Store()
    store.change(
        [("observe", "glossator_review_model_duration_seconds", ("champion",), value) for value in (60.0, 5000.0)]
    )
    family = next(family for family in store.collect() if family.name == "glossator_review_model_duration_seconds")
    counts = {sample.labels["le"]: sample.value for sample in family.samples if "le" in sample.labels}
    assert (counts["30.0"], counts["60.0"], counts["1200.0"], counts["+Inf"]) == (0, 1, 1, 2)


def test_labels_are_bounded() -> None:
    most = MOST_VALUES["task"]
    store = Store()
    for number in range(most + 5):
        store.change([("set", "glossator_task_last_run_timestamp_seconds", (f"task-{number}",), 1)])
    store.change([("set", "glossator_task_last_run_timestamp_seconds", ("task-0",), 2)])
    families = {family.name: family.samples for family in store.collect()}
    tasks = [sample.labels["task"] for sample in families["glossator_task_last_run_timestamp_seconds"]]
    assert len(tasks) == most + 1
    assert tasks[-1] == "other"
    assert [sample.value for sample in families["glossator_gateway_labels_replaced"]] == [5]


def test_series_are_bounded() -> None:
    store = Store()
    for number in range(MOST_SERIES + 10):
        store.change([("add", "glossator_lease_actions_total", ("site", f"{number}", "success"), 1)])
    families = {family.name: family.samples for family in store.collect()}
    assert len(families["glossator_lease_actions"]) == MOST_SERIES
    assert [sample.value for sample in families["glossator_gateway_series_refused"]] == [10]


def test_ids_are_bounded() -> None:
    store = Store()
    for number in range(REMEMBERED + 1):
        store.take(f"job-{number:08}", b"", [])
    assert store.take("job-00000000", b"", []) is True
    assert store.take(f"job-{REMEMBERED:08}", b"", []) is False


def test_refusals_are_shown_from_the_start() -> None:
    with run_gateway() as gateway:
        found = gateway.read()
    words = re.findall(r'Answer\(.*, "([a-z]+)"\)$', inspect.getsource(runners.gateway), re.MULTILINE)
    assert sorted(words) == list(REASONS)
    assert {f'glossator_events_rejected_total{{reason="{word}"}}' for word in words} <= set(found)
    assert found["glossator_gateway_state_errors_total"] == 0


def test_names_of_metrics_follow_prometheus_habits() -> None:
    for metric in METRICS:
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert bool(metric.buckets) == (metric.kind == "histogram"), metric.name
        assert list(metric.buckets) == sorted(metric.buckets)
        assert not {"job", "instance", "le", "quantile"} & set(metric.labels), metric.name


def test_a_short_token_is_refused() -> None:
    with pytest.raises(UsageError, match="fewer than 16"):
        Gateway("secret")


def test_a_taken_port_is_told() -> None:
    refused = pytest.raises(UsageError, match="Cannot listen on port")
    with run_gateway() as running, refused, serving(Gateway(TOKEN), port_of(running.url), 0):
        pass


def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from runners.cli import main; main()", "gateway", *arguments],
        cwd=ROOT,
        env=clean_environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    token, state = tmp_path / "token", tmp_path / "state.json"
    token.write_text(f"{TOKEN}\n")
    process = start("--port", "0", "--metrics-port", "0", "--state", str(state), GLOSSATOR_EVENTS_TOKEN_FILE=str(token))
    assert process.stdout
    assert process.stderr
    try:
        said = process.stdout.readline()
        events, metrics = (int(part.rpartition(":")[2].strip(" .\n")) for part in said.split(","))
        assert b"glossator_events_total" in speak(metrics, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        body = json.dumps(job()).encode()
        head = (
            f"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", events), timeout=5) as connection:
            connection.sendall(head.encode() + body[:9])
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(body[9:])
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        out, err = process.communicate(timeout=10)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, out, err) == (0, "Stopped.\n", "")
    assert "job-00000001" in state.read_text()


def test_the_command_says_what_it_lacks(tmp_path: Path) -> None:
    for variables, words in (
        ({}, "There is no token for events."),
        ({"GLOSSATOR_EVENTS_TOKEN": "short"}, "fewer than 16"),
        ({"GLOSSATOR_EVENTS_TOKEN_FILE": str(tmp_path / "none")}, "cannot be read"),
    ):
        process = start("--port", "0", **variables)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 2
        assert words in err
        assert "Traceback" not in err
