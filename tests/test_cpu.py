from __future__ import annotations

import os
from pathlib import Path

import pytest

from reviewer import cpu
from reviewer.cpu import choose_threads, count_cores, get_cgroup_limit, list_cores


def test_hyperthreads_are_one_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        topology = tmp_path / f"cpu{number}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{siblings}\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert list_cores(tmp_path) == {"0,2", "1,3"}
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2}, raising=False)
    assert list_cores(tmp_path) == {"0,2"}


def test_without_a_topology_each_cpu_is_a_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert list_cores(tmp_path) == {"0", "1", "2"}


@pytest.mark.parametrize(("text", "limit"), [("150000 100000\n", 2), ("100000 100000\n", 1), ("max 100000\n", 1 << 16)])
def test_a_containers_limit_is_read(tmp_path: Path, text: str, limit: int) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert get_cgroup_limit(tmp_path / "cpu.max") == limit


def test_no_container_means_no_limit(tmp_path: Path) -> None:
    assert get_cgroup_limit(tmp_path / "cpu.max") == 1 << 16


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (8, 7)])
def test_one_core_is_left_to_the_others(monkeypatch: pytest.MonkeyPatch, cores: int, threads: int) -> None:
    monkeypatch.setattr(cpu, "list_cores", lambda: {str(number) for number in range(cores)})
    monkeypatch.setattr(cpu, "get_cgroup_limit", lambda: 1 << 16)
    assert choose_threads() == threads


def test_the_containers_limit_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "list_cores", lambda: {str(number) for number in range(64)})
    monkeypatch.setattr(cpu, "get_cgroup_limit", lambda: 2)
    assert count_cores() == 2
