"""A gateway on loopback, and requests to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from runners.gateway import Gateway, serving

TOKEN = "a-token-of-the-tests-0123456789"
NOW = 1_795_000_000.0


@dataclass(frozen=True)
class Running:
    """A gateway that answers at `url`, and shows what it counted at `metrics_url`."""

    gateway: Gateway
    url: str
    metrics_url: str
    client: httpx.Client

    def post(self, event: Any, token: str = TOKEN, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} | more.pop("headers", {})
        content = {"content": event} if isinstance(event, bytes) else {"json": event}
        return self.client.post(self.url, headers=headers, **content, **more)

    def read(self) -> dict[str, float]:
        """All samples by `name{label="value",...}`, labels by name."""
        return read_samples(self.client.get(self.metrics_url).text)


def read_samples(text: str) -> dict[str, float]:
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        sample.name
        + ("{" + ",".join(f'{k}="{v}"' for k, v in sorted(sample.labels.items())) + "}" if sample.labels else ""): (
            sample.value
        )
        for sample in samples
    }


@contextmanager
def run_gateway(state: Path | None = None, now: float = NOW) -> Iterator[Running]:
    gateway = Gateway(TOKEN, state, clock=lambda: now)
    with serving(gateway, 0, 0) as (events, metrics), httpx.Client(trust_env=False, verify=False) as client:
        yield Running(gateway, f"http://127.0.0.1:{events}/events", f"http://127.0.0.1:{metrics}/metrics", client)


def job(identity: str = "job-00000001", **fields: Any) -> dict[str, Any]:
    return {"kind": "job", "id": identity, "task": "backup", "result": "success"} | fields


EVENTS: list[dict[str, Any]] = [
    {
        "kind": "review",
        "id": "review-0001",
        "repository": "octo/demo",
        "status": "partial",
        "track": "challenger",
        "model": "reviewer@7",
        "comments": 3,
        "routed": 2,
        "severities": {"error": 1, "warning": 4},
        "dropped": {"duplicate": 2},
        "coverage": {"reviewed": 5, "failed": 1},
        "requests": 6,
        "prompt_tokens": 9000,
        "cached_tokens": 4000,
        "completion_tokens": 700,
        "seconds": 41.5,
    },
    {
        "kind": "outcome",
        "id": "outcome-0001",
        "repository": "octo/demo",
        "track": "champion",
        "addressed": 4,
        "ignored": 3,
        "unknown": 1,
        "upvotes": 2,
        "downvotes": 1,
    },
    {
        "kind": "drift",
        "id": "drift-0001",
        "feature": "diff_tokens",
        "test": "ks",
        "statistic": 0.31,
        "p_value": 0.0004,
        "drifted": True,
    },
    {
        "kind": "lease",
        "id": "lease-0001",
        "lease": "glossator-gpu",
        "site": "CHI@TACC",
        "action": "extend",
        "state": "active",
        "end": NOW + 86400,
        "serving": "up",
    },
    {
        "kind": "job",
        "id": "job-0001",
        "task": "evaluate",
        "result": "success",
        "pool": "gpu",
        "seconds": 1200,
        "waited": 12,
    },
    {
        "kind": "training",
        "id": "training-0001",
        "result": "success",
        "seconds": 5400,
        "examples": 1800,
        "train_loss": 0.9,
        "validation_loss": 1.1,
    },
    {
        "kind": "evaluation",
        "id": "evaluation-0001",
        "verdict": "hold",
        "track": "challenger",
        "scores": {"location.f1": 0.31},
    },
]
