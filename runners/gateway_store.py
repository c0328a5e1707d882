"""The gateway's numbers: kept in memory, bounded, saved whole after each event, shown to Prometheus as metric families.

Why not prometheus_client's own Counter and Histogram: they cannot be set to what they were before a restart. The format
is still the library's: it asks `collect` and writes the text.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from reviewer.errors import UsageError
from runners.gateway_metrics import BY_NAME, METRICS, MOST_VALUES, Change, Metric

STATE_SCHEMA: Final = "glossator-gateway/1"
MOST_SERIES: Final = 5000
"""Label combinations of all metrics together."""
REMEMBERED: Final = 5000
"""Ids of events that are known again when they are sent once more."""
OTHER: Final = "other"

Key = tuple[str, ...]
Row = list[float]
"""A counter or gauge: its value. A histogram: the sum, then how many fell into each bucket, the endless one last."""


class Store(Collector):
    """All series, and the ids of the last events. Each method may be called by several threads at once."""

    def __init__(self, path: Path | None = None) -> None:
        """`path` is the state file; what it holds is taken over.

        Raises:
            UsageError: There is a file that is no state, or it cannot be read.
        """
        self._path = path
        self._lock = threading.RLock()
        self._rows: dict[str, dict[Key, Row]] = {metric.name: {} for metric in METRICS}
        self._values: dict[str, list[str]] = {label: [] for label in MOST_VALUES}
        self._seen: OrderedDict[str, str] = OrderedDict()
        if path is not None and path.exists():
            self._load(path)

    def take(self, identity: str, content: bytes, changes: Iterable[Change]) -> bool | None:
        """Carry out an event's changes once, and save.

        Returns:
            True: it is new. False: it had been taken. None: another event had this id, and nothing was done.
        """
        digest = hashlib.sha256(content).hexdigest()[:16]
        with self._lock:
            if identity in self._seen:
                return False if self._seen[identity] == digest else None
            self._seen[identity] = digest
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            self.change(changes)
            self.save()
        return True

    def change(self, changes: Iterable[Change]) -> None:
        """Carry out changes, without saving."""
        with self._lock:
            for action, name, labels, number in changes:
                self._change(action, BY_NAME[name], labels, number)

    def count(self, name: str, *labels: str) -> None:
        """Add one."""
        self.change([("add", name, labels, 1)])

    def save(self) -> None:
        """Write the state file, whole or not at all. A full disk costs no event: it is counted, and told."""
        if self._path is None:
            return
        with self._lock:
            state = {
                "schema": STATE_SCHEMA,
                "rows": {name: [[list(key), row] for key, row in rows.items()] for name, rows in self._rows.items()},
                "values": self._values,
                "seen": list(self._seen.items()),
            }
            try:
                _write(self._path, json.dumps(state, separators=(",", ":")).encode())
            except OSError:
                self.count("glossator_gateway_state_errors_total")

    def collect(self) -> Iterator[Family]:
        """All metrics, as the library wants them."""
        with self._lock:
            rows = {name: {key: list(row) for key, row in table.items()} for name, table in self._rows.items()}
        for metric in METRICS:
            yield _show(metric, rows[metric.name])

    def _change(self, action: str, metric: Metric, labels: Key, number: float) -> None:
        rows = self._rows[metric.name]
        key = tuple(self._bound(label, value) for label, value in zip(metric.labels, labels, strict=True))
        if action == "remove":
            rows.pop(key, None)
            return
        if key not in rows:
            if sum(map(len, self._rows.values())) >= MOST_SERIES:
                refused = self._rows["glossator_gateway_series_refused_total"]
                refused.setdefault((metric.name,), [0.0])[0] += 1
                return
            rows[key] = [0.0] * (1 if metric.kind != "histogram" else len(metric.buckets) + 2)
        row = rows[key]
        if action == "observe":
            row[1 + bisect.bisect_left(metric.buckets, number)] += 1
        row[0] = number if action == "set" else row[0] + number

    def _bound(self, label: str, value: str) -> str:
        """The value, or `other` where there are too many already."""
        known = self._values.get(label)
        if known is None or value in known or value == OTHER:
            return value
        if len(known) >= MOST_VALUES[label]:
            self._rows["glossator_gateway_labels_replaced_total"].setdefault((label,), [0.0])[0] += 1
            return OTHER
        known.append(value)
        return value

    def _load(self, path: Path) -> None:
        hint = "Move the file away to begin at nought, or bring back the one of the backup."
        try:
            state: Any = json.loads(path.read_bytes())
            if state["schema"] != STATE_SCHEMA:
                raise UsageError(f"{path} is the state of another version: {str(state['schema'])[:80]}.", hint)
            for name, table in state["rows"].items():
                if name in BY_NAME:
                    self._rows[name] = dict(_read_rows(BY_NAME[name], table))
            for label in self._values:
                self._values[label] = [str(value) for value in state["values"].get(label, [])]
            self._seen = OrderedDict((str(name), str(digest)) for name, digest in state["seen"])
        except OSError as error:
            raise UsageError(f"Cannot read {path}: {error.strerror}.", hint) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UsageError(f"{path} is no state of the gateway.", hint) from error


def _read_rows(metric: Metric, table: Iterable[tuple[list[str], Row]]) -> Iterator[tuple[Key, Row]]:
    """The rows that still fit: a metric whose labels or buckets have changed begins at nought."""
    size = 1 if metric.kind != "histogram" else len(metric.buckets) + 2
    for key, row in table:
        if len(key) == len(metric.labels) and len(row) == size:
            yield tuple(map(str, key)), [float(number) for number in row]


def _show(metric: Metric, rows: dict[Key, Row]) -> Family:
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        bounds = [*map(str, metric.buckets), "+Inf"]
        for key, (total, *counts) in rows.items():
            histogram.add_metric(key, list(zip(bounds, accumulate(counts), strict=True)), sum_value=total)
        return histogram
    shown = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family: Family = shown(metric.name.removesuffix("_total"), metric.help, labels=metric.labels)
    for key, (value,) in rows.items():
        family.add_metric(key, value)  # type: ignore[attr-defined]  # both families have it, their base has not
    return family


def _write(path: Path, data: bytes) -> None:
    """Replace the file so that a lost power supply leaves the old content or the new one."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
