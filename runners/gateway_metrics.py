"""What the gateway counts: the names, kinds and labels of its metrics, and what each kind of event adds to them.

Rules, dashboards and their tests read this table. `drift_events_total` and `drift_test_stat` have the names that drift
detection has in the course material that Chameleon's users know; the others begin with `glossator_`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Final, Literal, TypeAlias

from runners.events import (
    AnyEvent,
    DriftEvent,
    EvaluationEvent,
    Event,
    JobEvent,
    LeaseEvent,
    OutcomeEvent,
    ReviewEvent,
    TrainingEvent,
)

MetricKind = Literal["counter", "gauge", "histogram"]
SECONDS: Final = (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0)
LONG_SECONDS: Final = (10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0)
STATISTIC: Final = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: what it is called, what it says, and the names of its labels. `buckets` are upper bounds."""

    name: str
    kind: MetricKind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


METRICS: Final[tuple[Metric, ...]] = (
    Metric("glossator_reviews_total", "counter", "Reviews.", ("repository", "track", "model", "status")),
    Metric("glossator_review_comments_total", "counter", "Findings shown.", ("repository", "track", "place")),
    Metric("glossator_review_findings_total", "counter", "Findings shown, by severity.", ("track", "severity")),
    Metric("glossator_review_dropped_total", "counter", "Findings not shown, by reason.", ("track", "reason")),
    Metric(
        "glossator_review_pieces_total", "counter", "Pieces of changes, by what became of them.", ("track", "state")
    ),
    Metric("glossator_review_requests_total", "counter", "Requests to the model.", ("track",)),
    Metric("glossator_review_tokens_total", "counter", "Tokens of reviews.", ("track", "use")),
    Metric(
        "glossator_review_model_duration_seconds",
        "histogram",
        "Seconds the model worked on a review.",
        ("track",),
        SECONDS,
    ),
    Metric("glossator_comment_outcomes_total", "counter", "Comments by outcome.", ("repository", "track", "outcome")),
    Metric("glossator_comment_reactions_total", "counter", "Reactions.", ("repository", "track", "reaction")),
    Metric("drift_events_total", "counter", "Comparisons that found drift.", ("feature", "test")),
    Metric("drift_test_stat", "histogram", "Test statistic of comparisons.", ("feature", "test"), STATISTIC),
    Metric("glossator_drift_checks_total", "counter", "Comparisons with the reference window.", ("feature", "test")),
    Metric("glossator_drift_found", "gauge", "1 if the last comparison found drift.", ("feature", "test")),
    Metric("glossator_drift_p_value", "gauge", "p of the last comparison.", ("feature", "test")),
    Metric("glossator_lease_end_timestamp_seconds", "gauge", "When a lease ends.", ("lease", "site")),
    Metric("glossator_lease_actions_total", "counter", "What was done to leases.", ("site", "action", "result")),
    Metric("glossator_serving_wanted", "gauge", "1 if models should be served now, 0 if not."),
    Metric("glossator_tasks_total", "counter", "Tasks and jobs that ended.", ("task", "pool", "result")),
    Metric("glossator_task_duration_seconds", "histogram", "Seconds of a task.", ("task", "pool"), LONG_SECONDS),
    Metric("glossator_task_wait_seconds", "histogram", "Seconds a job waited for a runner.", ("pool",), SECONDS),
    Metric("glossator_task_last_run_timestamp_seconds", "gauge", "When a task ended last.", ("task",)),
    Metric("glossator_task_last_success_timestamp_seconds", "gauge", "When a task ended well last.", ("task",)),
    Metric("glossator_trainings_total", "counter", "Training runs that ended.", ("result",)),
    Metric("glossator_training_duration_seconds", "histogram", "Seconds of a training run.", (), LONG_SECONDS),
    Metric("glossator_training_examples", "gauge", "Examples of the last training run."),
    Metric("glossator_training_loss", "gauge", "Last loss of the last training run.", ("split",)),
    Metric("glossator_evaluations_total", "counter", "Evaluations, by the gate's verdict.", ("verdict",)),
    Metric("glossator_evaluation_score", "gauge", "Score of the last evaluation.", ("track", "metric")),
    Metric("glossator_events_total", "counter", "Events taken.", ("kind",)),
    Metric("glossator_events_repeated_total", "counter", "Events that had been taken before.", ("kind",)),
    Metric("glossator_events_rejected_total", "counter", "Requests refused.", ("reason",)),
    Metric("glossator_last_event_timestamp_seconds", "gauge", "When the last event of a kind came.", ("kind",)),
    Metric("glossator_gateway_state_errors_total", "counter", "Times the state could not be saved."),
    Metric("glossator_gateway_labels_replaced_total", "counter", "Label values that became 'other'.", ("label",)),
    Metric("glossator_gateway_series_refused_total", "counter", "Values for which there was no room.", ("metric",)),
)
BY_NAME: Final[dict[str, Metric]] = {metric.name: metric for metric in METRICS}
MOST_VALUES: Final[Mapping[str, int]] = {
    "repository": 50,
    "model": 30,
    "feature": 40,
    "test": 8,
    "task": 40,
    "lease": 20,
    "site": 10,
    "metric": 40,
}
"""Labels that an event names freely: how many values of each are kept apart. Further ones are `other`."""

Action = Literal["add", "set", "observe", "remove"]
Change: TypeAlias = tuple[Action, str, tuple[str, ...], float]
"""What to do, the metric, its label values, the number."""


def list_changes(event: AnyEvent, now: float) -> list[Change]:
    """What an event changes. `now` is seconds since 1970."""
    kind = str(event.__struct_config__.tag)
    common: list[Change] = [
        ("add", "glossator_events_total", (kind,), 1),
        ("set", "glossator_last_event_timestamp_seconds", (kind,), now),
    ]
    return common + _changes(event, now)


@singledispatch
def _changes(event: Event, now: float) -> list[Change]:
    raise NotImplementedError(type(event).__name__)


@_changes.register
def _review(event: ReviewEvent, now: float) -> list[Change]:  # noqa: ARG001 - all kinds have the time
    place, track = (event.repository, event.track), (event.track,)
    changes: list[Change] = [
        ("add", "glossator_reviews_total", (*place, event.model, event.status), 1),
        ("add", "glossator_review_comments_total", (*place, "inline"), event.comments),
        ("add", "glossator_review_comments_total", (*place, "summary"), event.routed),
        ("add", "glossator_review_requests_total", track, event.requests),
        ("add", "glossator_review_tokens_total", (*track, "prompt"), event.prompt_tokens),
        ("add", "glossator_review_tokens_total", (*track, "cached"), event.cached_tokens),
        ("add", "glossator_review_tokens_total", (*track, "completion"), event.completion_tokens),
    ]
    if event.requests:
        changes.append(("observe", "glossator_review_model_duration_seconds", track, event.seconds))
    changes += [("add", "glossator_review_findings_total", (*track, name), n) for name, n in event.severities.items()]
    changes += [("add", "glossator_review_dropped_total", (*track, name), n) for name, n in event.dropped.items()]
    changes += [("add", "glossator_review_pieces_total", (*track, name), n) for name, n in event.coverage.items()]
    return changes


@_changes.register
def _outcome(event: OutcomeEvent, now: float) -> list[Change]:  # noqa: ARG001 - likewise
    place = (event.repository, event.track)
    outcomes = {"addressed": event.addressed, "ignored": event.ignored, "unknown": event.unknown}
    reactions = {"up": event.upvotes, "down": event.downvotes}
    changes: list[Change] = [("add", "glossator_comment_outcomes_total", (*place, k), n) for k, n in outcomes.items()]
    changes += [("add", "glossator_comment_reactions_total", (*place, k), n) for k, n in reactions.items()]
    return changes


@_changes.register
def _drift(event: DriftEvent, now: float) -> list[Change]:  # noqa: ARG001 - likewise
    what = (event.feature, event.test)
    return [
        ("add", "drift_events_total", what, float(event.drifted)),
        ("observe", "drift_test_stat", what, event.statistic),
        ("add", "glossator_drift_checks_total", what, 1),
        ("set", "glossator_drift_found", what, float(event.drifted)),
        ("set", "glossator_drift_p_value", what, event.p_value),
    ]


@_changes.register
def _lease(event: LeaseEvent, now: float) -> list[Change]:  # noqa: ARG001 - likewise
    name = (event.lease, event.site)
    changes: list[Change] = [("add", "glossator_lease_actions_total", (event.site, event.action, event.result), 1)]
    if event.state == "ended":
        changes.append(("remove", "glossator_lease_end_timestamp_seconds", name, 0))
    elif event.end:
        changes.append(("set", "glossator_lease_end_timestamp_seconds", name, event.end))
    if event.serving != "unknown":
        changes.append(("set", "glossator_serving_wanted", (), float(event.serving == "up")))
    return changes


@_changes.register
def _job(event: JobEvent, now: float) -> list[Change]:
    changes: list[Change] = [
        ("add", "glossator_tasks_total", (event.task, event.pool, event.result), 1),
        ("set", "glossator_task_last_run_timestamp_seconds", (event.task,), now),
    ]
    if event.seconds is not None and event.result in {"success", "failure"}:
        changes.append(("observe", "glossator_task_duration_seconds", (event.task, event.pool), event.seconds))
    if event.result == "success":
        changes.append(("set", "glossator_task_last_success_timestamp_seconds", (event.task,), now))
    if event.waited is not None:
        changes.append(("observe", "glossator_task_wait_seconds", (event.pool,), event.waited))
    return changes


@_changes.register
def _training(event: TrainingEvent, now: float) -> list[Change]:  # noqa: ARG001 - likewise
    changes: list[Change] = [("add", "glossator_trainings_total", (event.result,), 1)]
    if event.seconds is not None:
        changes.append(("observe", "glossator_training_duration_seconds", (), event.seconds))
    if event.examples is not None:
        changes.append(("set", "glossator_training_examples", (), event.examples))
    losses = {"train": event.train_loss, "validation": event.validation_loss}
    changes += [("set", "glossator_training_loss", (split,), n) for split, n in losses.items() if n is not None]
    return changes


@_changes.register
def _evaluation(event: EvaluationEvent, now: float) -> list[Change]:  # noqa: ARG001 - likewise
    changes: list[Change] = [("add", "glossator_evaluations_total", (event.verdict,), 1)]
    changes += [("set", "glossator_evaluation_score", (event.track, k), n) for k, n in event.scores.items()]
    return changes


Clock: TypeAlias = Callable[[], float]
