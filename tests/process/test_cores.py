"""The number of CPU cores that a process may use."""

from __future__ import annotations

import os

import pytest

from cornu.process.cores import count_cores


def test_cores_that_the_process_may_not_use_do_not_count(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 6}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert count_cores() == 3


@pytest.mark.parametrize("known", [7, None])
def test_all_cores_count_where_a_process_cannot_be_restricted(monkeypatch, known):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: known)
    assert count_cores() == (known or 1)
