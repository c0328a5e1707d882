"""The dashboards of what runs: model servers, and runners, tasks and machines."""

from __future__ import annotations

from typing import Final

from runners.dashboards import GREEN, RED, YELLOW, Dashboard, Panel, Query, Row, lines, quantile, stat

SERVER: Final = "{{track}} on {{machine}}"
GPU: Final = "{{machine}} GPU {{gpu}}"
DISKS: Final = '{fstype!~"tmpfs|ramfs|overlay|squashfs|vfat|fuse.*"}'
UP: Final = ((0.0, "down", RED), (1.0, "up", GREEN))

SERVING: Final = Dashboard(
    "glossator-serving",
    "Glossator: model serving",
    "The model servers by one set of names, whichever of TGI, vLLM and llama.cpp they are."
    " llama.cpp counts no requests and measures no latency: of it there are only queue, running and tokens.",
    (
        Row(
            "Now",
            (
                stat("Server", "serving:up", SERVER, width=6, words=UP, steps=((None, RED), (1, GREEN))),
                stat("Requests a second", "sum(serving:requests:rate5m)", unit="reqps"),
                stat(
                    "Failed",
                    "max(serving:errors:ratio_rate5m)",
                    unit="percentunit",
                    steps=((None, GREEN), (0.01, YELLOW), (0.05, RED)),
                    description="The worst server's share.",
                    width=3,
                ),
                stat(
                    "Latency, 95 %",
                    "max(serving:latency_seconds:p95_rate5m)",
                    unit="s",
                    steps=((None, GREEN), (30, YELLOW), (60, RED)),
                    description="The slowest server's.",
                    width=3,
                ),
                stat(
                    "Waiting",
                    "sum(serving:queue:requests)",
                    steps=((None, GREEN), (5, YELLOW), (20, RED)),
                    width=4,
                ),
                stat("Tokens a second", "sum(serving:generated_tokens:rate5m)", width=4),
            ),
        ),
        Row(
            "Requests",
            (
                lines("Requests a second", ("serving:requests:rate5m", SERVER), unit="reqps"),
                lines(
                    "Failed requests",
                    ("serving:errors:ratio_rate5m", SERVER),
                    unit="percentunit",
                    steps=((None, GREEN), (0.05, RED)),
                ),
                lines(
                    "Latency",
                    ("serving:latency_seconds:p50_rate5m", f"{SERVER}, median"),
                    ("serving:latency_seconds:p95_rate5m", f"{SERVER}, 95 %"),
                    unit="s",
                ),
                lines("Waiting requests", ("serving:queue:requests", SERVER)),
                lines("Running requests", ("serving:running:requests", SERVER)),
                lines(
                    "Time in the queue and to the first token, 95 %",
                    ("serving:queue_latency_seconds:p95_rate5m", f"{SERVER}, queue"),
                    ("serving:first_token_seconds:p95_rate5m", f"{SERVER}, first token"),
                    unit="s",
                    description="Only vLLM tells the time to the first token.",
                ),
                lines("Tokens written a second", ("serving:generated_tokens:rate5m", SERVER), width=12),
                lines("Tokens read a second", ("serving:prompt_tokens:rate5m", SERVER), width=12),
            ),
        ),
        Row(
            "Graphics cards",
            (
                lines("Memory used", ("gpu:memory_used:ratio", GPU), unit="percentunit", most=1.0, width=6),
                lines("Busy", ("DCGM_FI_DEV_GPU_UTIL", GPU), unit="percent", most=100.0, width=6),
                lines("Temperature", ("DCGM_FI_DEV_GPU_TEMP", GPU), unit="celsius", width=6),
                lines("Power", ("DCGM_FI_DEV_POWER_USAGE", GPU), unit="watt", width=6),
            ),
        ),
    ),
    span="6h",
)

RUNNERS: Final = Dashboard(
    "glossator-runners",
    "Glossator: runners and machines",
    "Jobs on our runners, scheduled tasks, the lease, backups, and the machines under them.",
    (
        Row(
            "Now",
            (
                Panel(
                    "Lease left",
                    (Query("glossator_lease_end_timestamp_seconds - time()", "{{lease}}"),),
                    kind="stat",
                    unit="s",
                    width=6,
                    height=4,
                    steps=((None, RED), (10800, YELLOW), (86400, GREEN)),
                ),
                stat(
                    "Models wanted",
                    "glossator_serving_wanted",
                    words=((0, "no", YELLOW), (1, "yes", GREEN)),
                    width=3,
                ),
                stat(
                    "Last backup",
                    "time() - max(glossator_backup_last_success_timestamp_seconds)",
                    unit="s",
                    steps=((None, GREEN), (93600, YELLOW), (108000, RED)),
                ),
                stat("Targets down", "count(up == 0) or vector(0)", steps=((None, GREEN), (1, RED)), width=3),
                stat(
                    "Failed units",
                    'sum(node_systemd_unit_state{state="failed"})',
                    steps=((None, GREEN), (1, RED)),
                    width=3,
                ),
                stat(
                    "Last event",
                    "time() - max(glossator_last_event_timestamp_seconds)",
                    unit="s",
                    width=5,
                ),
            ),
        ),
        Row(
            "Jobs and tasks",
            (
                lines(
                    "Jobs an hour, by result",
                    ("sum by (result) (increase(glossator_tasks_total[1h]))", "{{result}}"),
                    stacked=True,
                ),
                lines(
                    "Jobs an hour, by kind of runner",
                    ("sum by (pool) (increase(glossator_tasks_total[1h]))", "{{pool}}"),
                    stacked=True,
                ),
                lines(
                    "Waiting for a runner, 95 % (6 hours)",
                    (
                        quantile(0.95, "glossator_task_wait_seconds", "6h", "pool"),
                        "{{pool}}",
                    ),
                    unit="s",
                ),
                lines(
                    "Time of a task, median (1 day)",
                    (
                        quantile(0.5, "glossator_task_duration_seconds", "1d", "task"),
                        "{{task}}",
                    ),
                    unit="s",
                ),
                Panel(
                    "Since a task ended well",
                    (Query("time() - glossator_task_last_success_timestamp_seconds", "{{task}}"),),
                    kind="bargauge",
                    unit="s",
                ),
                lines(
                    "Training: last loss",
                    ("glossator_training_loss", "{{split}}"),
                ),
            ),
        ),
        Row(
            "Machines",
            (
                lines(
                    "Busy processors",
                    (
                        '1 - avg by (machine) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))',
                        "{{machine}}",
                    ),
                    unit="percentunit",
                    most=1.0,
                ),
                lines(
                    "Memory used",
                    ("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "{{machine}}"),
                    unit="percentunit",
                    most=1.0,
                ),
                lines(
                    "Disk used",
                    (
                        f"1 - node_filesystem_avail_bytes{DISKS} / node_filesystem_size_bytes",
                        "{{machine}} {{mountpoint}}",
                    ),
                    unit="percentunit",
                    most=1.0,
                ),
                lines(
                    "Network in",
                    (
                        'sum by (machine) (rate(node_network_receive_bytes_total{device!="lo"}[$__rate_interval]))',
                        "{{machine}}",
                    ),
                    unit="Bps",
                ),
                lines(
                    "Network out",
                    (
                        'sum by (machine) (rate(node_network_transmit_bytes_total{device!="lo"}[$__rate_interval]))',
                        "{{machine}}",
                    ),
                    unit="Bps",
                ),
                lines("Load", ("node_load1", "{{machine}}")),
            ),
        ),
        Row(
            "Events gateway",
            (
                lines(
                    "Events an hour, by kind",
                    ("sum by (kind) (increase(glossator_events_total[1h]))", "{{kind}}"),
                    stacked=True,
                    width=12,
                ),
                lines(
                    "Refused requests an hour, by reason",
                    ("sum by (reason) (increase(glossator_events_rejected_total[1h]))", "{{reason}}"),
                    width=12,
                ),
            ),
        ),
    ),
)
