"""Made-up numbers for pictures of the dashboards: a month of a small project, told by the gateway's own code."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from runners.events import parse_event
from runners.gateway_metrics import list_changes
from runners.gateway_store import Store

END = datetime(2026, 11, 20, 15, 0, tzinfo=UTC).timestamp()
DAY = 86400
SLOW_STEP, QUICK_STEP = 900, 60
SERVICES = 'job="{job}",instance="services",machine="services",role="services"'
SERVERS = (("champion", "gpu1", "vllm"), ("challenger", "gpu1", "tgi"), ("champion", "gpu2", "llamacpp"))
FEATURES = ("diff_tokens", "files", "comments", "accept_rate", "embedding")
Sample = tuple[str, float, float]
"""Series, value, seconds since 1970."""


def busyness(at: float) -> float:
    """How much people work: by day, hardly at weekends. 0 to 1."""
    moment = datetime.fromtimestamp(at, UTC)
    hour = moment.hour + moment.minute / 60
    day = math.exp(-(((hour - 14) / 4.2) ** 2))
    return day * (0.15 if moment.weekday() >= 5 else 1.0)


def make_review(chance: random.Random, number: int, at: float) -> dict[str, Any]:
    track = "challenger" if chance.random() < 0.1 else "champion"
    status = chance.choices(
        ("reviewed", "partial", "not-reviewed"), (92, 6, 2) if track == "champion" else (86, 11, 3)
    )[0]
    pieces = 1 + int(chance.expovariate(1 / 6))
    shown = min(3, int(pieces * chance.random() * 0.6))
    return {
        "kind": "review",
        "id": f"review-{number:08}",
        "repository": chance.choices(("octo/engine", "octo/website", "octo/tools"), (5, 3, 1))[0],
        "status": status,
        "track": track,
        "model": "reviewer@7" if track == "challenger" else "reviewer@6",
        "comments": shown,
        "routed": int(chance.random() * 3),
        "severities": {"error": int(chance.random() < 0.2), "warning": shown, "info": int(chance.random() * 2)},
        "dropped": {"duplicate": int(chance.random() * 2), "below-severity": int(chance.random() * 1.6)}
        | {"outside-diff": int(chance.random() < 0.15), "cut-reply": int(chance.random() < 0.05)},
        "coverage": {"reviewed": pieces, "skipped": int(pieces * 0.4), "failed": int(status == "partial")},
        "requests": pieces,
        "prompt_tokens": pieces * 1500,
        "cached_tokens": pieces * 700,
        "completion_tokens": pieces * 120,
        "seconds": pieces * (3.1 if track == "champion" else 2.4) * (0.7 + chance.random()),
    }


def make_events(at: float, chance: random.Random, number: int) -> Iterator[dict[str, Any]]:
    """What is told in one step of a quarter of an hour."""
    for count in range(sum(chance.random() < 0.5 * busyness(at) for _ in range(6))):
        yield make_review(chance, number * 10 + count, at)
        job = {"kind": "job", "id": f"jobs-{number:08}-{count}", "task": "review", "pool": "cpu", "result": "success"}
        yield job | {"seconds": chance.uniform(40, 200), "waited": chance.uniform(2, 14)}
    hour = datetime.fromtimestamp(at, UTC)
    if hour.minute == 0 and chance.random() < busyness(at):
        track = "challenger" if chance.random() < 0.2 else "champion"
        outcome = {"kind": "outcome", "id": f"outcome-{number:08}", "repository": "octo/engine", "track": track}
        good = int(chance.random() * (4.4 if track == "champion" else 5.0))
        yield (
            outcome
            | {"addressed": good, "ignored": int(chance.random() * 3), "upvotes": int(good > 2)}
            | {
                "unknown": int(chance.random() < 0.3),
                "downvotes": int(chance.random() < 0.15),
            }
        )
    if (hour.hour, hour.minute) == (3, 0):
        yield from make_nightly(at, chance, number)


def make_nightly(at: float, chance: random.Random, number: int) -> Iterator[dict[str, Any]]:
    """Drift, evaluation, the lease; on Sundays collection and training."""
    days = (END - at) / DAY
    for feature in FEATURES:
        shift = max(0.0, 0.36 - days * 0.03) if feature in {"diff_tokens", "embedding"} else 0.0
        found = min(1.0, 0.06 + shift + chance.random() * 0.05)
        p = max(1e-4, math.exp(-((found * 13) ** 2) / 3) * chance.uniform(0.7, 1.3))
        drift = {"kind": "drift", "id": f"drift-{number:08}-{feature}", "feature": feature, "statistic": found}
        yield drift | {"test": "mmd" if feature == "embedding" else "ks", "p_value": min(1.0, p), "drifted": p < 0.01}
    for track, base in (("champion", 0.31), ("challenger", 0.33)):
        scores = {"location.f1": base + chance.uniform(-0.01, 0.01), "text.bertscore": 0.52 + base / 5}
        evaluation = {"kind": "evaluation", "id": f"evaluation-{number:08}-{track}", "track": track, "scores": scores}
        yield evaluation | {
            "verdict": "none" if track == "champion" else chance.choice(("hold", "inconclusive", "promote"))
        }
    tasks = {"evaluate": 5400, "drift": 240, "lease": 60}
    if datetime.fromtimestamp(at, UTC).weekday() == 6:
        tasks |= {"collect": 1900}
        training = {"kind": "training", "id": f"training-{number:08}", "result": "success", "seconds": 7000}
        yield training | {"examples": 1800, "train_loss": 0.7 + days / 60, "validation_loss": 0.95 + days / 80}
    for task, seconds in tasks.items():
        result = "failure" if chance.random() < 0.06 else "success"
        pool = "gpu" if task == "evaluate" else "hosted"
        job = {"kind": "job", "id": f"job-{number:08}-{task}", "task": task, "pool": pool, "result": result}
        yield job | {"seconds": seconds * chance.uniform(0.9, 1.2), "waited": chance.uniform(3, 40)}
    ends = END + 2.4 * DAY if days < 5 else at + 3 * DAY
    lease = {"kind": "lease", "id": f"lease-{number:08}", "lease": "glossator-gpu", "site": "KVM@TACC"}
    yield lease | {"action": "ensure", "state": "active", "end": ends, "serving": "up"}


def tell(days: int) -> Iterator[Sample]:
    """The gateway's series over so many days."""
    store, chance = Store(), random.Random(7)
    where = SERVICES.format(job="gateway")
    for number in range(days * DAY // SLOW_STEP + 1):
        at = END - days * DAY + number * SLOW_STEP
        for event in make_events(at, chance, number):
            store.change(list_changes(parse_event(json.dumps(event).encode()), at))
        if number % 40 == 11 and days * DAY - number * SLOW_STEP < 2 * DAY:
            store.change([("add", "glossator_events_rejected_total", ("schema",), 1)])
        for family in store.collect():
            for sample in family.samples:
                labels = ",".join([where, *(f'{name}="{value}"' for name, value in sample.labels.items())])
                yield f"{sample.name}{{{labels}}}", sample.value, at


@dataclass
class Counter:
    """Series that only rise, and those of a histogram."""

    values: dict[str, float] = field(default_factory=dict)
    turns: int = 0

    def add(self, series: str, amount: float) -> None:
        self.values[series] = self.values.get(series, 0.0) + amount

    def observe(self, name: str, labels: str, seconds: float, bounds: tuple[float, ...], count: float) -> None:
        for bound in bounds:
            below = 1 / (1 + math.exp(-4 * (math.log(bound) - math.log(seconds))))
            self.add(f'{name}_bucket{{{labels},le="{bound:g}"}}', count * below)
        self.add(f'{name}_bucket{{{labels},le="+Inf"}}', count)


def scrape(hours: int) -> Iterator[Sample]:
    """The series of servers, cards and machines over the last hours, a sample a minute."""
    chance, counter = random.Random(3), Counter()
    for number in range(hours * 60 + 1):
        at = END - hours * 3600 + number * QUICK_STEP
        gauges: dict[str, float] = {}
        work = busyness(at)
        counter.turns = number
        for track, machine, backend in SERVERS:
            serve(counter, gauges, chance, (track, machine, backend), work)
        for machine in ("services", "runner1", "gpu1", "gpu2"):
            run_machine(counter, gauges, chance, machine, work, number / hours / 60)
        for machine in ("gpu1", "gpu2"):
            run_card(gauges, chance, machine, work)
        gauges[f"glossator_backup_last_success_timestamp_seconds{{{SERVICES.format(job='node')}}}"] = (
            END - 11.4 * 3600 if at >= END - 11.4 * 3600 else END - 35.4 * 3600
        )
        yield from ((series, value, at) for values in (gauges, counter.values) for series, value in values.items())


def serve(
    counter: Counter, gauges: dict[str, float], chance: random.Random, server: tuple[str, str, str], work: float
) -> None:
    """One model server for a minute."""
    track, machine, backend = server
    labels = f'job="{track}",instance="{machine}",machine="{machine}",role="gpu",track="{track}",backend="{backend}"'
    requests = 60 * work * (0.2 if track == "challenger" else 1.3) * chance.uniform(0.8, 1.2)
    wave = math.sin(chance.random() * 0.3 + sum(map(ord, track + machine)) + counter.turns / 47)
    waiting, running = max(0, round(5 * work * wave)), round(requests / 60 * 4 + work * wave)
    gauges[f"up{{{labels}}}"] = 1
    tokens, prompt, seconds = requests * 120, requests * 1500, 2.2 + 3 * work * chance.uniform(0.8, 1.2)
    bounds = (0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0)
    if backend == "tgi":
        counter.add(f"tgi_request_success{{{labels}}}", requests)
        counter.add(f'tgi_request_failure{{{labels},err="overloaded"}}', requests * 0.01 * (chance.random() < 0.2))
        counter.observe("tgi_request_duration", labels, seconds, bounds, requests)
        counter.observe("tgi_request_queue_duration", labels, 0.2 + work * 0.3, bounds, requests)
        counter.add(f"tgi_request_generated_tokens_sum{{{labels}}}", tokens)
        counter.add(f"tgi_request_input_length_sum{{{labels}}}", prompt)
        gauges |= {f"tgi_queue_size{{{labels}}}": waiting, f"tgi_batch_current_size{{{labels}}}": running}
    elif backend == "vllm":
        own = labels + ',model_name="reviewer",engine="0"'
        path = labels + ',handler="/v1/chat/completions",method="POST"'
        failed = requests * (0.04 if 0.97 < work < 0.99 else 0.002)
        counter.add(f'http_requests_total{{{path},status="2xx"}}', requests - failed)
        counter.add(f'http_requests_total{{{path},status="5xx"}}', failed)
        counter.observe("vllm:e2e_request_latency_seconds", own, seconds, bounds, requests)
        counter.observe("vllm:request_queue_time_seconds", own, 0.3 + work * 0.4, bounds, requests)
        counter.observe("vllm:time_to_first_token_seconds", own, 0.5 + work * 0.6, bounds, requests)
        counter.add(f"vllm:generation_tokens_total{{{own}}}", tokens)
        counter.add(f"vllm:prompt_tokens_total{{{own}}}", prompt)
        gauges |= {f"vllm:num_requests_waiting{{{own}}}": waiting, f"vllm:num_requests_running{{{own}}}": running}
    else:
        counter.add(f"llamacpp:tokens_predicted_total{{{labels}}}", tokens * 0.3)
        counter.add(f"llamacpp:prompt_tokens_total{{{labels}}}", prompt * 0.3)
        gauges |= {
            f"llamacpp:requests_deferred{{{labels}}}": waiting // 2,
            f"llamacpp:requests_processing{{{labels}}}": 1,
        }


def run_machine(
    counter: Counter, gauges: dict[str, float], chance: random.Random, machine: str, work: float, gone: float
) -> None:
    """One machine for a minute; `gone` is the share of the time that is over."""
    labels = f'job="node",instance="{machine}",machine="{machine}",role="{machine.rstrip("12")}"'
    busy = min(0.97, (0.08 if machine == "services" else 0.5 * work + 0.03) * chance.uniform(0.7, 1.3))
    gauges[f"up{{{labels}}}"] = 1
    counter.add(f'node_cpu_seconds_total{{{labels},cpu="0",mode="idle"}}', 60 * (1 - busy))
    counter.add(f'node_cpu_seconds_total{{{labels},cpu="0",mode="user"}}', 60 * busy)
    counter.add(
        f'node_network_receive_bytes_total{{{labels},device="ens3"}}', 6e6 * (0.2 + work) * chance.uniform(0.5, 1.5)
    )
    counter.add(
        f'node_network_transmit_bytes_total{{{labels},device="ens3"}}', 3e6 * (0.2 + work) * chance.uniform(0.5, 1.5)
    )
    gauges[f"node_load1{{{labels}}}"] = busy * 8 * chance.uniform(0.8, 1.2)
    gauges[f"node_memory_MemTotal_bytes{{{labels}}}"] = 64e9
    gauges[f"node_memory_MemAvailable_bytes{{{labels}}}"] = 64e9 * (0.75 - 0.3 * busy - 0.1 * machine.startswith("gpu"))
    disk = f'{labels},device="/dev/vda1",fstype="ext4",mountpoint="/"'
    used = {"services": 0.42, "runner1": 0.25, "gpu1": 0.71, "gpu2": 0.66}[machine] + 0.03 * gone
    gauges |= {
        f"node_filesystem_size_bytes{{{disk}}}": 2e11,
        f"node_filesystem_avail_bytes{{{disk}}}": 2e11 * (1 - used),
    }
    gauges[f'node_systemd_unit_state{{{labels},name="ssh.service",state="failed",type="notify"}}'] = 0


def run_card(gauges: dict[str, float], chance: random.Random, machine: str, work: float) -> None:
    """One graphics card in a minute."""
    labels = f'job="gpu",instance="{machine}",machine="{machine}",role="gpu",gpu="0",UUID="GPU-{machine}"'
    labels += ',device="nvidia0",modelName="made up",Hostname="x"'
    size = 81559 if machine == "gpu1" else 16384
    used = size * (0.9 if machine == "gpu1" else 0.62)
    gauges |= {f"DCGM_FI_DEV_FB_USED{{{labels}}}": used, f"DCGM_FI_DEV_FB_FREE{{{labels}}}": size - used}
    gauges[f"DCGM_FI_DEV_GPU_UTIL{{{labels}}}"] = min(100, 90 * work * chance.uniform(0.7, 1.2))
    gauges[f"DCGM_FI_DEV_GPU_TEMP{{{labels}}}"] = 38 + 30 * work * chance.uniform(0.9, 1.1)
    gauges[f"DCGM_FI_DEV_POWER_USAGE{{{labels}}}"] = (90 if machine == "gpu1" else 40) + 250 * work * chance.uniform(
        0.8, 1.1
    )
