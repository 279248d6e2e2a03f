"""What is free, and the refusal of what is not."""

from __future__ import annotations

import pytest

from helpers import memory


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with 8 GB free in a container of 4 GB that uses 1 GB and has files of 0.5 GB in its cache."""
    info, limit, used, parts = (tmp_path / name for name in ("meminfo", "limit", "used", "parts"))
    info.write_text("MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n")
    limit.write_text("4000000000\n")
    used.write_text("1500000000\n")
    parts.write_text("anon 1000000000\nfile 600000000\nactive_file 200000000\ninactive_file 300000000\n")
    monkeypatch.setattr(memory, "_MEMINFO", info)
    monkeypatch.setattr(memory, "_GROUPS", ((limit, used, parts),))
    return info, limit, used, parts


def test_the_tightest_limit_counts(machine):
    info, limit, _, parts = machine
    assert memory.free_memory() == 3e9
    parts.write_text("inactive_file 1\ntotal_inactive_file 100000000\ntotal_active_file 100000000\n")
    assert memory.free_memory() == 2.7e9
    parts.unlink()
    assert memory.free_memory() == 2.5e9
    limit.write_text("max\n")
    assert memory.free_memory() == 1024 * 8e6
    limit.write_text("9223372036854771712\n")  # as older containers say that there is none
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
