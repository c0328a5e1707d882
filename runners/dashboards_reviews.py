"""The dashboards of what reviews do: the flow, the canary, drift. Counts are over windows that hold a few reviews."""

from __future__ import annotations

from typing import Final

from runners.dashboards import GREEN, RED, YELLOW, Dashboard, Panel, Query, Row, lines, quantile, share, stat

HERE: Final = '{repository=~"$repository"}'
SHARE: Final = ((None, RED), (0.8, YELLOW), (0.95, GREEN))
BY_TRACK: Final = "{{track}}"

REVIEWS: Final = Dashboard(
    "glossator-reviews",
    "Glossator: review flow",
    "What became of pull requests: reviewed, in part, or not; what was found, shown and dropped, and what people did.",
    (
        Row(
            "The last day",
            (
                stat("Reviews", f"sum(increase(glossator_reviews_total{HERE}[1d]))", unit="none"),
                stat(
                    "Reviewed in full",
                    f'sum(increase(glossator_reviews_total{{repository=~"$repository", status="reviewed"}}[1d]))'
                    f" / sum(increase(glossator_reviews_total{HERE}[1d]))",
                    unit="percentunit",
                    steps=SHARE,
                ),
                stat(
                    "Comments a review",
                    f'sum(increase(glossator_review_comments_total{{repository=~"$repository", place="inline"}}[1d]))'
                    f" / sum(increase(glossator_reviews_total{HERE}[1d]))",
                ),
                stat(
                    "Comments addressed (7 days)",
                    "sum(increase(glossator_comment_outcomes_total"
                    '{repository=~"$repository", outcome="addressed"}[7d]))'
                    " / sum(increase(glossator_comment_outcomes_total"
                    '{repository=~"$repository", outcome=~"addressed|ignored"}[7d]))',
                    unit="percentunit",
                    description="Of those whose outcome can be told.",
                ),
                stat(
                    "Model time, median",
                    quantile(0.5, "glossator_review_model_duration_seconds", "1d"),
                    unit="s",
                    description="Of all repositories.",
                ),
                stat(
                    "Tokens a review",
                    share("glossator_review_tokens_total", "glossator_reviews_total", "1d"),
                    description="Of all repositories. Those of the cache count too.",
                ),
            ),
        ),
        Row(
            "Reviews",
            (
                lines(
                    "Reviews an hour, by status",
                    (f"sum by (status) (increase(glossator_reviews_total{HERE}[1h]))", "{{status}}"),
                    stacked=True,
                ),
                lines(
                    "Reviews an hour, by repository",
                    (f"sum by (repository) (increase(glossator_reviews_total{HERE}[1h]))", "{{repository}}"),
                    stacked=True,
                ),
                lines(
                    "Model time of a review (3 hours)",
                    (
                        quantile(0.5, "glossator_review_model_duration_seconds", "3h"),
                        "median",
                    ),
                    (
                        quantile(0.95, "glossator_review_model_duration_seconds", "3h"),
                        "95 %",
                    ),
                    unit="s",
                ),
                lines(
                    "Pieces of changes an hour",
                    ("sum by (state) (increase(glossator_review_pieces_total[1h]))", "{{state}}"),
                    stacked=True,
                ),
                lines(
                    "Tokens an hour",
                    ("sum by (use) (increase(glossator_review_tokens_total[1h]))", "{{use}}"),
                    description="Those that the cache had are among the prompt's.",
                ),
                lines(
                    "Requests to models an hour",
                    ("sum by (track) (increase(glossator_review_requests_total[1h]))", BY_TRACK),
                    stacked=True,
                ),
            ),
        ),
        Row(
            "Findings",
            (
                lines(
                    "Findings shown an hour, by place",
                    (f"sum by (place) (increase(glossator_review_comments_total{HERE}[1h]))", "{{place}}"),
                    stacked=True,
                ),
                lines(
                    "Findings shown an hour, by severity",
                    ("sum by (severity) (increase(glossator_review_findings_total[1h]))", "{{severity}}"),
                    stacked=True,
                ),
                lines(
                    "Findings dropped an hour, by reason",
                    ("sum by (reason) (increase(glossator_review_dropped_total[1h]))", "{{reason}}"),
                    stacked=True,
                ),
            ),
        ),
        Row(
            "What people did",
            (
                lines(
                    "Outcomes of comments (7 days)",
                    (f"sum by (outcome) (increase(glossator_comment_outcomes_total{HERE}[7d]))", "{{outcome}}"),
                    stacked=True,
                    width=12,
                ),
                lines(
                    "Reactions (7 days)",
                    (f"sum by (reaction) (increase(glossator_comment_reactions_total{HERE}[7d]))", "{{reaction}}"),
                    width=12,
                ),
            ),
        ),
    ),
    repository=True,
)

CANARY: Final = Dashboard(
    "glossator-canary",
    "Glossator: canary",
    "Champion and challenger beside each other. That one is better is for the gate to decide, not for a curve.",
    (
        Row(
            "The last day",
            (
                stat("Reviews", "review:reviews:increase1d", BY_TRACK, width=6),
                stat(
                    "Challenger's share",
                    'sum(review:reviews:increase1d{track="challenger"}) / sum(review:reviews:increase1d)',
                    unit="percentunit",
                ),
                stat(
                    "Incomplete",
                    "review:incomplete:ratio_increase1d",
                    BY_TRACK,
                    unit="percentunit",
                    width=6,
                    steps=((None, GREEN), (0.1, YELLOW), (0.2, RED)),
                ),
                stat(
                    "Comments addressed (7 days)",
                    "review:addressed:ratio_increase7d",
                    BY_TRACK,
                    unit="percentunit",
                    width=8,
                ),
            ),
        ),
        Row(
            "Beside each other",
            (
                lines(
                    "Incomplete reviews (1 day)", ("review:incomplete:ratio_increase1d", BY_TRACK), unit="percentunit"
                ),
                lines(
                    "Model time of a review, median (6 hours)",
                    (
                        quantile(0.5, "glossator_review_model_duration_seconds", "6h", "track"),
                        BY_TRACK,
                    ),
                    unit="s",
                ),
                lines(
                    "Findings shown a review (6 hours)",
                    (
                        share("glossator_review_comments_total", "glossator_reviews_total", "6h", "track"),
                        BY_TRACK,
                    ),
                ),
                lines(
                    "Comments addressed (7 days)", ("review:addressed:ratio_increase7d", BY_TRACK), unit="percentunit"
                ),
                lines(
                    "Reactions (7 days)",
                    (
                        "sum by (track, reaction) (increase(glossator_comment_reactions_total[7d]))",
                        "{{track}} {{reaction}}",
                    ),
                ),
                lines(
                    "Findings dropped a review (6 hours)",
                    (
                        share("glossator_review_dropped_total", "glossator_reviews_total", "6h", "track"),
                        BY_TRACK,
                    ),
                ),
            ),
        ),
        Row(
            "Offline",
            (
                Panel(
                    "Scores of the last evaluation",
                    (Query("glossator_evaluation_score", "{{track}} {{metric}}"),),
                    kind="bargauge",
                    width=12,
                    most=1.0,
                ),
                lines(
                    "Evaluations a week, by verdict",
                    ('sum by (verdict) (increase(glossator_evaluations_total{verdict!="none"}[7d]))', "{{verdict}}"),
                    stacked=True,
                    width=12,
                ),
            ),
        ),
    ),
    span="7d",
)

DRIFT: Final = Dashboard(
    "glossator-drift",
    "Glossator: drift",
    "Are the changes that are reviewed now still like those that the model was trained and judged on?",
    (
        Row(
            "Now",
            (
                stat(
                    "Last comparison",
                    "max by (feature) (glossator_drift_found)",
                    "{{feature}}",
                    width=16,
                    height=5,
                    steps=((None, GREEN), (1, RED)),
                    words=((0, "as before", GREEN), (1, "drifted", RED)),
                ),
                stat(
                    "Since the last comparison",
                    'time() - max(glossator_last_event_timestamp_seconds{kind="drift"})',
                    unit="s",
                    height=5,
                    steps=((None, GREEN), (180000, RED)),
                ),
                stat("Drift found (30 days)", "sum(increase(drift_events_total[30d]))", height=5),
            ),
        ),
        Row(
            "Over time",
            (
                lines(
                    "p of the last comparison", ("glossator_drift_p_value", "{{feature}} {{test}}"), width=12, most=1.0
                ),
                lines(
                    "Test statistic, mean of a day",
                    (
                        share("drift_test_stat_sum", "drift_test_stat_count", "1d", "feature", "test"),
                        "{{feature}} {{test}}",
                    ),
                    width=12,
                ),
                lines(
                    "Comparisons that found drift (7 days)",
                    ("sum by (feature) (increase(drift_events_total[7d]))", "{{feature}}"),
                    width=12,
                    stacked=True,
                ),
                lines(
                    "Share of comparisons that found drift (7 days)",
                    (
                        share("drift_events_total", "glossator_drift_checks_total", "7d", "feature"),
                        "{{feature}}",
                    ),
                    width=12,
                    unit="percentunit",
                ),
            ),
        ),
    ),
    span="30d",
)
