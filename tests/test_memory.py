"""What is free, and the refusal of what is not."""

from __future__ import annotations

import pytest

from helpers import memory


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with 8 GB free in a container of 4 GB that uses 1 GB."""
    info, limit, used = (tmp_path / name for name in ("meminfo", "limit", "used"))
    info.write_text("MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n")
    limit.write_text("4000000000\n")
    used.write_text("1000000000\n")
    monkeypatch.setattr(memory, "_MEMINFO", info)
    monkeypatch.setattr(memory, "_GROUPS", ((limit, used),))
    return info, limit, used


def test_the_tightest_limit_counts(machine):
    info, limit, _ = machine
    assert memory.free_memory() == 3e9
    limit.write_text("max\n")
    assert memory.free_memory() == 1024 * 8e6
    info.write_text("MemAvailable: 1000 kB\n")
    assert memory.free_memory() == 1024e3


def test_a_system_that_says_little_is_taken_at_its_word(machine, monkeypatch):
    for path in machine:
        path.unlink()
    assert memory.free_memory() >= 1e8  # all that the machine has
    monkeypatch.delattr(memory.os, "sysconf")
    assert memory.free_memory() == float("inf")


def test_the_refusal_names_need_stock_and_way_out(machine):
    memory.check_memory(2.9e9, what="a list", instead="shorten it")
    words = r"a list would take 1,024 TB of memory but 3\.0 GB are free; shorten it"
    with pytest.raises(MemoryError, match=words):
        memory.check_memory(1.024e15, what="a list", instead="shorten it")
